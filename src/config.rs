//! The one place for settings: flag, then environment, then file, then default.

mod audit;
mod backup;
mod callers;
mod check;
mod credentials;
mod database;
mod hub;
mod in_force;
mod limits;
mod mail;
mod names;
pub mod platform;
mod shown;
mod start;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use clap::Args;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

use crate::domain::mobile_config::NewColleagues;
use crate::domain::proposal::HubLevel;
use audit::Audit;
use backup::Backup;
use mail::Smtp;
use names::{NAMES, PREFIX, in_section, unknown_variable};
use platform::Platform;
pub use values::{LogFormat, check_listen};
use values::{hub_level, lenient_flag, new_colleagues};

/// Every setting; what is not set has the default that its help names. Each can also be given as
/// `TELECOMX_LOCAL_<NAME>` in the environment, or as `name` in the TOML file.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Database file, made where it is missing [default: telecomx-local/telecomx.db in the user's data folder]
    #[arg(long, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub db: Option<PathBuf>,

    /// TOML file with settings [default: none]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<PathBuf>,

    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,

    /// Load the demo world if the database is empty, and print a call to try; loopback only [default: false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient_flag")]
    pub demo: Option<bool>,

    /// Keep nothing: the database is in a temporary folder that is removed at the end [default: false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", conflicts_with = "db")]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient_flag")]
    pub ephemeral: Option<bool>,

    /// Begin with what this document holds, in the form of import; together with --ephemeral [default: none]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<PathBuf>,

    /// Controls for tests on a listener of their own, on loopback: reset, clock, faults, workspaces; together with --ephemeral
    /// [default: none; without an address a free port of 127.0.0.1]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "127.0.0.1:0", value_name = "ADDR:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<SocketAddr>,

    /// Ids, tokens and times repeat from run to run; together with --ephemeral [default: none]
    #[arg(long, value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,

    /// Refuse requests with what the documentation does not allow, as an unknown property; together with --ephemeral
    /// [default: false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient_flag")]
    pub strict: Option<bool>,

    /// Make a new key file where it is missing: what was sealed with the old one is lost [default: false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient_flag")]
    pub new_key: Option<bool>,

    /// Allow an address that is not loopback without TLS: tokens and passwords can be read on the way [default: false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient_flag")]
    pub insecure: Option<bool>,

    /// Certificate chain for TLS, PEM; together with --tls-key [default: none]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<PathBuf>,

    /// Private key for TLS, PEM; together with --tls-cert [default: none]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,

    /// Serve no console on /console [default: false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient_flag")]
    pub no_console: Option<bool>,

    /// Origins whose pages may call from a browser, comma-separated.
    #[arg(
        long,
        value_name = "ORIGINS",
        help = "Origins whose pages may call from a browser, comma-separated, such as https://app.example.com [default: none]"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors_origins: Option<String>,

    /// Names that this server is called by, comma-separated, such as pbx.example.com; any other is refused
    /// [default: on loopback this machine, else any]
    #[arg(long, value_name = "HOSTS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_hosts: Option<String>,

    /// Proxies whose X-Forwarded-For names the caller, comma-separated IP addresses; none: nobody's [default: 127.0.0.1,::1]
    #[arg(long, value_name = "ADDRESSES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_proxies: Option<String>,

    /// File with a token for /metrics alone, of at least 16 characters; readable by its owner only [default: none]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_token_file: Option<PathBuf>,

    /// Certificates that hubs are to be trusted by, PEM, in the place of the usual ones [default: none]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub_ca: Option<PathBuf>,

    /// The most that the hub may do here: read the rows; propose changes, but not of employees above MANAGER; or administer
    /// [default: propose]
    #[arg(long, value_name = "LEVEL", value_parser = hub_level)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub_may: Option<HubLevel>,

    /// Give the hub a diagnosis when an operator there asks for one: what doctor finds, and the last lines of the log
    /// [default: true]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient_flag")]
    pub hub_diagnosis: Option<bool>,

    /// Hours without an answer of the hub before that is an alarm [default: 24]
    #[arg(long, value_name = "HOURS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub_silent_alarm_h: Option<u32>,

    #[command(flatten)]
    #[serde(skip_serializing_if = "is_default")]
    pub platform: Platform,

    #[command(flatten)]
    #[serde(skip_serializing_if = "is_default")]
    pub smtp: Smtp,

    #[command(flatten)]
    #[serde(skip_serializing_if = "is_default")]
    pub backup: Backup,

    #[command(flatten)]
    #[serde(skip_serializing_if = "is_default")]
    pub audit: Audit,

    /// Failed logins per name before more are refused for a while [default: 10]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_failures_per_name: Option<u32>,

    /// Failed logins per address before more are refused for a while [default: 50]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_failures_per_address: Option<u32>,

    /// How long failed logins count, in seconds from the first of them [default: 300]
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_failure_window_s: Option<u64>,

    /// How long one request may take, in seconds [default: 30]
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_timeout_s: Option<u64>,

    /// Connections of one address to realtime, over socket.io; more are refused [default: 1000]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realtime_connections_per_address: Option<usize>,

    /// Connections to realtime in all [default: 10000]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realtime_connections: Option<usize>,

    /// Seconds after which a connection to realtime is cut off that nobody has authenticated [default: 10]
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realtime_authenticate_s: Option<u32>,

    /// What a new employee or queue means for the mobile configs of its customer: ignore, or offer, which adds it to their others
    /// [default: ignore]
    #[arg(long, value_name = "WHAT", value_parser = new_colleagues)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_colleagues: Option<NewColleagues>,

    /// Newest versions of the apps, as desktop=6.1.0,ios=5.2.0,android=5.2.0 [default: 0.0.0 for each, no newer one is known]
    #[arg(long, value_name = "VERSIONS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_versions: Option<String>,

    /// What is logged on standard error: error, warn, info, debug or trace, also per module [default: info]
    #[arg(long, value_name = "LEVEL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,

    /// Form of the log: json or text [default: text on a terminal, else json]
    #[arg(long, value_name = "FORM")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,

    /// File for the log in the place of standard error, rotated by its size [default: none]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_file: Option<PathBuf>,

    /// Size at which the log file is rotated, in MiB [default: 10]
    #[arg(long, value_name = "MIB")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_file_mb: Option<u32>,

    /// How many rotated log files to keep [default: 5]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_files: Option<u32>,
}

