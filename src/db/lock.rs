//! One writing process per database file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Held for as long as the process may write. The lock is on a file beside the database: closing a second handle
/// on the database itself would drop SQLite's own locks.
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock at once, or says who holds it.
    pub fn take(database: &Path) -> Result<FileLock, String> {
        let path = lock_path(database);
        let mut file =
            OpenOptions::new().create(true).read(true).write(true).truncate(false).mode(0o600).open(&path).map_err(
                |error| {
                    format!(
                        "{} cannot be written: {error}; check the folder's rights, or choose another --db",
                        path.display()
                    )
                },
            )?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => String::new(),
                    pid => format!(" (process {pid})"),
                };
                return Err(format!(
                    "{} is in use by a running telecomx-local{holder}: stop it first, use its API, or choose another --db",
                    database.display()
                ));
            }
            Err(TryLockError::Error(error)) => return Err(format!("{} cannot be locked: {error}", path.display())),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()));
        written.map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        Ok(FileLock { _file: file })
    }
}

/// `PATH.lock`, by the database's real name: two names of one file share one lock.
fn lock_path(database: &Path) -> PathBuf {
    let real = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let mut name = real.into_os_string();
    name.push(".lock");
    name.into()
}
