//! How single settings are read.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde::{Deserialize, Serialize};

use crate::domain::app_versions::AppVersions;
use crate::domain::mobile_config::NewColleagues;
use crate::domain::proposal::HubLevel;

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Json,
    Text,
}

/// A flag; in the environment also 1 and 0.
pub fn lenient_flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Flag(bool),
        Number(u8),
        Neither(serde::de::IgnoredAny),
    }
    match Given::deserialize(deserializer)? {
        Given::Flag(flag) => Ok(Some(flag)),
        Given::Number(number @ (0 | 1)) => Ok(Some(number == 1)),
        Given::Number(_) | Given::Neither(_) => Err(serde::de::Error::custom("must be true or false")),
    }
}

/// Refuses to listen on a network without TLS, unless --insecure was given.
pub fn check_listen(listen: SocketAddr, has_tls: bool, is_insecure: bool) -> Result<()> {
    ensure!(
        listen.ip().is_loopback() || has_tls || is_insecure,
        "{listen} is not loopback and there is no TLS: give --tls-cert and --tls-key, or --insecure if the network is trusted"
    );
    Ok(())
}

/// Versions of the apps, separated by commas.
pub fn app_versions(given: &str) -> Result<AppVersions> {
    AppVersions::parse(given).map_err(|wrong| {
        anyhow!(
            "{wrong} in --app-versions is no version of an app: give desktop, ios or android, such as desktop=6.1.0"
        )
    })
}

/// What a hub may do.
pub fn hub_level(name: &str) -> Result<HubLevel> {
    HubLevel::parse(name).context("give read, propose or administer")
}

pub fn new_colleagues(name: &str) -> Result<NewColleagues> {
    name.parse().ok().context("give ignore or offer")
}

/// `https://app.example.com`, `http://localhost:3000`; the port may be `*`.
pub fn is_origin(origin: &str) -> bool {
    let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let Some((host, port)) = rest.map(|rest| rest.rsplit_once(':').unwrap_or((rest, "*"))) else { return false };
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.[]:".contains(c));
    is_host && (port == "*" || port.parse::<u16>().is_ok())
}

/// Names of hosts, separated by commas: `pbx.example.com`, `*.example.com`, or `*` for any. Ports do not count.
pub fn hosts(given: &str) -> Result<Vec<String>> {
    let given = given.split(',').map(str::trim).filter(|name| !name.is_empty());
    let is_host = |name: &str| {
        let rest = name.strip_prefix("*.").unwrap_or(name);
        name == "*"
            || name.parse::<IpAddr>().is_ok()
            || rest.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c))
    };
    given
        .map(|name| {
            ensure!(
                is_host(name),
                "{name} in --allowed-hosts is no host name: give pbx.example.com, without scheme or port"
            );
            Ok(name.to_owned())
        })
        .collect()
}

/// Addresses of proxies, separated by commas; `none` for nobody.
pub fn proxies(given: &str) -> Result<Vec<IpAddr>> {
    let given = given.split(',').map(str::trim).filter(|address| !address.is_empty() && *address != "none");
    given
        .map(|address| {
            address
                .parse()
                .with_context(|| format!("{address} in --trusted-proxies is no IP address: give none for nobody"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_scheme_host_and_port() {
        for origin in ["https://app.example.com", "http://localhost:3000", "http://localhost:*", "https://[::1]:8443"] {
            assert!(is_origin(origin), "{origin}");
        }
        for origin in [
            "*",
            "app.example.com",
            "https://",
            "https://a b",
            "https://app.example.com/path",
            "http://h:99999",
            "null",
        ] {
            assert!(!is_origin(origin), "{origin}");
        }
    }
}
