//! The last lines of the log, in memory and without secrets: what a diagnosis shows of them.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::clock::Clock;
use crate::domain::redaction::redacted;
use crate::domain::time::Time;

/// How many lines are kept, and how many bytes of them.
const LINES_MAX: usize = 400;
const BYTES_MAX: usize = 64 << 10;
/// The longest line, in bytes; the rest of a longer one is left out.
const LINE_MAX_BYTES: usize = 2_000;

/// Of the process, as the log is.
static TAIL: Mutex<LogTail> = Mutex::new(LogTail { lines: VecDeque::new(), bytes: 0 });

/// The lines that are kept, the oldest first.
pub fn last_lines() -> Vec<String> {
    TAIL.lock().unwrap_or_else(PoisonError::into_inner).lines.iter().cloned().collect()
}

#[derive(Default)]
struct LogTail {
    lines: VecDeque<String>,
    bytes: usize,
}

impl LogTail {
    fn push(&mut self, line: &str) {
        let mut line = redacted(line);
        line.truncate(line.floor_char_boundary(LINE_MAX_BYTES));
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > LINES_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.bytes -= oldest.len();
        }
    }
}

/// Keeps what is logged.
pub struct KeepTail;

impl<S: Subscriber> Layer<S> for KeepTail {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = describe(event, Clock::default().now());
        TAIL.lock().unwrap_or_else(PoisonError::into_inner).push(&line);
    }
}

/// An event as one line: time, level, message, and the other fields.
fn describe(event: &Event<'_>, now: Time) -> String {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let line = format!("{now} {} {}{}", event.metadata().level(), fields.message, fields.others);
    line.split('\n').collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct Fields {
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.others, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_bounded_in_lines_and_bytes_and_holds_the_newest() {
        let mut tail = LogTail::default();
        (0..2 * LINES_MAX).for_each(|n| tail.push(&format!("line {n}")));
        assert_eq!((tail.lines.len(), &*tail.lines[LINES_MAX - 1]), (LINES_MAX, "line 799"));
        (0..100).for_each(|_| tail.push(&"ø ".repeat(LINE_MAX_BYTES)));
        assert!(tail.bytes <= BYTES_MAX && tail.lines.iter().all(|line| line.len() <= LINE_MAX_BYTES));
        assert_eq!(tail.bytes, tail.lines.iter().map(String::len).sum::<usize>());
    }

    #[test]
    fn an_event_is_kept_as_one_line_without_its_secrets() {
        use tracing_subscriber::layer::SubscriberExt as _;
        let registry = tracing_subscriber::registry().with(KeepTail);
        tracing::subscriber::with_default(registry, || {
            tracing::warn!(password = "hunter2", wait_s = 5, "not\nmirrored, as the tail test says");
        });
        let lines = last_lines();
        let line = lines.iter().find(|line| line.contains("as the tail test says")).unwrap();
        assert!(line.contains(" WARN not mirrored") && line.contains("wait_s=5"), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }
}
