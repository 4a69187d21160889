//! Which key file a database is sealed with, also after a rotation of it that was cut off.
//!
//! A rotation writes the new key beside the old one, seals everything anew in one transaction, and then puts the new key in the place
//! of the old one. Cut off before the transaction, the old key opens what is sealed; afterwards the new one does.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::contexts::context_of;
use super::secrets::{Sealer, key_path};
use crate::db::ReadTx;
use crate::files::{beside, cannot_be_written, folder_of, move_file, sync_folder};
use crate::store::sealed;

const ADVICE: &str = "check the folder's rights";

/// Opens the key file of a database that this process has to itself, finishes a rotation that was cut off, and makes a key where nothing
/// is sealed yet.
pub fn open(database: &Path, tx: &ReadTx) -> Result<Sealer> {
    let (key, new) = paths(database);
    if let Some(sealer) = Sealer::read_file(&new)? {
        match is_rotated(database, tx)? {
            true => move_file(&new, &key),
            false => std::fs::remove_file(&new).and_then(|()| sync_folder(folder_of(&new))),
        }
        .map_err(|error| cannot_be_written(&key, error, ADVICE))?;
        drop(sealer);
        tracing::warn!("a rotation of the key file was cut off: {} is the one that fits", key.display());
    }
    Sealer::open(database, sealed::describe(tx)?)
}

/// Reads the key file that fits, beside a running server too; `None` when there is none. Writes nothing.
pub fn read(database: &Path, tx: &ReadTx) -> Result<Option<Sealer>> {
    match Sealer::read_file(&paths(database).1)? {
        Some(new) if is_rotated(database, tx)? => Ok(Some(new)),
        _ => Sealer::read(database),
    }
}

/// Whether what is sealed is no longer sealed with the key file, but with the new one beside it. Where nothing is sealed, it is.
fn is_rotated(database: &Path, tx: &ReadTx) -> Result<bool> {
    let Some(old) = Sealer::read(database)? else { return Ok(true) };
    let values = sealed::values(tx)?;
    Ok(!values.iter().any(|(place, value)| old.unseal(&context_of(place), value).is_some()))
}

/// The key file, where a link leads, and the new one beside it.
fn paths(database: &Path) -> (PathBuf, PathBuf) {
    let key = key_path(database);
    let key = std::fs::canonicalize(&key).unwrap_or(key);
    let new = beside(&key, ".new");
    (key, new)
}

/// A new key that waits beside the old one.
pub struct NewKey {
    key: PathBuf,
    new: PathBuf,
    pub sealer: Sealer,
}

impl NewKey {
    /// Makes one: it is on disk when this returns.
    pub fn make(database: &Path) -> Result<NewKey> {
        let (key, new) = paths(database);
        let sealer = Sealer::make(&new)?;
        Ok(NewKey { key, new, sealer })
    }

    /// Puts it in the place of the old one, once everything is sealed with it.
    pub fn put_in_place(self) -> Result<()> {
        move_file(&self.new, &self.key).map_err(|error| cannot_be_written(&self.key, error, ADVICE))
    }

    /// Removes it again: nothing was sealed with it.
    pub fn give_up(self) {
        let _ = std::fs::remove_file(&self.new);
    }
}
