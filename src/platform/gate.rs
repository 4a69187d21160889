//! The way to the platform for callers of this server: one agent that keeps its connections, threads apart from those that answer
//! requests, bounds on how many calls are under way, and the memory of a line that is down.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use anyhow::Result as AnyResult;
use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use ureq::http::Request;
use ureq::{AsSendBody, Body, Timeout};

use super::settings::PlatformSettings;
use super::transport::Unreachable;
use crate::clock::Clock;
use crate::domain::audit::Hash;
use crate::error::{Error, Result, in_one_line};
use crate::sync::http_agent;

/// How long a call that had no answer is remembered: calls meanwhile are not made.
const DOWN_MS: i64 = 10_000;
/// Connections to the platform that are kept while nobody uses them.
const KEPT_CONNECTIONS: usize = 16;
/// How long it is remembered that the platform does not know a token.
const REFUSED_FOR: Duration = Duration::from_secs(60);
/// How many such tokens are remembered at most.
const REFUSED_MAX: u64 = 10_000;

/// How long a call may take.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub connect: Duration,
    /// Until the answer begins.
    pub head: Duration,
    /// Until the answer is there.
    pub whole: Duration,
}

/// Of a login, and of a question about a token: somebody waits, and can be served without.
pub(super) const SHORT: Limits =
    Limits { connect: Duration::from_secs(3), head: Duration::from_secs(10), whole: Duration::from_secs(10) };

/// What a caller wants of the platform. Each kind has its own bound, so that one does not hold up the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Login,
    /// A question about a token.
    Token,
    Forward,
}

/// The calls of one kind.
struct Lane {
    under_way: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Lane {
    fn of(under_way: usize, waiting: usize) -> Lane {
        Lane { under_way: Arc::new(Semaphore::new(under_way)), waiting: Semaphore::new(waiting) }
    }

    /// `None` when too many wait already.
    async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.under_way.clone().try_acquire_owned() {
            return Some(permit);
        }
        let _place = self.waiting.try_acquire().ok()?;
        self.under_way.clone().acquire_owned().await.ok()
    }
}

const UNKNOWN: u8 = 0;
const REACHED: u8 = 1;
const MISSED: u8 = 2;

pub struct PlatformGate {
    pub settings: PlatformSettings,
    agent: ureq::Agent,
    clock: Clock,
    logins: Lane,
    tokens: Lane,
    forwards: Lane,
    /// Nothing is tried before this time of [`Clock::uptime`].
    down_until_ms: AtomicI64,
    last: AtomicU8,
    refused_tokens: Cache<Hash, ()>,
}

impl PlatformGate {
    pub fn new(settings: PlatformSettings, clock: Clock) -> AnyResult<PlatformGate> {
        Ok(PlatformGate {
            agent: http_agent::agent_keeping(settings.ca.as_deref(), None, KEPT_CONNECTIONS)?,
            settings,
            clock,
            logins: Lane::of(8, 64),
            tokens: Lane::of(4, 64),
            forwards: Lane::of(32, 64),
            down_until_ms: AtomicI64::new(i64::MIN),
            last: AtomicU8::new(UNKNOWN),
            refused_tokens: Cache::builder().max_capacity(REFUSED_MAX).time_to_live(REFUSED_FOR).build(),
        })
    }

    /// Whether the last call of a caller's had an answer; `None` before the first.
    pub fn is_reachable(&self) -> Option<bool> {
        match self.last.load(Ordering::Relaxed) {
            REACHED => Some(true),
            MISSED => Some(false),
            _ => None,
        }
    }

    /// Whether the line was down a moment ago: a call would only wait.
    pub fn is_down(&self) -> bool {
        self.clock.uptime().millis() < self.down_until_ms.load(Ordering::Relaxed)
    }

    /// For how many seconds no call is made still.
    pub fn retry_after_s(&self) -> u64 {
        let left_ms = self.down_until_ms.load(Ordering::Relaxed).saturating_sub(self.clock.uptime().millis());
        u64::try_from(left_ms / 1_000).unwrap_or(0) + 1
    }

