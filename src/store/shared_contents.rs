//! Contents of mobile configs as the feed sends them: each is read once, however many rows in a row refer to it.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{OptionalExtension, Row as SqlRow};

use crate::db::ReadTx;
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::domain::mirror::{Content, RowText};
use crate::domain::mobile_config::{JSON_TAIL, write_head};
use crate::error::Result;

/// Of `from mobile_configs`: what [`SharedContents::text_of`] reads.
pub(super) const COLUMNS: &str = "id, customer, content";
/// Bytes of contents that are held at once; what a message refers to it holds itself.
const HELD_MAX_BYTES: usize = 8 << 20;

/// The contents that were read last.
pub(super) struct SharedContents<'t> {
    pub(super) tx: &'t ReadTx<'t>,
    /// `None`: it is not what it was recorded as, and its rows are rendered one by one.
    read: HashMap<i64, Option<Arc<Content>>>,
    bytes: usize,
}

impl<'t> SharedContents<'t> {
    pub(super) fn new(tx: &'t ReadTx<'t>) -> SharedContents<'t> {
        SharedContents { tx, read: HashMap::new(), bytes: 0 }
    }

    /// The text of a mobile config, by a row of [`COLUMNS`]: the same as it is rendered whole. `None` when it must be rendered,
    /// because something in it is not as the program writes it.
    pub(super) fn text_of(&mut self, row: &SqlRow) -> Result<Option<RowText>> {
        let (Ok(id), Ok(customer), Ok(content)) = (row.get::<_, Id>(0), row.get::<_, Id>(1), row.get(2)) else {
            return Ok(None);
        };
        let Some(content) = self.find(content)? else { return Ok(None) };
        let mut head = vec![];
        id.with_str(|id| customer.with_str(|customer| write_head(&mut head, id.as_bytes(), customer.as_bytes())));
        let head = String::from_utf8(head).ok();
        Ok(head.map(|head| RowText::Shared { head: head.into(), content, tail: JSON_TAIL.into() }))
    }

    fn find(&mut self, id: i64) -> Result<Option<Arc<Content>>> {
        if let Some(known) = self.read.get(&id) {
            return Ok(known.clone());
        }
        let content = self.read_content(id)?.map(Arc::new);
        self.bytes += content.as_ref().map_or(0, |content| content.text().len());
        if self.bytes > HELD_MAX_BYTES {
            (self.read, self.bytes) = (HashMap::new(), 0);
        }
        self.read.insert(id, content.clone());
        Ok(content)
    }

    fn read_content(&self, id: i64) -> Result<Option<Content>> {
        let mut statement = self.tx.conn.prepare_cached("select digest, text from contents where id = ?1")?;
        let found = statement.query_row([id], |row| Ok((row.get::<_, Hash>(0).ok(), row.get::<_, String>(1).ok())));
        let Some((Some(digest), Some(text))) = found.optional()? else { return Ok(None) };
        Ok(Content::recorded(digest, text))
    }
}
