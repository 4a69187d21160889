//! Compares both sides once the hub has everything.

use anyhow::{Context as _, Result, bail};

use super::driver::SyncDriver;
use super::verify::{self, Proof};
use crate::store::{quarantine, sync_state};

/// How many times a comparison begins again because of writes.
const VERIFY_TRIES: usize = 5;

impl SyncDriver {
    /// Exchanges, then compares both sides.
    pub fn verify(&mut self) -> Result<Proof> {
        for _ in 0..VERIFY_TRIES {
            self.sync().1?;
            let enrolment = self.db.read(sync_state::enrolment)?.context("this server has no hub")?;
            let token = self.token(&enrolment)?;
            let head = self.session.position()?.base();
            let Some((_, client)) = &self.client else { break };
            if let Some(proof) = verify::compare(&self.db, client, &enrolment.origin, &token, head)? {
                // Quarantined rows are known to differ; the status shows them as quarantined.
                let quarantined = self.db.read(quarantine::list)?;
                let is_quarantined =
                    |name: &&String| quarantined.iter().any(|row| **name == format!("{}/{}", row.table, row.row));
                let is_known = proof.named.iter().filter(is_quarantined).count() as u64 == proof.differences;
                let named = proof.named.join(", ");
                let wrong =
                    (!is_known).then(|| format!("the hub differs in {} rows, such as {named}", proof.differences));
                if let Some(wrong) = &wrong {
                    tracing::error!(%wrong, "the proof of equality failed");
                }
                self.write(move |tx| sync_state::note_proof(tx, wrong.as_deref()));
                // Reports the result to the hub, for its fleet page.
                let _ = self.sync();
                return Ok(proof);
            }
        }
        bail!("the database changed during every comparison: try again when there are fewer writes")
    }
}
