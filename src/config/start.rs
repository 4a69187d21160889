//! What a server begins with.

use super::Config;

impl Config {
    pub fn is_demo(&self) -> bool {
        self.demo.unwrap_or(false)
    }

    pub fn is_ephemeral(&self) -> bool {
        self.ephemeral.unwrap_or(false)
    }

    /// Whether anything is asked for that only a mock has.
    pub fn is_mock(&self) -> bool {
        self.control.is_some() || self.seed.is_some() || self.strict.unwrap_or(false)
    }

    pub fn is_new_key(&self) -> bool {
        self.new_key.unwrap_or(false)
    }
}
