//! What an employee's properties choose from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantNames,
    JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum EmployeeState {
    #[default]
    Enabled,
    Disabled,
    Deleted,
}

impl EmployeeState {
    pub const NAMES: &[&str] = EmployeeState::VARIANTS;

    pub fn parse(name: &str) -> Option<EmployeeState> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The language that an employee is addressed in.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantNames,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[schemars(inline)]
pub enum Language {
    Da,
    #[default]
    En,
}

impl Language {
    pub const NAMES: &[&str] = Language::VARIANTS;

    pub fn parse(name: &str) -> Option<Language> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}
