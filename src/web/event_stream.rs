//! Events as they happen, to a browser: server-sent events. What a listener may hear is decided anew for each of them.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::web::Bytes;
use futures_core::Stream;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::pace::STALLED;
use super::{AppState, platform_token};
use crate::auth::session_cache::Identity;
use crate::db::{ChangeNotice, Notices, ReadTx};
use crate::domain::access::{Actor, Level};
use crate::domain::realtime::Scope;
use crate::error::{Error, Result};
use crate::platform::status::status as platform_status;
use crate::realtime::streams::Told;
use crate::sync::edge::lag_history;
use crate::sync::edge::status::status as mirror_status;
use crate::usecases::realtime;

/// How often it is looked whether the listener's session has ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After so many looks something is sent, so that nobody on the way takes the connection for a dead one.
const LOOKS_TO_COMMENT: u32 = 15;
/// As many changes of one commit are told one by one; of more, that everything is to be read again.
const BURST_MAX: usize = 16;
/// As many messages wait for a listener.
const WAITING_MAX: usize = 32;

/// What goes to one listener.
pub struct Events(mpsc::Receiver<Bytes>);

impl Stream for Events {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|next| next.map(Ok))
    }
}

/// Begins to tell somebody. 503 when too many listen, or the server ends.
pub fn listen(state: &Arc<AppState>, identity: Arc<Identity>, address: String) -> Result<Events> {
    let place = state.event_streams.enter(&address)?;
    let news = state.realtime.listen().ok_or(Error::Busy)?;
    let (out, events) = mpsc::channel(WAITING_MAX);
    let listener = Listener { state: Arc::downgrade(state), identity, address, out };
    actix_web::rt::spawn(async move {
        listener.run(news).await;
        drop(place);
    });
    Ok(Events(events))
}

struct Listener {
    state: Weak<AppState>,
    identity: Arc<Identity>,
    address: String,
    out: mpsc::Sender<Bytes>,
}

/// The listener is told nothing any more.
struct Ended;

impl Listener {
    async fn run(mut self, mut news: Receiver<Told>) {
        let _ = self.tell_all(&mut news).await;
        if let Some(state) = self.state.upgrade() {
            drop(news);
            state.realtime.settle();
        }
    }

    async fn tell_all(&mut self, news: &mut Receiver<Told>) -> Result<(), Ended> {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut count: u32 = 0;
        self.greet().await?;
        loop {
            let told = tokio::select! {
                () = self.out.closed() => return Err(Ended),
                told = news.recv() => told,
                _ = looks.tick() => {
                    self.look().await?;
                    count = (count + 1) % LOOKS_TO_COMMENT;
                    if count == 0 {
                        self.send(Bytes::from_static(b":\n\n")).await?;
                    }
                    continue;
                }
            };
            match told {
                Ok(told) => {
                    self.look().await?;
                    for text in self.texts(&told)? {
                        self.send(text).await?;
                    }
                }
                Err(RecvError::Lagged(_)) => self.send(event("reload", &json!({}))).await?,
                Err(RecvError::Closed) => return Err(Ended),
            }
        }
    }

    /// Something at once, so that the browser knows that it is connected.
    async fn greet(&mut self) -> Result<(), Ended> {
        self.look().await?;
        let mirror = self.read(mirror_summary)?.unwrap_or_default();
        self.send(Bytes::from_static(b": telecomx-local\n\n")).await?;
        if self.may_see_mirror() { self.send(event("sync", &mirror)).await } else { Ok(()) }
    }

    fn may_see_mirror(&self) -> bool {
        self.identity.actor.level >= Level::ResellerAdmin
    }

    /// Whether the session is still good. Listening is no use of it.
    async fn look(&mut self) -> Result<(), Ended> {
        let state = self.state.upgrade().ok_or(Ended)?;
        let known = state.session_cache.check_again(&state.db, &self.identity, &self.address);
        let is_settled = platform_token::is_settled(&state, &known);
        match known {
            Ok(identity) if is_settled => {
                self.identity = identity;
                Ok(())
            }
            Err(Error::Busy) => Ok(()),
            Err(Error::Internal(cause)) => {
                tracing::warn!(error = %cause, "a listener could not be checked");
                Ok(())
            }
            Ok(_) | Err(_) => {
                self.send(event("end", &json!({}))).await?;
                Err(Ended)
            }
        }
    }