/// Whether nothing of it is set.
fn is_default<T: Default + PartialEq>(section: &T) -> bool {
    *section == T::default()
}

impl Config {
    /// The same for the server, which needs every file that it names: a credential too.
    pub fn resolve_for_server(self) -> Result<Config> {
        let mut config = self.resolve()?;
        config.require_credentials()?;
        Ok(config)
    }

    /// These flags over the environment over the file.
    pub fn resolve(self) -> Result<Config> {
        if let Some(name) = unknown_variable() {
            bail!("{name} is in the environment, but there is no such setting: see serve --help");
        }
        let from_environment = Env::prefixed(PREFIX).only(&NAMES).map(|name| in_section(name.as_str()).into());
        // The TOML parser draws the faulty line over several lines: a message has only one.
        let describe = |error: figment::Error| {
            let message = error.to_string();
            let message = message.split_whitespace().collect::<Vec<_>>().join(" ").replace("\"default.", "\"");
            anyhow!("a setting cannot be used: {message}")
        };
        let named = Figment::new().merge(from_environment.clone()).merge(Serialized::defaults(&self));
        let file = named.extract_inner::<PathBuf>("config").ok();
        let mut figment = Figment::new();
        if let Some(file) = file {
            if !file.is_file() {
                bail!("there is no settings file {}", file.display());
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let mut config: Config =
            figment.merge(from_environment).merge(Serialized::defaults(&self)).extract().map_err(describe)?;
        config.find_credentials()?;
        config.check()?;
        Ok(config)
    }

    pub fn listen(&self) -> SocketAddr {
        self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        config: Config,
    }

    fn resolve(flags: &[&str]) -> Result<Config, String> {
        Program::parse_from([&["program"], flags].concat()).config.resolve().map_err(|error| error.to_string())
    }

    #[test]
    fn every_setting_has_a_flag_and_a_name() {
        use clap::CommandFactory;
        let flags: Vec<String> =
            Program::command().get_arguments().map(|argument| argument.get_id().to_string()).collect();
        assert_eq!(flags, NAMES);
    }

    #[test]
    fn an_open_address_is_refused_unless_it_is_meant() {
        assert!(resolve(&["--listen", "127.0.0.1:0", "--demo"]).is_ok());
        assert!(resolve(&["--listen", "[::1]:0"]).is_ok());
        assert!(resolve(&["--listen", "0.0.0.0:80"]).unwrap_err().contains("--insecure"));
        assert!(resolve(&["--listen", "0.0.0.0:80", "--insecure"]).is_ok());
        assert!(resolve(&["--listen", "0.0.0.0:80", "--insecure", "--demo"]).unwrap_err().contains("--demo"));
        assert!(resolve(&["--tls-cert", "x"]).unwrap_err().contains("go together"));
    }

    #[test]
    fn a_flag_wins_over_the_file_and_an_unknown_setting_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        let file_name = file.to_str().unwrap();
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\nlogin_failures_per_name = 3\n").unwrap();
        let config = resolve(&["--config", file_name, "--listen", "127.0.0.1:2"]).unwrap();
        assert_eq!((config.listen().port(), config.login_limits().per_name), (2, 3));
        std::fs::write(&file, "lisen = 1\n").unwrap();
        assert!(resolve(&["--config", file_name]).unwrap_err().contains("lisen"));
    }
}
