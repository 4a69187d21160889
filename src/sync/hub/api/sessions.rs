//! The sessions of operators in the console, in the memory of this process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;

use crate::auth::secrets::{new_token, token_hash};
use crate::domain::audit::{Hash, digest};
use crate::error::Result;
use crate::web::console_cookie::{self, CSRF_HEADER, changes, check_page, csrf};

/// A session ends when it has not been used for so long.
pub const IDLE: Duration = Duration::from_secs(15 * 60);
/// As many sessions an operator may have: of more, its own that was not used for longest ends.
const MOST: usize = 100;

/// A session by the hash of the token in its cookie.
struct Session {
    /// The hash of the operator's token: whoever has lost it has lost the session too.
    operator: Hash,
    csrf_token: String,
    used: Instant,
}

/// The sessions there are.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<Hash, Session>>);

impl Sessions {
    /// Opens one; the token for its cookie, and that for changes.
    pub fn open(&self, operator: Hash) -> Result<(String, String)> {
        let ((token, hash), (csrf_token, _)) = (new_token()?, new_token()?);
        let mut sessions = self.live();
        let own = || sessions.iter().filter(|(_, session)| session.operator == operator);
        if own().count() >= MOST
            && let Some(oldest) = own().min_by_key(|(_, session)| session.used).map(|(hash, _)| *hash)
        {
            sessions.remove(&oldest);
        }
        sessions.insert(hash, Session { operator, csrf_token: csrf_token.clone(), used: Instant::now() });
        Ok((token, csrf_token))
    }

    /// The operator's token behind the cookie of a request, and what changes need; this counts as a use. `None` without a session;
    /// 401 for a page of another origin, 403 `csrf` for a change without the token.
    pub fn find(&self, request: &HttpRequest) -> Result<Option<(Hash, String)>> {
        let Some(hash) = cookie_in(request) else { return Ok(None) };
        check_page(request)?;
        let mut sessions = self.live();
        let Some(session) = sessions.get_mut(&hash) else { return Ok(None) };
        if changes(request) {
            let given = request.headers().get(CSRF_HEADER).map_or(&[][..], |given| given.as_bytes());
            // Digests are compared: how long that takes says nothing about the token.
            if digest(given) != digest(session.csrf_token.as_bytes()) {
                return Err(csrf());
            }
        }
        session.used = Instant::now();
        Ok(Some((session.operator, session.csrf_token.clone())))
    }

    /// The hash of the operator's token behind the cookie of a request; errors as of the call itself.
    pub fn operator_token(&self, request: &HttpRequest) -> Result<Option<Hash>> {
        Ok(self.find(request)?.map(|(operator, _)| operator))
    }

    /// Ends the one of a request.
    pub fn close(&self, request: &HttpRequest) {
        if let Some(hash) = cookie_in(request) {
            self.live().remove(&hash);
        }
    }

    /// Those that have not expired.
    fn live(&self) -> MutexGuard<'_, HashMap<Hash, Session>> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.used.elapsed() < IDLE);
        sessions
    }
}

fn cookie_in(request: &HttpRequest) -> Option<Hash> {
    let cookies = request.cookies().map(|cookies| cookies.clone()).unwrap_or_default();
    let mut named = cookies.iter().filter(|cookie| cookie.name() == console_cookie::NAME_ON_HUB);
    named.find_map(|cookie| token_hash(cookie.value()))
}
