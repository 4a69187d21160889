//! One-time codes of authenticator apps: TOTP (RFC 6238) with SHA-1, six digits, 30 seconds.

use totp_rs::{Builder, Secret, Totp};

use crate::auth::secrets::AuthenticatorKey;
use crate::domain::time::Time;
use crate::error::{Error, Result};

const KEY_BYTES: usize = 20;

fn totp(key: &[u8]) -> Result<Totp> {
    Builder::new()
        .with_secret(key.to_vec())
        .build()
        .map_err(|error| Error::internal(format!("an authenticator key is unusable: {error}")))
}

/// A new random key.
pub fn new_key() -> Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| Error::internal(error.to_string()))?;
    Ok(key)
}

/// The key as its owner is shown it (api:employee:createauthenticatorkey).
pub fn present(key: &[u8], login_name: &str) -> AuthenticatorKey {
    let base32 = Secret::from(key).to_base32();
    let totp = format!("otpauth://totp/TelecomX:{}?secret={base32}&issuer=TelecomX", percent_encoded(login_name));
    AuthenticatorKey { key: base32, totp }
}

/// The key behind its Base32 text, when it is one of at least 128 bits.
pub fn parse_key(base32: &str) -> Option<Vec<u8>> {
    let key = Secret::try_from_base32(base32).ok()?.as_ref().to_vec();
    totp(&key).is_ok().then_some(key)
}

/// The time step that `code` belongs to, if it is right now (give or take one step) and newer than `last_step`.
pub fn accepted_step(key: &[u8], code: &str, last_step: i64, now: Time) -> Result<Option<i64>> {
    let seconds = u64::try_from(now.seconds()).unwrap_or(0);
    let step = totp(key)?.check(code, seconds).and_then(|step| i64::try_from(step).ok());
    Ok(step.filter(|step| *step > last_step))
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'@' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_accepted_once_and_only_near_its_time() {
        let key = [7; KEY_BYTES];
        let now = Time::from_millis(1_700_000_000_000);
        let code = totp(&key).unwrap().generate(1_700_000_000).to_string();
        let step = accepted_step(&key, &code, 0, now).unwrap().unwrap();
        assert_eq!(step, 1_700_000_000 / 30);
        assert_eq!(accepted_step(&key, &code, step, now).unwrap(), None);
        assert_eq!(accepted_step(&key, &code, 0, now.plus_ms(29_000)).unwrap(), Some(step));
        assert_eq!(accepted_step(&key, &code, 0, now.plus_ms(120_000)).unwrap(), None);
        for wrong in ["", "12345", "abcdef", "1234567"] {
            assert_eq!(accepted_step(&key, wrong, 0, now).unwrap(), None);
        }
    }

    #[test]
    fn a_key_is_presented_as_text_and_url() {
        let shown = present(&[0; 20], "a+b@c.dk");
        assert_eq!(shown.key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(shown.totp, format!("otpauth://totp/TelecomX:a%2Bb@c.dk?secret={}&issuer=TelecomX", shown.key));
        assert_eq!(parse_key(&shown.key), Some(vec![0; 20]));
        assert_eq!(parse_key("not base32!"), None);
    }
}
