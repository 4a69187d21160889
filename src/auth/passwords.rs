//! Password hashing: argon2id, a few at a time.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;
/// Hashes computed at once: each takes 19 MiB.
const AT_ONCE: usize = 2;

/// The hash of a password nobody has, with today's parameters: what an unknown user is checked against.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn params() -> Result<Params> {
    Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("a password could not be hashed: {error}"))
}

/// Runs argon2 over memory of our own.
///
/// The room taken is always more than 32 MiB, of which only what is used is ever touched: above that size glibc maps
/// memory anew each time and gives it back at once; below, it would keep 19 MiB for every thread that ever hashed.
fn run(algorithm: Algorithm, version: Version, params: &Params, password: &str, salt: &[u8]) -> Result<Output> {
    const ROOM_KIB: usize = 33 * 1024;
    let blocks = params.block_count();
    let mut memory = Vec::with_capacity(blocks.max(ROOM_KIB));
    memory.resize(blocks, Block::default());
    let mut out = [0; OUTPUT_BYTES];
    Argon2::new(algorithm, version, params.clone())
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut out, &mut memory)
        .map_err(internal)?;
    Output::new(&out).map_err(internal)
}

/// The PHC string of `password`, under a fresh salt. Takes about 20 ms.
pub fn hash(password: &str) -> Result<String> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(internal)?;
    let params = params()?;
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    let output = run(algorithm, version, &params, password, &salt)?;
    let hash = PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: ParamsString::try_from(&params).map_err(internal)?,
        salt: Some(Salt::new(&salt).map_err(internal)?),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

/// What a PHC string says, if it is one that can be checked here, at a bearable cost.
fn parse(text: &str) -> Option<(Algorithm, Version, Params, Salt, Output)> {
    let hash = PasswordHash::new(text).ok()?;
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = hash.version.map_or(Some(Version::V0x13), |version| Version::try_from(version).ok())?;
    let params = Params::try_from(&hash).ok()?;
    let output = hash.hash.filter(|output| output.len() == OUTPUT_BYTES)?;
    let is_bearable = params.m_cost() <= 8 * MEMORY_KIB && params.t_cost() <= 16;
    is_bearable.then_some((algorithm, version, params, hash.salt?, output))
}

/// Whether `text` is a PHC string of argon2, with 32 bytes of output, that takes at most 152 MiB and 16 passes.
pub fn is_usable_hash(text: &str) -> bool {
    parse(text).is_some()
}

/// The outcome of checking a password.
#[derive(Debug)]
pub struct Verified {
    pub is_right: bool,
    /// A new hash to store: the right password's old one was made with weaker parameters.
    pub rehashed: Option<String>,
}

fn verify(password: &str, stored: Option<&str>) -> Result<Verified> {
    let (algorithm, version, params, salt, expected) =
        parse(stored.unwrap_or(NOBODY)).ok_or_else(|| internal("the stored hash is not readable"))?;
    // Outputs are compared in constant time.
    let is_right = run(algorithm, version, &params, password, &salt)? == expected && stored.is_some();
    let is_weaker = algorithm != Algorithm::Argon2id || params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES;
    let rehashed = if is_right && is_weaker { Some(hash(password)?) } else { None };
    Ok(Verified { is_right, rehashed })
}

/// Hashes on the blocking pool, `AT_ONCE` at a time; the others wait.
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
        tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal(Box::new(error)))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::PasswordHasher;

    impl Passwords {
        /// Hashes nothing: callers get 503 `busy`.
        pub fn closed() -> Passwords {
            let passwords = Passwords::default();
            passwords.permits.close();
            passwords
        }
    }

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
        let weak = Argon2::from(params).hash_password(b"Passw0rd").unwrap();
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
