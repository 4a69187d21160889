//! The mirror under everything that goes wrong: the real engine, real databases, a network that is played.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects, and fails")]

#[path = "../support/chance.rs"]
mod chance;
#[cfg(feature = "mutants")]
mod mutants;
mod simulated;
mod simulation;
