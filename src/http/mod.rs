//! HTTP: everything that knows actix. `routes.rs` lists every URL.

pub mod answer;
pub mod auth;
pub mod call;
mod change_log;
mod change_log_entry;
pub mod conditions;
mod customer_addresses;
mod customers;
mod employee_secrets;
mod employees;
pub mod error;
mod health;
pub mod idempotency;
pub mod middleware;
mod mobile_configs;
pub mod not_served;
pub mod openapi;
mod pbx_app;
mod query;
pub mod routes;
pub mod server;
mod sync;

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::{App, web};
use rustls::ServerConfig;

use crate::attempts::Attempts;
use crate::db::Db;
use crate::identity::Identities;
use crate::mirror::worker::Worker;
use crate::passwords::Passwords;
use crate::secrets::Sealer;

/// What all handlers share.
pub struct State {
    pub db: Arc<Db>,
    pub sealer: Arc<Sealer>,
    pub mirror: Worker,
    /// Certificates that hubs are to be trusted by, in the place of the usual ones.
    pub hub_ca: Option<PathBuf>,
    pub identities: Identities,
    pub passwords: Passwords,
    pub attempts: Attempts,
    pub under_way: Arc<idempotency::UnderWay>,
    pub request_timeout: Duration,
    /// The token cookie is sent under TLS only.
    pub is_tls: bool,
}

/// Serves the API on `listener` until the handle stops it.
pub fn start(
    listener: TcpListener,
    tls: Option<ServerConfig>,
    cors_origins: Vec<String>,
    state: web::Data<State>,
) -> std::io::Result<ServerHandle> {
    server::start(listener, tls, cors_origins, move |services| routes::configure(&state, services))
}

/// The application that each worker runs. `cors_origins`: browsers' pages that may call, such as `https://app.example.com`.
pub fn application<C: FnOnce(&mut web::ServiceConfig)>(
    cors_origins: &[String],
    configure: C,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl actix_web::body::MessageBody + use<C>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<C>,
> {
    App::new()
        .wrap(Condition::new(!cors_origins.is_empty(), cors(cors_origins)))
        .wrap(Compress::default())
        .wrap(from_fn(middleware::pass))
        .configure(configure)
}

fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "DELETE"])
        .allowed_headers([
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
            "X-Request-Id",
        ])
        .expose_headers(["ETag", "X-Request-Id", "Retry-After", "Idempotent-Replayed"])
        .supports_credentials()
        .max_age(3_600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
