//! The documented API: one file per subject; `routes.rs` lists every URL.

mod addresses;
mod app_actions;
mod audit;
pub mod auth;
mod authenticator_keys;
mod change_log;
mod change_log_entry;
mod customers;
mod employees;
pub mod endpoint;
mod events;
mod forward;
mod health;
mod home;
mod local;
mod login;
mod methods;
mod mobile_configs;
pub mod mock_rules;
mod named_values;
pub mod not_served;
pub mod openapi;
mod openapi_arguments;
mod openapi_errors;
pub mod openapi_links;
mod openapi_names;
mod openapi_pbx;
mod overview;
mod passwords;
mod pbx_app;
mod pbx_expand;
mod pbx_extensions;
mod pbx_queues;
mod phonebook;
mod pictures;
mod platform;
mod realtime;
pub mod routes;
pub mod schemas;
mod server_status;
mod session;
mod shortcuts;
pub mod swagger_ui;
mod sync;
mod tokens;
mod validate_token;

use std::net::TcpListener;

use actix_web::dev::ServerHandle;
use actix_web::web;
use rustls::ServerConfig;

use crate::web::socket_io::sockets::Sockets;
use crate::web::{AppState, server};

/// Serves the API on `listener` until the handle stops it.
pub fn start(
    listener: TcpListener,
    tls: Option<ServerConfig>,
    cors_origins: Vec<String>,
    state: web::Data<AppState>,
    sockets: Sockets,
) -> std::io::Result<ServerHandle> {
    let is_mock = state.mock.is_some();
    // The numbers of a seed are each thread's own: one thread answers in their order.
    let workers = state.mock.as_ref().and_then(|mock| mock.seed()).map(|_| 1);
    let limits = server::Limits { is_mock, workers, ..server::Limits::for_callers(&state.trusted_proxies) };
    let sockets = web::Data::new(sockets);
    let configure = move |services: &mut web::ServiceConfig| {
        services.app_data(sockets.clone());
        routes::configure(&state, services);
    };
    server::start(listener, tls, cors_origins, limits, configure)
}
