//! What callers may take.

use std::time::Duration;

use super::Config;
use crate::auth::login_throttle;
use crate::web::socket_io::line;

impl Config {
    pub fn login_limits(&self) -> login_throttle::Limits {
        login_throttle::Limits {
            per_name: self.login_failures_per_name.unwrap_or(10),
            per_address: self.login_failures_per_address.unwrap_or(50),
            window_s: self.login_failure_window_s.unwrap_or(300),
        }
    }

    /// How long one request may take.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_s.unwrap_or(30).max(1))
    }

    pub fn realtime_limits(&self) -> line::Limits {
        line::Limits {
            per_address: self.realtime_connections_per_address.unwrap_or(1_000),
            in_all: self.realtime_connections.unwrap_or(10_000),
            authenticate_ms: i64::from(self.realtime_authenticate_s.unwrap_or(10).max(1)) * 1_000,
        }
    }
}
