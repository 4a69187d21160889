//! Every URL of a hub, and the servers that serve them.

use std::net::TcpListener;

use actix_web::dev::ServerHandle;
use actix_web::http::Method;
use actix_web::{HttpResponse, Route, web};
use rustls::ServerConfig;
use serde_json::json;

use super::state::{HubState, SharedState};
use super::{admin, edge, fleet, metrics, migration, operators, proposals, session};
use crate::console;
use crate::error::Error;
use crate::sync::hub::store::{HubStore, store_unreachable};
use crate::sync::protocol::compression;
use crate::web::error::no_such_url;
use crate::web::middleware::ForEdges;
use crate::web::server;

/// Serves a hub on `listener`, until the handle stops it.
pub fn start<S: HubStore>(
    listener: TcpListener,
    tls: Option<ServerConfig>,
    state: HubState<S>,
) -> std::io::Result<ServerHandle> {
    let state = SharedState::new(state.under_tls(tls.is_some()));
    server::start(listener, tls, vec![], server::Limits::for_edges(), move |services| configure(&state, services))
}

/// Answers 503 to every request on `listener` while the store is unreachable, until the handle stops it.
pub fn start_without_store(listener: TcpListener, tls: Option<ServerConfig>) -> std::io::Result<ServerHandle> {
    server::start(listener, tls, vec![], server::Limits::for_edges(), |services| {
        services
            .route("/healthz", web::get().to(healthz))
            .default_service(web::to(|| async { Err::<HttpResponse, Error>(store_unreachable()) }));
    })
}

/// Every call that names an origin, behind `/sync/v1/origins/ORIGIN/`.
fn origin_routes<S: HubStore>() -> [(Method, &'static str, Route); 17] {
    [
        (Method::POST, "exchange", web::to(edge::exchange::<S>)),
        (Method::POST, "stage", web::to(edge::stage::<S>)),
        (Method::GET, "stage", web::to(edge::staged::<S>)),
        (Method::POST, "digest", web::to(edge::digests::<S>)),
        (Method::GET, "snapshot", web::to(edge::snapshot::<S>)),
        (Method::POST, "token", web::to(edge::rotate_token::<S>)),
        (Method::PUT, "tags", web::to(fleet::set_tags::<S>)),
        (Method::POST, "acknowledge", web::to(fleet::acknowledge::<S>)),
        (Method::GET, "rows", web::to(admin::rows::<S>)),
        (Method::GET, "quarantine", web::to(admin::quarantine::<S>)),
        (Method::POST, "unlock", web::to(admin::unlock::<S>)),
        (Method::POST, "arrive", web::to(migration::arrive::<S>)),
        (Method::GET, "arrived", web::to(migration::arrived::<S>)),
        (Method::POST, "deliver", web::to(migration::deliver::<S>)),
        (Method::POST, "settle", web::to(migration::finish_move::<S>)),
        (Method::GET, "proposals", web::to(proposals::list::<S>)),
        (Method::POST, "proposals", web::to(proposals::file::<S>)),
    ]
}

/// Their methods and names, for the test that each of them serves its own origin only.
pub fn origin_calls<S: HubStore>() -> Vec<(String, &'static str)> {
    origin_routes::<S>().into_iter().map(|(method, call, _)| (method.to_string(), call)).collect()
}

/// Every URL of a hub.
fn configure<S: HubStore>(state: &SharedState<S>, services: &mut web::ServiceConfig) {
    for (method, call, route) in origin_routes::<S>() {
        services.route(&format!("/sync/v1/origins/{{origin}}/{call}"), route.method(method));
    }
    if state.has_console {
        services.service(web::redirect("/console", "/console/"));
        services.service(console::about(web::resource("/console/about.json"), console::Kind::Hub));
        services.service(console::pages(web::resource("/console/{file:.*}")));
        services
            .route("/local/session", web::post().to(session::open::<S>))
            .route("/local/session", web::get().to(session::get::<S>))
            .route("/local/session", web::delete().to(session::close::<S>));
    }
    services
        .app_data(state.clone())
        .app_data(ForEdges(|accepted| compression::accepted(accepted).map(compression::encoding)))
        .route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(admin::readyz::<S>))
        .route("/metrics", web::get().to(metrics::metrics::<S>))
        .route("/.well-known/telecomx-local", web::get().to(edge::well_known::<S>))
        .route("/sync/v1/enroll", web::post().to(edge::enroll::<S>))
        .route("/sync/v1/codes", web::post().to(admin::add_code::<S>))
        .route("/sync/v1/fleet", web::get().to(fleet::fleet::<S>))
        .route("/sync/v1/audit", web::get().to(operators::audit::<S>))
        .route("/sync/v1/operators", web::get().to(operators::list::<S>))
        .route("/sync/v1/operators", web::post().to(operators::add::<S>))
        .route("/sync/v1/operators/{operator}", web::delete().to(operators::remove::<S>))
        .route("/sync/v1/operators/{operator}/token", web::post().to(operators::rotate::<S>))
        .default_service(web::to(|| async { no_such_url() }));
}

/// The process is alive.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}
