//! An origin on its way from one hub to another: what `hub move` and the hub that the origin goes to say to each other, and
//! what either may do. Pure: both stores decide by it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::origin::{Origin, Phase};
use super::orphaned_rows::OrphanedRow;
use super::proposals::ProposalRecord;
use super::stored_text::StoredText;
use crate::domain::mirror::{Row, Table};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::sync::protocol::hash_tree::digest_of;

/// The answer to a call that announces an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// The origin is arriving, for the first time or again.
    Begun,
    /// The origin has arrived already.
    #[serde(rename = "settled")]
    Finished,
}

/// Which version of a mirrored row a hub has: two that are equal hold the same.
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
        let text = row.v.as_ref().map_or("".into(), |v| v.get());
        let hash = digest_of(row.t, &row.id, row.rev, &text).hash;
        RowVersion { id: row.id.clone(), rev: row.rev, chg: row.chg, hash }
    }
}

/// A row in quarantine, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QuarantinedRow {
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

impl QuarantinedRow {
    /// The parts of its text, as a store keeps them.
    pub fn stored_text(&self) -> Option<StoredText<'_>> {
        let table = Table::from_number(self.t).unwrap_or(Table::Other);
        self.v.as_ref().map(|v| StoredText::of_whole(table, v.get()))
    }
}

/// A part of what an origin brings to its new hub.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Delivery {
    /// Replaces whatever earlier deliveries brought of the quarantine, of proposals and of orphaned rows.
    pub clears: bool,
    /// Rows to be upserted, or deleted.
    pub rows: Vec<Row>,
    #[serde(rename = "aside")]
    pub quarantined: Vec<QuarantinedRow>,
    pub proposals: Vec<ProposalRecord>,
    #[serde(rename = "lost")]
    pub orphaned_rows: Vec<OrphanedRow>,
}

/// How much an origin has, and a checksum of its mirrored rows: the sum of their digests, whatever the order they are
/// read in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    pub rows: i64,
    pub digest: [u64; 4],
    #[serde(rename = "aside")]
    pub quarantined: i64,
    pub proposals: i64,
    #[serde(rename = "lost")]
    pub orphaned: i64,
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
        let Checksum { rows, digest, quarantined, proposals, orphaned } = self;
        write!(
            f,
            "{rows} rows ({:016x}), {quarantined} in quarantine, {proposals} proposals, {orphaned} orphaned",
            digest[0]
        )
    }
}

/// The call that ends an arrival: the origin as the hub that it leaves has it, and the checksum of all that must have
/// arrived.
#[derive(Debug, Serialize, Deserialize)]
pub struct FinishMove {
    pub origin: Origin,
    #[serde(rename = "tally")]
    pub checksum: Checksum,
}

/// 409 `phase` unless `hub move` may take an origin from one phase to the next. An origin that has moved comes back only by
/// arriving again. An origin that is leaving for one hub goes to no other: it may have arrived there already.
pub fn check_phase_change(from: &Phase, to: &Phase) -> Result<()> {
    match (from, to) {
        (Phase::Leaving(hub), Phase::Leaving(other) | Phase::Moved(other)) if hub != other => Err(Error::conflict(
            "phase",
            format!("The origin is leaving for {hub}: end that move, or give it up with --stay"),
        )),
        (Phase::Here, Phase::Leaving(_)) | (Phase::Leaving(_), Phase::Leaving(_) | Phase::Here | Phase::Moved(_)) => {
            Ok(())
        }
        _ => Err(Error::conflict("phase", format!("The origin is {} on this hub", from.name()))),
    }
}

/// Decides on an origin that another hub announces. 409 `origin` when the origin is here and not arriving, unless it has
/// arrived from that hub: then this hub has as much as is announced, or more.
pub fn judge_arrival(found: Option<&Origin>, announced: &Origin) -> Result<Arrival> {
    let Some(found) = found else { return Ok(Arrival::Begun) };
    let has_arrived = found.head == announced.head
        || (found.head.epoch == announced.head.epoch
            && found.head.epoch.is_some()
            && found.head.acked > announced.head.acked);
    match found.phase {
        Phase::Arriving | Phase::Moved(_) => Ok(Arrival::Begun),
        Phase::Here if has_arrived => Ok(Arrival::Finished),
        Phase::Here | Phase::Leaving(_) => {
            Err(Error::conflict("origin", "The origin is on this hub, and not arriving"))
        }
    }
}

/// 409 `phase` unless the origin is arriving.
pub fn check_arriving(found: &Origin) -> Result<()> {
    match found.phase {
        Phase::Arriving => Ok(()),
        _ => Err(Error::conflict("phase", "The origin is not arriving")),
    }
}

/// Whether the store must end an arrival now; `false` when it has ended already. 409 `incomplete` when what has arrived
/// differs from what was announced.
pub fn must_finish(found: &Origin, finish: &FinishMove, arrived: &Checksum) -> Result<bool> {
    if found.phase == Phase::Here && judge_arrival(Some(found), &finish.origin)? == Arrival::Finished {
        return Ok(false);
    }
    check_arriving(found)?;
    if *arrived == finish.checksum {
        return Ok(true);
    }
    Err(Error::conflict("incomplete", format!("{arrived} have arrived of {}", finish.checksum)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_covers_every_part_of_a_row_whatever_the_order() {
        let of = |rows: &[(&str, i64, i64, &str)]| {
            let mut checksum = Checksum::default();
            rows.iter().for_each(|(id, rev, chg, v)| checksum.add(Table::Queue, id, [*rev, *chg], v));
            checksum
        };
        let (a, b) = (("a", 1, 2, "x"), ("b", 1, 2, "y"));
        assert_eq!(of(&[a, b]), of(&[b, a]));
        for other in [("a", 1, 2, "y"), ("a", 1, 3, "x"), ("a", 2, 2, "x"), ("c", 1, 2, "x")] {
            assert_ne!(of(&[a, b]), of(&[other, b]), "{other:?}");
        }
    }
}
