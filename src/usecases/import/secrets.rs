//! Passwords and authenticator keys that come with the employees of a document.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use super::progress::{Progress, Stage};
use crate::auth::contexts::authenticator_key;
use crate::auth::secrets::Sealer;
use crate::auth::{passwords, totp};
use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::Action;
use crate::domain::employee::password;
use crate::domain::fields::Fields;
use crate::domain::id::Id;
use crate::error::{Check, Error, Result};
use crate::store::staged::{Staged, StagedSecrets};
use crate::store::{credentials, employees};
use crate::usecases::employees::set_password;

/// So many passwords a thread are taken out of the staged ones at a time.
const HASHED_AT_ONCE: usize = 32;

/// The secrets that came with an employee.
#[derive(Default, Serialize, Deserialize)]
pub struct Secrets {
    password: Option<String>,
    password_hash: Option<String>,
    authenticator_key: Option<Vec<u8>>,
}

impl Secrets {
    /// Sealed, for they are staged in a file.
    pub fn staged(&self, sealer: &Sealer, employee: Id) -> Result<Option<StagedSecrets>> {
        let has_password = self.password.is_some();
        if !has_password && self.password_hash.is_none() && self.authenticator_key.is_none() {
            return Ok(None);
        }
        let text = serde_json::to_vec(self).map_err(|error| Error::Internal(Box::new(error)))?;
        let sealed = sealer.seal(&staged_context(employee), &text)?;
        Ok(Some(StagedSecrets { sealed, has_password }))
    }

    pub fn unsealed(sealed: &[u8], sealer: &Sealer, employee: Id) -> Result<Secrets> {
        let text = sealer.unseal(&staged_context(employee), sealed);
        let secrets = text.and_then(|text| serde_json::from_slice(&text).ok());
        secrets.ok_or_else(|| Error::internal("staged secrets cannot be read"))
    }
}

fn staged_context(employee: Id) -> String {
    format!("import:{employee}")
}

pub fn read_secrets(fields: &mut Fields) -> Secrets {
    let mut secrets = Secrets { password: password(fields), ..Secrets::default() };
    fields.text("passwordHash", &mut secrets.password_hash);
    if secrets.password_hash.as_deref().is_some_and(|hash| !passwords::is_usable_hash(hash)) {
        fields.fault(
            "passwordHash",
            Check::Format,
            "passwordHash must be a PHC string of argon2, of at most 152 MiB and 16 passes",
        );
    }
    if secrets.password.is_some() && secrets.password_hash.is_some() {
        fields.fault("passwordHash", Check::Unique, "Give either password or passwordHash");
    }
    let mut key = None;
    fields.text("authenticatorKey", &mut key);
    if let Some(key) = key {
        secrets.authenticator_key = totp::parse_key(&key);
        if secrets.authenticator_key.is_none() {
            fields.fault("authenticatorKey", Check::Format, "authenticatorKey must be Base32 of at least 128 bits");
        }
    }
    secrets
}

/// Hashes the passwords, on as many threads as there are processors. 20 ms each.
pub fn hash_passwords(staged: &Staged, sealer: &Sealer, progress: &impl Progress) -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (done, total) = (AtomicUsize::new(0), staged.count_passwords()?);
    let hash_one = |(place, id, sealed): &(usize, Id, Vec<u8>)| -> Result<(usize, Vec<u8>)> {
        let mut secrets = Secrets::unsealed(sealed, sealer, *id)?;
        if let Some(password) = secrets.password.take() {
            secrets.password_hash = Some(passwords::hash(&password)?);
        }
        progress(Stage::Hashing, done.fetch_add(1, Ordering::Relaxed) + 1, total);
        let hashed = secrets.staged(sealer, *id)?.ok_or_else(|| Error::internal("a password was lost"))?;
        Ok((*place, hashed.sealed))
    };
    loop {
        let open = staged.next_passwords(threads * HASHED_AT_ONCE)?;
        if open.is_empty() {
            return Ok(());
        }
        for (place, sealed) in side_by_side(&open, threads, hash_one)? {
            staged.set_secrets(place, &sealed)?;
        }
    }
}

/// Has each thread work on what is next, so that none of them waits for a slower one.
fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let worker = || -> Result<Vec<R>> {
        let mut results = vec![];
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            results.push(work(item)?);
        }
        Ok(results)
    };
    let parts: Result<Vec<Vec<R>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(items.len())).map(|_| scope.spawn(worker)).collect();
        let failed = |_| Err(Error::internal("hashing failed"));
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(failed)).collect()
    });
    Ok(parts?.into_iter().flatten().collect())
}

pub fn write_secrets(tx: &mut WriteTx, sealer: &Sealer, id: Id, secrets: Secrets, is_new: bool) -> Result<()> {
    if let Some(hash) = secrets.password_hash {
        set_password(tx, id, &hash, is_new)?;
    }
    match secrets.authenticator_key {
        Some(key) => write_key(tx, sealer, id, &key, is_new),
        None => Ok(()),
    }
}

/// Which of the secrets differ from what the employee has; a password in clear always counts as another one.
pub fn changed_secrets(tx: &ReadTx, sealer: &Sealer, id: Id, secrets: &Secrets) -> Result<Vec<String>> {
    let mut changed = vec![];
    if secrets.password.is_some() {
        changed.push("password".into());
    }
    let stored = credentials::get(tx, id)?.password_hash;
    if secrets.password_hash.as_ref().is_some_and(|hash| stored.as_ref() != Some(hash)) {
        changed.push("passwordHash".into());
    }
    if let Some(key) = &secrets.authenticator_key
        && !has_key(tx, sealer, id, key)?
    {
        changed.push("authenticatorKey".into());
    }
    Ok(changed)
}

fn has_key(tx: &ReadTx, sealer: &Sealer, id: Id, key: &[u8]) -> Result<bool> {
    let stored = credentials::get(tx, id)?;
    let stored = stored.totp_key.filter(|_| stored.totp_confirmed);
    Ok(stored.and_then(|sealed| sealer.unseal(&authenticator_key(id), &sealed)).as_deref() == Some(key))
}

fn write_key(tx: &mut WriteTx, sealer: &Sealer, id: Id, key: &[u8], is_new: bool) -> Result<()> {
    if has_key(tx, sealer, id, key)? {
        return Ok(());
    }
    credentials::set_totp_key(tx, id, Some(&sealer.seal(&authenticator_key(id), key)?), true)?;
    if is_new {
        return Ok(());
    }
    let changed = employees::get(tx, id)?;
    employees::record_event(tx, &changed, Action::CreateAuthenticatorKey, "Authenticator key imported")
}
