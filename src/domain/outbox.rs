//! What would go out: mails, text messages, and what the app asks the PBX for.

use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr, VariantNames};

use super::id::Id;
use super::time::Time;

/// What an entry of the outbox is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, EnumString, IntoStaticStr, VariantNames, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum OutboxKind {
    Mail,
    Sms,
    Action,
}

/// One entry, without secrets.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutboxEntry {
    /// Its number.
    pub id: i64,
    pub at: Time,
    pub kind: OutboxKind,
    /// The customer of who caused it, or is written to.
    pub customer: Id,
    /// The employee who caused it.
    pub employee: Option<Id>,
    /// What it says, and to whom.
    pub content: Map<String, Value>,
    /// Of a mail: when it was handed over to the mail server. null: it is kept here alone.
    pub sent_at: Option<Time>,
    /// Of a mail: why it was not handed over.
    pub error: Option<String>,
}

/// What stands in an entry in the place of a link with a secret.
pub const STRUCK: &str = "…";

/// A message that has a secret in it: it is in memory alone, and its entry in the outbox has [`STRUCK`] in the place of the link.
pub struct Letter {
    /// Its entry in the outbox, and when that was made.
    pub entry: i64,
    pub at: Time,
    /// Whether it is a mail; else a text message.
    pub is_mail: bool,
    pub to: String,
    pub subject: &'static str,
    pub text: String,
    pub link: String,
}
