//! What was changed by hand, past the program, taken over on purpose: numbered, so that it is mirrored, and recorded.

use rusqlite::{OptionalExtension, params};

use super::audit::{self, Change};
use super::objects::Difference;
use super::tombstones;
use crate::db::{Subject, WriteTx};
use crate::domain::audit::{Action, CUSTOMERS};
use crate::domain::id::Id;
use crate::error::{Error, Result};

/// Takes over every object that is not what its newest audit entry left; gives what each was, for a person. Those that
/// cannot be read, and all but mobile configs that were taken out, cannot be taken over: 409 `adopt`, and nothing is.
pub fn run(tx: &mut WriteTx) -> Result<Vec<String>> {
    let found = audit::differences(tx)?;
    let found = found.map_err(|(seq, reason)| {
        Error::conflict(
            "adopt",
            format!("the audit trail is broken at entry {seq}: {reason}; put a backup in its place"),
        )
    })?;
    for difference in &found {
        adopt(tx, difference)?;
    }
    Ok(found.into_iter().map(|difference| difference.wrong).collect())
}

fn adopt(tx: &mut WriteTx, difference: &Difference) -> Result<()> {
    let refused = |why: &str| Error::conflict("adopt", format!("{}: {why}", difference.wrong));
    let id: Id = difference.id.parse().map_err(|_| refused("its id is no id"))?;
    let chg = tx.change()?;
    let customer = match (&difference.text, difference.is_there) {
        (Some(_), _) => {
            let table = difference.name;
            let sql = format!("update {table} set rev = rev + 1, chg = ?2 where id = ?1");
            tx.conn.execute(&sql, params![id, chg])?;
            match difference.section {
                CUSTOMERS => Some(id),
                _ => {
                    let sql = format!("select customer from {table} where id = ?1");
                    tx.conn.query_row(&sql, [id], |row| row.get(0)).optional()?
                }
            }
        }
        (None, false) if difference.name == "mobile_configs" => {
            tombstones::insert(tx, difference.name, id, 0)?;
            tx.conn.query_row("select customer from employees where id = ?1", [id], |row| row.get(0)).optional()?
        }
        (None, true) => return Err(refused("write it anew through the API, or put a backup in its place")),
        (None, false) => return Err(refused("it is never deleted; put a backup in its place")),
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
