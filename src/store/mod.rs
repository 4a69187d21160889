//! One file per table: free functions, the transaction first. Every write of a mirrored row raises its `rev`, carries
//! the number of the write (`chg`) and appends its audit entry.

pub mod actors;
pub mod administrators;
pub mod adopt;
pub mod ahead;
pub mod audit;
pub mod audit_chain;
pub mod audit_index;
pub mod audit_log;
pub mod audit_operation;
pub mod audit_page;
pub mod audit_segments;
pub mod change_log;
pub mod clock_floor;
pub mod compared;
mod config_feed;
pub mod contents;
pub mod credentials;
pub mod customers;
mod employee_trail;
pub mod employees;
pub mod failed_logins;
pub mod feed;
pub mod health;
mod high;
pub mod idempotency;
pub mod mirrored_tables;
pub mod mobile_configs;
mod newest;
mod objects;
pub mod outbox;
pub mod password_resets;
pub mod pbx;
pub mod platform;
pub mod proposals;
pub mod quarantine;
pub mod queues;
pub mod restore;
pub mod sealed;
pub mod sent_parts;
pub mod sessions;
mod shared_contents;
pub mod staged;
pub mod storage;
pub mod sync_state;
pub mod tokens;
pub mod tombstones;
pub mod written_since;

use serde::Serialize;

use crate::error::{Error, Result};

/// A page of a list, and how many there are in all.
#[derive(Debug)]
pub struct Page<T> {
    pub total: i64,
    pub rows: Vec<T>,
}

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub offset: i64,
    pub limit: i64,
}

/// The API's rendering of an object.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Internal(Box::new(error)))
}

/// The constraint of the schema that a write broke, as SQLite's extended code; `None`: the error is of another kind.
pub(crate) fn broken_constraint(error: &Error) -> Option<i32> {
    let Error::Internal(cause) = error else { return None };
    let cause = cause.downcast_ref::<rusqlite::Error>()?.sqlite_error()?;
    (cause.code == rusqlite::ErrorCode::ConstraintViolation).then_some(cause.extended_code)
}
