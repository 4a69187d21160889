//! The settings about backups: in the file under `[backup]`, as flags and in the environment with `backup` before them.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::usecases::backups::Backups;

/// What is set of backups.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// Folder that the server itself backs the database up to [default: none]
    #[arg(id = "backup_to", long = "backup-to", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<PathBuf>,

    /// Hours from one backup to the next [default: 24]
    #[arg(id = "backup_every_h", long = "backup-every-h", value_name = "HOURS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_h: Option<u32>,

    /// How many backups to keep in the folder [default: 7]
    #[arg(id = "backup_keep", long = "backup-keep", value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<usize>,
}

impl Backup {
    /// The folder of backups, if one is set.
    pub fn backups(&self) -> Option<Backups> {
        Some(Backups::new(self.to.clone()?, self.keep.unwrap_or(7)))
    }

    /// From one to the next.
    pub fn every(&self) -> Duration {
        Duration::from_secs(u64::from(self.every_h.unwrap_or(24).max(1)) * 3_600)
    }
}
