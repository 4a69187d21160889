//! Backups into a folder: each is checked before it counts, is named after its time, and takes the place of the oldest.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::clock::Clock;
use crate::db::ReadOnly;
use crate::domain::time::Time;
use crate::files::{Part, beside, free_bytes, sync_folder};

const BEGIN: &str = "telecomx-";
const END: &str = ".db";

/// A folder of backups.
#[derive(Clone, Debug)]
pub struct Backups {
    folder: PathBuf,
    /// How many are kept.
    keep: usize,
}

impl Backups {
    pub fn new(folder: PathBuf, keep: usize) -> Backups {
        Backups { folder, keep: keep.max(1) }
    }

    /// The backups that are there, the newest first. Files of other names are not looked at.
    pub fn all(&self) -> Vec<(Time, PathBuf)> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let named = entries.filter_map(|entry| Some((time_of(entry.file_name().to_str()?)?, entry.path())));
        let mut all: Vec<(Time, PathBuf)> = named.collect();
        all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        all
    }

    /// When the newest was made.
    pub fn newest(&self) -> Option<Time> {
        self.all().first().map(|(at, _)| *at)
    }

    /// Makes one if the newest is as old as `every`, or there is none. One from the future, made while the clock was wrong, counts for
    /// nothing.
    pub fn make_if_due(&self, path: &Path, clock: &Clock, every: Duration) -> Result<Option<PathBuf>> {
        let age = self.newest().map(|newest| clock.now().millis() - newest.millis());
        match age {
            Some(age) if age >= 0 && (age as u128) < every.as_millis() => Ok(None),
            _ => self.make(path, clock).map(Some),
        }
    }

    /// Makes one of the database at `path`, and removes those that are too many. A copy that is not sound is removed, and an error;
    /// then those that are there stay, however many they are.
    pub fn make(&self, path: &Path, clock: &Clock) -> Result<PathBuf> {
        let folder = self.folder.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .with_context(|| format!("the folder {folder} for backups cannot be made"))?;
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |data| data.len());
        let needed = length(path) + length(&beside(path, "-wal"));
        let free = free_bytes(&self.folder).unwrap_or(u64::MAX);
        ensure!(needed < free, "{folder} has {free} bytes left, and a backup needs {needed}: make room, or keep fewer");
        let target = self.folder.join(name_of(clock.now()));
        ensure!(!target.exists(), "{} exists already", target.display());
        let cannot = || format!("{} cannot be written", target.display());
        let part = Part::of(&target).with_context(cannot)?;
        // Its pages are checked there, before it gets its name.
        ReadOnly::open(path, clock.clone())?.backup_to(part.path(), |_, _| {}).context("the backup is not complete")?;
        part.finish().with_context(cannot)?;
        for (_, old) in self.all().into_iter().skip(self.keep) {
            std::fs::remove_file(&old).with_context(|| format!("{} cannot be removed", old.display()))?;
        }
        sync_folder(&self.folder)?;
        Ok(target)
    }
}

/// `telecomx-2026-11-29T15-49-38.123Z.db`
fn name_of(at: Time) -> String {
    format!("{BEGIN}{}{END}", at.to_string().replace(':', "-"))
}

fn time_of(name: &str) -> Option<Time> {
    let text = name.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let (day, time) = text.split_once('T')?;
    Time::parse(&format!("{day}T{}", time.replace('-', ":")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_backup_says_when_it_was_made() {
        let at = Time::parse("2026-11-29T15:49:38.123Z").unwrap();
        assert_eq!(name_of(at), "telecomx-2026-11-29T15-49-38.123Z.db");
        assert_eq!(time_of(&name_of(at)), Some(at));
        for other in ["telecomx.db", "telecomx-soon.db", "telecomx-2026-11-29T15-49-38.123Z.db.12.part", "x.db"] {
            assert_eq!(time_of(other), None, "{other}");
        }
    }
}
