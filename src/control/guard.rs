//! Who may call the controls: programs of this machine, and the page of the controls. The page of another site may not.

use std::net::IpAddr;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;

use crate::error::Error;

pub async fn pass(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match refusal(&request) {
        Some(message) => {
            let error = Error::Forbidden { code: "control", message: message.into() };
            Ok(request.error_response(error).map_into_boxed_body())
        }
        None => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

/// Of a request that somebody typed, or that the page of the controls makes.
const OWN_SITES: [&str; 2] = ["none", "same-origin"];

/// Why a request is refused; `None`: it is not.
fn refusal(request: &ServiceRequest) -> Option<&'static str> {
    let text = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let host = request.uri().host().or_else(|| text(header::HOST)).unwrap_or_default();
    if !is_this_machine(host) {
        return Some("The controls are called as 127.0.0.1 or localhost, and by no other name");
    }
    // A browser sends one of them with whatever a page asks for. The page of the controls themselves may.
    let is_foreign = text(header::ORIGIN).is_some_and(|origin| origin.strip_prefix("http://") != Some(host))
        || text(header::HeaderName::from_static("sec-fetch-site")).is_some_and(|site| !OWN_SITES.contains(&site));
    is_foreign.then_some("The controls are for programs, not for pages of other sites: call them from the test itself")
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_s_own_names_are_answered() {
        for own in ["localhost", "localhost:1", "127.0.0.1:8081", "127.1.2.3", "[::1]:8081", "LOCALHOST:2"] {
            assert!(is_this_machine(own), "{own}");
        }
        for other in
            ["", "example.com", "127.0.0.1.example.com", "localhost.example.com", "192.0.2.1:80", "[2001:db8::1]"]
        {
            assert!(!is_this_machine(other), "{other}");
        }
    }
}
