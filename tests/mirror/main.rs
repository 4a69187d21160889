//! The mirror under everything that goes wrong: the real engine, real databases, a network that is played.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects, and fails")]

#[path = "../support/chance.rs"]
mod chance;
mod clones;
mod drive;
mod edge;
mod hostile;
mod hub;
#[cfg(feature = "mutants")]
mod mutants;
mod network;
#[cfg(feature = "postgres")]
mod on_postgres;
mod on_sqlite;
#[cfg(feature = "postgres")]
#[path = "../support/postgres.rs"]
mod postgres_server;
mod prefixes;
mod proposals;
mod quarantine;
mod rest;
mod simulation;
mod skew;
mod tokens;
mod world;
