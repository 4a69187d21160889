//! What is said on one connection: `authenticate`, then `subscribe`.

use std::sync::{Arc, Weak};

use serde_json::{Value, json};
use socketioxide::extract::{SocketRef, TryData};
use socketioxide::{SendError, SocketError};

use super::line::Line;
use crate::domain::fields::read_body;
use crate::domain::realtime::Subscription;
use crate::error::{Error, Result};
use crate::realtime::registry::{Outlet, Sent};
use crate::usecases::{login, realtime};
use crate::web::AppState;
use crate::web::caller::identify_without_use;
use crate::web::error::body;

/// What a client sends first, and what no longer holds when its token ends.
pub const AUTHENTICATE: &str = "authenticate";
const SUBSCRIBE: &str = "subscribe";
/// The longest token that is taken.
const TOKEN_MAX: usize = 4_096;
/// The longest of the other texts.
const TEXT_MAX: usize = 200;

/// The way to the client of a socket.
struct Client {
    socket: SocketRef,
    line: Arc<Line>,
}

impl Outlet for Client {
    fn send(&self, event: &str, payload: &Value) -> Sent {
        match self.socket.emit(event, payload) {
            Ok(()) => Sent::Yes,
            Err(SendError::Socket(SocketError::InternalChannelFull)) => Sent::Full,
            Err(_) => Sent::Gone,
        }
    }

    fn close(&self) {
        // What follows on it ends the connection. A client that takes nothing cannot be told.
        if self.socket.clone().disconnect().is_err() {
            self.line.break_off();
        }
    }
}

fn line_of(socket: &SocketRef) -> Option<Arc<Line>> {
    socket.req_parts().extensions.get::<Arc<Line>>().cloned()
}

/// Says what is done with what a client sends, before it hears that it is connected.
pub fn prepare(socket: &SocketRef, state: &Weak<AppState>) {
    let on_authenticate = state.clone();
    socket.on(AUTHENTICATE, async move |socket: SocketRef, TryData::<Value>(data)| {
        let Some((state, line)) = on_authenticate.upgrade().zip(line_of(&socket)) else { return };
        let done = authenticate(&state, &socket, &line, data.unwrap_or_default()).await;
        answer(&socket, AUTHENTICATE, done.map(|()| ("authenticated", json!({ "success": true }))));
    });
    let on_subscribe = state.clone();
    socket.on(SUBSCRIBE, async move |socket: SocketRef, TryData::<Value>(data)| {
        let Some((state, line)) = on_subscribe.upgrade().zip(line_of(&socket)) else { return };
        let data = data.unwrap_or_default();
        let done = subscribe(&state, &line, &data);
        answer(&socket, SUBSCRIBE, done.map(|()| ("subscribed", data)));
    });
    let state = state.clone();
    socket.on_disconnect(async move |socket: SocketRef| {
        let Some((state, line)) = state.upgrade().zip(line_of(&socket)) else { return };
        state.realtime.leave(line.number);
        line.hang_up();
    });
}

/// The client is connected, and has to say who it is.
pub fn enter(socket: SocketRef, state: &AppState) {
    let Some(line) = line_of(&socket) else { return };
    let outlet = { (socket.clone(), line.clone()) };
    state.realtime.enter(line.number, || Arc::new(Client { socket: outlet.0, line: outlet.1 }), line.address.clone());
    // It may have left before it was noted.
    if !socket.connected() {
        state.realtime.leave(line.number);
    }
}

fn answer(socket: &SocketRef, event: &str, done: Result<(&str, Value)>) {
    // A client that is gone, or takes nothing, is noticed elsewhere.
    let _ = match done {
        Ok((name, payload)) => socket.emit(name, &payload),
        Err(error) => socket.emit("error", &refusal(&error, event)),
    };
}

/// An error in the platform's form, with the event of the client that it is about.
pub fn refusal(error: &Error, event: &str) -> Value {
    if let Error::Internal(cause) = error {
        tracing::error!(error = %cause, event, "realtime failed");
    }
    let mut body = body(error);
    body["event"] = event.into();
    body["inferred"] = true.into();
    body
}

async fn authenticate(state: &AppState, socket: &SocketRef, line: &Arc<Line>, data: Value) -> Result<()> {
    let data = data.as_object().ok_or_else(|| Error::bad_request("Request not valid"))?;
    let token = read_body(data, |fields| {
        let mut token = String::new();
        fields.require(&["token"]);
        fields.required_text("token", 1, TOKEN_MAX, &mut token);
        // They are the client's own: the address that counts is the one that the connection comes from.
        for name in ["client", "instanceId", "ip"] {
            fields.text_within(name, 0, TEXT_MAX, &mut None);
        }
        token
    })?;
    let identity = identify_without_use(state, &token, &line.address).await?;
    // The platform is asked again with the token itself.
    let token = identity.of_platform().map(|_| token.into_boxed_str());
    enter(socket.clone(), state);
    state.realtime.identify(line.number, identity, token);
    Ok(())
}

fn subscribe(state: &AppState, line: &Line, data: &Value) -> Result<()> {
    let identity = state.realtime.registry().identity(line.number).ok_or_else(login::refused)?;
    let identity = state.session_cache.check_again(&state.db, &identity, &line.address)?;
    let subscription = Subscription::parse(data)?;
    state.db.read(|tx| realtime::allow_listening(tx, &identity.actor, subscription.scope))?;
    state.realtime.subscribe(line.number, subscription)
}
