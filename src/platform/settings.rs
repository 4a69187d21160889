//! How a server works with the platform, as its settings say.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::platform::{Conflicts, Mode};
use crate::store::platform::Rules;

const DAY_MS: i64 = 24 * 3_600_000;

#[derive(Clone, Debug)]
pub struct PlatformSettings {
    /// Certificates to trust in the place of the usual ones, PEM.
    pub ca: Option<PathBuf>,
    /// How changes made here are taken.
    pub rules: Rules,
    pub conflicts: Conflicts,
    /// Calls that are not served here are forwarded whatever their method; else GET and HEAD alone.
    pub forwards_all: bool,
    /// The most requests a second that reading and sending make; 0: any number.
    pub requests_per_second: u32,
    /// Between two readings of everything.
    pub interval: Duration,
    /// How long a password that the platform has accepted is good without it.
    pub offline_login_ms: i64,
    /// How long a token that the platform has accepted is good without it.
    pub offline_token_ms: i64,
    /// An account that needs an SMS code may log in without one while the platform is out of reach.
    pub offline_without_sms: bool,
}

impl Default for PlatformSettings {
    fn default() -> PlatformSettings {
        PlatformSettings {
            ca: None,
            rules: Rules { mode: Mode::Work, queue_max: 100_000, allows_local_only: false },
            conflicts: Conflicts::Ask,
            forwards_all: false,
            requests_per_second: 5,
            interval: Duration::from_secs(300),
            offline_login_ms: 30 * DAY_MS,
            offline_token_ms: DAY_MS,
            offline_without_sms: false,
        }
    }
}
