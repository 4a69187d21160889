//! Alarms of an origin, and that somebody has acknowledged one.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::domain::time::Time;
use crate::error::{Check, Error, Result};

/// The longest reason for an acknowledgement, in characters.
const WHY_MAX: usize = 500;

/// What somebody must look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Alarm {
    /// The audit trail on the server is not the one that the hub knows.
    Audit,
    /// The last comparison of both sides found a difference.
    Differs,
    /// Split brain.
    Locked,
    /// The hub rejects what the server sends: they are of different epochs.
    Stuck,
    /// The server stores more at the hub than it may, or calls more often.
    Limit,
    /// The server's clock is more than a minute off the hub's.
    Clock,
}

impl Alarm {
    pub const ALL: [Alarm; 6] = [Alarm::Audit, Alarm::Differs, Alarm::Locked, Alarm::Stuck, Alarm::Limit, Alarm::Clock];

    /// By its name on the wire.
    pub fn parse(name: &str) -> Option<Alarm> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// That somebody has looked at an alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    pub alarm: Alarm,
    /// The operator.
    pub by: String,
    pub why: String,
    pub at: Time,
    /// Of this occurrence of the alarm only.
    pub occurrence: String,
}

/// 422 `why` unless somebody can read later why an alarm was acknowledged.
pub fn check_why(why: &str) -> Result<()> {
    if why.trim().is_empty() || why.chars().count() > WHY_MAX || why.chars().any(char::is_control) {
        let message =
            format!("why must say in 1 to {WHY_MAX} characters, on one line, why the alarm needs no more attention");
        return Err(Error::invalid("why", Check::Format, message));
    }
    Ok(())
}
