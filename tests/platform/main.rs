//! The platform as the central side: against a scripted double that answers oddly, and against the program itself as a second
//! process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects, and fails")]

#[path = "../support/mod.rs"]
mod support;

mod double;
mod double_world;
mod guards;
mod hand;
mod local;
mod odd;
mod proof;
mod proxy;
mod sending;
//! A server that works with the platform. Another server of ours plays it, or a script for what ours would never answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests say what they expect")]

#[path = "../api/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]
mod api;
#[allow(dead_code, reason = "what the tests of one subject need")]
mod support;

mod forward;
mod login;
mod tokens;
