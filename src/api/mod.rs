//! The documented API: one file per subject; `routes.rs` lists every URL.

mod addresses;
pub mod auth;
mod authenticator_keys;
mod change_log;
mod change_log_entry;
mod customers;
mod employees;
pub mod endpoint;
mod forward;
mod health;
mod home;
mod login;
mod mobile_configs;
pub mod not_served;
pub mod openapi;
mod openapi_links;
mod pbx_app;
mod platform;
pub mod routes;
pub mod schemas;
mod swagger_ui;
mod sync;
mod tokens;
mod validate_token;

use std::net::TcpListener;

use actix_web::dev::ServerHandle;
use actix_web::web;
use rustls::ServerConfig;

use crate::web::{AppState, server};

/// Serves the API on `listener` until the handle stops it.
pub fn start(
    listener: TcpListener,
    tls: Option<ServerConfig>,
    cors_origins: Vec<String>,
    state: web::Data<AppState>,
) -> std::io::Result<ServerHandle> {
    let limits = server::Limits::for_callers(&state.trusted_proxies);
    server::start(listener, tls, cors_origins, limits, move |services| routes::configure(&state, services))
}
