//! Laws that hold for every history: the three ways in judge alike, and everything comes back.
//!
//! Histories are made from seeds. `LAWS_CASES=N` plays N of them (the seeds 0 to N - 1), `LAWS_SEED=S` one alone.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects, and fails")]

#[path = "../support/postgres.rs"]
mod postgres_server;
#[path = "../api/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]
mod support;

mod changes;
mod comes_back;
mod everything_comes_back;
mod history;
mod hubs;
mod issue_cases;
mod parity;
mod play;
mod player;
mod values;
mod ways;
mod world;
