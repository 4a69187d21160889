//! Proves the audit trail and what it says of the objects, for the command line and for an administrator.

use serde::Serialize;

use crate::db::{ReadTx, schema_difference};
use crate::error::Result;
use crate::store::audit_chain::{self, ChainVerdict};

/// What the proof has found.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct AuditProof {
    /// The chain is whole, and every object is what its newest entry left.
    pub ok: bool,
    /// How many entries there are; null when it is not whole.
    #[schemars(range(min = 0), example = 1234)]
    pub entries: Option<i64>,
    /// The hash of the newest entry, in hex; null when it is not whole. Who has written it down notices when entries are missing later.
    #[schemars(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub head: Option<String>,
    /// What does not fit, in words.
    pub faults: Vec<String>,
}

impl AuditProof {
    fn failed(fault: String) -> AuditProof {
        AuditProof { ok: false, entries: None, head: None, faults: vec![fault] }
    }
}

/// Recomputes the chain from its first entry, and compares the objects with it. Calls `progress` with each entry's number.
pub fn prove(tx: &ReadTx, progress: impl FnMut(i64)) -> Result<AuditProof> {
    let (verdict, schema) = (audit_chain::verify(tx, progress), schema_difference(tx.conn)?);
    if let (Ok(ChainVerdict::Intact { .. }) | Err(_), Some(wrong)) = (&verdict, schema) {
        return Ok(AuditProof::failed(format!("the database was changed by hand: {wrong}")));
    }
    Ok(match verdict? {
        ChainVerdict::Intact { entries, head } => {
            AuditProof { ok: true, entries: Some(entries), head: Some(hex::encode(head)), faults: vec![] }
        }
        ChainVerdict::Differs { object } => AuditProof::failed(format!(
            "the chain of the audit trail is whole, but {object}: it was changed by hand, or newer entries were taken out"
        )),
        ChainVerdict::Broken { seq, reason } => AuditProof::failed(format!(
            "the audit trail is broken at entry {seq}: {reason}; entries before it are as they were written"
        )),
    })
}
