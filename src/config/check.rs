//! Settings that do not go together.

use anyhow::{Result, bail};

use super::Config;
use super::values::{app_versions, check_listen, is_origin};
use crate::domain::app_versions::AppVersions;

impl Config {
    /// What `/pbx/app/version` answers.
    pub fn app_versions(&self) -> Result<AppVersions> {
        app_versions(self.app_versions.as_deref().unwrap_or_default())
    }

    /// Whether it answers this machine alone: no other one gets through to it.
    pub fn is_local(&self) -> bool {
        self.listen().ip().is_loopback() && self.allowed_hosts.is_none()
    }

    /// Refuses settings that cannot be used together, in one sentence.
    pub(super) fn check(&self) -> Result<()> {
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            bail!("--tls-cert and --tls-key go together: give both or neither");
        }
        if let Some(wrong) = self.cors_origins().iter().find(|origin| !is_origin(origin)) {
            bail!(
                "{wrong} in --cors-origins is no origin: give scheme, host and port, such as https://app.example.com"
            );
        }
        if self.import.is_some() && (!self.is_ephemeral() || self.is_demo()) {
            bail!(
                "--import goes with --ephemeral, and without --demo: to load a document into a database that stays, run import"
            );
        }
        if self.is_mock() && !self.is_ephemeral() {
            bail!(
                "--control, --seed and --strict go with --ephemeral: they are for tests, and a reset throws away what is there"
            );
        }
        if let Some(control) = self.control.filter(|control| !control.ip().is_loopback()) {
            bail!("--control is refused on {control}: the controls ask for no password; give an address of 127.0.0.1");
        }
        self.app_versions()?;
        let loopback = self.listen().ip().is_loopback();
        if self.is_demo() && !loopback {
            bail!(
                "--demo is refused on {}: everybody knows its passwords; listen on 127.0.0.1, or leave --demo out",
                self.listen()
            );
        }
        self.audit.check()?;
        for (name, is_zero) in
            [("backup_keep", self.backup.keep == Some(0)), ("log_file_mb", self.log_file_mb == Some(0))]
        {
            if is_zero {
                bail!("{name} is 0: give 1 at least, or leave it out for the default");
            }
        }
        self.smtp.check(loopback)?;
        check_listen(self.listen(), self.tls_cert.is_some(), self.insecure.unwrap_or(false))
    }
}
