//! Passwords and authenticator keys that come with the employees of a document.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::progress::{Progress, Stage};
use crate::auth::secrets::Sealer;
use crate::auth::{passwords, totp};
use crate::db::WriteTx;
use crate::domain::audit::Action;
use crate::domain::employee::password;
use crate::domain::fields::Fields;
use crate::domain::id::Id;
use crate::error::{Check, Error, Result};
use crate::store::{credentials, employees};
use crate::usecases::employees::set_password;
use crate::usecases::login::seal_context;

/// The secrets that came with an employee.
#[derive(Debug, Default)]
pub struct Secrets {
    pub password: Option<String>,
    pub password_hash: Option<String>,
    pub authenticator_key: Option<Vec<u8>>,
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
pub fn hash_passwords(secrets: &mut [Secrets], progress: &impl Progress) -> Result<()> {
    let mut open: Vec<&mut Secrets> = secrets.iter_mut().filter(|secrets| secrets.password.is_some()).collect();
    if open.is_empty() {
        return Ok(());
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (done, total) = (AtomicUsize::new(0), open.len());
    let hash_share = |secrets: &mut [&mut Secrets]| -> Result<()> {
        for secrets in secrets {
            if let Some(password) = secrets.password.take() {
                secrets.password_hash = Some(passwords::hash(&password)?);
            }
            progress(Stage::Hashing, done.fetch_add(1, Ordering::Relaxed) + 1, total);
        }
        Ok(())
    };
    let hash_share = &hash_share;
    std::thread::scope(|scope| {
        let shares = open.chunks_mut(total.div_ceil(threads));
        let workers: Vec<_> = shares.map(|share| scope.spawn(move || hash_share(share))).collect();
        let failed = |_| Err(Error::internal("hashing failed"));
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(failed))
    })
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

fn write_key(tx: &mut WriteTx, sealer: &Sealer, id: Id, key: &[u8], is_new: bool) -> Result<()> {
    let context = seal_context(id);
    let stored = credentials::get(tx, id)?;
    let stored = stored.totp_key.filter(|_| stored.totp_confirmed).and_then(|sealed| sealer.unseal(&context, &sealed));
    if stored.as_deref() == Some(key) {
        return Ok(());
    }
    credentials::set_totp_key(tx, id, Some(&sealer.seal(&context, key)?), true)?;
    if is_new {
        return Ok(());
    }
    let changed = employees::get(tx, id)?;
    employees::record_event(tx, &changed, Action::CreateAuthenticatorKey, "Authenticator key imported")
}
