//! Who may call, and by what names.

use std::net::IpAddr;

use anyhow::Result;

use super::Config;
use super::values::{hosts, proxies};
use crate::web::browser::Hosts;

impl Config {
    /// The names that requests may call this server by.
    pub fn hosts(&self) -> Result<Hosts> {
        let configured = hosts(self.allowed_hosts.as_deref().unwrap_or_default())?;
        Ok(Hosts::new(self.listen().ip().is_loopback(), configured))
    }

    pub fn trusted_proxies(&self) -> Result<Vec<IpAddr>> {
        proxies(self.trusted_proxies.as_deref().unwrap_or("127.0.0.1,::1"))
    }

    pub fn cors_origins(&self) -> Vec<String> {
        let origins = self.cors_origins.as_deref().unwrap_or_default().split(',');
        let origins = origins.map(|origin| origin.trim().trim_end_matches('/').to_owned());
        let mut origins: Vec<String> = origins.filter(|origin| !origin.is_empty()).collect();
        if self.is_demo() {
            origins.extend(["http://localhost:*", "http://127.0.0.1:*"].map(str::to_owned));
        }
        origins
    }
}
