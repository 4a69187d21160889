//! A token for `/metrics` alone, for a collector that is nobody of the database.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use crate::auth::secrets::{keep_from_others, read_file};
use crate::domain::audit::digest;

/// The shortest that is accepted: 96 bits in base64.
const LEAST_CHARS: usize = 16;

/// The token, in a file. It is read anew for each call, so that it can be replaced while the server runs.
pub struct MetricsToken(PathBuf);

impl MetricsToken {
    /// The token in this file, which must be there.
    pub fn open(path: PathBuf) -> Result<MetricsToken> {
        let token = MetricsToken(path);
        token.read()?;
        keep_from_others(&token.0);
        Ok(token)
    }

    fn read(&self) -> Result<String> {
        let path = self.0.display();
        let Some(content) = read_file(&self.0, "token file")? else { bail!("there is no token file {path}") };
        let token = String::from_utf8(content).unwrap_or_default().trim().to_owned();
        let is_fit = token.len() >= LEAST_CHARS && token.bytes().all(|c| c.is_ascii_graphic());
        ensure!(
            is_fit,
            "{path} must hold one token of at least {LEAST_CHARS} characters, such as openssl rand -hex 32 makes"
        );
        Ok(token)
    }

    /// Whether `given` is the token.
    pub fn is(&self, given: &str) -> bool {
        match self.read() {
            // Digests are compared: how long that takes says nothing about the token.
            Ok(token) => digest(token.as_bytes()) == digest(given.as_bytes()),
            Err(error) => {
                tracing::warn!("the token for /metrics cannot be used: {error:#}");
                false
            }
        }
    }
}
