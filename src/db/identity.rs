//! Whether the file that was opened is still the one under its name.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::error::{Error, Result};
use crate::files::beside;

/// A database file by its device and inode. Once the name leads elsewhere (the file was moved, removed or replaced, or its
/// disk was unmounted) nothing more is read or written, so that no answer speaks of a file that nobody will find again.
pub struct FileIdentity {
    path: PathBuf,
    opened: Option<(u64, u64)>,
    /// The write-ahead log, from when it was first seen: it holds writes that were acknowledged.
    log: OnceLock<(u64, u64)>,
    is_gone: AtomicBool,
}

impl FileIdentity {
    /// Of a file that has just been opened.
    pub fn of(path: &Path) -> FileIdentity {
        FileIdentity {
            path: path.to_owned(),
            opened: inode(path),
            log: OnceLock::new(),
            is_gone: AtomicBool::new(false),
        }
    }

    /// Looks at the file. 503 when it is no longer there under its name; it works again once it is back.
    pub fn check(&self) -> Result<()> {
        let log = inode(&beside(&self.path, "-wal"));
        if let (Some(log), None) = (log, self.log.get()) {
            let _ = self.log.set(log);
        }
        let is_gone = inode(&self.path) != self.opened || log.as_ref() != self.log.get();
        let was_gone = self.is_gone.swap(is_gone, Relaxed);
        if is_gone && !was_gone {
            tracing::error!(
                "{} or its log was moved, removed or replaced while the server runs: nothing is read or written until it is back; \
                 to use another file, stop the server first",
                self.path.display()
            );
        } else if was_gone && !is_gone {
            tracing::info!("{} is back", self.path.display());
        }
        self.check_last()
    }

    /// What the last look found.
    pub fn check_last(&self) -> Result<()> {
        match self.is_gone.load(Relaxed) {
            true => Err(Error::Unavailable("The database file was moved, removed or replaced: see the server's log")),
            false => Ok(()),
        }
    }
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|data| (data.dev(), data.ino()))
}
