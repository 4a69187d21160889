//! A folder that a server archives its audit trail into, by itself.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::{Archived, Cut, Trail, run};
use crate::domain::time::Time;

const DAY_MS: i64 = 24 * 3_600_000;

/// Where the older part of the trail goes, and how old it is then.
#[derive(Clone, Debug)]
pub struct ArchiveFolder {
    pub folder: PathBuf,
    pub keep_days: u32,
}

impl ArchiveFolder {
    /// Archives what has become old enough; `None` when nothing has.
    pub fn archive_if_due(&self, trail: &impl Trail, now: Time) -> Result<Option<Archived>> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .with_context(|| format!("the folder {} for the audit trail cannot be made", self.folder.display()))?;
        run(trail, now.plus_ms(-i64::from(self.keep_days) * DAY_MS), |cut| self.folder.join(name_of(cut)))
    }
}

/// By the numbers of its entries, and the hash of the last: those of another database have another name.
fn name_of(cut: &Cut) -> String {
    let (last, [a, b, c, d, ..]) = cut.last;
    format!("audit-{:09}-{last:09}-{}.jsonl.zst", cut.first(), hex::encode([a, b, c, d]))
}
