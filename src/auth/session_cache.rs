//! Who is calling: from a token to an [`Actor`], with what is known kept in memory.
//!
//! A request must not write: when a session was last used is kept here and written once a minute ([`SessionCache::flush`]).
//! A committed change of who may log in, or as what, makes every entry be read again before it is believed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::auth::authorization;
use crate::auth::secrets::token_hash;
use crate::db::{Author, Db, ReadTx};
use crate::domain::access::Actor;
use crate::domain::audit::Hash;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::store::{sessions, tokens};

/// How long an entry may go unused before it is dropped from memory.
const FORGET_MS: i64 = 3_600_000;

/// What a token stands for.
pub struct Identity {
    pub actor: Actor,
    /// SHA-256 of the token.
    pub token: Hash,
    /// `None`: a machine-to-machine token.
    pub session: Option<sessions::Session>,
    /// Version of the identities in the database that this was read under.
    version: u64,
    last_used_ms: AtomicI64,
    saved_ms: AtomicI64,
}

#[derive(Default)]
pub struct SessionCache {
    known: RwLock<HashMap<Hash, Arc<Identity>>>,
}

fn invalid(message: &'static str) -> Error {
    Error::Unauthenticated { code: "invalid_token", message }
}

impl SessionCache {
    /// The identity behind a token presented from `address`, which counts as a use of its session.
    pub fn authenticate(&self, db: &Db, token: &str, address: &str) -> Result<Arc<Identity>> {
        let identity = self.check(db, token, address)?;
        identity.last_used_ms.fetch_max(db.clock().now().millis(), Ordering::Relaxed);
        Ok(identity)
    }

    /// As [`SessionCache::authenticate`], without counting as a use.
    pub fn check(&self, db: &Db, token: &str, address: &str) -> Result<Arc<Identity>> {
        let hash = token_hash(token).ok_or_else(|| invalid("Undecipherable"))?;
        let identity = self.find(db, hash)?.ok_or_else(|| invalid("Please login"))?;
        if let Some(session) = &identity.session {
            let last_used = Time::from_millis(identity.last_used_ms.load(Ordering::Relaxed));
            if session.is_expired(last_used, db.clock().now()) {
                return Err(Error::Unauthenticated { code: "expired", message: "Session has expired, please login" });
            }
            if session.ip.as_deref().is_some_and(|only| only != address) {
                return Err(invalid("IP address not authenticated"));
            }
        }
        Ok(identity)
    }

    fn find(&self, db: &Db, hash: Hash) -> Result<Option<Arc<Identity>>> {
        // Read before the database is: an entry can only be thought older than it is, never newer.
        let version = db.identities_version();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        if let Some(identity) = &known
            && identity.version == version
        {
            return Ok(known);
        }
        let loaded = db.read(|tx| load(tx, &hash, version))?;
        let mut map = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match loaded {
            None => {
                map.remove(&hash);
                Ok(None)
            }
            Some(identity) => {
                if let Some(known) = known {
                    identity.last_used_ms.fetch_max(known.last_used_ms.load(Ordering::Relaxed), Ordering::Relaxed);
                }
                let identity = Arc::new(identity);
                map.insert(hash, identity.clone());
                Ok(Some(identity))
            }
        }
    }

    /// Writes down when sessions were last used, and forgets who has not called for long.
    pub async fn flush(&self, db: &Db) -> Result<()> {
        let forget_before = db.clock().now().millis() - FORGET_MS;
        let mut used = Vec::new();
        self.known.write().unwrap_or_else(PoisonError::into_inner).retain(|hash, identity| {
            let last_used = identity.last_used_ms.load(Ordering::Relaxed);
            if identity.session.is_some() && identity.saved_ms.swap(last_used, Ordering::Relaxed) < last_used {
                used.push((*hash, Time::from_millis(last_used)));
            }
            last_used >= forget_before
        });
        if used.is_empty() {
            return Ok(());
        }
        db.write(Author::system("system"), move |tx| {
            used.iter().try_for_each(|(hash, last_used)| sessions::touch(tx, hash, *last_used))
        })
        .await
    }
}

fn load(tx: &ReadTx, hash: &Hash, version: u64) -> Result<Option<Identity>> {
    let session = sessions::find(tx, hash)?;
    let employee = match &session {
        Some(session) => Some(session.employee),
        None => tokens::find(tx, hash)?,
    };
    let Some(employee) = employee else { return Ok(None) };
    let impersonator = session.as_ref().and_then(|session| session.impersonator);
    let Some(actor) = authorization::caller(tx, employee, impersonator)? else { return Ok(None) };
    let last_used = session.as_ref().map_or(tx.now, |session| session.last_used_at).millis();
    Ok(Some(Identity {
        actor,
        token: *hash,
        session,
        version,
        last_used_ms: AtomicI64::new(last_used),
        saved_ms: AtomicI64::new(last_used),
    }))
}
