//! Entries of the audit trail and the chain that binds them.

use sha2::{Digest, Sha256};
use strum::{IntoStaticStr, VariantNames};

use super::id::Id;
use super::pbx;
use super::time::Time;

pub type Hash = [u8; 32];

/// The hash that the first entry of a trail builds on.
pub const GENESIS: Hash = [0; 32];

/// Names of the platform's change log (api:log:changelog:list); mobile configs have none there.
pub const CUSTOMERS: &str = "Customers";
pub const EMPLOYEES: &str = "Employees";
pub const QUEUES: &str = "PbxQueues";
pub const MOBILE_CONFIGS: &str = "PbxAppMobileConfigs";
/// Which hub this server mirrors to; the platform has no such section.
pub const HUB: &str = "Hub";

/// Which platform this server works with.
pub const PLATFORM: &str = "Platform";

/// What secrets in the database are sealed with; the platform has no such section.
pub const KEY_FILE: &str = "KeyFile";

/// The audit trail itself: which part of it was written to files; the platform has no such section.
pub const AUDIT_TRAIL: &str = "AuditTrail";

/// The sections of the change log.
pub fn sections() -> Vec<&'static str> {
    [&[CUSTOMERS, EMPLOYEES, QUEUES, MOBILE_CONFIGS, HUB, PLATFORM, KEY_FILE, AUDIT_TRAIL], pbx::SECTIONS].concat()
}

/// The kinds of change as the change log names them: see [`Action::what`].
pub const WHAT: [&str; 4] = ["CREATE", "UPDATE", "DELETE", "OTHER"];

/// What was done, or tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Action {
    Create,
    Update,
    Copy,
    Delete,
    #[strum(serialize = "create token")]
    CreateToken,
    #[strum(serialize = "delete token")]
    DeleteToken,
    #[strum(serialize = "create authenticator key")]
    CreateAuthenticatorKey,
    #[strum(serialize = "reset authenticator key")]
    ResetAuthenticatorKey,
    Impersonate,
    /// Enrol with a hub, or leave one hub for another.
    Enroll,
    /// Continue with the same hub at another URL.
    Repoint,
    /// Take the place of a server at its hub again.
    Rejoin,
    /// Replace the token for the hub.
    #[strum(serialize = "rotate hub token")]
    RotateHubToken,
    /// Replace the key file.
    #[strum(serialize = "rotate key")]
    RotateKey,
    /// Exchange with the hub, because an operator of the hub asked for it.
    Sync,
    /// Compare everything with the hub, for the same reason.
    Verify,
    /// Report to the hub how this server is.
    Diagnose,
    /// Work with the platform.
    Connect,
    /// End the work with the platform.
    Disconnect,
    /// Decide what becomes of an operation for the platform.
    Settle,
    /// Write the older part of the audit trail to a file.
    Archive,
}

impl Action {
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The platform's `what`: CREATE, UPDATE, DELETE or OTHER.
    pub fn what(name: &str) -> &'static str {
        match name {
            "create" => "CREATE",
            "update" | "copy" => "UPDATE",
            "delete" => "DELETE",
            _ => "OTHER",
        }
    }
}

/// One entry, as it is hashed and stored. Texts that may be absent are absent, not empty.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry<'a> {
    pub seq: i64,
    pub at: Time,
    pub actor: Option<Id>,
    pub actor_name: &'a str,
    pub impersonator: Option<Id>,
    pub source: &'a str,
    pub request: &'a str,
    pub operation: &'a str,
    pub action: &'a str,
    pub outcome: &'a str,
    pub section: &'a str,
    pub object: Id,
    pub customer: Option<Id>,
    pub description: &'a str,
    pub digest_before: Option<Hash>,
    pub digest_after: Option<Hash>,
}

impl AuditEntry<'_> {
    /// SHA-256 over the hash of the entry before and every field, each behind its length.
    ///
    /// What the object held before is bound through `digest_before`, so that a long object is hashed once.
    pub fn hash(&self, previous: &Hash) -> Hash {
        let mut chained = ChainedHash::new(previous, self.seq, self.at);
        for id in [self.actor, self.impersonator, Some(self.object), self.customer] {
            match id {
                Some(id) => id.with_str(|text| chained.add(text.as_bytes())),
                None => chained.add(b""),
            }
        }
        for text in [
            self.actor_name,
            self.source,
            self.request,
            self.operation,
            self.action,
            self.outcome,
            self.section,
            self.description,
        ] {
            chained.add(text.as_bytes());
        }
        for digest in [self.digest_before, self.digest_after] {
            chained.add(digest.as_ref().map_or(b"", |digest| digest.as_slice()));
        }
        chained.finish()
    }
}

/// The hash of an entry in a chain: it covers the hash of the entry before it, the entry's number and time, and each field
/// behind its length, so that no two entries have the same bytes.
pub struct ChainedHash(Vec<u8>);

impl ChainedHash {
    pub fn new(previous: &Hash, seq: i64, at: Time) -> ChainedHash {
        let mut bytes = Vec::with_capacity(512);
        bytes.extend_from_slice(previous);
        bytes.extend_from_slice(&seq.to_be_bytes());
        bytes.extend_from_slice(&at.millis().to_be_bytes());
        ChainedHash(bytes)
    }

    pub fn add(&mut self, field: &[u8]) {
        self.0.extend_from_slice(&(field.len() as u32).to_be_bytes());
        self.0.extend_from_slice(field);
    }

    pub fn finish(self) -> Hash {
        digest(&self.0)
    }
}

/// SHA-256.
pub fn digest(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry<'a>() -> AuditEntry<'a> {
        AuditEntry {
            seq: 1,
            at: Time::from_millis(5),
            actor: None,
            actor_name: "ab",
            impersonator: None,
            source: "c",
            request: "",
            operation: "",
            action: "copy",
            outcome: "accepted",
            section: MOBILE_CONFIGS,
            object: Id::from_number(1),
            customer: None,
            description: "",
            digest_before: None,
            digest_after: None,
        }
    }

    #[test]
    fn the_hash_covers_every_field_and_where_it_ends() {
        let base = entry().hash(&GENESIS);
        let changed = [
            AuditEntry { seq: 2, ..entry() },
            AuditEntry { at: Time::from_millis(6), ..entry() },
            AuditEntry { actor: Some(Id::from_number(2)), ..entry() },
            AuditEntry { impersonator: Some(Id::from_number(2)), ..entry() },
            AuditEntry { actor_name: "a", source: "bc", ..entry() },
            AuditEntry { outcome: "refused", ..entry() },
            AuditEntry { digest_before: Some([1; 32]), ..entry() },
            AuditEntry { digest_after: Some([1; 32]), ..entry() },
            AuditEntry { customer: Some(Id::from_number(2)), ..entry() },
        ];
        for entry in changed {
            assert_ne!(entry.hash(&GENESIS), base, "{entry:?}");
        }
        assert_ne!(entry().hash(&[1; 32]), base);
    }
}
