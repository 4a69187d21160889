//! What a server is set to, about its hub.

use std::path::PathBuf;

use crate::domain::mobile_config::NewColleagues;
use crate::domain::proposal::HubLevel;

#[derive(Clone, Debug)]
pub struct HubSettings {
    /// A PEM file with the certificates to trust the hub by, instead of the system's.
    pub ca: Option<PathBuf>,
    /// The most that the hub may do here, whoever its operator is.
    pub may: HubLevel,
    /// Whether the hub is given a diagnosis of this server when an operator there asks for one.
    pub gives_diagnosis: bool,
    /// What a new employee or queue that the hub proposes means for the mobile configs that are here.
    pub new_colleagues: NewColleagues,
    /// How long the hub may be out of reach before that is an alarm, in milliseconds.
    pub silent_alarm_ms: i64,
    /// Clear http to another machine is allowed.
    pub is_insecure: bool,
}

impl Default for HubSettings {
    fn default() -> HubSettings {
        HubSettings {
            ca: None,
            may: HubLevel::Propose,
            gives_diagnosis: true,
            new_colleagues: NewColleagues::Ignore,
            silent_alarm_ms: 24 * 3_600_000,
            is_insecure: false,
        }
    }
}
