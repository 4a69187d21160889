//! Calls of the mirror, and its metrics.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde_json::json;

use crate::domain::access::Level;
use crate::domain::platform::Mode;
use crate::domain::schema::Nullable;
use crate::domain::time::Time;
use crate::store::platform::bases::PutAside;

/// The hub to enrol with.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct SyncEnroll {
    /// Where the hub is, such as `https://hub.example.com`.
    #[schemars(length(min = 1))]
    pub url: String,
    /// The one-time code that `hub enroll` printed
    #[schemars(length(min = 1))]
    pub code: String,
    /// The hub that this server mirrors to now, if it is to leave that one.
    pub current_hub: Option<String>,
}

/// Metrics in the text format of Prometheus.
#[derive(JsonSchema)]
pub struct Metrics(pub String);

/// The state of the mirror.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct SyncStatus {
    pub enrolled: bool,
    pub hub: Option<String>,
    pub origin: Option<String>,
    /// The hub has exactly what is here.
    pub consistent: bool,
    pub acked: i64,
    pub high: i64,
    pub stable: i64,
    pub epoch: Option<i64>,
    pub lag_changes: i64,
    pub lag_seconds: Option<i64>,
    pub last_success: Option<Time>,
    pub last_error: Option<String>,
    /// What an operator should look at, such as why the mirror has stopped.
    pub alarm: Option<String>,
    /// The last exchange succeeded.
    pub reachable: bool,
    /// How long ago the last exchange was that succeeded.
    pub last_success_age_seconds: Option<i64>,
    /// By how many seconds the hub's clock was ahead of this server's at the last exchange.
    pub hub_clock_ahead_seconds: Option<f64>,
    /// Rows that the hub could not take.
    pub quarantine: i64,
    pub forks: i64,
    pub rewinds: i64,
    /// When both sides were last found equal.
    pub last_proof: Option<Time>,
    /// How it stands with the platform.
    pub platform: PlatformStatus,
}

/// How this server stands with the platform. `connected` alone while it works with none.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", transform = connected_alone)]
pub struct PlatformStatus {
    pub connected: bool,
    pub url: Option<String>,
    /// User name of the account.
    pub account: Option<String>,
    /// Its access level at the platform.
    pub level: Option<Nullable<Level>>,
    pub mode: Option<Mode>,
    pub reachable: Option<bool>,
    pub last_success: Option<Nullable<Time>>,
    pub last_error: Option<Nullable<String>>,
    /// What an operator should look at.
    pub alarm: Option<Nullable<String>>,
    /// Changes made here that the platform does not have yet.
    pub waiting: Option<i64>,
    pub oldest_waiting: Option<Nullable<Time>>,
    pub oldest_waiting_seconds: Option<Nullable<i64>>,
    pub conflicts: Option<i64>,
    pub refused: Option<i64>,
    /// Changes that the platform has no call for.
    pub local_only: Option<i64>,
    /// Objects of the platform's that cannot be held here.
    pub put_aside: Option<i64>,
    /// The first of them.
    pub aside: Option<Vec<PutAside>>,
    /// When each kind of object was last read whole.
    pub reads: Option<BTreeMap<String, Time>>,
    /// What could not be read in the last round.
    pub troubles: Option<Vec<String>>,
}

/// The others are there while it is connected.
fn connected_alone(schema: &mut Schema) {
    schema.insert("required".into(), json!(["connected"]));
}
