//! What a hub had of an origin and lets go of: rows lost by a reset, and all of an origin that is removed.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::domain::mirror::Table;
use crate::domain::time::Time;
use crate::error::{Error, Result};

/// A row that the hub had and an edge, after it was restored, has not.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lost {
    /// A number of this store's own.
    #[serde(skip)]
    pub n: i64,
    pub lost_at: Time,
    /// Count of the epoch that it was of.
    pub epoch: i64,
    pub table: Table,
    pub id: String,
    pub rev: i64,
    pub chg: i64,
    pub v: Box<RawValue>,
}

impl Lost {
    /// The newest first: each has a smaller one than that before it.
    pub fn place(&self) -> (Time, i64) {
        (self.lost_at, self.n)
    }
}

/// The text of a row that was lost. One that is damaged comes as a JSON string.
pub fn lost_text(text: &str) -> Result<Box<RawValue>> {
    let text = serde_json::from_str::<&RawValue>(text).map(ToOwned::to_owned).or_else(|_| to_raw_value(text));
    text.map_err(|error| Error::Internal(Box::new(error)))
}

/// Behind every [`Lost::place`].
pub const NEWEST: (Time, i64) = (Time::from_millis(i64::MAX), i64::MAX);

/// How much of an origin was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    pub name: String,
    /// Mirrored rows.
    pub rows: i64,
    pub aside: i64,
    pub proposals: i64,
    /// Rows.
    pub staged: i64,
    pub lost: i64,
}

impl std::fmt::Display for Removed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Removed { name, rows, aside, proposals, staged, lost } = self;
        write!(
            f,
            "{name} is removed: {rows} rows, {aside} put aside, {proposals} proposals, {staged} staged, {lost} in lost_tail"
        )
    }
}
