//! The edge's side of the mirror: keeps the hub's copy exact, whatever fails in between.
//!
//! In reading order; each module may use those above it.

pub mod backoff;
pub mod engine;

mod batch;
mod parts;

pub mod session;

pub mod status;

pub mod metrics;

pub mod call_error;

pub mod client;

mod sending;

pub mod enrolment;
pub mod restore;
pub mod verify;

pub mod driver;

pub mod worker;
