//! Work that takes longer than a request may: one at a time, on a thread of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, oneshot};

use crate::error::{Error, Result};

/// What one kind of such work has found, where nobody waited for it any more.
pub struct LongWork<T>(Arc<Mutex<Option<T>>>);

impl<T> Default for LongWork<T> {
    fn default() -> LongWork<T> {
        LongWork(Arc::default())
    }
}

/// How asking for it went.
pub enum Asked<T> {
    Done(T),
    /// Somebody else has asked for it before.
    Busy,
    /// It goes on, and what it finds is kept for who asks next.
    Late,
}

impl<T: Send + 'static> LongWork<T> {
    /// Does `work`, and waits for it as long as `patience`. What an earlier one has found that nobody has heard is answered at once.
    pub async fn ask(&self, patience: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<Asked<T>> {
        let Ok(mut unheard) = self.0.clone().try_lock_owned() else { return Ok(Asked::Busy) };
        if let Some(found) = unheard.take() {
            return Ok(Asked::Done(found));
        }
        let (done, found) = oneshot::channel();
        let run = move || {
            if let Err(found) = done.send(work()) {
                *unheard = Some(found);
            }
        };
        let thread = std::thread::Builder::new().name("long work".into()).spawn(run);
        thread.map_err(|error| Error::Internal(Box::new(error)))?;
        match tokio::time::timeout(patience, found).await {
            Ok(Ok(found)) => Ok(Asked::Done(found)),
            Ok(Err(_)) => Err(Error::internal("work on a thread of its own has ended without an answer")),
            Err(_) => Ok(Asked::Late),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn one_is_done_at_a_time_and_what_nobody_heard_is_kept() {
        let work = LongWork::default();
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let late = work.ask(Duration::ZERO, move || wait.recv().is_ok()).await;
        assert!(matches!(late, Ok(Asked::Late)));
        assert!(matches!(work.ask(Duration::ZERO, || false).await, Ok(Asked::Busy)));
        go_on.send(()).unwrap();
        let kept = loop {
            match work.ask(Duration::ZERO, || false).await.unwrap() {
                Asked::Done(found) => break found,
                Asked::Busy | Asked::Late => tokio::task::yield_now().await,
            }
        };
        assert!(kept, "of the first");
        let patience = Duration::from_secs(60);
        assert!(matches!(work.ask(patience, || false).await, Ok(Asked::Done(false))));
    }
}
