//! What the HTTP library logs as an error and is a stranger's fault: bytes that are no request, a connection that was dropped.

use std::fmt::{Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};
use tracing_subscriber::layer::{Context, Filter};

/// How the library begins what it says of a connection.
const OF_CONNECTIONS: [&str; 4] = [
    "stream error: ",
    "write zero; closing",
    "MAX_BUFFER_SIZE unprocessed data reached",
    "Response payload stream error",
];

/// Leaves out what is about a connection alone: anybody can cause it, and nobody here can do anything about it.
pub struct WithoutStrangersFaults;

impl<S> Filter<S> for WithoutStrangersFaults {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        if !event.metadata().target().starts_with("actix_http::") {
            return true;
        }
        let mut message = Message::default();
        event.record(&mut message);
        !OF_CONNECTIONS.iter().any(|begin| message.0.starts_with(begin))
    }
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // Writing to a string does not fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}
