//! Tells the news, and cuts off whoever may not hear them any more.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::conversation::{AUTHENTICATE, refusal};
use crate::domain::access::Actor;
use crate::error::{Error, Result};
use crate::realtime::Queue;
use crate::realtime::registry::{Glance, Number};
use crate::usecases::{login, realtime};
use crate::web::{AppState, platform_token};

/// How often it is looked whether tokens have expired.
const EVERY: Duration = Duration::from_secs(1);

/// Runs until the server is gone. `patience_ms`: how long a connection may go without having been authenticated.
pub async fn watch(state: Weak<AppState>, mut queue: Queue, patience_ms: i64) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = 0;
    let mut asking = None;
    loop {
        let news = tokio::select! {
            news = queue.next() => match news {
                Some(news) => Some(news),
                None => return,
            },
            _ = ticks.tick() => None,
        };
        let Some(state) = state.upgrade() else { return };
        // Read before the listeners are looked at: what changes meanwhile is looked at again.
        let version = state.db.identities_version();
        let is_changed = version != seen;
        match news {
            Some(news) => {
                if is_changed || news.moves_customers() {
                    look(&state, true);
                }
                state.realtime.tell(news);
            }
            None => {
                let of_platform = look(&state, is_changed | state.realtime.is_to_look());
                for number in state.realtime.step(patience_ms) {
                    cut_off(&state, number, &login::refused());
                }
                ask_platform(&state, of_platform, &mut asking);
                stay_awake(&state);
            }
        }
        seen = version;
    }
}

/// Cuts off whose token has ended; with `all_access` also who may not hear any more what it has subscribed to. Returns who has
/// shown a token of the platform's.
fn look(state: &AppState, all_access: bool) -> Vec<Glance> {
    let listeners = state.realtime.registry().look();
    let mut found: Vec<(Glance, Result<Actor>)> = listeners.into_iter().map(|it| identify(state, it)).collect();
    if all_access && !found.is_empty() {
        let looked = state.db.read(|tx| {
            for (listener, known) in &mut found {
                let Ok(actor) = known else { continue };
                let mut scopes = listener.scopes.iter();
                if let Err(error) = scopes.try_for_each(|scope| realtime::allow_listening(tx, actor, *scope)) {
                    *known = Err(error);
                }
            }
            Ok(())
        });
        if let Err(error) = looked {
            tracing::warn!(%error, "what listeners may hear could not be read");
        }
    }
    let mut of_platform = vec![];
    for (listener, known) in found {
        match known {
            Ok(_) if listener.token.is_some() => of_platform.push(listener),
            Ok(_) | Err(Error::Busy) => {}
            // Who it is cannot be told at the moment.
            Err(Error::Internal(cause)) => tracing::warn!(error = %cause, "a listener could not be checked"),
            Err(error) => cut_off(state, listener.number, &error),
        }
    }
    of_platform
}

/// Who a listener is now.
fn identify(state: &AppState, listener: Glance) -> (Glance, Result<Actor>) {
    let known = state.session_cache.check_again(&state.db, &listener.identity, &listener.address);
    let actor = known.map(|identity| {
        let actor = identity.actor.clone();
        if !Arc::ptr_eq(&identity, &listener.identity) {
            state.realtime.registry().renew(listener.number, identity);
        }
        actor
    });
    (listener, actor)
}

/// Says why, and ends the connection.
fn cut_off(state: &AppState, number: Number, why: &Error) {
    let Some(outlet) = state.realtime.leave(number) else { return };
    tracing::debug!(%why, "a listener is cut off");
    outlet.send("error", &refusal(why, AUTHENTICATE));
    outlet.close();
}

/// Asks the platform after those of its tokens that it has not confirmed for a while. One round at a time: it may be slow.
fn ask_platform(state: &Arc<AppState>, mut listeners: Vec<Glance>, asking: &mut Option<tokio::task::JoinHandle<()>>) {
    if asking.as_ref().is_some_and(|round| !round.is_finished()) {
        return;
    }
    listeners.retain(|it| !platform_token::is_settled(state, &Ok(it.identity.clone())));
    if listeners.is_empty() {
        return;
    }
    let state = Arc::downgrade(state);
    *asking = Some(tokio::task::spawn_local(async move {
        for Glance { number, token, address, .. } in listeners {
            let (Some(state), Some(token)) = (state.upgrade(), token) else { return };
            // What it has said otherwise counts when the listeners are looked at next.
            if let Err(error @ Error::Unauthenticated { .. }) = platform_token::confirm(&state, &token, &address).await
            {
                cut_off(&state, number, &error);
            }
        }
    }));
}

/// A workspace whose events are listened to is not idle.
fn stay_awake(state: &AppState) {
    if let Some(mock) = &state.mock
        && !state.realtime.registry().is_empty()
    {
        mock.touch();
    }
}
