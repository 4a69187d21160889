//! Where the database is.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::Config;
use crate::files::database_path;

impl Config {
    /// The database file by its one name: the setting, else one in the user's data folder.
    pub fn db(&self) -> Result<PathBuf> {
        if let Some(path) = &self.db {
            return database_path(path, "--db");
        }
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")));
        let folder = folder.context("neither --db nor HOME is set: say where the database is with --db")?;
        database_path(&folder.join("telecomx-local").join("telecomx.db"), "--db")
    }
}
