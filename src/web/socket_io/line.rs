//! The connections of socket.io: how many there are, and which websocket belongs to which.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use super::pipe::Pipe;
use crate::realtime::registry::Number;
use crate::web::connections::network;
use crate::web::shares::{Share, Shares};

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub per_address: usize,
    pub in_all: usize,
    /// How long a connection may go without having been authenticated.
    pub authenticate_ms: i64,
}

/// One client's connection, by polling, by websocket, or first by the one and then by the other.
pub struct Line {
    pub number: Number,
    pub address: Arc<str>,
    pipe: Mutex<Option<Arc<Pipe>>>,
    /// What it is called where a client polls.
    sid: OnceLock<Box<str>>,
    lines: Weak<Lines>,
    _shares: (Share<IpAddr>, Share<()>),
}

/// Why there is no room for one more connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Crowded {
    /// Its address has as many as it may have.
    Address,
    Server,
}

/// Ends the connection of this name after a while, unless it is a websocket then.
type EndPolling = Box<dyn Fn(&str, Duration) + Send + Sync>;

/// How long a client that polls may take to fetch the last message.
const FAREWELL: Duration = Duration::from_secs(5);

/// All of them.
pub struct Lines {
    limits: Limits,
    last: AtomicU64,
    by_address: Shares<IpAddr>,
    in_all: Shares<()>,
    /// How the connection of a client that polls is ended.
    end_polling: OnceLock<EndPolling>,
    open: Mutex<HashMap<Number, Weak<Line>>>,
    polling: Mutex<HashMap<Box<str>, Weak<Line>>>,
}

impl Lines {
    pub fn of(limits: Limits) -> Arc<Lines> {
        Arc::new(Lines {
            limits,
            last: AtomicU64::new(0),
            by_address: Shares::default(),
            in_all: Shares::default(),
            end_polling: OnceLock::new(),
            open: Mutex::default(),
            polling: Mutex::default(),
        })
    }

    /// One more, from this address.
    pub fn enter(self: &Arc<Lines>, address: String) -> Result<Arc<Line>, Crowded> {
        let holder = address.parse().map_or(IpAddr::from([0; 4]), network);
        let by_address = self.by_address.take(holder, self.limits.per_address).ok_or(Crowded::Address)?;
        let in_all = self.in_all.take((), self.limits.in_all).ok_or(Crowded::Server)?;
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let line = Arc::new(Line {
            number,
            address: address.into(),
            pipe: Mutex::default(),
            sid: OnceLock::new(),
            lines: Arc::downgrade(self),
            _shares: (by_address, in_all),
        });
        lock(&self.open).insert(number, Arc::downgrade(&line));
        Ok(line)
    }

    /// Says how the connection of a client that polls is ended.
    pub fn on_end_polling(&self, end: impl Fn(&str, Duration) + Send + Sync + 'static) {
        let _ = self.end_polling.set(Box::new(end));
    }

    /// Ends the connection of this name, unless it is a websocket.
    pub fn end_polling(&self, sid: &str, after: Duration) {
        self.end_polling.get().into_iter().for_each(|end| end(sid, after));
    }

    /// Every one of them.
    pub fn open(&self) -> Vec<Arc<Line>> {
        lock(&self.open).values().filter_map(Weak::upgrade).collect()
    }

    /// Notes what a line is called that polls.
    pub fn name(&self, line: &Arc<Line>, sid: &str) {
        if line.sid.set(sid.into()).is_ok() {
            lock(&self.polling).insert(sid.into(), Arc::downgrade(line));
        }
    }

    /// The line that is called so.
    pub fn find(&self, sid: &str) -> Option<Arc<Line>> {
        lock(&self.polling).get(sid)?.upgrade()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    /// From now on the connection is this websocket. False when it is another one already.
    pub fn attach(&self, pipe: Arc<Pipe>) -> bool {
        let mut known = lock(&self.pipe);
        let is_free = known.as_ref().is_none_or(|known| known.is_over());
        if is_free {
            *known = Some(pipe);
        }
        is_free
    }

    pub fn pipe(&self) -> Option<Arc<Pipe>> {
        lock(&self.pipe).clone()
    }

    /// Ends the connection, once the client has what waits for it.
    pub fn hang_up(&self) {
        self.end(Pipe::end_input, FAREWELL);
    }

    /// Ends the connection at once.
    pub fn break_off(&self) {
        self.end(Pipe::abort, Duration::ZERO);
    }

    fn end(&self, websocket: impl FnOnce(&Pipe), polling_after: Duration) {
        if let Some(pipe) = self.pipe() {
            websocket(&pipe);
        }
        if let (Some(sid), Some(lines)) = (self.sid(), self.lines.upgrade()) {
            lines.end_polling(sid, polling_after);
        }
    }

    /// What it is called, if it began with polling.
    pub fn sid(&self) -> Option<&str> {
        self.sid.get().map(|sid| &**sid)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Some(lines) = self.lines.upgrade() else { return };
        lock(&lines.open).remove(&self.number);
        if let Some(sid) = self.sid.get() {
            lock(&lines.polling).remove(sid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_only_so_many_of_an_address_and_in_all() {
        let lines = Lines::of(Limits { per_address: 2, in_all: 3, authenticate_ms: 1 });
        let enter = |address: &str| lines.enter(address.into());
        let first = enter("192.0.2.1").unwrap();
        let _second = enter("192.0.2.1").unwrap();
        assert_eq!(enter("192.0.2.1").err(), Some(Crowded::Address));
        let other = enter("192.0.2.2").unwrap();
        assert_eq!(enter("192.0.2.3").err(), Some(Crowded::Server));
        lines.name(&other, "sid");
        assert!(lines.find("sid").is_some_and(|found| found.number == other.number));
        drop((first, other));
        assert!(lines.find("sid").is_none() && lock(&lines.polling).is_empty(), "nothing is kept of who has left");
        assert!(enter("192.0.2.1").is_ok());
    }
}
