//! The platform as the central side: against a scripted double that answers oddly, and against the program itself as a second
//! process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects, and fails")]

#[path = "../support/mod.rs"]
mod support;

mod double;
mod double_world;
mod guards;
mod local;
mod odd;
mod sending;
