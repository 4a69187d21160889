//! The settings about the audit trail: in the file under `[audit]`, as flags and in the environment with `audit` before them.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::files::beside;
use crate::usecases::audit_archive::folder::ArchiveFolder;

/// What is set of the audit trail.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Days that entries of the audit trail stay in the database, before they go to files [default: for ever]
    #[arg(id = "audit_keep_days", long = "audit-keep-days", value_name = "DAYS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_days: Option<u32>,

    /// Folder that older entries of the audit trail go to [default: the database's name with .audit behind it]
    #[arg(id = "audit_archive_to", long = "audit-archive-to", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_to: Option<PathBuf>,
}

impl Audit {
    /// The folder that the trail of the database at `path` is archived into; `None`: all of it stays.
    pub fn archive(&self, path: &Path) -> Option<ArchiveFolder> {
        let keep_days = self.keep_days?;
        Some(ArchiveFolder { folder: self.archive_to.clone().unwrap_or_else(|| beside(path, ".audit")), keep_days })
    }

    /// Refuses settings that say nothing that can be done.
    pub(super) fn check(&self) -> Result<()> {
        match (self.keep_days, &self.archive_to) {
            (Some(0), _) => bail!(
                "audit_keep_days is 0: give a day at least, or leave it out to keep the whole trail in the database"
            ),
            (None, Some(folder)) => bail!(
                "audit_archive_to names {}, and audit_keep_days is missing: say after how many days entries go there",
                folder.display()
            ),
            _ => Ok(()),
        }
    }
}
