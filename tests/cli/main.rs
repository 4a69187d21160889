//! The command line and the running server, as a real process: what is printed, refused, kept and left behind.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects, and fails")]

#[path = "../support/mod.rs"]
mod support;

mod admin;
mod audit;
mod audit_archive;
mod audit_archive_forged;
mod audit_log;
mod backup;
mod backup_folder;
mod bad_days;
mod bad_days_hub;
mod beside;
mod control;
mod control_requests;
mod copy;
mod csv;
mod damage;
mod debian_machine;
mod debian_package;
mod demo;
mod diff;
mod doctor;
mod durability;
#[cfg(feature = "mutants")]
mod durability_mutants;
mod ephemeral;
mod export;
mod figures;
mod foreign_page;
mod gate;
mod generate;
mod hub_alone;
mod hub_move;
mod hub_move_killed;
mod hub_operators;
mod hub_origin;
#[cfg(feature = "postgres")]
mod hub_postgres;
#[cfg(feature = "postgres")]
mod hub_postgres_later;
mod hub_return;
mod hub_token_file;
mod import;
mod import_faults;
mod import_stream;
mod json;
mod key_file;
mod key_rotation;
mod links;
mod logs;
mod lost_files;
mod mirror;
mod mirror_bodies;
mod mirror_disk;
mod mirror_faults;
mod mirror_idle;
mod mirror_line;
mod mirror_pair;
mod mirror_proposals;
mod mirror_proxy;
mod mirror_restore;
mod mirror_rotation;
mod mirror_tasks;
mod mirror_tls;
mod monitoring;
mod packages;
mod realtime;
mod refusals;
mod restore_rows;
mod serve;
mod service;
mod settings;
mod slow_readers;
mod status;
mod stopping;
mod strangers;
mod tampering;
mod tls;
mod token;
mod trust;
mod upgrade;
