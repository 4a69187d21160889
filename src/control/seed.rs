//! What a mock begins with, and goes back to.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result as AnyResult};

use crate::auth::secrets::key_path;
use crate::clock::Clock;
use crate::db::{Author, Db, ReadOnly};
use crate::domain::chance;
use crate::domain::time::Time;
use crate::error::Result;
use crate::files::folder_of;
use crate::store::sessions;

/// A copy of the database as it was at the start, with its key beside it.
#[derive(Clone)]
pub struct Seed(PathBuf);

impl Seed {
    /// Saves the database as it is now, beside it.
    pub fn save(db: &Db) -> AnyResult<Seed> {
        let file = folder_of(db.path()).join("seed.db");
        save(db, &file)?;
        std::fs::copy(key_path(db.path()), key_path(&file)).context("the key cannot be copied")?;
        Ok(Seed(file))
    }

    /// Puts the database, and its key, at `path`.
    pub fn copy_to(&self, path: &Path) -> AnyResult<()> {
        let cannot = || format!("{} cannot be made", path.display());
        std::fs::copy(&self.0, path).with_context(cannot)?;
        std::fs::copy(key_path(&self.0), key_path(path)).with_context(cannot)?;
        Ok(())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Saves the database to a new file.
pub fn save(db: &Db, file: &Path) -> AnyResult<()> {
    Ok(ReadOnly::open(db.path(), db.clock().clone())?.backup_to(file, |_, _| {})?)
}

/// Goes back to what was saved. Sessions count as used just now: what was logged in stays so. `numbers`: ids and tokens repeat from
/// these on.
pub async fn go_back(db: &Db, file: &Path, numbers: Option<u64>) -> Result<()> {
    db.replace_with(file).await?;
    db.write(Author::system("control"), move |tx| {
        numbers.into_iter().for_each(chance::seed_thread);
        sessions::touch_all(tx)
    })
    .await
}

/// The clock as it begins: with a seed at its time and standing still, else the machine's.
pub fn begin_clock(clock: &Clock, has_seed: bool) {
    match has_seed {
        true => drop(clock.steer(seed_time(), false)),
        false => clock.as_machine(),
    }
}

/// When the clock of a server with a seed begins; it stands still.
pub const SEED_TIME: &str = "2026-11-02T09:00:00Z";

/// The same.
pub fn seed_time() -> Time {
    Time::parse(SEED_TIME).unwrap_or(Time::from_millis(0))
}
