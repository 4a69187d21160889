//! The console on `/console`: its pages, from inside the binary. A server and a hub both have it.

mod files;

use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::web::error::{method_not_allowed, no_such_url};

/// What a browser lets the pages do: run their own files, and call the server that they are from.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whose console it is: the pages show different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Server,
    Hub,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Server => "server",
            Kind::Hub => "hub",
        }
    }
}

/// Registers the pages.
pub fn configure(kind: Kind, services: &mut web::ServiceConfig) {
    let other_method = || async { method_not_allowed("GET, HEAD") };
    let about = move || async move { about(kind) };
    services.service(web::redirect("/console", "/console/"));
    services.service(web::resource("/console/about.json").get(about).default_service(web::to(other_method)));
    let pages = web::resource("/console/{file:.*}").get(page).default_service(web::to(other_method));
    services.service(pages.wrap(DefaultHeaders::new().add((header::CONTENT_SECURITY_POLICY, POLICY))));
}

/// What the pages ask before anything else: `{ "kind": "server" or "hub", "version" }`.
fn about(kind: Kind) -> HttpResponse {
    let about = json!({ "kind": kind.name(), "version": env!("CARGO_PKG_VERSION") });
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-cache")).json(about)
}

/// One of the files; the folder itself is `index.html`.
async fn page(request: HttpRequest) -> HttpResponse {
    let name = request.match_info().get("file").unwrap_or_default();
    files::answer(&request, if name.is_empty() { "index.html" } else { name }).unwrap_or_else(no_such_url)
}
