//! Password hashing: argon2id, a few at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::oneshot;

use crate::error::{Error, Result};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;
/// Hashes computed at once: each takes 19 MiB.
const AT_ONCE: usize = 2;
/// So many wait for their turn: as much work as is done while a caller still waits for its answer.
const WAITING_MAX: usize = 256;

/// The hash of a password nobody has, with today's parameters: what an unknown user is checked against.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn params() -> Result<Params> {
    Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("a password could not be hashed: {error}"))
}

/// Runs argon2 over memory of our own.
///
/// The room taken is always more than 32 MiB, of which only what is used is ever touched: above that size glibc maps
/// memory anew each time and gives it back at once; below, it would keep 19 MiB for every thread that ever hashed.
fn run(algorithm: Algorithm, version: Version, params: &Params, password: &str, salt: &[u8]) -> Result<Output> {
    const ROOM_KIB: usize = 33 * 1024;
    let blocks = params.block_count();
    let mut memory = Vec::with_capacity(blocks.max(ROOM_KIB));
    memory.resize(blocks, Block::default());
    let mut out = [0; OUTPUT_BYTES];
    Argon2::new(algorithm, version, params.clone())
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut out, &mut memory)
        .map_err(internal)?;
    Output::new(&out).map_err(internal)
}

/// The PHC string of `password`, under a fresh salt. Takes about 20 ms.
pub fn hash(password: &str) -> Result<String> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(internal)?;
    let params = params()?;
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    let output = run(algorithm, version, &params, password, &salt)?;
    let hash = PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: ParamsString::try_from(&params).map_err(internal)?,
        salt: Some(Salt::new(&salt).map_err(internal)?),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

/// What a PHC string says, if it is one that can be checked here, at a bearable cost.
fn parse(text: &str) -> Option<(Algorithm, Version, Params, Salt, Output)> {
    let hash = PasswordHash::new(text).ok()?;
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = hash.version.map_or(Some(Version::V0x13), |version| Version::try_from(version).ok())?;
    let params = Params::try_from(&hash).ok()?;
    let output = hash.hash.filter(|output| output.len() == OUTPUT_BYTES)?;
    let is_bearable = params.m_cost() <= 8 * MEMORY_KIB && params.t_cost() <= 16;
    is_bearable.then_some((algorithm, version, params, hash.salt?, output))
}

/// Whether `text` is a PHC string of argon2, with 32 bytes of output, that takes at most 152 MiB and 16 passes.
pub fn is_usable_hash(text: &str) -> bool {
    parse(text).is_some()
}

/// The outcome of checking a password.
#[derive(Debug)]
pub struct Verified {
    pub is_right: bool,
    /// A new hash to store: the right password's old one was made with weaker parameters.
    pub rehashed: Option<String>,
}

fn verify(password: &str, stored: Option<&str>) -> Result<Verified> {
    let (algorithm, version, params, salt, expected) =
        parse(stored.unwrap_or(NOBODY)).ok_or_else(|| internal("the stored hash is not readable"))?;
    // Outputs are compared in constant time.
    let is_right = run(algorithm, version, &params, password, &salt)? == expected && stored.is_some();
    let is_weaker = algorithm != Algorithm::Argon2id || params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES;
    let rehashed = if is_right && is_weaker { Some(hash(password)?) } else { None };
    Ok(Verified { is_right, rehashed })
}

/// What waits for a thread.
type Job = Box<dyn FnOnce() + Send>;

/// Hashes on threads of its own, `AT_ONCE` at a time; as many as the queue holds wait, more are turned away as
/// [`Error::Busy`]. What nobody waits for any more is not hashed.
pub struct Passwords {
    /// `None`: hashes nothing.
    queue: Option<SyncSender<Job>>,
}

impl Default for Passwords {
    /// The threads start here, and end with it.
    fn default() -> Passwords {
        let (queue, jobs) = sync_channel::<Job>(WAITING_MAX);
        let jobs = Arc::new(Mutex::new(jobs));
        let started = (0..AT_ONCE).map(|n| {
            let jobs = jobs.clone();
            std::thread::Builder::new().name(format!("hash-{n}")).spawn(move || work_off(&jobs))
        });
        let count = started.filter(|thread| thread.is_ok()).count();
        Passwords { queue: (count > 0).then_some(queue) }
    }
}

