//! What protects people whose browser also shows pages of others: under which names this server answers, when a cookie
//! counts, and what a browser may do with an answer.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::{HttpRequest, HttpResponse, dev::ServiceRequest};
use std::net::IpAddr;

use super::body::is_json;

/// Says how the page that made a request stands to this server: a browser sets it, and no page can.
const FETCH_SITE: &str = "sec-fetch-site";

/// What a browser may do with every answer that says nothing else: show it nowhere, and run nothing.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The names that this server answers by. A page can give its own name our address: what it then reads is ours, and to the
/// browser it is the page's own.
#[derive(Clone, Debug)]
pub struct Hosts {
    /// `None`: any.
    names: Option<Vec<String>>,
}

impl Hosts {
    /// Of a server on loopback: this machine, and the names that were configured. Of another one: any, unless some were
    /// configured. `*` is any name, `*.example.com` any name below it.
    pub fn new(is_loopback: bool, configured: Vec<String>) -> Hosts {
        let is_any = !is_loopback && configured.is_empty() || configured.iter().any(|name| name == "*");
        Hosts { names: (!is_any).then_some(configured) }
    }

    pub fn any() -> Hosts {
        Hosts { names: None }
    }

    /// Whether a request names one of them. Without a name it comes from no browser.
    pub fn answer_to(&self, request: &ServiceRequest) -> bool {
        let Some(names) = &self.names else { return true };
        let named = named_hosts(request.uri(), request.headers());
        named
            .iter()
            .all(|host| host.is_some_and(|host| is_this_machine(host) || names.iter().any(|it| is_of(it, host))))
    }
}

/// The hosts that a request names, without their ports; `None` for what is no host.
fn named_hosts<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Vec<Option<&'r str>> {
    let of_headers = headers.get_all(header::HOST).map(|value| value.to_str().ok());
    let of_uri = uri.authority().map(|authority| Some(authority.as_str()));
    of_uri.into_iter().chain(of_headers).map(|host| host.and_then(without_port)).collect()
}

/// `localhost:8080` without its port, and without a dot at its end.
fn without_port(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port.strip_prefix(':').or(port.is_empty().then_some(""))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    (!host.is_empty() && port.bytes().all(|c| c.is_ascii_digit())).then_some(host)
}

fn is_this_machine(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => is_of("localhost", host) || is_of("*.localhost", host),
    }
}

/// Whether `host` is the configured name, or below it where that begins with `*.`.
fn is_of(name: &str, host: &str) -> bool {
    match name.strip_prefix('*') {
        Some(domain) => host.len() > domain.len() && host.to_ascii_lowercase().ends_with(&domain.to_ascii_lowercase()),
        None => host.eq_ignore_ascii_case(name),
    }
}

/// Whether a page of another origin has made the request, as far as it says so.
pub fn is_of_another_page(request: &HttpRequest) -> bool {
    let headers = request.headers();
    if let Some(site) = headers.get(FETCH_SITE) {
        return site != "same-origin" && site != "none";
    }
    // A browser that does not say so yet says where the page is from.
    let Some(page) = headers.get(header::ORIGIN).or_else(|| headers.get(header::REFERER)) else { return false };
    let page = page.to_str().ok().and_then(|page| page.parse::<Uri>().ok());
    let own = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let own = request.uri().authority().map(|authority| authority.as_str()).or(own);
    let is_own = |page: Uri| page.authority().is_some_and(|page| own.is_some_and(|own| page.as_str() == own));
    !page.is_some_and(is_own)
}

/// Whether the cookie of a request counts, which a browser sends without being asked to: not for a page of another origin, not
/// even one of another port of this machine, and for a change only with a type that such a page cannot send.
pub fn is_cookie_trusted(request: &HttpRequest) -> bool {
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    !is_of_another_page(request) && (is_reading || is_json(request.headers()) == Some(true))
}

/// As [`is_cookie_trusted`], as for a change whatever the method: a GET may change something too.
pub fn is_cookie_trusted_for_change(request: &HttpRequest) -> bool {
    !is_of_another_page(request) && is_json(request.headers()) == Some(true)
}

/// An extension of an answer that another server gets, many times a day and over a narrow line: what tells a browser how to show it
/// is left out.
pub struct ForServer;

/// Has a browser take an answer for what it says it is, show it in no frame, run nothing in it, and tell nobody its URL, which
/// may contain a token.
pub fn protect<B>(response: &mut HttpResponse<B>) {
    let is_for_server = response.extensions().contains::<ForServer>();
    let headers = response.headers_mut();
    let defaults: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in defaults.into_iter().take(if is_for_server { 1 } else { 4 }) {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn answers(hosts: &Hosts, host: &str) -> bool {
        hosts.answer_to(&TestRequest::get().uri("/healthz").insert_header(("host", host)).to_srv_request())
    }

    #[test]
    fn on_loopback_a_server_answers_by_the_names_of_this_machine() {
        let hosts = Hosts::new(true, vec![]);
        for host in [
            "localhost",
            "LocalHost:8080",
            "localhost.",
            "app.localhost:3000",
            "127.0.0.1",
            "127.0.0.1:1",
            "127.8.9.10",
            "[::1]",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert!(answers(&hosts, host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "notlocalhost",
            ".localhost.evil.example",
            "127.0.0.1.nip.io",
            "192.168.1.5",
            "0.0.0.0",
            "[::]",
            "[fe80::1]:80",
            "localhost:80@evil.example",
            "localhost:x",
            "[::1",
            "",
            ":80",
            "127.1",
            "localhost,evil.example",
            "xn--lcalhost-54a",
        ] {
            assert!(!answers(&hosts, host), "{host}");
        }
        assert!(hosts.answer_to(&TestRequest::get().uri("/healthz").to_srv_request()), "no browser leaves it out");
        let absolute = TestRequest::get().uri("http://evil.example/").insert_header(("host", "localhost"));
        assert!(!hosts.answer_to(&absolute.to_srv_request()));
        let doubled = TestRequest::get().append_header(("host", "localhost")).append_header(("host", "evil.example"));
        assert!(!hosts.answer_to(&doubled.to_srv_request()));
    }

    #[test]
    fn configured_names_count_beside_this_machine_and_beyond_loopback_alone() {
        let configured = || vec!["pbx.example.com".to_owned(), "*.lab.example".to_owned()];
        for hosts in [Hosts::new(true, configured()), Hosts::new(false, configured())] {
            for host in ["PBX.example.com:443", "a.lab.example", "b.a.LAB.example", "localhost:1"] {
                assert!(answers(&hosts, host), "{host}");
            }
            for host in ["example.com", "lab.example", "x.pbx.example.com", "evillab.example", "192.0.2.1"] {
                assert!(!answers(&hosts, host), "{host}");
            }
        }
        for host in ["evil.example", "192.0.2.1:80", "x"] {
            assert!(answers(&Hosts::new(false, vec![]), host) && answers(&Hosts::new(true, vec!["*".into()]), host));
        }
    }
}
