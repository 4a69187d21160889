//! The settings about the hub, as the mirror takes them.

use super::Config;
use crate::sync::edge::settings::HubSettings;

impl Config {
    pub fn hub(&self) -> HubSettings {
        let default = HubSettings::default();
        HubSettings {
            ca: self.hub_ca.clone(),
            may: self.hub_may.unwrap_or(default.may),
            gives_diagnosis: self.hub_diagnosis.unwrap_or(default.gives_diagnosis),
            new_colleagues: self.new_colleagues.unwrap_or_default(),
            silent_alarm_ms: self
                .hub_silent_alarm_h
                .map_or(default.silent_alarm_ms, |hours| i64::from(hours) * 3_600_000),
            is_insecure: self.insecure.unwrap_or(default.is_insecure),
        }
    }
}
