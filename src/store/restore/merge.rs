//! A database that takes its place at the hub again: it keeps its own rows, except those that are newer at the hub.

use std::collections::HashMap;

use super::rows::{RestoreReport, RowError, count, restore_row, skipped};
use super::stubs::References;
use crate::db::{ReadTx, WriteTx};
use crate::domain::customer::Customer;
use crate::domain::employee::Employee;
use crate::domain::mirror::{Row, Table};
use crate::domain::mobile_config::MobileConfig;
use crate::domain::pbx::PbxObject;
use crate::domain::queue::Queue;
use crate::error::Result;
use crate::store::feed;

/// The database's own rows and tombstones, by table and id.
type OwnRows = HashMap<(Table, String), Row>;

/// Writes those of the hub's `rows` that are newer than the database's own, or not in it, as they are. Nothing is removed.
pub fn merge(tx: &mut WriteTx, rows: &[Row]) -> Result<RestoreReport> {
    tx.defer_foreign_keys()?;
    let mut own = own_rows(tx)?;
    let is_newer = |row: &&Row| own.get(&(row.t, row.id.clone())).is_none_or(|own| own.rev < row.rev);
    let newer: Vec<&Row> = rows.iter().filter(is_newer).collect();
    for row in &newer {
        own.remove(&(row.t, row.id.clone()));
    }
    let mut report = RestoreReport::default();
    let mut references = References::default();
    for table in Table::ALL {
        for row in own.values().filter(|row| row.t == table) {
            refer(row, &mut references);
        }
        for row in newer.iter().filter(|row| row.t == table) {
            match restore_row(tx, row, &mut references) {
                Ok(()) => count(&mut report.restored, table),
                Err(RowError::Content(reason)) => report.skipped.push(skipped(row, reason)),
                Err(RowError::Database(error)) => return Err(error),
            }
        }
    }
    report.stubs = references.write_stubs(tx, &report.skipped)?;
    Ok(report)
}

fn own_rows(tx: &ReadTx) -> Result<OwnRows> {
    let mut own = OwnRows::new();
    feed::everything(tx, |row| {
        // A row that was deleted and made again has both: the row counts.
        if row.v.is_some() || !own.contains_key(&(row.t, row.id.clone())) {
            own.insert((row.t, row.id.clone()), row);
        }
        Ok(true)
    })?;
    Ok(own)
}

/// Notes that an own row is there, and what it refers to. A row that cannot be read refers to nothing: doctor names it.
fn refer(row: &Row, references: &mut References) {
    let Some(text) = row.v.as_ref().map(|v| v.get()) else { return };
    let text = &*text;
    match row.t {
        Table::Customer => {
            serde_json::from_str::<Customer>(text).iter().for_each(|customer| references.add_customer(customer));
        }
        Table::Queue => serde_json::from_str::<Queue>(text).iter().for_each(|queue| references.add_queue(queue)),
        Table::Employee => {
            serde_json::from_str::<Employee>(text).iter().for_each(|employee| references.add_employee(employee));
        }
        Table::MobileConfig => {
            MobileConfig::from_json(text).iter().for_each(|config| references.add_config(config));
        }
        Table::PbxObject => {
            let read = serde_json::from_str(text).ok().and_then(|value| PbxObject::from_value(value).ok());
            read.iter().for_each(|object| references.add_pbx_object(object));
        }
        Table::Other => {}
    }
}
