//! What was changed by hand, past the program, taken over on purpose: numbered, so that it is mirrored, and recorded.

use rusqlite::{OptionalExtension, params};

use super::audit::{self, Change};
use super::objects::Difference;
use super::tombstones;
use crate::db::{Subject, WriteTx};
use crate::domain::audit::{Action, CUSTOMERS};
use crate::domain::id::Id;
use crate::error::Result;

/// What became of an object that was changed by hand.
pub struct Adoption {
    /// What it was, for a person.
    pub wrong: String,
    /// Why it was left as it is.
    pub refused: Option<&'static str>,
}

/// Takes over every object that is not what its newest audit entry left. Those that cannot be read, and all but mobile
/// configs that were taken out, are left as they are. 409 when the audit trail itself is broken.
pub fn run(tx: &mut WriteTx) -> Result<Vec<Adoption>> {
    let adoptions = audit::differences(tx)?.into_iter().map(|difference| {
        let refused = match difference.id.parse() {
            Err(_) => Some("its id is no id"),
            Ok(id) => {
                refusal(&difference).map_or_else(|| adopt(tx, &difference, id).map(|()| None), |why| Ok(Some(why)))?
            }
        };
        Ok(Adoption { wrong: difference.wrong, refused })
    });
    adoptions.collect()
}

/// Why an object cannot be taken over.
fn refusal(difference: &Difference) -> Option<&'static str> {
    match (&difference.text, difference.is_there) {
        (None, true) => Some("it cannot be read: write it anew through the API, or put a backup in its place"),
        (None, false) if difference.name != "mobile_configs" => Some("it is never deleted; put a backup in its place"),
        _ => None,
    }
}

fn adopt(tx: &mut WriteTx, difference: &Difference, id: Id) -> Result<()> {
    let chg = tx.change()?;
    let customer = if difference.text.is_some() {
        let table = difference.name;
        tx.conn.execute(&format!("update {table} set rev = rev + 1, chg = ?2 where id = ?1"), params![id, chg])?;
        match difference.section {
            CUSTOMERS => Some(id),
            _ => {
                let sql = format!("select customer from {table} where id = ?1");
                tx.conn.query_row(&sql, [id], |row| row.get(0)).optional()?
            }
        }
    } else {
        tombstones::insert(tx, difference.name, id, 0)?;
        tx.conn.query_row("select customer from employees where id = ?1", [id], |row| row.get(0)).optional()?
    };
    let change = Change {
        subject: Subject { section: difference.section, object: id, customer },
        action: if difference.is_there { Action::Update } else { Action::Delete },
        description: "Adopted as it stands: it was changed by hand",
        before: None,
        after: difference.text.as_deref(),
    };
    audit::append(tx, &change)
}
