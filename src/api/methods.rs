//! Which methods a URL takes, and what it answers to the others.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, Route, web};

use super::endpoint::Endpoint;
use super::forward;
use crate::web::error::{allowed_methods, method_not_allowed, method_not_implemented, not_implemented};
use crate::web::middleware::may_change;

/// The methods that one URL takes.
#[derive(Default)]
pub struct Methods {
    served: Vec<&'static str>,
    /// The platform's page on the URL; empty for what is this server's own.
    pub page: &'static str,
}

impl Methods {
    pub fn add(&mut self, endpoint: &Endpoint) {
        self.served.push(endpoint.method);
        if endpoint.method == "GET" && !may_change(endpoint.path) {
            self.served.push("HEAD");
        }
        if self.page.is_empty() {
            self.page = endpoint.page;
        }
    }

    /// As the header `Allow` has it.
    pub fn allow(&self) -> String {
        [&self.served[..], &["OPTIONS"]].concat().join(", ")
    }
}

/// The answer to a method that a URL does not take. Of the platform's URLs not every method is known.
pub async fn other_method(
    request: HttpRequest,
    payload: web::Payload,
    allow: String,
    page: &'static str,
) -> HttpResponse {
    match *request.method() {
        Method::OPTIONS => allowed_methods(&allow),
        // What the platform has is read and written by the others; TRACE, CONNECT and inventions it does not take either.
        Method::HEAD | Method::TRACE | Method::CONNECT => method_not_allowed(&allow),
        _ if page.is_empty() => method_not_allowed(&allow),
        _ => forward::respond(request, payload, page, || method_not_implemented(page, &allow)).await,
    }
}

/// The route of a call that only the platform can answer.
pub fn passed_on(method: &str, page: &'static str) -> Route {
    let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET);
    web::method(method).to(move |request: HttpRequest, payload: web::Payload| {
        forward::respond(request, payload, page, move || not_implemented(page))
    })
}
