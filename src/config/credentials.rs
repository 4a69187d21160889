//! Settings that name a credential of the service in the place of a file: `credential:NAME`.

use std::path::PathBuf;

use anyhow::Result;

use super::Config;
use crate::service_manager::{credential_or_file, credentials};

impl Config {
    /// The settings whose file may be a credential, and what a message calls them.
    fn files(&mut self) -> [(&'static str, &mut Option<PathBuf>); 4] {
        [
            ("tls_key", &mut self.tls_key),
            ("metrics_token_file", &mut self.metrics_token_file),
            ("smtp_credential_file", &mut self.smtp.credential_file),
            ("platform_credential_file", &mut self.platform.credential_file),
        ]
    }

    /// Puts the files of the credentials in their places. A tool reads the same settings outside of the service, where there are no
    /// credentials: it needs none of them, and they stay named.
    pub(super) fn find_credentials(&mut self) -> Result<()> {
        if credentials().is_some() { self.require_credentials() } else { Ok(()) }
    }

    /// The same for the server: one that is missing is an error.
    pub(super) fn require_credentials(&mut self) -> Result<()> {
        for (name, file) in self.files() {
            if let Some(file) = file {
                *file = credential_or_file(file, name)?;
            }
        }
        Ok(())
    }
}
