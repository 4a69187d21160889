//! `Idempotency-Key` on POST: the response is stored in the transaction of the change and returned again for 24 hours.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::HttpRequest;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;

use super::response::ApiResponse;
use crate::auth::secrets::Sealer;
use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::Hash;
use crate::error::{Check, Error, Result};
use crate::store::idempotency;

pub const HEADER: &str = "Idempotency-Key";
/// Code, and path, of every error about a key.
const CODE: &str = "idempotency_key";
const KEY_MAX_BYTES: usize = 255;

/// The keys of requests in flight.
#[derive(Default)]
pub struct InFlightKeys(Mutex<HashSet<(String, Hash)>>);

/// One request's key: in flight until it is dropped.
pub struct Key {
    scope: String,
    hash: Hash,
    fingerprint: Hash,
    in_flight: Arc<InFlightKeys>,
}

impl Drop for Key {
    fn drop(&mut self) {
        let mut keys = self.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&(std::mem::take(&mut self.scope), self.hash));
    }
}

/// The key of a POST that has one. 422 when it is malformed, 409 while another request with the same key is in flight.
pub fn key_of(
    request: &HttpRequest,
    body: &Bytes,
    scope: &str,
    sealer: &Sealer,
    in_flight: &Arc<InFlightKeys>,
) -> Result<Option<Key>> {
    let Some(value) = request.headers().get(HEADER) else { return Ok(None) };
    if request.method() != Method::POST {
        return Ok(None);
    }
    if value.is_empty() || value.len() > KEY_MAX_BYTES {
        let message = format!("Idempotency-Key must be 1 to {KEY_MAX_BYTES} characters");
        return Err(Error::invalid(CODE, Check::Max, message));
    }
    if value.to_str().is_err() {
        return Err(Error::invalid(CODE, Check::Format, "Idempotency-Key must be ASCII"));
    }
    let hash = sealer.fingerprint(&[b"key", value.as_bytes()])?;
    let url = url_without_token(request);
    let mut parts: Vec<&[u8]> = vec![b"request", url.as_bytes(), body];
    // With another precondition it is another request. The name is part of the fingerprint, because only headers that
    // are given are.
    for name in ["if-match", "if-none-match"] {
        for tags in request.headers().get_all(name) {
            parts.extend([name.as_bytes(), tags.as_bytes()]);
        }
    }
    let fingerprint = sealer.fingerprint(&parts)?;
    if !in_flight.0.lock().unwrap_or_else(PoisonError::into_inner).insert((scope.to_owned(), hash)) {
        let message = "A request with this Idempotency-Key is still under way";
        return Err(Error::conflict(CODE, message));
    }
    Ok(Some(Key { scope: scope.to_owned(), hash, fingerprint, in_flight: in_flight.clone() }))
}

/// Path and arguments, without the caller's token: a repeat after a new login is the same request.
fn url_without_token(request: &HttpRequest) -> String {
    let arguments = request.query_string().split('&').filter(|argument| {
        let name = form_urlencoded::parse(argument.as_bytes()).next();
        !argument.is_empty() && name.is_none_or(|(name, _)| name != "token")
    });
    let arguments: Vec<&str> = arguments.collect();
    format!("{}?{}", request.path(), arguments.join("&"))
}

/// Runs `work` unless a response to the same key is stored. 422 when the key was used for another request.
pub fn once(
    tx: &mut WriteTx,
    sealer: &Sealer,
    key: Option<Key>,
    work: impl FnOnce(&mut WriteTx) -> Result<ApiResponse>,
) -> Result<ApiResponse> {
    once_while(tx, sealer, key, |_, _| Ok(true), work)
}

/// As [`once`], for a response that may become useless: runs `work` again unless the stored response `is_good` still.
pub fn once_while(
    tx: &mut WriteTx,
    sealer: &Sealer,
    key: Option<Key>,
    is_good: impl FnOnce(&ReadTx, &ApiResponse) -> Result<bool>,
    work: impl FnOnce(&mut WriteTx) -> Result<ApiResponse>,
) -> Result<ApiResponse> {
    let Some(key) = key else { return work(tx) };
    let context = format!("idempotency {}", key.scope);
    if let Some(stored) = idempotency::find(tx, &key.scope, &key.hash)? {
        if stored.fingerprint != key.fingerprint {
            let message = "This Idempotency-Key was used for another request";
            return Err(Error::invalid(CODE, Check::Format, message));
        }
        let response = sealer.unseal(&context, &stored.answer).and_then(|bytes| decode(&bytes));
        let response = response.ok_or_else(|| Error::internal("a stored response cannot be decrypted"))?;
        if is_good(tx, &response)? {
            return Ok(response);
        }
    }
    let response = work(tx)?;
    let sealed = sealer.seal(&context, &encode(&response))?;
    idempotency::insert(tx, &key.scope, &key.hash, &key.fingerprint, &sealed)?;
    Ok(response)
}

/// Status, secrecy and rev (0: none) before the body.
fn encode(response: &ApiResponse) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(response.body.len() + 11);
    bytes.extend_from_slice(&response.status.as_u16().to_be_bytes());
    bytes.push(u8::from(response.is_secret));
    bytes.extend_from_slice(&response.rev.unwrap_or(0).to_be_bytes());
    bytes.extend_from_slice(&response.body);
    bytes
}

fn decode(bytes: &[u8]) -> Option<ApiResponse> {
    let (status, bytes) = bytes.split_first_chunk::<2>()?;
    let (is_secret, bytes) = bytes.split_first()?;
    let (rev, body) = bytes.split_first_chunk::<8>()?;
    let rev = Some(i64::from_be_bytes(*rev)).filter(|rev| *rev > 0);
    let status = StatusCode::from_u16(u16::from_be_bytes(*status)).ok()?;
    Some(ApiResponse {
        status,
        body: body.to_vec(),
        rev,
        is_secret: *is_secret == 1,
        is_replay: true,
        ..ApiResponse::raw(vec![])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_comes_back_as_it_was() {
        let response = ApiResponse { rev: Some(9), ..ApiResponse::raw(b"{}".to_vec()).secret() };
        assert_eq!(decode(&encode(&response)), Some(ApiResponse { is_replay: true, ..response }));
        assert_eq!(decode(b"12"), None);
    }
}
