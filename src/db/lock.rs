//! One writing process per database file, and one serving hub per store.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::files::{beside, cannot_be_written, open_own_file};

/// How long a connection waits for SQLite's own locks.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long taking the lock is tried.
const PATIENCE: Duration = Duration::from_millis(50);

/// Held for as long as the process may write. The lock is on a file beside the database: closing a second handle
/// on the database itself would drop SQLite's own locks.
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock at once, or says who holds it. `flag`: by which another database can be chosen.
    pub fn take(database: &Path, flag: &str) -> anyhow::Result<FileLock> {
        let path = beside(database, ".lock");
        let advice = format!("check the folder's rights, or choose another {flag}");
        let describe = |error| cannot_be_written(&path, error, &advice);
        let opened = open_own_file(&path, |options| options.create(true).read(true).write(true).truncate(false));
        let mut file = opened.map_err(describe)?;
        match try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => String::new(),
                    pid => format!(" (process {pid})"),
                };
                bail!(
                    "{} is in use by a running telecomx-local{holder}: stop it first, use its API, or choose another {flag}",
                    database.display()
                );
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
            }
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()));
        written.map_err(describe)?;
        Ok(FileLock { _file: file })
    }
}

/// The process that has the database open for writing, if there is one.
pub fn holder(database: &Path) -> Option<String> {
    let mut file = File::open(beside(database, ".lock")).ok()?;
    match try_lock(&file) {
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).ok()?;
            Some(holder.trim().to_owned())
        }
        _ => None,
    }
}

/// Tries for [`PATIENCE`]: a child process that another thread of the last holder is just starting holds the lock too,
/// until it has become its own program.
fn try_lock(file: &File) -> Result<(), TryLockError> {
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => std::thread::yield_now(),
            outcome => return outcome,
        }
    }
}
