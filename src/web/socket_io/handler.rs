//! `/socket.io`: from a request of actix to the server of socket.io, and back.

use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use http::{Method, Request, Uri};
use http_body_util::Full;
use tungstenite::handshake::derive_accept_key;

use super::line::{Crowded, Line};
use super::pipe::{ClientEnd, Pipe};
use super::sockets::{MESSAGE_MAX, Sockets};
use crate::error::{Error, Result};
use crate::web::AppState;
use crate::web::body::read_payload;
use crate::web::connections::HttpConnection;
use crate::web::error::{passed_on, too_many_connections};
use crate::web::query::Query;
use crate::web::request::address_of;

/// Where the server of socket.io is, to itself.
const PATH: &str = "/socket.io/";

/// The answer to a request of a client of socket.io, whatever it is.
pub async fn serve(
    request: HttpRequest,
    payload: web::Payload,
    sockets: Data<Sockets>,
    state: Data<AppState>,
) -> HttpResponse {
    let answered = match wants_websocket(&request) {
        true => upgrade(&request, payload, &sockets, &state),
        false => poll(&request, payload, &sockets, &state).await,
    };
    answered.unwrap_or_else(|error| error.error_response())
}

/// Whether a request asks for a websocket.
pub fn wants_websocket(request: &HttpRequest) -> bool {
    let upgrade = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))
}

/// The connection that a request belongs to; a new one, if there is room, for the first request of a client.
fn line_of(request: &HttpRequest, sockets: &Sockets, state: &AppState) -> Result<Result<Arc<Line>, Crowded>> {
    if let Some(sid) = Query::parse(request.query_string()).get("sid") {
        return sockets.lines.find(sid).map(Ok).ok_or_else(|| Error::bad_request("Session ID unknown"));
    }
    Ok(sockets.lines.enter(address_of(request, state)))
}

/// The answer where there is no room.
fn refused(crowded: Crowded) -> HttpResponse {
    match crowded {
        Crowded::Address => too_many_connections("There are too many connections from this address: close some"),
        Crowded::Server => Error::Unavailable("There are too many connections").error_response(),
    }
}

fn target(request: &HttpRequest) -> Result<Uri> {
    let target = format!("{PATH}?{}", request.query_string());
    Uri::try_from(target).map_err(|_| Error::bad_request("Request URI not valid"))
}

async fn poll(
    request: &HttpRequest,
    payload: web::Payload,
    sockets: &Sockets,
    state: &AppState,
) -> Result<HttpResponse> {
    let line = match line_of(request, sockets, state)? {
        Ok(line) => line,
        Err(crowded) => return Ok(refused(crowded)),
    };
    let body = read_payload(payload.into_inner(), MESSAGE_MAX).await?;
    let mut asked = Request::new(Full::new(body));
    let method = Method::from_bytes(request.method().as_str().as_bytes());
    *asked.method_mut() = method.map_err(|_| Error::bad_request("Request not valid"))?;
    *asked.uri_mut() = target(request)?;
    let kind = request.headers().get(header::CONTENT_TYPE).map(|kind| http::HeaderValue::from_bytes(kind.as_bytes()));
    if let Some(Ok(kind)) = kind {
        asked.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    }
    asked.extensions_mut().insert(line.clone());
    let answer = sockets.answer(asked).await.ok_or(Error::Busy)?;
    if line.sid().is_none()
        && let Some(sid) = sid_in(answer.body())
    {
        sockets.lines.name(&line, sid);
    }
    Ok(response_of(answer))
}

/// What a client that begins to poll is told to call itself.
fn sid_in(opened: &Bytes) -> Option<&str> {
    let text = std::str::from_utf8(opened).ok()?;
    let (_, rest) = text.split_once("\"sid\":\"")?;
    rest.split_once('"').map(|(sid, _)| sid)
}

fn response_of(answer: http::Response<Bytes>) -> HttpResponse {
    let (head, body) = answer.into_parts();
    let mut response = passed_on(head.status.as_u16());
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    for (name, value) in &head.headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            response.insert_header((name, value));
        }
    }
    response.body(body)
}

fn upgrade(request: &HttpRequest, payload: web::Payload, sockets: &Sockets, state: &AppState) -> Result<HttpResponse> {
    let not_valid = || Error::bad_request("Websocket handshake not valid");
    let is_known = request.headers().get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).filter(|_| is_known).ok_or_else(not_valid)?;
    let key = derive_accept_key(key.as_bytes());
    let line = match line_of(request, sockets, state)? {
        Ok(line) => line,
        Err(crowded) => return Ok(refused(crowded)),
    };
    let mut asked = Request::new(());
    *asked.uri_mut() = target(request)?;
    asked.extensions_mut().insert(line.clone());
    let pipe = sockets.accept(&line, asked).ok_or_else(not_valid)?;
    // It counts among the connections of socket.io from now on.
    if let Some(connection) = request.conn_data::<HttpConnection>() {
        connection.release();
    }
    actix_web::rt::spawn(receive(payload, pipe.clone()));
    let mut response = HttpResponse::SwitchingProtocols();
    response.upgrade("websocket").insert_header((header::SEC_WEBSOCKET_ACCEPT, key));
    Ok(response.body(BoxBody::new(ClientEnd(pipe))))
}

/// Passes on what the client sends, until it sends no more.
async fn receive(payload: web::Payload, pipe: Arc<Pipe>) {
    use futures_core::Stream;
    let mut payload = std::pin::pin!(payload);
    while let Some(Ok(bytes)) = std::future::poll_fn(|cx| payload.as_mut().poll_next(cx)).await {
        if !pipe.push(&bytes).await {
            break;
        }
    }
    pipe.end_input();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_polling_client_is_found_in_what_it_is_told() {
        let of_version_4 = Bytes::from_static(br#"0{"sid":"AbC-_1","upgrades":["websocket"]}"#);
        let of_version_3 = Bytes::from_static(br#"95:0{"sid":"xyz","upgrades":[]}2:40"#);
        assert_eq!((sid_in(&of_version_4), sid_in(&of_version_3)), (Some("AbC-_1"), Some("xyz")));
        assert_eq!(sid_in(&Bytes::from_static(b"40")), None);
    }
}
