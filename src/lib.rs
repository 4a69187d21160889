//! telecomx-local: the TelecomX mobile-config API, served locally from one SQLite file.
//!
//! In reading order: each module uses only those above it, but for `sync::hub::api`, a listener of its own that is built on
//! `web`. `tests/tidy` checks it, and the layers of ARCHITECTURE.md, over the resolved module graph.

pub mod error;

pub mod domain;

pub mod clock;
pub mod files;

pub mod db;
pub mod store;

pub mod auth;
pub mod usecases;

pub mod sync;

pub mod web;

pub mod api;

pub mod config;
pub mod ephemeral;

pub mod app;
pub mod cli;
