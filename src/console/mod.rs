//! The console on `/console`: its pages, from inside the binary. A server and a hub both have it.

mod files;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;
use actix_web::{HttpRequest, HttpResponse, Resource, web};
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

/// The resource that says whose console it is.
pub fn about(resource: Resource, kind: Kind) -> Resource {
    resource.get(move || async move { answer_about(kind) }).default_service(web::to(other_method))
}

/// The resource of all pages, with the name of a file in its path.
pub fn pages(resource: Resource) -> impl HttpServiceFactory {
    let resource = resource.get(page).default_service(web::to(other_method));
    resource.wrap(DefaultHeaders::new().add((header::CONTENT_SECURITY_POLICY, POLICY)))
}

async fn other_method() -> HttpResponse {
    method_not_allowed("GET, HEAD")
}

/// What the pages ask before anything else: `{ "kind": "server" or "hub", "version" }`.
fn answer_about(kind: Kind) -> HttpResponse {
    let about = json!({ "kind": kind.name(), "version": env!("CARGO_PKG_VERSION") });
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-cache")).json(about)
}

/// One of the files; the folder itself is `index.html`.
async fn page(request: HttpRequest) -> HttpResponse {
    let name = request.match_info().get("file").unwrap_or_default();
    files::answer(&request, if name.is_empty() { "index.html" } else { name }).unwrap_or_else(no_such_url)
}
