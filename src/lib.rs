//! telecomx-local: the TelecomX mobile-config API, served locally from one SQLite file.
//!
//! In reading order; each module may use those above it.

pub mod error;

pub mod domain;

pub mod authenticator;
pub mod clock;
pub mod files;
pub mod passwords;
pub mod secrets;

pub mod db;
pub mod store;

pub mod reach;

pub mod export;
pub mod import;
pub mod login;
pub mod mobile_config_content;
pub mod mobile_config_copy;
pub mod proposals;

pub mod mirror;

pub mod hub;

pub mod attempts;
pub mod demo;
pub mod housekeeping;
pub mod identity;

pub mod http;

pub mod app;
pub mod cli;
pub mod config;
pub mod ephemeral;
