//! telecomx-local: the TelecomX mobile-config API, served locally from one SQLite file.
//!
//! In reading order; each module may use those above it (`tests/tidy.rs` checks it over the resolved module graph).

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
