//! The hub's calls (`/sync/v1`), in reading order; each module may use those above it.

pub mod admission;
mod calls;

mod sessions;

pub mod state;

mod query;
mod request;

mod admin;
mod edge;
mod fleet;
mod operators;
mod proposals;
mod session;

mod metrics;
mod migration;

pub mod routes;
