//! Password hashing: argon2id, a few at a time.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes computed at once: each takes 19 MiB.
const AT_ONCE: usize = 2;

/// The hash of a password nobody has, with today's parameters: what an unknown user is checked against.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The PHC string of `password`, under a fresh salt. Takes about 20 ms.
pub fn hash(password: &str) -> Result<String> {
    let hash = argon2()?.hash_password(password.as_bytes()).map_err(|error| Error::internal(error.to_string()))?;
    Ok(hash.to_string())
}

/// Whether `text` is a PHC string of argon2 that [`Passwords::verify`] can check at a bearable cost.
pub fn is_usable_hash(text: &str) -> bool {
    let Ok(hash) = PasswordHash::new(text) else { return false };
    let Ok(params) = Params::try_from(&hash) else { return false };
    hash.algorithm.as_str().starts_with("argon2")
        && hash.hash.is_some()
        && params.m_cost() <= 8 * MEMORY_KIB
        && params.t_cost() <= 16
}

/// The outcome of checking a password.
#[derive(Debug)]
pub struct Verified {
    pub is_right: bool,
    /// A new hash to store: the right password's old one was made with weaker parameters.
    pub rehashed: Option<String>,
}

fn verify(password: &str, stored: Option<&str>) -> Result<Verified> {
    let parsed = PasswordHash::new(stored.unwrap_or(NOBODY)).map_err(|error| Error::internal(error.to_string()))?;
    let right = argon2()?.verify_password(password.as_bytes(), &parsed).is_ok() && stored.is_some();
    let is_weaker =
        Params::try_from(&parsed).map_or(true, |params| params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES);
    let rehashed = if right && is_weaker { Some(hash(password)?) } else { None };
    Ok(Verified { is_right: right, rehashed })
}

/// Hashes on the blocking pool, [`AT_ONCE`] at a time; the others wait.
pub struct Passwords {
    permits: Semaphore,
}

impl Default for Passwords {
    fn default() -> Passwords {
        Passwords { permits: Semaphore::new(AT_ONCE) }
    }
}

impl Passwords {
    /// The PHC string of `password`.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.run(move || hash(&password)).await
    }

    /// Checks `password`; without a stored hash the same work is done and the answer is no.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<Verified> {
        self.run(move || verify(&password, stored.as_deref())).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let _permit = self.permits.acquire().await.map_err(|_| Error::Busy)?;
        tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal(error.to_string()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_password_is_accepted_and_no_other() {
        let stored = hash("Passw0rd").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let right = verify("Passw0rd", Some(&stored)).unwrap();
        assert!(right.is_right && right.rehashed.is_none());
        assert!(!verify("passw0rd", Some(&stored)).unwrap().is_right);
        assert!(!verify("Passw0rd", None).unwrap().is_right);
    }

    #[test]
    fn a_weaker_hash_is_made_anew_when_the_password_is_right() {
        let params = Params::new(8 * 1024, 1, 1, None).unwrap();
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password(b"Passw0rd").unwrap();
        let rehashed = verify("Passw0rd", Some(&weak.to_string())).unwrap().rehashed.unwrap();
        assert!(rehashed.contains("m=19456,t=2"));
        assert!(verify("wrong", Some(&weak.to_string())).unwrap().rehashed.is_none());
    }

    #[test]
    fn only_argon2_at_a_bearable_cost_is_usable() {
        assert!(is_usable_hash(&hash("x").unwrap()));
        for bad in [
            "",
            "plain",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=9999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(!is_usable_hash(bad), "{bad}");
        }
    }
}
