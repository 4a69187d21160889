//! How a hub is reached, and the platform: trusted certificates, timeouts, name resolution.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use ureq::Proxy;
use ureq::config::{AutoHeaderValue, Config};
use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// Whose URL it is, in messages.
pub const HUB: &str = "a hub";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
const KEPT_CONNECTIONS: usize = 3;

/// The slowest line that a body is sent over, in bytes per second.
const LINE_MIN: u64 = 1_000;
/// How long a call may take besides the transfer of its body.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a call with a body of this length may take in all.
pub fn call_timeout(body_bytes: usize) -> Duration {
    ANSWER_TIMEOUT + Duration::from_secs(body_bytes as u64 / LINE_MIN)
}

/// An agent for the server at `url` that keeps its connections. `ca`: a PEM file with the certificates to trust, in the place of the
/// usual ones. The proxy of the environment is used, but not to reach this machine.
pub fn agent(ca: Option<&Path>, url: &str) -> Result<ureq::Agent> {
    let uri: Uri = url.parse().with_context(|| format!("{} is not a URL", shown(url)))?;
    agent_keeping(ca, proxy_to(&uri), KEPT_CONNECTIONS)
}

/// The proxy that the environment gives for this URL; none to this machine.
pub fn proxy_to(uri: &Uri) -> Option<Proxy> {
    Proxy::try_from_env().filter(|_| !uri.host().is_some_and(is_this_machine))
}

/// As [`agent`], with at most so many connections that are kept while nobody uses them.
pub fn agent_keeping(ca: Option<&Path>, proxy: Option<Proxy>, connections: usize) -> Result<ureq::Agent> {
    let roots = match ca {
        Some(ca) => certificates(ca).with_context(|| format!("{} cannot be used", ca.display()))?,
        None => RootCerts::PlatformVerifier,
    };
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(roots)
        .build();
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        // An exchange without changes should cost few bytes: no header that the hub does not need.
        .user_agent(AutoHeaderValue::None)
        .accept(AutoHeaderValue::None)
        // A token goes to no other address than the one that was given.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(CALL_TIMEOUT))
        .max_idle_connections(connections)
        .max_idle_connections_per_host(connections)
        .tls_config(tls)
        .proxy(proxy)
        .build();
    Ok(ureq::Agent::with_parts(config, DefaultConnector::default(), Names(DefaultResolver::default())))
}

fn certificates(ca: &Path) -> Result<RootCerts> {
    let pem = std::fs::read(ca)?;
    let found: Result<Vec<Certificate<'static>>, _> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
        .collect();
    let found = found?;
    ensure!(!found.is_empty(), "it holds no certificate");
    Ok(RootCerts::Specific(Arc::new(found)))
}

/// Resolves names as ureq does, which starts a thread for each; an IP address is parsed without one.
#[derive(Debug)]
struct Names(DefaultResolver);

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let Some(address) = address(uri) else { return self.0.resolve(uri, config, timeout) };
        let mut addresses = self.empty();
        addresses.push(address);
        Ok(addresses)
    }
}

/// Checks the URL of a hub, or of the platform (`whose`), before anything is sent there. It must name a host, without a password in it. Clear http is
/// for this machine alone, unless `is_insecure` says that the network between is trusted.
pub fn check_url(url: &str, whose: &str, is_insecure: bool) -> Result<()> {
    let uri: Uri = url.parse().with_context(|| format!("{} is not a URL", shown(url)))?;
    let host = uri.host().filter(|host| !host.is_empty());
    let (Some(scheme @ ("http" | "https")), Some(host)) = (uri.scheme_str(), host) else {
        bail!("{} is not the URL of {whose}: it must begin with https:// or http://", shown(url));
    };
    ensure!(
        uri.authority().is_none_or(|authority| !authority.as_str().contains('@')),
        "the URL of {whose} has no user name or password in it: leave them out"
    );
    ensure!(uri.query().is_none(), "{} is not the URL of {whose}: leave out what follows the ?", shown(url));
    ensure!(
        scheme == "https" || is_this_machine(host) || is_insecure,
        "{} is another machine, and http can be read on the way: give https{}",
        shown(url),
        if whose == HUB { ", or --insecure if the network is trusted" } else { "" }
    );
    Ok(())
}

/// A URL for a message: without what may be secret in it.
fn shown(url: &str) -> &str {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    if url.contains('@') { "what was given" } else { url }
}

/// The address that a host is, as a URL has it.
fn ip_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether traffic to a host stays on this machine.
pub fn is_this_machine(host: &str) -> bool {
    host == "localhost" || ip_of(host).is_some_and(|ip| ip.is_loopback())
}

fn address(uri: &Uri) -> Option<SocketAddr> {
    let host = ip_of(uri.host()?)?;
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some(SocketAddr::new(host, uri.port_u16().unwrap_or(usual)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_hub_is_checked_before_it_is_called() {
        let wrong = |url: &str, is_insecure| check_url(url, HUB, is_insecure).err().map(|error| format!("{error:#}"));
        for fine in ["https://hub.example.com", "http://127.0.0.1:8444/", "http://localhost:1", "http://[::1]:8444"] {
            assert_eq!(wrong(fine, false), None, "{fine}");
        }
        for refused in
            ["", "hub", "hub.example.com:8444", "ftp://hub", "file:///etc/passwd", "https://", "http://h/?a=b"]
        {
            assert!(wrong(refused, true).is_some(), "{refused}");
        }
        assert!(wrong("http://10.0.0.1", false).is_some_and(|wrong| wrong.contains("--insecure")));
        assert_eq!(wrong("http://10.0.0.1", true), None);
        let secret = wrong("https://me:secret@hub.example.com", true);
        assert!(secret.is_some_and(|wrong| !wrong.contains("secret")));
    }

    #[test]
    fn an_address_is_where_it_says_and_a_name_is_looked_up() {
        let of = |uri: &str| address(&uri.parse().unwrap()).map(|address| address.to_string());
        assert_eq!(of("http://127.0.0.1:8444/a").as_deref(), Some("127.0.0.1:8444"));
        assert_eq!(of("https://[::1]/a").as_deref(), Some("[::1]:443"));
        assert_eq!(of("http://10.0.0.1").as_deref(), Some("10.0.0.1:80"));
        assert_eq!(of("https://hub.example.com:8444/a"), None);
    }
}
