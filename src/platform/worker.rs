//! The thread that works with the platform: each change made here wakes it, and it reads everything at an interval. No request of
//! the API waits for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result as AnyResult, anyhow};
use tokio::sync::oneshot;

use super::api::ApiError;
use super::connect;
use super::driver::{Driver, Health, Round};
use super::reader::ReadError;
use super::settings::PlatformSettings;
use super::transport::Http;
use crate::auth::secrets::Sealer;
use crate::db::Db;
use crate::domain::platform::OperationState;
use crate::error::{Result, in_one_line};
use crate::store::platform::operations;
use crate::sync::background::{Background, Woken, lock};
use crate::sync::edge::driver::random_fraction;

/// While there is no platform, or it refuses the account, the thread waits to be told.
const IDLE: Duration = Duration::from_secs(24 * 3_600);
/// The delay before what could not be sent is tried again: it doubles up to the longest.
const RETRY_FIRST: Duration = Duration::from_secs(5);
const RETRY_MAX: Duration = Duration::from_secs(300);

enum Command {
    /// Something was changed here.
    Wake,
    /// The connection is another one, or gone.
    Reload,
    /// Send and read now, and say what it brought.
    Sync {
        accepts_deletes: bool,
        reply: oneshot::Sender<AnyResult<Round>>,
    },
    Stop,
}

/// The platform's side of a running server.
pub struct PlatformWorker {
    thread: Background<Command>,
    health: Arc<Mutex<Health>>,
}

impl PlatformWorker {
    pub fn start(db: Arc<Db>, sealer: Arc<Sealer>, settings: PlatformSettings) -> Result<PlatformWorker> {
        let health: Arc<Mutex<Health>> = Arc::default();
        let state =
            WorkerLoop { db: db.clone(), sealer, settings, health: health.clone(), driver: None, retry: RETRY_FIRST };
        let run = move |commands: &Receiver<Command>, woken: &Woken| state.run(commands, woken);
        let thread = Background::start("platform", &db, || Command::Wake, run)?;
        Ok(PlatformWorker { thread, health })
    }

    pub fn health(&self) -> Health {
        lock(&self.health).clone()
    }

    /// Sends and reads now. `accepts_deletes`: what is gone at the platform is deleted here however much it is.
    pub async fn sync(&self, accepts_deletes: bool) -> AnyResult<Round> {
        self.thread.ask(|reply| Command::Sync { accepts_deletes, reply }).await
    }

    /// Something is to be sent.
    pub fn wake(&self) {
        self.thread.send(Command::Wake);
    }

    /// Takes over a connection that was made, changed or ended.
    pub fn reload(&self) {
        self.thread.send(Command::Reload);
    }

    /// Stops: no call begins any more, and no request waits for one.
    pub fn stop(&self) {
        self.thread.stop(Command::Stop);
    }

    /// Waits briefly for the thread.
    pub fn end(&self) {
        self.thread.end();
    }
}

struct WorkerLoop {
    db: Arc<Db>,
    sealer: Arc<Sealer>,
    settings: PlatformSettings,
    health: Arc<Mutex<Health>>,
    driver: Option<Driver<Http>>,
    retry: Duration,
}

impl WorkerLoop {
    fn run(mut self, commands: &Receiver<Command>, woken: &Woken) {
        self.load();
        // At once: what was changed before the last stop is sent.
        let mut due = Instant::now();
        loop {
            let wait = if self.driver.is_some() { due.saturating_duration_since(Instant::now()) } else { IDLE };
            match commands.recv_timeout(wait) {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Command::Wake) => {
                    woken.seen();
                    // While the platform is out of reach a change waits like the others.
                    let is_out_of_reach = self.retry > RETRY_FIRST;
                    if !is_out_of_reach && let Some(driver) = &mut self.driver {
                        let sent = driver.send();
                        if let Some(next) = self.after_send(sent.as_ref().err()) {
                            due = due.min(Instant::now() + next);
                        }
                    }
                }
                Ok(Command::Reload) => {
                    self.load();
                    due = Instant::now();
                }
                Err(RecvTimeoutError::Timeout) => due = Instant::now() + self.round(false).0,
                Ok(Command::Sync { accepts_deletes, reply }) => {
                    if self.driver.is_none() {
                        self.load();
                    }
                    let (next, result) = self.round(accepts_deletes);
                    due = Instant::now() + next;
                    let _ = reply.send(result);
                }
            }
        }
    }

    /// Takes over the connection that is stored.
    fn load(&mut self) {
        self.retry = RETRY_FIRST;
        self.driver = match connect::driver(&self.db, &self.sealer, &self.settings) {
            Ok(driver) => driver.map(|driver| driver.with_health(self.health.clone())),
            Err(error) => {
                let error = in_one_line(error.as_ref());
                tracing::error!(error, "the platform is not worked with");
                None
            }
        };
    }

    /// One round; how long to wait for the next.
    fn round(&mut self, accepts_deletes: bool) -> (Duration, AnyResult<Round>) {
        let Some(driver) = &mut self.driver else {
            return (IDLE, Err(anyhow!("this server works with no platform: see platform connect")));
        };
        driver.accepts_deletes = accepts_deletes;
        match driver.round() {
            Ok(round) => {
                if round.changed + round.gone + round.sent > 0 {
                    tracing::info!(
                        seen = round.seen,
                        changed = round.changed,
                        gone = round.gone,
                        sent = round.sent,
                        "worked with the platform"
                    );
                }
                let next = self.settings.interval.mul_f64(0.9 + 0.2 * random_fraction());
                let next = self.after_send(None).map_or(next, |retry| retry.min(next));
                (next, Ok(round))
            }
            Err(error) => (self.after_error(&error), Err(anyhow!(error))),
        }
    }

    /// When to send again what could not be sent; `None`: there is nothing.
    fn after_send(&mut self, error: Option<&ReadError>) -> Option<Duration> {
        if let Some(error) = error {
            return Some(self.after_error(error));
        }
        let waiting = self.db.read(|tx| operations::count(tx, OperationState::Waiting)).unwrap_or(0);
        if waiting == 0 {
            self.retry = RETRY_FIRST;
            return None;
        }
        Some(self.next_retry())
    }

    fn next_retry(&mut self) -> Duration {
        let wait = self.retry.mul_f64(0.5 + random_fraction() / 2.0);
        self.retry = (self.retry * 2).min(RETRY_MAX);
        wait
    }

    fn after_error(&mut self, error: &ReadError) -> Duration {
        match error {
            ReadError::Api(ApiError::Credential(why)) => {
                tracing::error!("the work with the platform has stopped: {why}");
                self.driver = None;
                IDLE
            }
            ReadError::Api(ApiError::Busy { retry_after, .. }) => {
                let wait = self.next_retry().max(retry_after.unwrap_or_default());
                tracing::warn!(%error, wait_s = wait.as_secs(), "the platform is asked again later");
                wait
            }
            error => {
                let wait = self.next_retry();
                tracing::warn!(%error, wait_s = wait.as_secs(), "the platform is asked again later");
                wait
            }
        }
    }
}
