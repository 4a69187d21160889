//! Room kept back on the disk for what must go on when the rest of it is full.
//!
//! In WAL mode nothing can be written on a full disk, not even a delete or a checkpoint. A file beside the database holds
//! some room; it is given up when the disk is full, and taken back as soon as there is room again. In between callers'
//! changes are refused, so that what was freed lasts for the mirror, sessions and housekeeping. The file stays there
//! without a byte then: after a restart too it is known that what is free is not for callers.

use std::fs::File;
use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use crate::files::{beside, open_own_file};

const LENGTH: u64 = 8 << 20;
/// Room that must be free besides the reserve: else the next change would find the disk full again.
const BESIDE: u64 = 1 << 20;

/// There is none: not asked for, or the disk is too small for it.
const NONE: u8 = 0;
const KEPT: u8 = 1;
const GIVEN_UP: u8 = 2;

pub struct Reserve {
    path: PathBuf,
    state: AtomicU8,
    /// Held while the file is made or emptied.
    making: Mutex<()>,
}

impl Reserve {
    /// None as yet.
    pub fn of(database: &Path) -> Reserve {
        Reserve { path: beside(database, ".reserve"), state: AtomicU8::new(NONE), making: Mutex::default() }
    }

    /// Keeps room back, where there is some. Where there is none, callers' changes are refused if there once was.
    pub fn keep(&self) -> bool {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let had_some = self.path.symlink_metadata().is_ok_and(|data| data.is_file());
        let state = match self.is_there() || self.make().is_ok() {
            true => KEPT,
            false if had_some => GIVEN_UP,
            false => NONE,
        };
        self.state.store(state, Ordering::Relaxed);
        let undone = match state {
            GIVEN_UP => self.empty(),
            NONE => std::fs::remove_file(&self.path),
            _ => Ok(()),
        };
        if let Err(error) = undone
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(%error, "the room kept back could not be given up");
        }
        state == KEPT
    }

    /// Gives the room to what must go on. Whether there was any.
    pub fn give_up(&self) -> bool {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let had_some = self.state.compare_exchange(KEPT, GIVEN_UP, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if had_some && let Err(error) = self.empty() {
            tracing::warn!(%error, "the room kept back could not be given up");
        }
        had_some
    }

    /// The disk is full, and the room kept back is in use.
    pub fn is_given_up(&self) -> bool {
        self.state.load(Ordering::Relaxed) == GIVEN_UP
    }

    /// Whether the disk takes callers' changes: room that was given up is taken back first.
    pub fn has_room(&self) -> bool {
        if !self.is_given_up() {
            return true;
        }
        let is_kept = self.keep();
        if is_kept {
            tracing::info!("there is room on the disk again: changes are taken");
        }
        is_kept
    }

    fn is_there(&self) -> bool {
        std::fs::symlink_metadata(&self.path).is_ok_and(|data| data.is_file() && data.len() == LENGTH)
    }

    fn make(&self) -> Result<()> {
        let file = open_own_file(&self.path, |options| options.create(true).truncate(false).write(true))?;
        file.set_len(0)?;
        match fallocate(&file, FallocateFlags::empty(), 0, LENGTH + BESIDE) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => fill(&file)?,
            done => done?,
        }
        file.set_len(LENGTH)
    }

    fn empty(&self) -> Result<()> {
        open_own_file(&self.path, |options| options.write(true))?.set_len(0)
    }
}

/// Where room cannot be asked for, it is written full.
fn fill(mut file: &File) -> Result<()> {
    let block = [0; 64 << 10];
    (0..(LENGTH + BESIDE) / block.len() as u64).try_for_each(|_| file.write_all(&block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_kept_given_up_once_and_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(&folder.path().join("a.db"));
        assert!(!reserve.give_up() && !reserve.is_given_up(), "there is none to give up");
        assert!(reserve.keep());
        assert_eq!(std::fs::metadata(folder.path().join("a.db.reserve")).unwrap().len(), LENGTH);
        assert!(reserve.give_up() && reserve.is_given_up() && !reserve.give_up());
        assert_eq!(std::fs::metadata(folder.path().join("a.db.reserve")).unwrap().len(), 0);
        assert!(reserve.keep() && !reserve.is_given_up());
    }

    #[test]
    fn a_link_in_the_place_of_the_reserve_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (victim, missing) = (folder.path().join("victim"), folder.path().join("missing"));
        std::fs::write(&victim, vec![7; LENGTH as usize]).unwrap();
        for target in [&victim, &missing, &folder.path().to_owned()] {
            let database = folder.path().join("a.db");
            let link = beside(&database, ".reserve");
            std::os::unix::fs::symlink(target, &link).unwrap();
            let reserve = Reserve::of(&database);
            reserve.keep();
            reserve.give_up();
            assert_eq!(std::fs::read(&victim).unwrap().len(), LENGTH as usize, "it was emptied through {target:?}");
            assert!(!missing.exists(), "a file was made through the link");
            let _ = std::fs::remove_file(&link);
            let _ = std::fs::remove_file(beside(&database, ".reserve"));
        }
    }

    #[test]
    fn a_file_with_another_name_or_a_pipe_in_the_place_of_the_reserve_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (victim, reserve) = (folder.path().join("victim"), folder.path().join("a.db.reserve"));
        std::fs::write(&victim, "precious").unwrap();
        std::fs::hard_link(&victim, &reserve).unwrap();
        assert!(!Reserve::of(&folder.path().join("a.db")).keep());
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
        let pipe = folder.path().join("b.db.reserve");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        assert!(!Reserve::of(&folder.path().join("b.db")).keep());
    }

    #[test]
    fn room_that_was_given_up_is_remembered_and_one_that_never_was_is_not_missed() {
        let folder = tempfile::tempdir().unwrap();
        // Nothing can be made in the place of a folder: as on a full disk.
        let (path, blocked) = (folder.path().join("a.db"), folder.path().join("b/c.db"));
        assert!(Reserve::of(&path).keep());
        let reserve = Reserve::of(&path);
        assert!(reserve.keep() && reserve.give_up());
        let reserve = Reserve::of(&blocked);
        assert!(!reserve.keep() && !reserve.is_given_up());
    }
}