fn work_off(jobs: &Mutex<Receiver<Job>>) {
    // Released before the job is run: the other thread takes the next one meanwhile.
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok(job) = next() {
        // A panic is logged; its caller gets an internal error.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

impl Passwords {
    /// The PHC string of `password`.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.run(move || hash(&password)).await
    }

    /// Checks `password`; without a stored hash the same work is done and the answer is no.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<Verified> {
        self.run(move || verify(&password, stored.as_deref())).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let (reply, result) = oneshot::channel();
        let job = Box::new(move || {
            // Its caller has left: the connection is gone, or the time was up.
            if !reply.is_closed() {
                let _ = reply.send(work());
            }
        });
        self.queue.as_ref().ok_or(Error::Busy)?.try_send(job).map_err(|_| Error::Busy)?;
        result.await.map_err(|_| Error::internal("hashing failed; see the line above in the log"))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::PasswordHasher;

    impl Passwords {
        /// Hashes nothing: callers get 503 `busy`.
        pub fn closed() -> Passwords {
            Passwords { queue: None }
        }
    }

    #[test]
    fn the_right_password_is_accepted_and_no_other() {
        let stored = hash("Passw0rd").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let right = verify("Passw0rd", Some(&stored)).unwrap();
        assert!(right.is_right && right.rehashed.is_none());
        assert!(!verify("passw0rd", Some(&stored)).unwrap().is_right);
        assert!(!verify("Passw0rd", None).unwrap().is_right);
    }

    #[test]
    fn a_weaker_hash_is_made_anew_when_the_password_is_right() {
        let params = Params::new(8 * 1024, 1, 1, None).unwrap();
        let weak = Argon2::from(params).hash_password(b"Passw0rd").unwrap();
        let rehashed = verify("Passw0rd", Some(&weak.to_string())).unwrap().rehashed.unwrap();
        assert!(rehashed.contains("m=19456,t=2"));
        assert!(verify("wrong", Some(&weak.to_string())).unwrap().rehashed.is_none());
    }

    #[test]
    fn only_argon2_at_a_bearable_cost_is_usable() {
        assert!(is_usable_hash(&hash("x").unwrap()));
        for bad in [
            "",
            "plain",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=9999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(!is_usable_hash(bad), "{bad}");
        }
    }

    /// Keeps the threads of `passwords` busy until the sender that comes back is dropped.
    fn occupy(passwords: &Passwords) -> std::sync::mpsc::Sender<()> {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (busy, is_busy) = std::sync::mpsc::channel();
        let released = Arc::new(Mutex::new(released));
        for _ in 0..AT_ONCE {
            let (released, busy) = (released.clone(), busy.clone());
            let job = Box::new(move || {
                busy.send(()).unwrap();
                let _ = released.lock().unwrap().recv();
            });
            passwords.queue.as_ref().unwrap().send(job).unwrap();
        }
        (0..AT_ONCE).for_each(|_| is_busy.recv().unwrap());
        release
    }

    fn counting(count: &Arc<std::sync::atomic::AtomicUsize>) -> impl FnOnce() -> Result<()> + Send + use<> {
        let count = count.clone();
        move || {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Ok(())
        }
    }

    /// Has a call queued, and gives it up again.
    async fn abandon(passwords: &Passwords, work: impl FnOnce() -> Result<()> + Send + 'static) {
        let mut call = Box::pin(passwords.run(work));
        std::future::poll_fn(|cx| {
            assert!(call.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_hashed() {
        let (passwords, count) = (Passwords::default(), Arc::default());
        let release = occupy(&passwords);
        for _ in 0..100 {
            abandon(&passwords, counting(&count)).await;
        }
        drop(release);
        // Behind all of them.
        for _ in 0..AT_ONCE {
            passwords.run(counting(&count)).await.unwrap();
        }
        assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), AT_ONCE);
    }

    #[tokio::test]
    async fn more_than_the_queue_holds_are_turned_away_and_the_rest_is_done() {
        let passwords = Passwords::default();
        let release = occupy(&passwords);
        for _ in 0..WAITING_MAX {
            abandon(&passwords, || Ok(())).await;
        }
        assert!(matches!(passwords.run(|| Ok(())).await, Err(Error::Busy)));
        drop(release);
        let one = async || loop {
            match passwords.run(|| Ok(7)).await {
                Err(Error::Busy) => tokio::task::yield_now().await,
                done => break done,
            }
        };
        assert_eq!(one().await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_caller_alone() {
        let passwords = Passwords::default();
        for _ in 0..2 * AT_ONCE {
            assert!(matches!(passwords.run::<()>(|| panic!("on purpose")).await, Err(Error::Internal(_))));
        }
        assert!(passwords.hash("Passw0rd".into()).await.unwrap().starts_with("$argon2id$"));
    }
}
