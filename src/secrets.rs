//! Secrets: tokens, the sealing of what must be read back, and the key file behind it.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::domain::audit::{Hash, digest};
use crate::error::{Error, Result};

const NONCE_BYTES: usize = 12;

/// A new key for an authenticator app, as it is presented to its owner once.
#[derive(Debug)]
pub struct AuthenticatorKey {
    /// Base32.
    pub key: String,
    /// `otpauth://totp/…`
    pub totp: String,
}

/// 256 random bits as 64 lower-case hex characters, and the SHA-256 under which the database knows them.
pub fn new_token() -> Result<(String, Hash)> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = token_hash(&token).ok_or_else(|| Error::internal("a token of ours is malformed"))?;
    Ok((token, hash))
}

/// What the database knows a token by; `None` when it is no token of ours.
pub fn token_hash(token: &str) -> Option<Hash> {
    let well_formed = token.len() == 64 && token.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    well_formed.then(|| digest(token.as_bytes()))
}

/// Seals secrets that must be read back (authenticator keys, remembered answers) with a key that is kept in a file
/// beside the database: a copy of the database alone tells nothing.
pub struct Sealer {
    key: [u8; 32],
    cipher: ChaCha20Poly1305,
}

impl Sealer {
    /// Reads `DATABASE.key`, or makes it, readable by its owner only.
    pub fn open(database: &Path) -> Result<Sealer, String> {
        match Sealer::read(database)? {
            Some(sealer) => Ok(sealer),
            None => Sealer::make(&key_path(database)),
        }
    }

    /// Reads `DATABASE.key`; `None` when there is none.
    pub fn read(database: &Path) -> Result<Option<Sealer>, String> {
        let path = key_path(database);
        match std::fs::read(&path) {
            Ok(bytes) => match bytes.try_into() {
                Ok(key) => Ok(Some(Sealer::with_key(key))),
                Err(_) => Err(format!(
                    "{} is not a key file of 32 bytes: put the right one back, or move it away to start with a new one",
                    path.display()
                )),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
        }
    }

    fn make(path: &Path) -> Result<Sealer, String> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| error.to_string())?;
        let told = |error: std::io::Error| format!("{} cannot be written: {error}", path.display());
        let mut file = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map_err(told)?;
        file.write_all(&key).and_then(|()| file.sync_all()).map_err(told)?;
        Ok(Sealer::with_key(key))
    }

    pub fn with_key(key: [u8; 32]) -> Sealer {
        Sealer { key, cipher: ChaCha20Poly1305::new(&Key::from(key)) }
    }

    /// `context` names what is sealed, so that a value cannot be moved to another place.
    pub fn seal(&self, context: &str, secret: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| Error::internal(error.to_string()))?;
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

    /// A fingerprint that cannot be guessed at without the key file: requests may hold passwords.
    pub fn fingerprint(&self, parts: &[&[u8]]) -> Result<Hash> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(|error| Error::internal(error.to_string()))?;
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Ok(mac.finalize().into_bytes().into())
    }
}

/// `DATABASE.key`
pub fn key_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".key");
    name.into()
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
