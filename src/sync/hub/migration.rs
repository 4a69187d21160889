//! An origin on its way from one hub to another: what the command that moves it and the hub that it comes to say to each
//! other.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::orphaned_rows::Lost;
use super::{Origin, ProposalRecord};
use crate::domain::mirror::{Row, Table};
use crate::domain::time::Time;
use crate::sync::protocol::hash_tree::digest_of;

/// Where an origin is, as one hub sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    #[default]
    Here,
    /// It comes from another hub, and is not whole yet.
    Arriving,
    /// It stands still, so that all of it can be taken to the hub with this URL.
    Leaving(String),
    /// It is at the hub with this URL.
    Moved(String),
}

impl Phase {
    /// As it is kept and shown.
    pub fn name(&self) -> &'static str {
        match self {
            Phase::Here => "here",
            Phase::Arriving => "arriving",
            Phase::Leaving(_) => "leaving",
            Phase::Moved(_) => "moved",
        }
    }

    /// Where it has moved to.
    pub fn hub(&self) -> Option<&str> {
        if let Phase::Moved(hub) = self { Some(hub) } else { None }
    }

    /// Where it has moved to, or is to go, as it is kept.
    pub fn target(&self) -> Option<&str> {
        if let Phase::Moved(hub) | Phase::Leaving(hub) = self { Some(hub) } else { None }
    }

    /// What [`Phase::name`] and [`Phase::target`] have named.
    pub fn named(name: &str, hub: Option<String>) -> Phase {
        match name {
            "arriving" => Phase::Arriving,
            "leaving" => Phase::Leaving(hub.unwrap_or_default()),
            "moved" => Phase::Moved(hub.unwrap_or_default()),
            _ => Phase::Here,
        }
    }
}

/// What became of an arrival that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// It is arriving, for the first time or again.
    Begun,
    /// It has come already.
    Settled,
}

/// A mirrored row as far as equality goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowVersion {
    pub id: String,
    pub rev: i64,
    pub chg: i64,
    /// The first 64 bits of the SHA-256 of its text, in hex.
    pub hash: String,
}

impl RowVersion {
    pub fn of(row: &Row) -> RowVersion {
        let text = row.v.as_ref().map_or("", |v| v.get());
        let hash = digest_of(row.t, &row.id, row.rev, text).hash;
        RowVersion { id: row.id.clone(), rev: row.rev, chg: row.chg, hash }
    }
}

/// A row that is put aside, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Quarantined {
    /// Number of the table.
    pub t: i64,
    pub id: String,
    pub rev: i64,
    pub chg: i64,
    pub v: Option<Box<RawValue>>,
    pub code: String,
    pub detail: String,
    pub first_seen: Time,
    pub tries: i64,
}

/// A part of what an origin brings.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Delivery {
    /// What came before of what is put aside, of proposals and of the lost tail does not count.
    pub clears: bool,
    /// To be put, or removed.
    pub rows: Vec<Row>,
    pub aside: Vec<Quarantined>,
    pub proposals: Vec<ProposalRecord>,
    pub lost: Vec<Lost>,
}

/// All that an origin has: how much, and of the mirror a sum of digests, in whatever order it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    pub rows: i64,
    pub digest: [u64; 4],
    pub aside: i64,
    pub proposals: i64,
    pub lost: i64,
}

impl Checksum {
    pub fn add(&mut self, t: Table, id: &str, [rev, chg]: [i64; 2], v: &str) {
        let mut hash = Sha256::new();
        hash.update(format!("{}/{id}/{rev}/{chg}/", t.number()));
        hash.update(v);
        for (sum, bytes) in self.digest.iter_mut().zip(hash.finalize().chunks_exact(8)) {
            *sum = sum.wrapping_add(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
        }
        self.rows += 1;
    }
}

impl std::fmt::Display for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Checksum { rows, digest, aside, proposals, lost } = self;
        write!(f, "{rows} rows ({:016x}), {aside} put aside, {proposals} proposals, {lost} lost", digest[0])
    }
}

/// What ends an arrival: the origin as it stands where it comes from, and all that must have come.
#[derive(Debug, Serialize, Deserialize)]
pub struct FinishMove {
    pub origin: Origin,
    pub tally: Checksum,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_knows_every_part_of_a_row_and_no_order() {
        let of = |rows: &[(&str, i64, i64, &str)]| {
            let mut tally = Checksum::default();
            rows.iter().for_each(|(id, rev, chg, v)| tally.add(Table::Queue, id, [*rev, *chg], v));
            tally
        };
        let (a, b) = (("a", 1, 2, "x"), ("b", 1, 2, "y"));
        assert_eq!(of(&[a, b]), of(&[b, a]));
        for other in [("a", 1, 2, "y"), ("a", 1, 3, "x"), ("a", 2, 2, "x"), ("c", 1, 2, "x")] {
            assert_ne!(of(&[a, b]), of(&[other, b]), "{other:?}");
        }
    }
}
