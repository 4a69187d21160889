//! Tokens of the platform's: asked after there when they are shown here, and remembered for a while.

use std::sync::{Arc, Weak};

use super::AppState;
use crate::auth::secrets::presented_hash;
use crate::auth::session_cache::Identity;
use crate::db::{Db, WriteTx};
use crate::domain::audit::{Hash, digest};
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::platform::gate::{PlatformGate, Purpose};
use crate::platform::token::{Standing, ask};
use crate::store::platform::tokens::PlatformToken;
use crate::store::platform::{self, tokens as platform_tokens};
use crate::store::{sessions, tokens};
use crate::usecases::{intents, platform_login};

/// After so long the platform is asked again.
const ASK_AGAIN_MS: i64 = 5 * 60_000;

fn is_fresh(token: &PlatformToken, address: &str, now: Time) -> bool {
    token.ip == address && now < token.confirmed_at.plus_ms(ASK_AGAIN_MS)
}

/// Whether the platform need not be asked about what was found for a token.
pub fn is_settled(state: &AppState, known: &Result<Arc<Identity>>) -> bool {
    match known {
        Ok(identity) => {
            let now = state.db.clock().now();
            identity.of_platform().is_none_or(|token| now < token.confirmed_at.plus_ms(ASK_AGAIN_MS))
        }
        Err(Error::Unauthenticated { code: "invalid_token", .. }) => false,
        Err(_) => true,
    }
}

/// A token, as it is looked up and asked after.
struct Question {
    hash: Hash,
    /// Of the token from this address: from another one the answer may be another.
    key: Hash,
    address: String,
}

/// Asks the platform after a token that is unknown here, or that it has not confirmed for a while, and remembers what it says. 401
/// when the token is good no longer without the platform. What is no token of the platform's is for the caller to judge.
pub async fn confirm(state: &AppState, token: &str, address: &str) -> Result<()> {
    let Some(hash) = presented_hash(token) else { return Ok(()) };
    let key = digest(&[&hash[..], address.as_bytes()].concat());
    let question = Question { hash, key, address: address.to_owned() };
    let (url, known, is_ours) = state.db.read(|tx| {
        // Tokens of this server are nobody else's business, whatever has become of them.
        let is_for_metrics = || state.metrics_token.as_ref().is_some_and(|own| own.is(token));
        let is_ours = sessions::find(tx, &hash)?.is_some() || tokens::find(tx, &hash)?.is_some() || is_for_metrics();
        Ok((platform::url(tx)?, platform_tokens::find(tx, &hash)?, is_ours))
    })?;
    let Some(url) = url.filter(|_| !is_ours) else { return Ok(()) };
    let now = state.db.clock().now();
    if known.as_ref().is_some_and(|known| is_fresh(known, address, now)) || state.platform.has_refused(&key) {
        return Ok(());
    }
    let is_known = known.is_some();
    match settle(state, url, token, question, is_known).await {
        Ok(Standing::Good(_) | Standing::Refused) => Ok(()),
        Ok(Standing::Unreachable | Standing::Silent) => check_offline(state, known.as_ref(), now),
        // Too many are asked after: what is known goes on.
        Err(Error::Busy) if is_known => check_offline(state, known.as_ref(), now),
        Err(error) => Err(error),
    }
}

/// 401 `expired` when the platform has not confirmed the token for too long.
fn check_offline(state: &AppState, known: Option<&PlatformToken>, now: Time) -> Result<()> {
    let good_for_ms = state.platform.settings.offline_token_ms;
    match known {
        Some(known) if now > known.confirmed_at.plus_ms(good_for_ms) => Err(Error::session_expired()),
        _ => Ok(()),
    }
}

async fn settle(state: &AppState, url: String, token: &str, question: Question, is_known: bool) -> Result<Standing> {
    if state.platform.is_down() {
        return Ok(Standing::Unreachable);
    }
    // A call that outlives the server does not keep the database open.
    let (db, token) = (Arc::downgrade(&state.db), token.to_owned());
    let (hash, key) = (question.hash, question.key);
    let address = question.address.clone();
    let asked = state.platform.run(Purpose::Token, move |gate, permit, reply| {
        let standing = answered_meanwhile(gate, &db, hash, key, &address);
        let standing = standing.unwrap_or_else(|| ask(gate, &url, &token, &address));
        // The permit goes along: the next one may ask once this answer is remembered.
        reply.send((standing, permit));
    });
    let (standing, _permit) = asked.await?;
    match standing {
        Standing::Good(employee) => {
            let good_for_ms = state.platform.settings.offline_token_ms;
            let remember = move |tx: &mut WriteTx| remember(tx, question, employee, good_for_ms);
            if !state.db.write(intents::author(), remember).await? {
                state.platform.note_refused(key);
            }
        }
        Standing::Refused => {
            state.platform.note_refused(key);
            if is_known {
                state.db.write(intents::author(), move |tx| platform_tokens::delete(tx, &hash)).await?;
            }
        }
        // What a stranger shows may be why there is no answer.
        Standing::Silent if is_known => state.platform.missed(),
        Standing::Silent | Standing::Unreachable => {}
    }
    Ok(standing)
}

/// What the platform has said to somebody who asked just before.
fn answered_meanwhile(gate: &PlatformGate, db: &Weak<Db>, hash: Hash, key: Hash, address: &str) -> Option<Standing> {
    if gate.has_refused(&key) {
        return Some(Standing::Refused);
    }
    let db = db.upgrade()?;
    let known = db.read(|tx| platform_tokens::find(tx, &hash)).ok().flatten()?;
    is_fresh(&known, address, db.clock().now()).then_some(Standing::Good(known.employee))
}

/// False when the token stands for nobody who may call here.
fn remember(tx: &mut WriteTx, question: Question, employee: Id, good_for_ms: i64) -> Result<bool> {
    let confirmed_at = tx.now;
    platform_tokens::delete_older(tx, confirmed_at.plus_ms(-good_for_ms))?;
    if !platform_login::is_known(tx, employee)? {
        platform_tokens::delete(tx, &question.hash)?;
        return Ok(false);
    }
    let known = platform_tokens::find(tx, &question.hash)?;
    if known.is_some_and(|known| is_fresh(&known, &question.address, confirmed_at)) {
        return Ok(true);
    }
    platform_tokens::put(tx, &question.hash, &PlatformToken { employee, ip: question.address, confirmed_at })?;
    Ok(true)
}
