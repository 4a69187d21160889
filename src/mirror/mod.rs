//! The edge's side of the mirror: it keeps its hub's copy exact, whatever breaks in between.

pub mod agent;
mod batch;
pub mod digest;
pub mod edge;
pub mod engine;
pub mod enrolment;
pub mod link;
pub mod metrics;
pub mod pacing;
pub mod packing;
pub mod restore;
pub mod snapshot;
pub mod status;
pub mod transport;
pub mod verify;
pub mod wire;
pub mod worker;
