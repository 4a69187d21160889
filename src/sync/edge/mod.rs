//! The edge's side of the mirror: keeps the hub's copy exact, whatever fails in between.

pub mod backoff;
mod batch;
pub mod client;
pub mod driver;
pub mod engine;
pub mod enrolment;
pub mod metrics;
pub mod restore;
pub mod session;
pub mod status;
pub mod verify;
pub mod worker;
