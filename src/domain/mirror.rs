//! What edge and hub have in common: rows, epochs and positions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

pub use super::row_text::{Content, RowText};

/// The origin that a one-time code replaces; `None` when the code is for a new edge.
pub fn replaced_by(code: &str) -> Option<&str> {
    code.trim().split_once('.').map(|(origin, _)| origin)
}

/// An epoch of an edge: one begins with the enrolment, and a new one with each reset. Its number, and a uuid that distinguishes it
/// from other epochs of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch(pub i64, pub Uuid);

/// Makes [`Table`] from the names and numbers of the mirrored tables.
macro_rules! tables {
    ($($table:ident = $number:literal $name:literal),+ $(,)?) => {
        /// The mirrored tables, in the order in which the rows of one write are sent.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Table {
            $(#[serde(rename = $name)] $table = $number,)+
            /// A table that only a newer program knows.
            #[serde(other, rename = "other")]
            Other = 4,
        }

        impl Table {
            pub const ALL: [Table; [$($number),+].len()] = [$(Table::$table),+];

            /// Its name on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Table::$table => $name,)+
                    Table::Other => "other",
                }
            }
        }
    };
}

// The numbers are stored, and rows of unknown tables are stored under 4: a further table takes 5, and comes last.
tables! {
    Customer = 0 "customer",
    Queue = 1 "queue",
    Employee = 2 "employee",
    MobileConfig = 3 "mobile_config",
    PbxObject = 5 "pbx_object",
}

impl Table {
    /// The table of this name, if this program knows it.
    pub fn named(name: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|table| table.name() == name)
    }

    /// Its number in the databases of edges and hubs.
    pub fn number(self) -> i64 {
        self as i64
    }

    pub fn from_number(number: i64) -> Option<Table> {
        Table::ALL.into_iter().find(|table| table.number() == number)
    }
}

/// The present version of a row, or its deletion.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "SentRow")]
pub struct Row {
    pub t: Table,
    /// For [`Table::Other`]: the table's name, a slash, and the id, so that a program that knows the table finds its row.
    pub id: String,
    pub rev: i64,
    pub chg: i64,
    /// The object in the API's shape; absent when it is deleted, or when `bad` says why it is not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v: Option<RowText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad: Option<Bad>,
}

impl Row {
    /// A row as a hub has stored it. A text that is damaged makes the row unreadable, and does not cost the others.
    pub fn stored(t: Table, id: String, rev: i64, chg: i64, text: String) -> Row {
        match RawValue::from_string(text) {
            Ok(v) => Row { t, id, rev, chg, v: Some(v.into()), bad: None },
            Err(_) => Row { t, id, rev, chg, v: None, bad: Some(Bad::Unreadable) },
        }
    }
}

/// A row as it is received, of any table.
#[derive(Deserialize)]
pub struct SentRow {
    t: String,
    id: String,
    rev: i64,
    chg: i64,
    #[serde(default)]
    v: Option<Box<RawValue>>,
    #[serde(default)]
    bad: Option<Bad>,
    /// The digest of the content that belongs into `v`, where the message has contents apart.
    #[serde(default)]
    content: Option<String>,
}

impl SentRow {
    /// The row; `find` finds its content by the digest. An error when it is not there, or has no place in the row.
    pub fn into_row(self, find: impl FnOnce(&str) -> Option<Arc<Content>>) -> Result<Row, String> {
        let SentRow { t, id, rev, chg, v, bad, content } = self;
        let v = match (v, content) {
            (v, None) => v.map(RowText::Whole),
            (v, Some(digest)) => {
                let missing = || format!("the content {digest} of {t} {id} is not in the message");
                let content = find(&digest).ok_or_else(missing)?;
                let shared = v.and_then(|v| RowText::with_content(&v, content));
                Some(shared.ok_or_else(|| format!("{t} {id} has a content, and no configs"))?)
            }
        };
        Ok(match Table::named(&t) {
            Some(t) => Row { t, id, rev, chg, v, bad },
            None => Row { t: Table::Other, id: format!("{t}/{id}"), rev, chg, v, bad },
        })
    }
}

impl TryFrom<SentRow> for Row {
    type Error = String;

    fn try_from(sent: SentRow) -> Result<Row, String> {
        sent.into_row(|_| None)
    }
}

/// Why an edge does not send the content of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bad {
    /// The stored content cannot be read.
    Unreadable,
    /// Somebody has dropped this version of the row.
    Dropped,
}

/// A row that the hub quarantined, with all other rows of the same write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub t: Table,
    /// As in [`Row`].
    pub id: String,
    pub chg: i64,
    /// `unknown_table`, `schema`, `unreadable` or `dropped`.
    pub code: String,
    /// For a person.
    pub detail: String,
}

impl Refused {
    /// The row, by the table as the edge knows it: the hub may not know the table.
    pub fn row(&self) -> (Table, &str) {
        let known = self.id.split_once('/').filter(|_| self.t == Table::Other);
        let known = known.and_then(|(name, id)| Some((Table::named(name)?, id)));
        known.unwrap_or((self.t, &self.id))
    }
}

/// The hub's state, as the hub reports it or as the edge expects it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// None: the hub has received nothing of this edge.
    pub epoch: Option<Epoch>,
    /// The hub has everything up to this write.
    pub acked: i64,
    /// The attempt that brought the hub there; nil at the beginning.
    pub attempt: Uuid,
}

impl Head {
    /// The hub's state for an edge that has sent nothing yet.
    pub const EMPTY: Head = Head { epoch: None, acked: 0, attempt: Uuid::nil() };
}

/// An entry of an audit trail: its number, and its hash in hex. 0 and nothing before the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead(pub i64, pub String);

/// The position of an edge with its hub, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub epoch: Epoch,
    /// While the hub does not have this epoch yet: the hub's state that the reset replaces.
    pub resetting: Option<Head>,
    /// The hub has everything up to this write, by this attempt.
    pub acked: i64,
    pub attempt: Uuid,
    /// Even a restored hub has everything up to this write.
    pub stable: i64,
    /// Number of the last epoch of this edge that the hub knew: the epoch that a reset comes from.
    pub parent: i64,
}

impl Position {
    /// The position of an edge that has just been enrolled.
    pub fn new(epoch: Uuid) -> Position {
        Position { epoch: Epoch(1, epoch), resetting: None, acked: 0, attempt: Uuid::nil(), stable: 0, parent: 0 }
    }

    /// The state of the hub that the next push builds on.
    pub fn base(&self) -> Head {
        match self.resetting {
            Some(base) => base,
            // Nothing was ever acknowledged: the hub does not know the epoch.
            None if self.acked == 0 && self.attempt.is_nil() => Head::EMPTY,
            None => Head { epoch: Some(self.epoch), acked: self.acked, attempt: self.attempt },
        }
    }
}
