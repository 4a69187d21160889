//! What a new employee or queue means for the configs that are there.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

/// What happens to the mobile configs of a customer when it gets a new employee or queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum NewColleagues {
    /// Nothing, as documented.
    #[default]
    Ignore,
    /// It is added to what they offer (`others`), in the same transaction.
    Offer,
}
