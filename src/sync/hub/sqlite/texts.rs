//! The texts of rows, and the contents that they refer to.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::audit::Hash;
use crate::domain::mirror::Table;
use crate::error::Result;
use crate::sync::hub::stored_text::StoredText;

/// Stores the texts of one origin.
pub struct Texts<'t> {
    tx: &'t Connection,
    origin: &'t str,
    /// The contents that were looked up.
    known: HashMap<Hash, i64>,
}

impl<'t> Texts<'t> {
    pub fn new(tx: &'t Connection, origin: &'t str) -> Texts<'t> {
        Texts { tx, origin, known: HashMap::new() }
    }

    /// Stores a text and gives its number.
    pub fn add(&mut self, text: &StoredText) -> Result<i64> {
        let content = self.content_of(text)?;
        let mut insert = self.tx.prepare_cached("insert into texts (v, content, tail) values (?1, ?2, ?3)")?;
        insert.execute(params![text.head, content, text.tail()])?;
        Ok(self.tx.last_insert_rowid())
    }

    /// Stores a text in the place of another.
    pub fn replace(&mut self, n: i64, text: &StoredText) -> Result<()> {
        let content = self.content_of(text)?;
        let mut update = self.tx.prepare_cached("update texts set v = ?2, content = ?3, tail = ?4 where n = ?1")?;
        update.execute(params![n, text.head, content, text.tail()])?;
        Ok(())
    }

    /// The number of the content of a text, which is put there if it is not yet. One that was damaged is mended.
    pub fn content_of(&mut self, text: &StoredText) -> Result<Option<i64>> {
        let Some(shared) = &text.shared else { return Ok(None) };
        if let Some(known) = self.known.get(&shared.digest) {
            return Ok(Some(*known));
        }
        let key = shared.digest.first_chunk().map_or(0, |first| i64::from_be_bytes(*first));
        let found: Option<(i64, bool)> = self
            .tx
            .prepare_cached("select n, v = ?4 from contents where key = ?1 and origin = ?2 and digest = ?3")?
            .query_row(params![key, self.origin, shared.digest, shared.content], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let n = match found {
            Some((n, true)) => n,
            Some((n, false)) => {
                let mut update = self.tx.prepare_cached("update contents set v = ?2 where n = ?1")?;
                update.execute(params![n, shared.content])?;
                n
            }
            None => {
                let mut insert =
                    self.tx.prepare_cached("insert into contents (origin, key, digest, v) values (?1, ?2, ?3, ?4)")?;
                insert.execute(params![self.origin, key, shared.digest, shared.content])?;
                self.tx.last_insert_rowid()
            }
        };
        self.known.insert(shared.digest, n);
        Ok(Some(n))
    }
}

/// Removes the contents that nothing refers to.
pub fn sweep(tx: &Connection) -> Result<()> {
    tx.execute(
        "delete from contents where not exists (select 1 from texts where content = contents.n)
            and n not in (select content from quarantine where content is not null)",
        [],
    )?;
    Ok(())
}

/// Lets the mobile configs of a store of an older schema, whose texts are whole, refer to their contents.
pub fn set_apart(tx: &Connection) -> Result<()> {
    let mut select = tx.prepare("select m.origin, m.text, v from mirror m join texts on n = m.text where t = ?1")?;
    let mut found = select.query([Table::MobileConfig.number()])?;
    while let Some(row) = found.next()? {
        let (origin, n, whole): (String, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let text = StoredText::of_whole(Table::MobileConfig, &whole);
        if text.shared.is_some() {
            Texts::new(tx, &origin).replace(n, &text)?;
        }
    }
    Ok(())
}
