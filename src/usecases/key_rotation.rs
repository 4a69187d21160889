//! Everything that is sealed with the key file is sealed anew with another key.

use serde::Serialize;

use crate::auth::contexts::context_of;
use crate::auth::secrets::Sealer;
use crate::db::{Subject, WriteTx};
use crate::domain::audit::{Action, KEY_FILE};
use crate::domain::id::Id;
use crate::error::Result;
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

/// Seals with `new` what `old` opens, and records it.
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
    let description = format!("The key file was replaced: {} values are sealed with the new one", rotated.sealed);
    let change =
        Change { subject: SUBJECT, action: Action::RotateKey, description: &description, before: None, after: None };
    audit::append(tx, &change)?;
    Ok(rotated)
}
