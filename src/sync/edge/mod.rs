//! The edge's side of the mirror: keeps the hub's copy exact, whatever fails in between.
//!
//! In reading order; each module may use those above it.

pub mod backoff;
pub mod engine;
pub mod settings;

mod answering;
mod batch;
mod parts;

pub mod session;

pub mod status;

pub mod lag_history;

pub mod metrics;

pub mod call_error;

pub mod client;

mod sending;

pub mod enrolment;
pub mod restore;

pub mod rejoin;

pub mod verify;

mod moves;

pub mod driver;

mod proving;
pub mod rotation;

pub mod checkup;
pub mod clock_check;

pub mod tasks;

pub mod worker;
