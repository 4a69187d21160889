//! Adopts rows that were edited behind the server's back: numbers them, so that they are mirrored, and audits them.

use rusqlite::{OptionalExtension, params};

use super::audit::{self, Change};
use super::audit_chain;
use super::mirrored_tables::touch;
use super::objects::Difference;
use super::{config_feed, contents, mobile_configs, tombstones};
use crate::db::{Subject, WriteTx};
use crate::domain::audit::{Action, MOBILE_CONFIGS};
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::error::Result;

const DESCRIPTION: &str = "Adopted: it was changed by hand";

/// The result for one object that was edited by hand.
pub struct Adoption {
    /// The difference, for a person.
    pub wrong: String,
    /// Why the object was not adopted.
    pub refused: Option<&'static str>,
}

/// Adopts every object that differs from its newest audit entry, except objects that cannot be read, and deleted rows of
/// tables that have no deletes. 409 `audit` when the audit trail itself is broken.
pub fn run(tx: &mut WriteTx) -> Result<Vec<Adoption>> {
    let adoptions = audit_chain::differences(tx)?.into_iter().map(|difference| {
        let refused = match difference.id.parse() {
            Err(_) => Some("its id is not 24 hex characters"),
            Ok(id) => {
                refusal(&difference).map_or_else(|| adopt(tx, &difference, id).map(|()| None), |why| Ok(Some(why)))?
            }
        };
        Ok(Adoption { wrong: difference.wrong, refused })
    });
    let mut adoptions: Vec<Adoption> = adoptions.collect::<Result<_>>()?;
    // Numbered anew: their old numbers may be behind what the hub has acknowledged.
    for id in config_feed::lost(tx)? {
        touch(tx, Table::MobileConfig, &id)?;
        adoptions
            .push(Adoption { wrong: format!("mobile_configs {id} was not found by its last write"), refused: None });
    }
    // What an edit by hand has put there and nothing refers to any more.
    contents::sweep(tx)?;
    Ok(adoptions)
}

/// Why an object cannot be adopted.
fn refusal(difference: &Difference) -> Option<&'static str> {
    match (&difference.text, difference.exists) {
        (None, true) => Some("it cannot be read: replace it through the API, or restore a backup"),
        (None, false) if !difference.table.has_deletes => Some("such objects are never deleted: restore a backup"),
        _ => None,
    }
}

fn adopt(tx: &mut WriteTx, difference: &Difference, id: Id) -> Result<()> {
    let chg = tx.change()?;
    let customer = if difference.text.is_some() {
        let table = difference.table.name;
        tx.conn.execute(&format!("update {table} set rev = rev + 1, chg = ?2 where id = ?1"), params![id, chg])?;
        match difference.table.t {
            Table::Customer => Some(id),
            _ => {
                let sql = format!("select customer from {table} where id = ?1");
                tx.conn.query_row(&sql, [id], |row| row.get(0)).optional()?
            }
        }
    } else {
        tombstones::insert(tx, difference.table.name, id, 0)?;
        tx.conn.query_row("select customer from employees where id = ?1", [id], |row| row.get(0)).optional()?
    };
    if let (Table::MobileConfig, Some(text), Some(customer)) = (difference.table.t, &difference.text, customer) {
        return adopt_content(tx, Subject { section: MOBILE_CONFIGS, object: id, customer: Some(customer) }, text);
    }
    let section = difference.table.section_of(difference.text.as_deref());
    let change = Change {
        subject: Subject { section, object: id, customer },
        action: if difference.exists { Action::Update } else { Action::Delete },
        description: DESCRIPTION,
        before: None,
        after: difference.text.as_deref(),
    };
    audit::append(tx, &change)
}

/// A config refers to its text under that text's own digest: the content itself may have been edited.
fn adopt_content(tx: &mut WriteTx, subject: Subject, text: &str) -> Result<()> {
    let content = contents::key_of(tx, text)?;
    let sql = "update mobile_configs set content = ?2 where id = ?1";
    tx.conn.execute(sql, params![subject.object, content.id])?;
    mobile_configs::record_found(tx, subject, content, Action::Update, DESCRIPTION)
}
