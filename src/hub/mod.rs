//! The hub: the central side of the mirror. It holds, for each origin, an exact copy of what that edge holds.

pub mod http;
pub mod rules;
pub mod sqlite;

use crate::domain::audit::digest;
use crate::domain::mirror::{Head, Row, Table};
use crate::domain::time::Time;
use crate::error::Result;
use crate::mirror::wire::{Pace, Part, Push, Reply};
use uuid::Uuid;

/// An edge, as the hub knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub origin: String,
    pub name: String,
    pub head: Head,
    /// The newest write that the edge has told of.
    pub high: i64,
    /// Contained in a verified backup.
    pub stable: i64,
    pub enrolled_at: Time,
    pub last_seen: Option<Time>,
    pub resets: i64,
}

impl Origin {
    /// The mirror is exactly the edge's state at `acked`.
    pub fn is_consistent(&self) -> bool {
        self.head.acked == self.high
    }

    /// What the edge is told, in answer to `request`.
    pub fn reply(&self, request: Uuid, pace: Pace, now: Time) -> Reply {
        Reply {
            request,
            head: self.head,
            high: self.high,
            stable: self.stable,
            consistent: self.is_consistent(),
            pace,
            clock_ms: now.millis(),
        }
    }
}

/// Whether a push was taken, and how the origin stands after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub accepted: bool,
    pub origin: Origin,
}

/// Where a hub keeps its mirrors. Each call is one transaction: all of it is on disk when it returns, or nothing.
///
/// Calls for one origin are serial. Those that name an origin answer 404 `origin` when there is none.
pub trait HubStore: Send + Sync + 'static {
    /// Lets one edge enrol under `name` with the code of this hash.
    fn add_code(&self, code_hash: [u8; 32], name: &str, now: Time) -> impl Future<Output = Result<()>> + Send;

    /// Spends a code: a new origin with the token of this hash. `None` when there is no such code.
    fn enroll(
        &self,
        code_hash: [u8; 32],
        token_hash: [u8; 32],
        origin: &str,
        now: Time,
    ) -> impl Future<Output = Result<Option<Origin>>> + Send;

    /// Whose token this is.
    fn origin_of(&self, token_hash: [u8; 32]) -> impl Future<Output = Result<Option<Origin>>> + Send;

    /// Every origin, by name.
    fn origins(&self) -> impl Future<Output = Result<Vec<Origin>>> + Send;

    /// Keeps a part of a batch aside. Once kept, it is not kept again.
    fn stage(&self, origin: &str, part: &Part) -> impl Future<Output = Result<()>> + Send;

    /// Takes a push that [`rules::accepts`], with what was staged for it; another changes nothing.
    fn push(&self, origin: &str, push: &Push, now: Time) -> impl Future<Output = Result<Taken>> + Send;

    /// Calls `each` with table, id, rev and text of every row of an origin, in one snapshot; gives the origin as of it.
    fn scan(
        &self,
        origin: &str,
        each: impl FnMut(Table, &str, i64, &str) + Send,
    ) -> impl Future<Output = Result<Origin>> + Send;

    /// Rows of one table behind `after`, by id.
    fn rows(
        &self,
        origin: &str,
        table: Table,
        after: &str,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send;
}

/// A new one-time code for an edge that is to be called `name`.
pub async fn add_code(store: &impl HubStore, name: &str, now: Time) -> Result<String> {
    let code = Uuid::new_v4().simple().to_string();
    store.add_code(digest(code.as_bytes()), name, now).await?;
    Ok(code)
}
