//! Compares the mirrored objects with what the audit trail says of them.

use std::collections::HashMap;

use rusqlite::Row;
use sha2::{Digest as _, Sha256};

use super::contents::Contents;
use super::mirrored_tables::{MIRRORED_TABLES, MirroredTable, of, of_section};
use crate::db::ReadTx;
use crate::domain::audit::{Hash, digest};
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::error::Result;

/// The newest accepted entry on each object: its number, and the digest of the object after it.
#[derive(Default)]
pub struct Newest(HashMap<(Table, Id), (i64, Option<Hash>, &'static str)>);

impl Newest {
    /// Adds an accepted entry; entries come in the order of their numbers. An entry that changed nothing counts too.
    pub fn note(&mut self, seq: i64, section: &str, object: Id, digest_after: Option<Hash>) {
        if let Some(table) = of_section(section) {
            let known = table.sections.iter().find(|known| **known == section);
            self.0.insert((table.t, object), (seq, digest_after, known.copied().unwrap_or_default()));
        }
    }
}

impl Newest {
    /// SHA-256 over what is left of every object that was not deleted, in the order of tables and ids.
    pub fn digest(&self) -> Hash {
        let mut left: Vec<_> = self
            .0
            .iter()
            .filter_map(|((table, id), (seq, left, section))| Some((table, id, seq, (*left)?, section)))
            .collect();
        left.sort_unstable();
        let mut sum = Sha256::new();
        for (_, id, seq, left, section) in left {
            sum.update(section.as_bytes());
            id.with_str(|id| sum.update(id.as_bytes()));
            sum.update(seq.to_be_bytes());
            sum.update(left);
        }
        sum.finalize().into()
    }
}

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
    contents: &Contents,
    mut each: impl FnMut(Difference) -> bool,
) -> Result<()> {
    for table in &MIRRORED_TABLES {
        let sql = format!("select {} from {} order by id", table.audit_columns, table.name);
        let mut statement = tx.conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (text, wrong) = match check_row(table, row, &mut newest, contents) {
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
    let mut gone: Vec<_> = newest.0.into_iter().filter(|(_, (_, left, _))| left.is_some()).collect();
    gone.sort_by_key(|(_, (seq, ..))| *seq);
    for ((table, id), (seq, _, section)) in gone {
        let Some(table) = of(table) else { continue };
        let wrong = format!("{section} {id} is missing: audit entry {seq} left it");
        if !each(Difference { table, id: id.to_string(), text: None, exists: false, wrong }) {
            break;
        }
    }
    Ok(())
}

/// A row as the trail digests it, and what is wrong with it. Of a mobile config the text is read only when something is.
fn check_row(
    table: &MirroredTable,
    row: &Row,
    newest: &mut Newest,
    contents: &Contents,
) -> Result<(Option<String>, Option<String>)> {
    let id: Id = row.get(0)?;
    let (text, found) = match table.t {
        Table::MobileConfig => (None, contents.sound(row.get(2)?)),
        _ => {
            let text = (table.render_for_audit)(row)?;
            let found = digest(text.as_bytes());
            (Some(text), Some(found))
        }
    };
    let wrong = match newest.0.remove(&(table.t, id)) {
        None => Some("has no audit entry".to_owned()),
        Some((seq, left, _)) => (found.is_none() || left != found).then(|| format!("differs from audit entry {seq}")),
    };
    let text = match (&wrong, text) {
        (Some(_), None) => Some((table.render_for_audit)(row)?),
        (_, text) => text,
    };
    Ok((text, wrong))
}
