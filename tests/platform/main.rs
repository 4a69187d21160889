//! The platform as the central side: against a scripted double that answers oddly, and against the program itself, in process and as a
//! second process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects, and fails")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../api/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]
mod api;

mod accounts;
mod appliance;
mod authenticator;
mod double;
mod double_world;
mod forward;
mod forward_bodies;
mod guards;
mod hand;
mod local;
mod login;
mod odd;
mod odd_lists;
mod parity;
mod proof;
mod proof_checks;
mod proxy;
mod queue_members;
mod reach;
mod running;
mod sending;
#[allow(dead_code, reason = "what the tests of one subject need")]
mod servers;
mod tokens;
