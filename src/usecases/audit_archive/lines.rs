//! The lines of an archived part of the audit trail: JSON, one on a line.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::audit::{AuditEntry, Hash};
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::store::audit_chain::Proven;

/// Of the form that this program writes.
pub const FORM: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Head {
    /// What the file is, and the form of its lines.
    pub telecomx_local_audit: u32,
    /// The first entry and the last.
    pub first: i64,
    pub last: i64,
    /// The hash of the entry before the first, in hex.
    #[serde(with = "hex::serde")]
    pub previous: Hash,
    /// The latest time of an entry.
    pub until: Time,
}

/// A content of mobile configs, before the first entry that it belongs to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentLine<'a> {
    #[serde(borrow)]
    pub content: Cow<'a, str>,
}

/// An entry.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EntryLine<'a> {
    pub seq: i64,
    pub at: Time,
    pub actor: Option<Id>,
    #[serde(borrow)]
    pub actor_name: Cow<'a, str>,
    pub impersonator: Option<Id>,
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    #[serde(borrow)]
    pub request: Cow<'a, str>,
    #[serde(borrow)]
    pub operation: Cow<'a, str>,
    #[serde(borrow)]
    pub action: Cow<'a, str>,
    #[serde(borrow)]
    pub outcome: Cow<'a, str>,
    #[serde(borrow)]
    pub section: Cow<'a, str>,
    pub object: Id,
    pub customer: Option<Id>,
    #[serde(borrow)]
    pub description: Cow<'a, str>,
    /// What the object held before; of a mobile config it is a content.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Cow<'a, str>>,
    #[serde(with = "digest", default, skip_serializing_if = "Option::is_none")]
    pub digest_before: Option<Hash>,
    #[serde(with = "digest", default, skip_serializing_if = "Option::is_none")]
    pub digest_after: Option<Hash>,
    #[serde(with = "hex::serde")]
    pub hash: Hash,
}

impl<'a> EntryLine<'a> {
    pub fn of(proven: &'a Proven) -> EntryLine<'a> {
        let entry = &proven.entry;
        EntryLine {
            seq: entry.seq,
            at: entry.at,
            actor: entry.actor,
            actor_name: entry.actor_name.into(),
            impersonator: entry.impersonator,
            source: entry.source.into(),
            request: entry.request.into(),
            operation: entry.operation.into(),
            action: entry.action.into(),
            outcome: entry.outcome.into(),
            section: entry.section.into(),
            object: entry.object,
            customer: entry.customer,
            description: entry.description.into(),
            before: proven.before.as_deref().map(Cow::from),
            digest_before: entry.digest_before,
            digest_after: entry.digest_after,
            hash: proven.hash,
        }
    }

    /// The entry as it is hashed.
    pub fn entry(&self) -> AuditEntry<'_> {
        AuditEntry {
            seq: self.seq,
            at: self.at,
            actor: self.actor,
            actor_name: &self.actor_name,
            impersonator: self.impersonator,
            source: &self.source,
            request: &self.request,
            operation: &self.operation,
            action: &self.action,
            outcome: &self.outcome,
            section: &self.section,
            object: self.object,
            customer: self.customer,
            description: &self.description,
            digest_before: self.digest_before,
            digest_after: self.digest_after,
        }
    }
}

/// A digest as hex; absent where there is none.
mod digest {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::domain::audit::Hash;

    pub fn serialize<S: Serializer>(digest: &Option<Hash>, serializer: S) -> Result<S::Ok, S::Error> {
        match digest {
            Some(digest) => hex::serde::serialize(digest, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Hash>, D::Error> {
        #[derive(Deserialize)]
        struct Hex(#[serde(with = "hex::serde")] Hash);
        Ok(Option::<Hex>::deserialize(deserializer)?.map(|Hex(digest)| digest))
    }
}
