//! The plumbing of every HTTP listener: server, TLS, middleware, requests, responses, and errors as statuses.

pub mod aliases;
pub mod body;
pub mod browser;
pub mod caller;
pub mod condition;
pub mod connections;
pub mod console_cookie;
pub mod error;
pub mod event_stream;
pub mod figures;
pub mod idempotency;
pub mod log_filter;
pub mod long_work;
pub mod metrics_token;
pub mod middleware;
pub mod mock;
pub mod mock_pass;
pub mod outgoing;
pub mod pace;
pub mod platform_token;
pub mod preconditions;
pub mod proxies;
pub mod query;
pub mod request;
pub mod response;
pub mod server;
pub mod shares;
pub mod socket_io;
pub mod stream_places;
pub mod tls;
pub mod upload;
pub mod upload_places;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::auth::login_throttle::LoginThrottle;
use crate::auth::passwords::Passwords;
use crate::auth::secrets::Sealer;
use crate::auth::session_cache::SessionCache;
use crate::db::Db;
use crate::domain::app_versions::AppVersions;
use crate::domain::mobile_config::NewColleagues;
use crate::domain::outbox::Letter;
use crate::error::Result;
use crate::platform::gate::PlatformGate;
use crate::platform::worker::PlatformWorker;
use crate::realtime::Realtime;
use crate::sync::edge::lag_history::LagHistory;
use crate::sync::edge::settings::HubSettings;
use crate::sync::edge::worker::Worker;
use crate::usecases::audit_proof::AuditProof;
use crate::usecases::backups::Backups;
use aliases::Aliases;
use browser::Hosts;
use metrics_token::MetricsToken;

/// What all handlers share.
pub struct AppState {
    pub db: Arc<Db>,
    pub sealer: Arc<Sealer>,
    pub mirror: Worker,
    pub hub: HubSettings,
    pub platform_worker: PlatformWorker,
    /// The way to the platform for callers.
    pub platform: Arc<PlatformGate>,
    /// The names that requests may call this server by.
    pub hosts: Hosts,
    /// What `/metrics` can be read with, beside sessions and tokens.
    pub metrics_token: Option<MetricsToken>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Ids that objects had before the platform gave them theirs.
    pub aliases: Aliases,
    pub session_cache: SessionCache,
    pub passwords: Passwords,
    pub login_throttle: LoginThrottle,
    /// Where the server backs itself up to.
    pub backups: Option<Arc<Backups>>,
    /// Mails, and links in them.
    pub outgoing: outgoing::Outgoing,
    pub in_flight: Arc<idempotency::InFlightKeys>,
    pub uploads: upload_places::Places,
    /// Who listens to events.
    pub realtime: Realtime,
    /// The pages of the console are served.
    pub has_console: bool,
    /// Who listens to server-sent events.
    pub event_streams: stream_places::EventStreams,
    /// How far the hub was behind.
    pub lag_history: LagHistory,
    /// Proofs of the audit trail.
    pub audit_proofs: long_work::LongWork<Result<AuditProof>>,
    /// What the screen of `status` shows beside the database.
    pub surroundings: condition::Surroundings,
    /// What only a mock has.
    pub mock: Option<Arc<mock::Mock>>,
    pub request_timeout: Duration,
    /// What a new employee or queue means for the mobile configs of its customer.
    pub new_colleagues: NewColleagues,
    /// The newest versions of the apps.
    pub app_versions: AppVersions,
    /// What was answered so far.
    pub requests: figures::Requests,
    /// The token cookie is sent under TLS only.
    pub is_tls: bool,
    /// File of the certificate that is shown, under TLS.
    pub certificate_file: Option<PathBuf>,
}

impl AppState {
    /// Sends a letter that is in the outbox by now.
    pub async fn hand_over(&self, letter: Letter) {
        self.outgoing.hand_over(self.mock.as_deref(), letter).await;
    }

    /// Something is in the outbox by now: tells those who wait for it.
    pub fn outbox_changed(&self) {
        if let Some(mock) = &self.mock {
            mock.outbox.added.notify_waiters();
        }
    }
}
