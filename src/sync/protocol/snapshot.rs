//! Everything that a hub has of an edge, page by page, for a machine that replaces the edge.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::mirror::{Head, Row, Table};

/// Rows per page.
pub const PAGE_ROWS: i64 = 1_000;

/// `GET …/snapshot?after=`
#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    /// The hub's state that the page is of. Pages with different heads do not belong together.
    pub head: Head,
    /// The [`page_digest`] of the rows.
    pub digest: String,
    /// Where the next page begins; absent in the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    pub rows: Vec<Row>,
}

/// SHA-256 in hex over table, id, rev and text of each row, in the order of the page.
pub fn page_digest(rows: &[Row]) -> String {
    let mut hash = Sha256::new();
    for row in rows {
        let text = row.v.as_ref().map_or("".into(), |v| v.get());
        hash.update(format!("{}/{}/{}/{}:", row.t.name(), row.id, row.rev, text.len()));
        hash.update(&*text);
    }
    hex::encode(hash.finalize())
}

/// The table and the id in `after`.
pub fn after_of(text: &str) -> Option<(Table, String)> {
    let (table, id) = text.split_once('/')?;
    Some((Table::named(table)?, id.to_owned()))
}
