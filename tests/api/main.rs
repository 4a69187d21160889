//! The HTTP test suite: every test has a server and a database of its own. Modules are named as those of `src/http`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests say what they expect")]

mod support;

mod access;
mod access_table;
mod access_world;
mod auth;
mod bad_bodies;
mod bad_input;
mod bounds;
mod browser;
mod change_log;
mod conditional;
mod customer_addresses;
mod customers;
mod deletes;
mod described_errors;
mod documented;
mod employee_secrets;
mod employees;
mod http_details;
mod idempotency;
mod impersonation;
mod locked_out;
mod login;
mod machine_tokens;
mod metrics_token;
mod mobile_config_list;
mod mobile_configs;
mod moves;
mod not_served;
mod outgoing;
mod passwords;
mod pbx_app;
mod pictures;
mod server;
mod session_ends;
mod takeover;
mod texts;
mod writes_side_by_side;
