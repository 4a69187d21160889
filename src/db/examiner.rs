//! Reads all of a database beside its server, on a connection of its own that can be stopped at any time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

use super::open::prepare_reader;
use super::tx::{ReadTx, snapshot};
use crate::clock::Clock;
use crate::error::Result;

/// So many steps of SQLite between two looks at whether to stop.
const STEPS: i32 = 10_000;

/// What is wrong with the contents of a database, as last found.
#[derive(Clone, Default)]
pub struct Damage(Arc<Mutex<Vec<String>>>);

impl Damage {
    pub fn found(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub struct Examiner {
    path: PathBuf,
    clock: Clock,
    damage: Damage,
    is_stopped: Arc<AtomicBool>,
}

impl Examiner {
    pub(super) fn of(path: &Path, clock: Clock, damage: Damage) -> Examiner {
        Examiner { path: path.to_owned(), clock, damage, is_stopped: Arc::default() }
    }

    /// Runs `work` on one snapshot; it fails soon after [`Examiner::stop`].
    pub fn read<T>(&self, work: impl FnOnce(&ReadTx) -> Result<T>) -> Result<T> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(&self.path, flags)?;
        prepare_reader(&mut conn)?;
        let is_stopped = self.is_stopped.clone();
        conn.progress_handler(STEPS, Some(move || is_stopped.load(Relaxed)))?;
        snapshot(&conn, &self.clock, work)
    }

    /// What is wrong from now on; nothing, if `wrong` is empty.
    pub fn note(&self, wrong: Vec<String>) {
        *self.damage.0.lock().unwrap_or_else(PoisonError::into_inner) = wrong;
    }

    pub fn stop(&self) {
        self.is_stopped.store(true, Relaxed);
    }

    /// The file is still under its name.
    pub fn is_there(&self) -> bool {
        self.path.exists()
    }

    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Relaxed)
    }
}
