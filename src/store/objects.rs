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
            let (text, wrong) = match Found::read(table, row) {
                Ok(found) => match found.differs(tx, table, &mut newest, contents)? {
                    None => continue,
                    // Of a mobile config the text is read only when something is wrong with it.
                    Some(wrong) => match found.text.map_or_else(|| (table.render_for_audit)(row), Ok) {
                        Ok(text) => (Some(text), wrong),
                        Err(error) => (None, format!("cannot be read: {error}")),
                    },
                },
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

/// A row as it is, as the trail digests it.
struct Found {
    id: Id,
    /// `None` of a mobile config, which has a content.
    text: Option<String>,
    content: Option<i64>,
}

impl Found {
    /// An error: it cannot be read.
    fn read(table: &MirroredTable, row: &Row) -> Result<Found> {
        let id = row.get(0)?;
        Ok(match table.t {
            Table::MobileConfig => Found { id, text: None, content: Some(row.get(2)?) },
            _ => Found { id, text: Some((table.render_for_audit)(row)?), content: None },
        })
    }

    /// How it differs from its newest entry. An error says nothing of the row.
    fn differs(
        &self,
        tx: &ReadTx,
        table: &MirroredTable,
        newest: &mut Newest,
        contents: &mut Contents,
    ) -> Result<Option<String>> {
        let found = match self.content {
            Some(content) => contents.sound(tx, content)?,
            None => self.text.as_ref().map(|text| digest(text.as_bytes())),
        };
        Ok(match newest.take(table.t, self.id)? {
            None => Some("has no audit entry".to_owned()),
            Some(left) => {
                (found.is_none() || left.digest != found).then(|| format!("differs from audit entry {}", left.seq))
            }
        })
    }
}
