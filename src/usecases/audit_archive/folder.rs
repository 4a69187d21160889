//! A folder that a server archives its audit trail into, by itself.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::{Cut, Done, Trail, cut, run};
use crate::db::ReadTx;
use crate::domain::time::Time;

const DAY_MS: i64 = 24 * 3_600_000;
/// Entries that are so many days older than they should be have not been archived for some reason.
const PATIENCE_DAYS: i64 = 2;

/// Where the older part of the trail goes, and how old it is then.
#[derive(Clone, Debug)]
pub struct ArchiveFolder {
    pub folder: PathBuf,
    pub keep_days: u32,
}

impl ArchiveFolder {
    /// Whether something has waited for days to be archived.
    pub fn is_behind(&self, tx: &ReadTx) -> crate::error::Result<bool> {
        Ok(cut(tx, self.due(tx.now).plus_ms(-PATIENCE_DAYS * DAY_MS))?.is_some())
    }

    fn due(&self, now: Time) -> Time {
        now.plus_ms(-i64::from(self.keep_days) * DAY_MS)
    }

    /// Archives what has become old enough.
    pub fn archive_if_due(&self, trail: &impl Trail, now: Time) -> Result<Done> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .with_context(|| format!("the folder {} for the audit trail cannot be made", self.folder.display()))?;
        run(trail, self.due(now), |cut| self.folder.join(name_of(cut)))
    }
}

/// By the numbers of its entries, and the hash of the last: those of another database have another name.
fn name_of(cut: &Cut) -> String {
    let (last, [a, b, c, d, ..]) = cut.last;
    format!("audit-{:09}-{last:09}-{}.jsonl.zst", cut.first(), hex::encode([a, b, c, d]))
}
