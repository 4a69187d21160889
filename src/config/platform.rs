//! The settings about the platform: in the file under `[platform]`, as flags and in the environment with `platform` before them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::values::lenient_flag;
use crate::domain::platform::{Conflicts, Mode};
use crate::platform::connect::{Target, read_credential_file};
use crate::platform::settings::PlatformSettings;
use crate::store::platform::Rules;

/// The name of the credential that systemd gives (systemd.exec, LoadCredential).
const SYSTEMD_CREDENTIAL: &str = "telecomx-platform";
const HOUR_MS: i64 = 3_600_000;

/// What is set of the work with the platform.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Platform {
    /// The platform that this server works with, such as `https://api.telecomx.dk` [default: the one of platform connect, or none]
    #[arg(id = "platform_url", long = "platform-url", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// File with a token on one line, or user name and password on two; goes with --platform-url
    /// [default: the credential telecomx-platform of systemd]
    #[arg(id = "platform_credential_file", long = "platform-credential-file", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_file: Option<PathBuf>,

    /// Certificates that the platform is to be trusted by, PEM, in the place of the usual ones [default: none]
    #[arg(id = "platform_ca", long = "platform-ca", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,

    /// work: read from the platform, and send what is changed here; follow: read only, and take no change here [default: work]
    #[arg(id = "platform_mode", long = "platform-mode", value_name = "MODE", value_parser = mode)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,

    /// Where both sides changed the same: ask, mine (what is here is sent), theirs (what is there is taken) [default: ask]
    #[arg(id = "platform_conflicts", long = "platform-conflicts", value_name = "WHOSE", value_parser = conflicts)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Conflicts>,

    /// Take changes that the platform has no call for; only this server keeps them [default: false]
    #[arg(
        id = "platform_allow_local_only",
        long = "platform-allow-local-only",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_name = "BOOL"
    )]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient_flag")]
    pub allow_local_only: Option<bool>,

    /// Which calls that are not served here go on to the platform: read (GET and HEAD) or all [default: read]
    #[arg(id = "platform_forward", long = "platform-forward", value_name = "CALLS", value_parser = forward)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward: Option<Forward>,

    /// The most requests a second that reading and sending make; 0: any number [default: 5]
    #[arg(id = "platform_requests_per_second", long = "platform-requests-per-second", value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,

    /// Seconds between two readings of everything [default: 300]
    #[arg(id = "platform_interval_s", long = "platform-interval-s", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_s: Option<u64>,

    /// Days that a password is good for while the platform is out of reach, since it was last accepted there [default: 30]
    #[arg(id = "platform_offline_login_days", long = "platform-offline-login-days", value_name = "DAYS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline_login_days: Option<u32>,

    /// Let employees who need an SMS code log in without one while the platform is out of reach [default: false]
    #[arg(
        id = "platform_offline_without_sms",
        long = "platform-offline-without-sms",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_name = "BOOL"
    )]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient_flag")]
    pub offline_without_sms: Option<bool>,

    /// Hours that a token of the platform's is good for while it is out of reach [default: 24]
    #[arg(id = "platform_offline_token_hours", long = "platform-offline-token-hours", value_name = "HOURS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline_token_hours: Option<u32>,

    /// The most changes that may wait for the platform [default: 100000]
    #[arg(id = "platform_queue_max", long = "platform-queue-max", value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_max: Option<u32>,
}

/// Which calls go on to the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Forward {
    Read,
    All,
}

fn mode(name: &str) -> Result<Mode> {
    Mode::parse(name).context("give work or follow")
}

fn conflicts(name: &str) -> Result<Conflicts> {
    Conflicts::parse(name).context("give ask, mine or theirs")
}

fn forward(name: &str) -> Result<Forward> {
    match name {
        "read" => Ok(Forward::Read),
        "all" => Ok(Forward::All),
        _ => Err(anyhow::anyhow!("give read or all")),
    }
}

impl Platform {
    pub fn settings(&self) -> PlatformSettings {
        let default = PlatformSettings::default();
        PlatformSettings {
            ca: self.ca.clone(),
            rules: Rules {
                mode: self.mode.unwrap_or(default.rules.mode),
                queue_max: self.queue_max.map_or(default.rules.queue_max, i64::from),
                allows_local_only: self.allow_local_only.unwrap_or(default.rules.allows_local_only),
            },
            conflicts: self.conflicts.unwrap_or(default.conflicts),
            forwards_all: self.forward == Some(Forward::All),
            requests_per_second: self.requests_per_second.unwrap_or(default.requests_per_second),
            interval: self.interval_s.map_or(default.interval, |seconds| Duration::from_secs(seconds.max(1))),
            offline_login_ms: self
                .offline_login_days
                .map_or(default.offline_login_ms, |days| i64::from(days) * 24 * HOUR_MS),
            offline_token_ms: self
                .offline_token_hours
                .map_or(default.offline_token_ms, |hours| i64::from(hours) * HOUR_MS),
            offline_without_sms: self.offline_without_sms.unwrap_or(default.offline_without_sms),
        }
    }

    /// The platform that is set, with its credential; `None` where none is.
    pub fn target(&self) -> Result<Option<Target>> {
        let Some(url) = &self.url else {
            ensure!(
                self.credential_file.is_none(),
                "--platform-credential-file goes with --platform-url: give both or neither"
            );
            return Ok(None);
        };
        crate::sync::http_agent::check_url(url, "the platform", false)?;
        let of_systemd = || {
            let folder = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)?;
            Some(folder.join(SYSTEMD_CREDENTIAL)).filter(|file| file.exists())
        };
        let file = self.credential_file.clone().or_else(of_systemd);
        let file = file.context(
            "--platform-url needs a credential: give --platform-credential-file, or the credential telecomx-platform of systemd",
        )?;
        Ok(Some(Target { url: url.clone(), credential: read_credential_file(&file)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_has_its_default() {
        let settings = Platform::default().settings();
        assert_eq!((settings.requests_per_second, settings.interval), (5, Duration::from_secs(300)));
        assert_eq!((settings.rules.mode, settings.rules.queue_max), (Mode::Work, 100_000));
        assert!(Platform::default().target().unwrap().is_none());
    }
}
