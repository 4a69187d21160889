//! The mirrored objects as they stand, against what the audit trail says they became.

use std::collections::HashMap;

use rusqlite::Row;

use super::{customers, employees, mobile_configs, queues, to_json};
use crate::db::ReadTx;
use crate::domain::audit::{CUSTOMERS, EMPLOYEES, Hash, MOBILE_CONFIGS, QUEUES, digest};
use crate::domain::id::Id;
use crate::error::Result;

/// What the newest accepted entry on each object says: its number, and the digest of what it left.
#[derive(Default)]
pub struct Newest(HashMap<(&'static str, Id), (i64, Option<Hash>)>);

impl Newest {
    /// Takes in an accepted entry; they come in the order of their numbers. One that changed nothing says so as well as
    /// one that did.
    pub fn note(&mut self, seq: i64, section: &str, object: Id, digest_after: Option<Hash>) {
        let mirrored = [CUSTOMERS, EMPLOYEES, QUEUES, MOBILE_CONFIGS];
        if let Some(section) = mirrored.into_iter().find(|known| *known == section) {
            self.0.insert((section, object), (seq, digest_after));
        }
    }
}

/// A table of mirrored objects, and how the trail renders a row of it.
struct Table {
    section: &'static str,
    name: &'static str,
    columns: &'static str,
    render: fn(&Row) -> Result<String>,
}

const TABLES: [Table; 4] = [
    Table {
        section: CUSTOMERS,
        name: "customers",
        columns: customers::COLUMNS,
        render: |row| to_json(&customers::from_row(row)?),
    },
    Table {
        section: EMPLOYEES,
        name: "employees",
        columns: employees::COLUMNS,
        render: |row| to_json(&employees::from_row(row)?),
    },
    Table { section: QUEUES, name: "queues", columns: queues::COLUMNS, render: |row| to_json(&queues::from_row(row)?) },
    Table {
        section: MOBILE_CONFIGS,
        name: "mobile_configs",
        columns: mobile_configs::COLUMNS,
        render: |row| Ok(mobile_configs::from_row(row)?.configs),
    },
];

/// An object that is not what its newest entry left.
pub struct Difference {
    pub section: &'static str,
    /// Of its table.
    pub name: &'static str,
    /// As it is stored: it may be no id.
    pub id: String,
    /// What the trail is to be told that it is now; `None`: it cannot be read, or is not there.
    pub text: Option<String>,
    pub is_there: bool,
    /// What is wrong, for a person.
    pub wrong: String,
}

/// Calls `each` with every object that is not what its newest entry left (changed, put in, not readable, taken out),
/// until it says stop (`false`).
pub fn differences(tx: &ReadTx, mut newest: Newest, mut each: impl FnMut(Difference) -> bool) -> Result<()> {
    for table in &TABLES {
        let sql = format!("select {} from {} order by id", table.columns, table.name);
        let mut statement = tx.conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (text, wrong) = match check_row(table, row, &mut newest) {
                Ok((_, None)) => continue,
                Ok((text, Some(wrong))) => (Some(text), wrong),
                Err(error) => (None, format!("cannot be read: {error}")),
            };
            let id = String::from_utf8_lossy(row.get_ref(0)?.as_bytes().unwrap_or_default()).into_owned();
            let wrong = format!("{} {id} {wrong}", table.name);
            if !each(Difference { section: table.section, name: table.name, id, text, is_there: true, wrong }) {
                return Ok(());
            }
        }
    }
    let mut gone: Vec<_> = newest.0.into_iter().filter(|(_, (_, left))| left.is_some()).collect();
    gone.sort_by_key(|(_, (seq, _))| *seq);
    for ((section, id), (seq, _)) in gone {
        let name = TABLES.iter().find(|table| table.section == section).map_or("", |table| table.name);
        let wrong = format!("{section} {id} is not there, as entry {seq} left it");
        if !each(Difference { section, name, id: id.to_string(), text: None, is_there: false, wrong }) {
            break;
        }
    }
    Ok(())
}

/// How the trail renders a row, and what is wrong with it.
fn check_row(table: &Table, row: &Row, newest: &mut Newest) -> Result<(String, Option<String>)> {
    let id: Id = row.get(0)?;
    let text = (table.render)(row)?;
    let found = digest(text.as_bytes());
    let wrong = match newest.0.remove(&(table.section, id)) {
        None => Some("is in no entry".to_owned()),
        Some((seq, left)) => (left != Some(found)).then(|| format!("is not as entry {seq} left it")),
    };
    Ok((text, wrong))
}
