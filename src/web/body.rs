//! The body of a request: received within bounds, and decompressed.

use std::io::ErrorKind;
use std::pin::Pin;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use futures_core::Stream;

use crate::error::{Error, Result};
use crate::sync::protocol::compression;

/// The longest body that is accepted.
pub const BODY_MAX_BYTES: usize = 1 << 20;
/// The longest body of an upload: a file of 8 MiB, and what stands around it.
pub const UPLOAD_MAX_BYTES: usize = (8 << 20) + 4_096;
/// How much of a body that is too long is still received and dropped, so that the caller gets to read the response.
const DISCARD_MAX_BYTES: usize = 64 << 20;

/// The body of a call of the API; none of one that reads.
pub async fn read_body(request: &HttpRequest, payload: Payload, max_bytes: usize) -> Result<Bytes> {
    use actix_web::http::Method;
    match *request.method() {
        Method::GET | Method::HEAD => Ok(Bytes::new()),
        _ => decoded(request, read_payload(payload, max_bytes).await?, max_bytes),
    }
}

/// A long body. What is too long is refused as soon as that is known, and none of the rest is received.
pub async fn read_long_body(request: &HttpRequest, mut payload: Payload, max_bytes: usize) -> Result<Bytes> {
    let too_large = || Error::TooLarge { limit_bytes: max_bytes };
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > max_bytes as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = std::future::poll_fn(|cx| Pin::new(&mut payload).poll_next(cx)).await {
        let chunk = chunk.map_err(|_| Error::bad_request("The request body could not be read"))?;
        if body.len() + chunk.len() > max_bytes {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    decoded(request, body.freeze(), max_bytes)
}

/// The body as its `Content-Encoding` says; at most `max_bytes` of it. 415 for an encoding that is not known, 400 for
/// a body that is not in it.
fn decoded(request: &HttpRequest, body: Bytes, max_bytes: usize) -> Result<Bytes> {
    let Some(encoding) = request.headers().get(header::CONTENT_ENCODING) else { return Ok(body) };
    let encoding = encoding.to_str().map_err(|_| Error::UnsupportedEncoding)?;
    compression::decompress(Some(encoding), &body, max_bytes).map(Bytes::from).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => Error::TooLarge { limit_bytes: max_bytes },
        ErrorKind::Unsupported => Error::UnsupportedEncoding,
        _ => Error::bad_request(format!("The request body is not {encoding}")),
    })
}

/// Whether the body says that it is JSON; `None`: it does not say what it is.
pub fn is_json(headers: &HeaderMap) -> Option<bool> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Some(essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json"))
}

/// A body as it was sent: 413 when it is longer than `max_bytes`. The rest is still received and dropped, up to a limit.
pub async fn read_payload(mut payload: Payload, max_bytes: usize) -> Result<Bytes> {
    let mut body = BytesMut::new();
    let mut length = 0;
    while let Some(chunk) = std::future::poll_fn(|cx| Pin::new(&mut payload).poll_next(cx)).await {
        let chunk = chunk.map_err(|_| Error::bad_request("The request body could not be read"))?;
        length += chunk.len();
        if length > DISCARD_MAX_BYTES {
            break;
        }
        if length <= max_bytes {
            body.extend_from_slice(&chunk);
        }
    }
    if length > max_bytes {
        return Err(Error::TooLarge { limit_bytes: max_bytes });
    }
    Ok(body.freeze())
}
