//! Runs what waits for a database, or only a part of it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use telecomx_local::db::{Author, Db};

/// Counts how often it is woken.
struct Woken {
    thread: Thread,
    times: AtomicU64,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.times.fetch_add(1, Ordering::Release);
        self.thread.unpark();
    }
}

impl Woken {
    fn new() -> Arc<Woken> {
        Arc::new(Woken { thread: std::thread::current(), times: AtomicU64::new(0) })
    }

    /// Waits until it has been woken more than `times` times; gives how often.
    fn wait(&self, times: u64) -> u64 {
        loop {
            match self.times.load(Ordering::Acquire) {
                now if now > times => return now,
                _ => std::thread::park(),
            }
        }
    }
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let (woken, mut work, mut times) = (Woken::new(), pin!(work), 0);
    let waker = Waker::from(woken.clone());
    loop {
        if let Poll::Ready(value) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        times = woken.wait(times);
    }
}

/// Runs `work` up to its write number `writes`, counted from 0, which is done but not heard of. `None`: it got as far.
pub fn cut<T>(db: &Db, work: impl Future<Output = T>, writes: u64) -> Option<T> {
    let (woken, mut work) = (Woken::new(), pin!(work));
    let waker = Waker::from(woken.clone());
    let mut times = 0;
    for write in 0.. {
        // While the writer is kept waiting, none of its answers can be there too early to be counted.
        let gate = hold_writer(db);
        if let Poll::Ready(value) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
        drop(gate);
        times = woken.wait(times);
        if write == writes {
            break;
        }
    }
    None
}

/// Keeps the writer of `db` waiting until what is returned is dropped.
fn hold_writer(db: &Db) -> Sender<()> {
    let (gate, passed) = channel::<()>();
    let mut held = Box::pin(db.write(Author::system("test"), move |_| {
        let _ = passed.recv();
        Ok(())
    }));
    let _ = held.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    gate
}
