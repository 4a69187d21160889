//! telecomx-local: the TelecomX mobile-config API, served locally from one SQLite file.
//!
//! In reading order; each module may use those above it, but for `sync::hub::api`, a listener that is built on [`web`]
//! (`tests/tidy` checks it over the resolved module graph):
//!
//! - [`error`] is the one error type, and [`domain`] plain data and pure rules. Neither does I/O.
//! - [`clock`] is the only place that asks the time; [`files`] says which files belong to a database, [`log_tail`] keeps the last
//!   lines of the log, and [`service_manager`] is who started the program: what it is told, and its credentials.
//! - [`db`] is how we talk to SQLite: one door to read, one to write. [`store`] has the statements, one file per table.
//! - [`auth`] says who is calling and what they may do: passwords, tokens, sessions, authorization.
//! - [`usecases`] is what the product does, and the only place with rules.
//! - [`sync`] mirrors an edge to a hub: the protocol, the edge, and the hub with its two stores and its own URLs.
//! - [`platform`] works with the platform, and [`mail`] hands mails over to a mail server: each on a thread of its own.
//! - [`web`] is what every listener needs of actix, [`console`] has the pages of the console; [`api`] is the documented API, with every URL in `api/routes.rs`.
//! - [`control`] is what only a mock offers, on a listener of its own.
//! - [`config`] has the settings, [`ephemeral`] a database that is thrown away, [`app`] opens and closes everything in order.
//! - [`cli`] has the commands, one file each; [`testing`] is a server inside a test.

pub mod error;

pub mod domain;

pub mod clock;
pub mod files;
pub mod log_tail;
pub mod service_manager;

pub mod db;
pub mod store;

pub mod auth;
pub mod usecases;

pub mod sync;

pub mod platform;

pub mod mail;
pub mod realtime;

pub mod web;

pub mod console;

pub mod api;

pub mod control;

pub mod config;
pub mod ephemeral;

pub mod app;
pub mod cli;
pub mod testing;
