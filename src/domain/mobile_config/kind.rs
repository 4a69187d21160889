//! What the entries of a section of a mobile config refer to.

use strum::{EnumString, IntoStaticStr};

/// What the entries of a section refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    Colleagues,
    Queues,
}

impl Kind {
    pub fn parse(name: &str) -> Option<Kind> {
        name.parse().ok()
    }

    pub(super) fn name(self) -> &'static str {
        self.into()
    }
}
