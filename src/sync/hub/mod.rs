//! The hub: the central side of the mirror. For each origin it holds an exact copy of what that edge holds.
//!
//! In reading order; each module may use those above it. Both stores decide by the pure modules above them.

pub mod alarms;
pub mod limits;
pub mod origin;

pub mod audit;
pub mod fleet;
pub mod operators;

pub mod proposal_view;
pub mod proposals;
pub mod retention;
pub mod rules;

pub mod row_validation;
pub mod stored_text;

pub mod orphaned_rows;

pub mod migration;

pub mod admin_store;
pub mod store;

pub mod sqlite;

#[cfg(feature = "postgres")]
pub mod postgres;

pub mod api;
