//! `sync verify`: proves that the hub has exactly what this edge has, or finds the differences.

use serde::Serialize;

use super::client::{CallError, HubClient};
use crate::db::Db;
use crate::domain::mirror::{Head, Row};
use crate::error::Result;
use crate::store::feed;
use crate::sync::protocol::hash_tree::{DigestReply, DigestRequest, RowDigest, Tree, differing, digest_of, leaf_of};

/// How many rows are named.
const NAMED_MAX: usize = 100;

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SyncProof")]
pub struct Proof {
    pub equal: bool,
    /// Rows here.
    pub rows: u64,
    /// Bytes sent and received.
    pub bytes: u64,
    /// How many rows differ, or are only on one side.
    pub differences: u64,
    /// Some of them, as table/id.
    pub named: Vec<String>,
}

/// Compares this database with what the hub has at `head`; `None` when either has changed meanwhile.
pub fn compare(db: &Db, client: &HubClient, origin: &str, token: &str, head: Head) -> Result<Option<Proof>, CallError> {
    let mut bytes = 0;
    let mut ask = |branches: Vec<u8>, leaves: Vec<u16>| -> Result<Option<DigestReply>, CallError> {
        let (reply, size) = client.digest(origin, token, &DigestRequest { head, branches, leaves })?;
        bytes += size;
        Ok(Some(reply).filter(|reply| reply.head == head))
    };
    let local = |error: crate::error::Error| CallError::Local(error.into());
    let Some((mine, unreadable)) = db.read(|tx| tree(tx, head.acked)).map_err(local)? else { return Ok(None) };
    let Some(theirs) = ask(vec![], vec![])? else { return Ok(None) };
    let branches: Vec<u8> =
        differing(&mine.branches(), &theirs.branches).into_iter().filter_map(|i| u8::try_from(i).ok()).collect();
    let mut names = unreadable;
    if !branches.is_empty() {
        let Some(found) = ask(branches.clone(), vec![])? else { return Ok(None) };
        let leaves: Vec<u16> = branches
            .iter()
            .zip(&found.leaves)
            .flat_map(|(branch, leaves)| {
                let places = differing(&mine.leaves_of(*branch), leaves);
                places.into_iter().map(move |i| u16::from(*branch) << 8 | i as u16)
            })
            .collect();
        let Some(found) = ask(vec![], leaves.clone())? else { return Ok(None) };
        let Some(here) = db.read(|tx| rows_of(tx, head.acked, &leaves)).map_err(local)? else { return Ok(None) };
        names.extend(difference(here, found.of_leaves));
        names.sort();
        names.dedup();
    }
    let differences = names.len() as u64;
    let named = names.into_iter().take(NAMED_MAX).collect();
    Ok(Some(Proof { equal: differences == 0, rows: mine.rows, bytes, differences, named }))
}

/// Every row whose digest is on one side only, each named once.
fn difference(here: Vec<RowDigest>, there: Vec<RowDigest>) -> Vec<String> {
    let (here, there): (std::collections::BTreeSet<_>, std::collections::BTreeSet<_>) =
        (here.into_iter().collect(), there.into_iter().collect());
    let mut names: Vec<String> =
        here.symmetric_difference(&there).map(|row| format!("{}/{}", row.t.name(), row.id)).collect();
    names.dedup();
    names
}

/// The tree of this database, and the names of rows whose content cannot be sent; `None` when there have been writes since
/// `acked`.
fn tree(tx: &crate::db::ReadTx, acked: i64) -> Result<Option<(Tree, Vec<String>)>> {
    let (mut tree, mut unreadable) = (Tree::default(), vec![]);
    let is_unchanged = for_each(tx, acked, |row| match &row.v {
        Some(v) => tree.add(row.t, &row.id, row.rev, &v.get()),
        None if row.bad.is_some() => unreadable.push(format!("{}/{}", row.t.name(), row.id)),
        None => {}
    })?;
    Ok(is_unchanged.then_some((tree, unreadable)))
}

/// The digests of the rows in some leaves; `None` when there have been writes since `acked`.
fn rows_of(tx: &crate::db::ReadTx, acked: i64, leaves: &[u16]) -> Result<Option<Vec<RowDigest>>> {
    let mut rows = vec![];
    let is_unchanged = for_each(tx, acked, |row| {
        if let Some(v) = &row.v
            && leaves.contains(&leaf_of(row.t, &row.id))
        {
            rows.push(digest_of(row.t, &row.id, row.rev, &v.get()));
        }
    })?;
    Ok(is_unchanged.then_some(rows))
}

/// Calls `each` with every row; `false` when there have been writes since `acked`.
fn for_each(tx: &crate::db::ReadTx, acked: i64, mut each: impl FnMut(Row)) -> Result<bool> {
    if feed::high(tx)? != acked {
        return Ok(false);
    }
    feed::everything(tx, |row| {
        each(row);
        Ok(true)
    })?;
    Ok(true)
}
