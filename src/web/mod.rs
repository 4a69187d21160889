//! The plumbing of every HTTP listener: server, TLS, middleware, requests, responses, and errors as statuses.

pub mod error;
pub mod idempotency;
pub mod middleware;
pub mod preconditions;
pub mod query;
pub mod request;
pub mod response;
pub mod server;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::{App, web};

use crate::auth::login_throttle::LoginThrottle;
use crate::auth::passwords::Passwords;
use crate::auth::secrets::Sealer;
use crate::auth::session_cache::SessionCache;
use crate::db::Db;
use crate::sync::edge::worker::Worker;

/// What all handlers share.
pub struct AppState {
    pub db: Arc<Db>,
    pub sealer: Arc<Sealer>,
    pub mirror: Worker,
    /// Certificates to trust hubs by, in the place of the system's.
    pub hub_ca: Option<PathBuf>,
    pub session_cache: SessionCache,
    pub passwords: Passwords,
    pub login_throttle: LoginThrottle,
    pub in_flight: Arc<idempotency::InFlightKeys>,
    pub request_timeout: Duration,
    /// The token cookie is sent under TLS only.
    pub is_tls: bool,
}

/// The application that each worker runs. `cors_origins`: origins of web pages that may call, such as
/// `https://app.example.com`.
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
