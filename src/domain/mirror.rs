//! What edge and hub have in common: rows, epochs, and where one stands with the other.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

/// Whose place a one-time code gives; `None` when it is for a new edge.
pub fn replaced_by(code: &str) -> Option<&str> {
    code.trim().split_once('.').map(|(origin, _)| origin)
}

/// A life of an edge: it begins when the edge is enrolled, and anew at each reset. Counted, and named apart from others
/// of the same count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch(pub i64, pub Uuid);

/// The mirrored tables, in the order in which rows of one write are sent.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Table {
    Customer,
    Queue,
    Employee,
    MobileConfig,
    /// One that only a newer program knows.
    #[serde(other)]
    Other,
}

impl Table {
    pub const ALL: [Table; 4] = [Table::Customer, Table::Queue, Table::Employee, Table::MobileConfig];

    /// As on the wire.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The one of this name, if it is known.
    pub fn named(name: &str) -> Option<Table> {
        name.parse().ok().filter(|table| *table != Table::Other)
    }

    /// Its place in [`Table::ALL`].
    pub fn number(self) -> i64 {
        self as i64
    }

    pub fn from_number(number: i64) -> Option<Table> {
        Table::ALL.get(usize::try_from(number).ok()?).copied()
    }
}

/// A row as it is now, or that it is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "SentRow")]
pub struct Row {
    pub t: Table,
    /// Of [`Table::Other`]: the table's name, a slash, and the id, so that whoever knows the table finds its row again.
    pub id: String,
    pub rev: i64,
    pub chg: i64,
    /// The object in the API's shape; absent when it is deleted, or when `bad` says why it is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad: Option<Bad>,
}

/// A row as it comes, of whatever table.
#[derive(Deserialize)]
struct SentRow {
    t: String,
    id: String,
    rev: i64,
    chg: i64,
    #[serde(default)]
    v: Option<Box<RawValue>>,
    #[serde(default)]
    bad: Option<Bad>,
}

impl From<SentRow> for Row {
    fn from(SentRow { t, id, rev, chg, v, bad }: SentRow) -> Row {
        match Table::named(&t) {
            Some(t) => Row { t, id, rev, chg, v, bad },
            None => Row { t: Table::Other, id: format!("{t}/{id}"), rev, chg, v, bad },
        }
    }
}

/// Why an edge does not tell what a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bad {
    /// What is stored cannot be read.
    Unreadable,
    /// Somebody has given it up, as it stands.
    Dropped,
}

/// A row that the hub could not take, and put aside with all other rows of the same write.
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
    /// The row, by the table that the edge knows and the hub may not.
    pub fn row(&self) -> (Table, &str) {
        let known = self.id.split_once('/').filter(|_| self.t == Table::Other);
        let known = known.and_then(|(name, id)| Some((Table::named(name)?, id)));
        known.unwrap_or((self.t, &self.id))
    }
}

/// The hub's state as the edge believes it to be, or as the hub says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// None: the hub has never heard from this edge.
    pub epoch: Option<Epoch>,
    /// Everything up to this write is there.
    pub acked: i64,
    /// The attempt that brought it there; nil at the beginning.
    pub attempt: Uuid,
}

impl Head {
    /// Of an edge that has sent nothing yet.
    pub const EMPTY: Head = Head { epoch: None, acked: 0, attempt: Uuid::nil() };
}

/// An entry of an audit trail: its number, and its hash in hex. 0 and nothing before the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead(pub i64, pub String);

/// Where an edge stands with its hub, as it is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub epoch: Epoch,
    /// This epoch is begun here, and the hub does not have it yet; its state that is to be replaced.
    pub resetting: Option<Head>,
    /// The hub has everything up to this write, by this attempt.
    pub acked: i64,
    pub attempt: Uuid,
    /// What a restored hub has in any case.
    pub stable: i64,
    /// Count of the epoch of this edge that the hub last knew: what a reset comes from.
    pub parent: i64,
}

impl Position {
    /// Of an edge that has just been enrolled.
    pub fn new(epoch: Uuid) -> Position {
        Position { epoch: Epoch(1, epoch), resetting: None, acked: 0, attempt: Uuid::nil(), stable: 0, parent: 0 }
    }

    /// The hub's state that the next push builds on.
    pub fn base(&self) -> Head {
        match self.resetting {
            Some(base) => base,
            // Nothing was ever acknowledged: the hub does not know the epoch.
            None if self.acked == 0 && self.attempt.is_nil() => Head::EMPTY,
            None => Head { epoch: Some(self.epoch), acked: self.acked, attempt: self.attempt },
        }
    }
}
