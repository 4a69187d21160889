//! The store as a whole: the writer under parallel load, power cuts, a full disk, and databases of older schemas.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects, and fails")]

#[path = "../support/mod.rs"]
mod support;

mod audit_archive;
mod config_feed;
mod content_once;
mod copy_failures;
mod full_disk;
mod give_back;
mod killed_import;
mod migrations;
mod power_cut;
mod proposal_cost;
mod torn_log;
mod writer;
