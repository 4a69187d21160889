//! Who is calling: from a token to an [`Actor`], with what is known kept in memory.
//!
//! A request must not write: when a session was last used is kept here and written once a minute ([`SessionCache::flush`]).
//! A committed change of who may log in, or as what, makes every entry be read again before it is believed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::auth::authorization::{self, Caller, Credential};
use crate::auth::secrets::{presented_hash, token_hash};
use crate::db::{Author, Db, ReadTx};
use crate::domain::access::Actor;
use crate::domain::audit::Hash;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::store::platform::tokens::PlatformToken;
use crate::store::{sessions, tokens};

/// How long an entry may go unused before it is dropped from memory.
const FORGET_MS: i64 = 3_600_000;

/// What a token stands for.
pub struct Identity {
    pub actor: Actor,
    /// SHA-256 of the token.
    pub token: Hash,
    pub credential: Credential,
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

impl Identity {
    pub fn session(&self) -> Option<&sessions::Session> {
        match &self.credential {
            Credential::Session(session) => Some(session),
            Credential::Machine { .. } | Credential::Platform(_) => None,
        }
    }

    /// The token of the platform's that this is.
    pub fn of_platform(&self) -> Option<&PlatformToken> {
        match &self.credential {
            Credential::Platform(token) => Some(token),
            Credential::Session(_) | Credential::Machine { .. } => None,
        }
    }

    /// What an impersonated session was opened with.
    fn parent(&self) -> Option<Hash> {
        self.session()?.parent.map(|parent| *parent.token())
    }

    fn check_not_expired(&self, now: Time) -> Result<()> {
        let last_used = Time::from_millis(self.last_used_ms.load(Ordering::Relaxed));
        if self.session().is_some_and(|session| session.is_expired(last_used, now)) {
            return Err(Error::session_expired());
        }
        Ok(())
    }

    fn check_address(&self, address: &str) -> Result<()> {
        let is_valid = match &self.credential {
            Credential::Session(session) => session.ip.as_deref().is_none_or(|only| only == address),
            Credential::Machine { addresses, .. } => is_among(address, addresses),
            Credential::Platform(token) => token.ip == address,
        };
        if is_valid { Ok(()) } else { Err(invalid("IP address not authenticated")) }
    }
}

impl SessionCache {
    /// The identity behind a token presented from `address`, which counts as a use of its session.
    pub fn authenticate(&self, db: &Db, token: &str, address: &str) -> Result<Arc<Identity>> {
        let identity = self.check(db, token, address)?;
        let now = db.clock().now().millis();
        identity.last_used_ms.fetch_max(now, Ordering::Relaxed);
        self.each_parent(db, &identity, |parent| {
            parent.last_used_ms.fetch_max(now, Ordering::Relaxed);
            Ok(())
        })?;
        Ok(identity)
    }

    /// As [`SessionCache::authenticate`], without counting as a use.
    pub fn check(&self, db: &Db, token: &str, address: &str) -> Result<Arc<Identity>> {
        let hash = presented_hash(token).ok_or_else(|| invalid("Undecipherable"))?;
        let unknown = || invalid(if token_hash(token).is_some() { "Please login" } else { "Undecipherable" });
        self.check_known(db, hash, address)?.ok_or_else(unknown)
    }

    /// Whom somebody who was authenticated before is now, without counting as a use.
    pub fn check_again(&self, db: &Db, identity: &Identity, address: &str) -> Result<Arc<Identity>> {
        self.check_known(db, identity.token, address)?.ok_or_else(|| invalid("Please login"))
    }

    fn check_known(&self, db: &Db, hash: Hash, address: &str) -> Result<Option<Arc<Identity>>> {
        let Some(identity) = self.find(db, hash)? else { return Ok(None) };
        let now = db.clock().now();
        identity.check_not_expired(now)?;
        self.each_parent(db, &identity, |parent| parent.check_not_expired(now))?;
        identity.check_address(address)?;
        Ok(Some(identity))
    }

    /// Calls `each` with what an impersonated session was opened with, and with what that was.
    fn each_parent(&self, db: &Db, identity: &Identity, each: impl Fn(&Identity) -> Result<()>) -> Result<()> {
        let mut above = identity.parent();
        while let Some(hash) = above {
            let parent = self.find(db, hash)?.ok_or_else(|| invalid("Please login"))?;
            each(&parent)?;
            above = parent.parent();
        }
        Ok(())
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

    /// Writes down when sessions and tokens were last used, and forgets who has not called for long.
    pub async fn flush(&self, db: &Db) -> Result<()> {
        let forget_before = db.clock().now().millis() - FORGET_MS;
        let mut used: Vec<(Hash, Time, bool)> = Vec::new();
        self.known.write().unwrap_or_else(PoisonError::into_inner).retain(|hash, identity| {
            let last_used = identity.last_used_ms.load(Ordering::Relaxed);
            // When a token of the platform's was last used is for the platform to know.
            if identity.saved_ms.swap(last_used, Ordering::Relaxed) < last_used && identity.of_platform().is_none() {
                used.push((*hash, Time::from_millis(last_used), identity.session().is_some()));
            }
            last_used >= forget_before
        });
        if used.is_empty() {
            return Ok(());
        }
        db.write(Author::system("system"), move |tx| {
            used.iter().try_for_each(|(hash, last_used, is_session)| match is_session {
                true => sessions::touch(tx, hash, *last_used),
                false => tokens::touch(tx, hash, *last_used),
            })
        })
        .await
    }
}

/// Whether a restriction to these addresses lets somebody in from `address`; none at all is no restriction.
pub fn is_among(address: &str, addresses: &[IpAddr]) -> bool {
    addresses.is_empty() || address.parse().is_ok_and(|address| addresses.contains(&address))
}

fn load(tx: &ReadTx, hash: &Hash, version: u64) -> Result<Option<Identity>> {
    let Some(Caller { actor, credential }) = authorization::caller(tx, hash)? else { return Ok(None) };
    let last_used = match &credential {
        Credential::Session(session) => session.last_used_at.millis(),
        Credential::Machine { last_used_at, .. } => last_used_at.map_or(0, Time::millis),
        Credential::Platform(token) => token.confirmed_at.millis(),
    };
    Ok(Some(Identity {
        actor,
        token: *hash,
        credential,
        version,
        last_used_ms: AtomicI64::new(last_used),
        saved_ms: AtomicI64::new(last_used),
    }))
}
