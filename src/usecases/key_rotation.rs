//! Everything that is sealed with the key file is sealed anew with another key.

use serde::Serialize;

use crate::auth::contexts::context_of;
use crate::auth::secrets::Sealer;
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::audit::{Action, KEY_FILE};
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::audit::{self, Change};
use crate::store::sealed;

/// The key file as the audit trail names it.
const SUBJECT: Subject = Subject { section: KEY_FILE, object: Id::ZERO, customer: None };

/// What became of what was sealed.
#[derive(Debug, Serialize)]
pub struct Rotated {
    pub sealed: usize,
    /// What the replaced key did not open either, and stays as it is.
    pub unreadable: usize,
    /// Remembered answers to repeated requests that were forgotten.
    pub forgotten: usize,
}

/// Seals with `new` what `old` opens, and records it. 409 `key` when `old` opens nothing of what is sealed.
pub fn run(tx: &mut WriteTx, old: &Sealer, new: &Sealer) -> Result<Rotated> {
    let mut rotated = Rotated { sealed: 0, unreadable: 0, forgotten: sealed::forget_answers(tx)? };
    for (place, value) in sealed::values(tx)? {
        let context = context_of(&place);
        match old.unseal(&context, &value) {
            Some(secret) => {
                sealed::replace(tx, &place, &new.seal(&context, &secret)?)?;
                rotated.sealed += 1;
            }
            None => rotated.unreadable += 1,
        }
    }
    if rotated.sealed == 0 && rotated.unreadable > 0 {
        return Err(Error::conflict(
            "key",
            "the key file opens nothing of this database: it is another one's; put the right one in its place",
        ));
    }
    let description = format!("The key file was replaced: {} values are sealed with the new one", rotated.sealed);
    let change =
        Change { subject: SUBJECT, action: Action::RotateKey, description: &description, before: None, after: None };
    audit::append(tx, &change)?;
    Ok(rotated)
}

/// How many values are sealed in the database, and how many of them `sealer` does not open; `None`: there is no key file.
pub fn count_sealed(tx: &ReadTx, sealer: Option<&Sealer>) -> Result<(usize, usize)> {
    let values = sealed::values(tx)?;
    let opens = |sealer: &Sealer| {
        values.iter().filter(|(place, value)| sealer.unseal(&context_of(place), value).is_some()).count()
    };
    Ok((values.len(), values.len() - sealer.map_or(0, opens)))
}
