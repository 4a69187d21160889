//! The folder of a database that keeps nothing.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::error::Advise as _;
use crate::files::is_gone;

const PREFIX: &str = "telecomx-local-ephemeral-";

/// A temporary folder, removed with all it holds when dropped.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes one, and removes those that a killed process left behind.
    pub fn make() -> anyhow::Result<Folder> {
        remove_left_behind();
        let path =
            std::env::temp_dir().join(format!("{PREFIX}{}-{}", std::process::id(), uuid::Uuid::new_v4().simple()));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .advise(format_args!("{} cannot be made", path.display()), "set TMPDIR to another folder")?;
        Ok(Folder { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn remove_left_behind() {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
        if pid.is_some_and(is_gone) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
