//! Compares the mirrored objects with what the audit trail says of them.

use rusqlite::Row;

use super::contents::Contents;
use super::mirrored_tables::{MIRRORED_TABLES, MirroredTable, of};
use super::newest::Newest;
use crate::db::ReadTx;
use crate::domain::audit::digest;
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::error::Result;

/// An object that differs from its newest audit entry.
pub struct Difference {
    pub table: &'static MirroredTable,
    /// As it is stored; it may be malformed.
    pub id: String,
    /// The object as the trail digests it; `None` when it cannot be read, or does not exist.
    pub text: Option<String>,
    pub exists: bool,
    /// The difference, for a person.
    pub wrong: String,
}

/// Calls `each` with every object that differs from its newest audit entry (changed, inserted, unreadable, deleted), until it
/// returns `false`.
pub fn differences(
    tx: &ReadTx,
    mut newest: Newest,
    contents: &mut Contents,
    mut each: impl FnMut(Difference) -> bool,
) -> Result<()> {
    for table in &MIRRORED_TABLES {
        let sql = format!("select {} from {} order by id", table.audit_columns, table.name);
        let mut statement = tx.conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (text, wrong) = match check_row(tx, table, row, &mut newest, contents) {
                Ok((_, None)) => continue,
                Ok((text, Some(wrong))) => (text, wrong),
                Err(error) => (None, format!("cannot be read: {error}")),
            };
            let id = String::from_utf8_lossy(row.get_ref(0)?.as_bytes().unwrap_or_default()).into_owned();
            let wrong = format!("{} {id} {wrong}", table.name);
            if !each(Difference { table, id, text, exists: true, wrong }) {
                return Ok(());
            }
        }
    }
    newest.each_left(|table, id, left| {
        let Some(table) = of(table) else { return true };
        let wrong = format!("{} {id} is missing: audit entry {} left it", left.section, left.seq);
        each(Difference { table, id: id.to_string(), text: None, exists: false, wrong })
    })
}

/// A row as the trail digests it, and what is wrong with it. Of a mobile config the text is read only when something is.
fn check_row(
    tx: &ReadTx,
    table: &MirroredTable,
    row: &Row,
    newest: &mut Newest,
    contents: &mut Contents,
) -> Result<(Option<String>, Option<String>)> {
    let id: Id = row.get(0)?;
    let (text, found) = match table.t {
        Table::MobileConfig => (None, contents.sound(tx, row.get(2)?)?),
        _ => {
            let text = (table.render_for_audit)(row)?;
            let found = digest(text.as_bytes());
            (Some(text), Some(found))
        }
    };
    let wrong = match newest.take(table.t, id)? {
        None => Some("has no audit entry".to_owned()),
        Some(left) => {
            (found.is_none() || left.digest != found).then(|| format!("differs from audit entry {}", left.seq))
        }
    };
    let text = match (&wrong, text) {
        (Some(_), None) => Some((table.render_for_audit)(row)?),
        (_, text) => text,
    };
    Ok((text, wrong))
}
