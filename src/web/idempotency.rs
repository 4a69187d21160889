//! `Idempotency-Key` on POST: the answer is remembered in the transaction of the change and given again for 24 hours.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web::Bytes;

use super::request::RequestContext;
use super::response::ApiResponse;
use crate::auth::secrets::Sealer;
use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::Hash;
use crate::error::{Check, Error, Result};
use crate::store::idempotency;

pub const HEADER: &str = "Idempotency-Key";
/// Error code, and path, of everything that can be wrong with a key.
const CODE: &str = "idempotency_key";
const KEY_MAX_BYTES: usize = 255;

/// The keys of requests that are under way.
#[derive(Default)]
pub struct InFlightKeys(Mutex<HashSet<(String, Hash)>>);

/// One request's key; while it exists the key is under way.
pub struct Key {
    scope: String,
    hash: Hash,
    fingerprint: Hash,
    under_way: Arc<InFlightKeys>,
}

impl Drop for Key {
    fn drop(&mut self) {
        let mut keys = self.under_way.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&(std::mem::take(&mut self.scope), self.hash));
    }
}

/// The key of a POST that has one. 422 when it is no key, 409 while the same one is under way.
pub fn key_of(visit: &RequestContext, scope: &str, body: &Bytes) -> Result<Option<Key>> {
    let Some(value) = visit.request.headers().get(HEADER) else { return Ok(None) };
    if visit.request.method() != actix_web::http::Method::POST {
        return Ok(None);
    }
    if value.is_empty() || value.len() > KEY_MAX_BYTES {
        let message = format!("Idempotency-Key must be 1 to {KEY_MAX_BYTES} characters");
        return Err(Error::invalid(CODE, Check::Max, message));
    }
    if value.to_str().is_err() {
        return Err(Error::invalid(CODE, Check::Format, "Idempotency-Key must be ASCII"));
    }
    let sealer = &visit.state.sealer;
    let hash = sealer.fingerprint(&[b"key", value.as_bytes()])?;
    let url = visit.request.uri().to_string();
    let mut parts: Vec<&[u8]> = vec![b"request", url.as_bytes(), body];
    // With another condition it is another request. Each with its name: only what is given is counted.
    for condition in ["if-match", "if-none-match"] {
        if let Some(tags) = visit.request.headers().get(condition) {
            parts.extend([condition.as_bytes(), tags.as_bytes()]);
        }
    }
    let fingerprint = sealer.fingerprint(&parts)?;
    let under_way = visit.state.under_way.clone();
    if !under_way.0.lock().unwrap_or_else(PoisonError::into_inner).insert((scope.to_owned(), hash)) {
        let message = "A request with this Idempotency-Key is still under way";
        return Err(Error::conflict(CODE, message));
    }
    Ok(Some(Key { scope: scope.to_owned(), hash, fingerprint, under_way }))
}

/// Runs `work` unless its answer is remembered. 422 when the key was used for another request.
pub fn once(
    tx: &mut WriteTx,
    sealer: &Sealer,
    key: Option<Key>,
    work: impl FnOnce(&mut WriteTx) -> Result<ApiResponse>,
) -> Result<ApiResponse> {
    once_while(tx, sealer, key, |_, _| Ok(true), work)
}

/// As [`once`], for an answer that may lose its worth: runs `work` again unless what is remembered `is_good` still.
pub fn once_while(
    tx: &mut WriteTx,
    sealer: &Sealer,
    key: Option<Key>,
    is_good: impl FnOnce(&ReadTx, &ApiResponse) -> Result<bool>,
    work: impl FnOnce(&mut WriteTx) -> Result<ApiResponse>,
) -> Result<ApiResponse> {
    let Some(key) = key else { return work(tx) };
    let context = format!("idempotency {}", key.scope);
    if let Some(remembered) = idempotency::find(tx, &key.scope, &key.hash)? {
        if remembered.fingerprint != key.fingerprint {
            let message = "This Idempotency-Key was used for another request";
            return Err(Error::invalid(CODE, Check::Format, message));
        }
        let answer = sealer.unseal(&context, &remembered.answer).and_then(|bytes| decode(&bytes));
        let answer = answer.ok_or_else(|| Error::internal("a remembered answer cannot be read"))?;
        if is_good(tx, &answer)? {
            return Ok(answer);
        }
    }
    let answer = work(tx)?;
    let sealed = sealer.seal(&context, &encode(&answer))?;
    idempotency::insert(tx, &key.scope, &key.hash, &key.fingerprint, &sealed)?;
    Ok(answer)
}

/// Status, secrecy and rev (0: none) before the body.
fn encode(answer: &ApiResponse) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(answer.body.len() + 11);
    bytes.extend_from_slice(&answer.status.to_be_bytes());
    bytes.push(u8::from(answer.is_secret));
    bytes.extend_from_slice(&answer.rev.unwrap_or(0).to_be_bytes());
    bytes.extend_from_slice(&answer.body);
    bytes
}

fn decode(bytes: &[u8]) -> Option<ApiResponse> {
    let (status, bytes) = bytes.split_first_chunk::<2>()?;
    let (is_secret, bytes) = bytes.split_first()?;
    let (rev, body) = bytes.split_first_chunk::<8>()?;
    let rev = Some(i64::from_be_bytes(*rev)).filter(|rev| *rev > 0);
    let status = u16::from_be_bytes(*status);
    Some(ApiResponse { status, body: body.to_vec(), rev, is_secret: *is_secret == 1, is_replay: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let answer = ApiResponse { rev: Some(9), ..ApiResponse::raw(b"{}".to_vec()).secret() };
        assert_eq!(decode(&encode(&answer)), Some(ApiResponse { is_replay: true, ..answer }));
        assert_eq!(decode(b"12"), None);
    }
}
