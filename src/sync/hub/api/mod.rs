//! The hub's calls (`/sync/v1`), in reading order; each module may use those above it.

mod admission;

pub mod state;

mod request;

mod admin;
mod edge;
mod fleet;
mod operators;
mod proposals;

mod metrics;
mod migration;

pub mod routes;
