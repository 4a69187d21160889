//! Secrets: tokens, the sealing of what must be read back, and the key file behind it.

use std::fs::Permissions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::domain::audit::{Hash, digest};
use crate::domain::chance;
use crate::error::{Error, Result};
use crate::files::{Part, beside, cannot_be_written};
use crate::service_manager::is_credential;

const NONCE_BYTES: usize = 12;
/// The longest token of the platform's that is taken.
const TOKEN_MAX: usize = 4_096;

/// 256 random bits as 64 lower-case hex characters, and the SHA-256 under which the database knows them.
pub fn new_token() -> Result<(String, Hash)> {
    let mut bytes = [0; 32];
    chance::fill(&mut bytes).map_err(|error| Error::Internal(Box::new(error)))?;
    let token = hex::encode(bytes);
    let hash = token_hash(&token).ok_or_else(|| Error::internal("a new token is malformed"))?;
    Ok((token, hash))
}

/// What the database knows a token by; `None` for text that [`new_token`] cannot have made.
pub fn token_hash(token: &str) -> Option<Hash> {
    let well_formed = token.len() == 64 && token.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    well_formed.then(|| digest(token.as_bytes()))
}

/// What the database knows any token by, one of the platform's too, whose form is not known; `None` for what no header can hold.
/// Of a token of our own it is the same as [`token_hash`].
pub fn presented_hash(token: &str) -> Option<Hash> {
    let is_fit = (1..=TOKEN_MAX).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_fit.then(|| digest(token.as_bytes()))
}

/// Seals secrets that must be read back (authenticator keys, remembered answers) with a key that is kept in a file
/// beside the database: a copy of the database alone reveals none of them.
pub struct Sealer {
    key: [u8; 32],
    cipher: ChaCha20Poly1305,
}

impl Sealer {
    /// Reads `DATABASE.key`, or makes it, readable by its owner only. `needed`: what in the database was sealed with the key
    /// that is missing, in words; then none is made.
    pub fn open(database: &Path, needed: Option<String>) -> anyhow::Result<Sealer> {
        match (Sealer::read(database)?, needed) {
            (Some(sealer), _) => Ok(sealer),
            (None, None) => Sealer::make(&key_path(database)),
            (None, Some(needed)) => bail!(
                "the key file {} is missing, and without it {needed} cannot be read: put it back from where it is kept; to go on \
                 without, start the server once with serve --new-key",
                key_path(database).display()
            ),
        }
    }

    /// Reads `DATABASE.key`; `None` when there is none.
    pub fn read(database: &Path) -> anyhow::Result<Option<Sealer>> {
        Sealer::read_file(&key_path(database))
    }

    /// Reads a key file; `None` when there is none.
    pub fn read_file(path: &Path) -> anyhow::Result<Option<Sealer>> {
        let Some(key) = read_file(path, "key file")? else { return Ok(None) };
        let key = key.try_into();
        key.map(|key| Some(Sealer::with_key(key))).map_err(|_| is_not(path, "is not a key file of 32 bytes"))
    }

    /// Makes a key file, whole or not at all.
    pub fn make(path: &Path) -> anyhow::Result<Sealer> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).context("the system gives no random numbers")?;
        // Whole or not at all: the next start would refuse half a key.
        let made = Part::of(path).and_then(|part| part.file().write_all(&key).and_then(|()| part.finish()));
        made.map_err(|error| cannot_be_written(path, error, "check the folder's rights"))?;
        Ok(Sealer::with_key(key))
    }

    pub fn with_key(key: [u8; 32]) -> Sealer {
        Sealer { key, cipher: ChaCha20Poly1305::new(&Key::from(key)) }
    }

    /// With a key that nobody has: what it seals is read back by this process alone.
    pub fn for_this_process() -> Result<Sealer> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(Sealer::with_key(key))
    }

    /// `context` names what is sealed, so that a value cannot be moved to another place.
    pub fn seal(&self, context: &str, secret: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| Error::Internal(Box::new(error)))?;
        let payload = Payload { msg: secret, aad: context.as_bytes() };
        let sealed =
            self.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| Error::internal("sealing failed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// `None` when it was sealed with another key, or for another place.
    pub fn unseal(&self, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        self.cipher.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: context.as_bytes() }).ok()
    }

    /// A keyed fingerprint: without the key file nobody can test guesses of the passwords that a request may hold.
    pub fn fingerprint(&self, parts: &[&[u8]]) -> Result<Hash> {
        Ok(self.mac_of(parts)?.finalize().into_bytes().into())
    }

    /// Whether `given` is the fingerprint of these parts. How long that takes says nothing about it.
    pub fn is_fingerprint(&self, parts: &[&[u8]], given: &[u8]) -> Result<bool> {
        Ok(self.mac_of(parts)?.verify_slice(given).is_ok())
    }

    fn mac_of(&self, parts: &[&[u8]]) -> Result<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(|error| Error::Internal(Box::new(error)))?;
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Ok(mac)
    }
}

/// `DATABASE.key`
pub fn key_path(database: &Path) -> PathBuf {
    beside(database, ".key")
}

/// What a file with a secret in it holds; `None` when there is none. An error calls the file `what`.
pub fn read_file(path: &Path, what: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let cannot_be_read = || format!("{} cannot be read", path.display());
    match std::fs::metadata(path) {
        Ok(data) if data.is_file() => {}
        // Reading a pipe would wait for its writer.
        Ok(_) => return Err(is_not(path, &format!("is not a {what}, but no regular file at all"))),
        // The disk that holds it may not be mounted yet.
        Err(error) if error.kind() == ErrorKind::NotFound && path.is_symlink() => {
            return Err(is_not(path, &format!("is a link to a {what} that is not there")));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(cannot_be_read),
    }
    std::fs::read(path).map(Some).with_context(cannot_be_read)
}

/// The error of a file that is not what it should be.
pub fn is_not(path: &Path, what: &str) -> anyhow::Error {
    anyhow!("{} {what}: put the right one back, or move it away to start with a new one", path.display())
}

/// Removes the rights of others to a file with a secret in it, and logs a warning: it may have been read.
pub fn keep_from_others(path: &Path) {
    let mode = std::fs::metadata(path).map_or(0, |data| data.permissions().mode() & 0o777);
    if mode & 0o077 == 0 || is_credential(path) {
        return;
    }
    let file = path.display();
    match std::fs::set_permissions(path, Permissions::from_mode(mode & 0o700)) {
        Ok(()) => tracing::warn!("{file} could be used by others (mode {mode:o}): now by its owner only"),
        Err(error) => tracing::warn!("{file} can be used by others (mode {mode:o}): {error}; chmod 600 it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_in_its_place_and_with_its_key() {
        let sealer = Sealer::with_key([7; 32]);
        let sealed = sealer.seal("totp:a", b"secret").unwrap();
        assert_eq!(sealer.unseal("totp:a", &sealed).unwrap(), b"secret");
        assert_eq!(sealer.unseal("totp:b", &sealed), None);
        assert_eq!(Sealer::with_key([8; 32]).unseal("totp:a", &sealed), None);
        assert_eq!(sealer.unseal("totp:a", &sealed[..5]), None);
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
    }

    #[test]
    fn only_our_own_form_is_a_token() {
        let (token, hash) = new_token().unwrap();
        assert_eq!(token_hash(&token), Some(hash));
        assert!(token_hash(&token.to_uppercase()).is_none() && token_hash("short").is_none());
    }
}