    /// Runs `work` on a thread of its own; a caller who leaves ends nothing. 503 `busy` when too many calls of this kind are under
    /// way. The permit is for `work` to keep for as long as it is busy with the platform.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        purpose: Purpose,
        work: impl FnOnce(&PlatformGate, OwnedSemaphorePermit, Reply<T>) + Send + 'static,
    ) -> Result<T> {
        let lane = match purpose {
            Purpose::Login => &self.logins,
            Purpose::Token => &self.tokens,
            Purpose::Forward => &self.forwards,
        };
        let permit = lane.enter().await.ok_or(Error::Busy)?;
        let (reply, answer) = oneshot::channel();
        let gate = self.clone();
        let run = move || work(&gate, permit, Reply(reply));
        std::thread::Builder::new().name("platform-call".into()).spawn(run).map_err(|_| Error::Busy)?;
        answer.await.map_err(|_| Error::internal("a call of the platform failed; see the line above in the log"))
    }

    /// Makes a call, and begins to read the answer. Redirects are not followed.
    pub(super) fn open<S: AsSendBody>(
        &self,
        purpose: Purpose,
        request: Request<S>,
        limits: Limits,
    ) -> Result<ureq::http::Response<Body>, Unreachable> {
        if !self.may_try() {
            return Err(Unreachable("it could not be reached a moment ago".into()));
        }
        let proxy = http_agent::proxy_to(request.uri());
        let request = self
            .agent
            .configure_request(request)
            .proxy(proxy)
            .timeout_connect(Some(limits.connect))
            .timeout_recv_response(Some(limits.head))
            .timeout_global(Some(limits.whole))
            .build();
        match self.agent.run(request) {
            Ok(response) => {
                self.last.store(REACHED, Ordering::Relaxed);
                self.down_until_ms.store(i64::MIN, Ordering::Relaxed);
                Ok(response)
            }
            Err(error) => {
                // A single call may fail where others do not, for what is asked or because its endpoint is slow.
                if purpose == Purpose::Login || is_of_the_line(&error) {
                    self.missed();
                }
                Err(Unreachable(in_one_line(&error)))
            }
        }
    }

    /// Whether a call may be made. Of those who come once the line may be back, one tries it, and the others need not wait for that.
    fn may_try(&self) -> bool {
        let now = self.clock.uptime().millis();
        let until = self.down_until_ms.load(Ordering::Relaxed);
        if until == i64::MIN {
            return true;
        }
        let (set, load) = (Ordering::Relaxed, Ordering::Relaxed);
        until <= now && self.down_until_ms.compare_exchange(until, now + DOWN_MS, set, load).is_ok()
    }

    /// Notes that there was no answer.
    pub fn missed(&self) {
        self.last.store(MISSED, Ordering::Relaxed);
        self.down_until_ms.store(self.clock.uptime().millis() + DOWN_MS, Ordering::Relaxed);
    }

    /// Whether the platform has said within the last minute that it does not know a token from that address.
    pub fn has_refused(&self, token: &Hash) -> bool {
        self.refused_tokens.get(token).is_some()
    }

    pub fn note_refused(&self, token: Hash) {
        self.refused_tokens.insert(token, ());
    }
}

/// Whether no connection could be made, so that no call can.
fn is_of_the_line(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => true,
        ureq::Error::Timeout(kind) => matches!(kind, Timeout::Connect | Timeout::Resolve),
        ureq::Error::Io(error) => {
            matches!(
                error.kind(),
                ErrorKind::ConnectionRefused
                    | ErrorKind::HostUnreachable
                    | ErrorKind::NetworkUnreachable
                    | ErrorKind::NetworkDown
            )
        }
        _ => false,
    }
}

/// Answers whoever waits for a call.
pub struct Reply<T>(oneshot::Sender<T>);

impl<T> Reply<T> {
    /// False when nobody waits any more.
    pub fn send(self, answer: T) -> bool {
        self.0.send(answer).is_ok()
    }
}