    fn texts(&self, told: &Told) -> Result<Vec<Bytes>, Ended> {
        match told {
            Told::Mirror(summary) if self.may_see_mirror() => Ok(vec![event("sync", summary)]),
            Told::Mirror(_) => Ok(vec![]),
            Told::Changes(notices) => {
                let actor = &self.identity.actor;
                Ok(self.read(|tx| changes(tx, actor, notices))?.unwrap_or_else(|| vec![event("reload", &json!({}))]))
            }
        }
    }

    /// Reads from the database; `None` when that fails at the moment.
    fn read<T>(&self, work: impl FnOnce(&ReadTx) -> Result<T>) -> Result<Option<T>, Ended> {
        let state = self.state.upgrade().ok_or(Ended)?;
        let read = state.db.read(work);
        Ok(read.map_err(|error| tracing::warn!(%error, "what a listener is told could not be read")).ok())
    }

    async fn send(&self, text: Bytes) -> Result<(), Ended> {
        hand_over(&self.out, text, STALLED).await
    }
}

/// Hands a message to the listener's connection. An error when the client has not read for as long as `patience`: it is cut off.
async fn hand_over(out: &mpsc::Sender<Bytes>, text: Bytes, patience: Duration) -> Result<(), Ended> {
    match tokio::time::timeout(patience, out.send(text)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Ended),
    }
}

/// One event on the wire.
fn event(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

/// The events of one commit, as far as the actor may hear of them.
fn changes(tx: &ReadTx, actor: &Actor, notices: &Notices) -> Result<Vec<Bytes>> {
    let reload = || Ok(vec![event("reload", &json!({}))]);
    if notices.is_incomplete {
        return reload();
    }
    let mut heard = vec![];
    for change in &notices.changes {
        let scope = change.subject.customer.map_or(Scope::Everywhere, Scope::Customer);
        match realtime::allow_listening(tx, actor, scope) {
            Ok(()) => heard.push(change),
            Err(error @ (Error::Internal(_) | Error::Busy)) => return Err(error),
            // Of a customer that is deleted, or that is nobody of the listener's.
            Err(_) => {}
        }
        if heard.len() > BURST_MAX {
            return reload();
        }
    }
    Ok(heard.into_iter().map(change_event).collect())
}

fn change_event(change: &ChangeNotice) -> Bytes {
    let subject = change.subject;
    let (customer, section, item) = (subject.customer, subject.section, subject.object);
    event(
        "change",
        &json!({ "customer": customer, "section": section, "item": item, "operation": change.action.name() }),
    )
}

/// How the work with the centre stands, as far as it is told when it changes.
fn mirror_summary(tx: &ReadTx) -> Result<Value> {
    let (mirror, platform) = (mirror_status(tx, i64::MAX)?, platform_status(tx, None)?);
    let count = |value: &Value| value.as_i64().unwrap_or_default();
    Ok(json!({
        "consistent": mirror["consistent"] == true,
        "lagChanges": count(&mirror["lagChanges"]),
        "quarantine": count(&mirror["quarantine"]),
        "conflicts": count(&platform["conflicts"]),
        "waiting": count(&platform["waiting"]),
    }))
}

/// Takes samples of the mirror, and tells when it stands otherwise. Runs until the server is gone.
pub async fn watch_mirror(state: Weak<AppState>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut last, mut count) = (Value::Null, 0);
    loop {
        ticks.tick().await;
        let Some(state) = state.upgrade() else { return };
        if count % lag_history::EVERY.as_secs() == 0 {
            let taken = state.db.read(|tx| state.lag_history.take(tx));
            taken.unwrap_or_else(|error| tracing::warn!(%error, "how far the hub is behind could not be read"));
        }
        count += 1;
        if !state.realtime.streams.is_heard() {
            continue;
        }
        match state.db.read(mirror_summary) {
            Ok(now) if now != last => {
                state.realtime.streams.tell(Told::Mirror(Arc::new(now.clone())));
                last = now;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "how the mirror stands could not be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn only_so_much_waits_for_who_takes_nothing_and_then_it_is_cut_off() {
        let (out, mut events) = mpsc::channel(WAITING_MAX);
        let tell = || hand_over(&out, event("reload", &json!({})), Duration::ZERO);
        for _ in 0..WAITING_MAX {
            assert!(tell().await.is_ok());
        }
        assert!(tell().await.is_err(), "as many messages wait as may");
        assert!(events.recv().await.is_some());
        assert!(tell().await.is_ok(), "a client that reads again gets more");
        drop(events);
        assert!(tell().await.is_err(), "nobody is there");
    }
}
