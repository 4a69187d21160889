//! Looks for damage in the database while it is served: at the start, and once a day.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::db::ReadTx;
use crate::db::examiner::Examiner;
use crate::error::{Error, Result};
use crate::store::audit_chain::{self, ChainVerdict};
use crate::store::health::{self, HealthCheck};

const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the start waits for the first look: enough for a database of some megabytes, and hardly noticed.
const PATIENCE: Duration = Duration::from_millis(30);

/// Everything that must hold of what is in the file; the audit trail comes last.
pub fn examine(tx: &ReadTx) -> Vec<HealthCheck> {
    let mut checks = health::examine(tx);
    checks.push(trail(tx).unwrap_or_else(|error| {
        let wrong = Some(format!("was not proved: {error}"));
        HealthCheck { what: TRAIL, wrong, detail: String::new() }
    }));
    checks
}

const TRAIL: &str = "audit trail";

/// Whether the audit trail is proved. An error: there is no room for what the proof needs, which says nothing of the trail.
fn trail(tx: &ReadTx) -> Result<HealthCheck> {
    let (wrong, detail) = match audit_chain::verify(tx, |_| {}) {
        Ok(ChainVerdict::Intact { entries, .. }) => (None, format!("{entries} entries")),
        Ok(ChainVerdict::Broken { seq, reason }) => {
            (Some(format!("broken at entry {seq}: {reason}: go back to a backup")), String::new())
        }
        Ok(ChainVerdict::Differs { object }) => {
            (Some(format!("{object}: doctor --adopt accepts what was changed, a backup undoes it")), String::new())
        }
        Err(error @ Error::Unavailable(_)) => return Err(error),
        Err(error) => (Some(format!("cannot be read: {error}")), String::new()),
    };
    Ok(HealthCheck { what: TRAIL, wrong, detail })
}

/// A thread that looks. Dropping it ends the thread, in the middle of a look too.
pub struct Examination {
    examiner: Arc<Examiner>,
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Examination {
    /// Starts looking, and waits a moment for what is found: what is small is examined before the first request.
    pub fn start(examiner: Examiner) -> Result<Examination> {
        let examiner = Arc::new(examiner);
        let (stop, stopped) = sync_channel::<()>(0);
        let (done, is_done) = sync_channel(1);
        let looking = examiner.clone();
        let thread = std::thread::Builder::new()
            .name("examination".into())
            .spawn(move || {
                loop {
                    look(&looking);
                    let _ = done.try_send(());
                    if !matches!(stopped.recv_timeout(EVERY), Err(RecvTimeoutError::Timeout)) {
                        break;
                    }
                }
            })
            .map_err(|error| Error::Internal(Box::new(error)))?;
        let _ = is_done.recv_timeout(PATIENCE);
        Ok(Examination { examiner, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Examination {
    fn drop(&mut self) {
        self.examiner.stop();
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Looks once, and notes and logs what is wrong.
fn look(examiner: &Examiner) {
    let wrong = match examiner.read(|tx| Ok((health::examine(tx), trail(tx)))) {
        Ok((checks, trail)) => {
            if let Err(error) = &trail {
                tracing::warn!("the audit trail was not proved: {error}");
            }
            let checks = checks.into_iter().chain(trail.ok());
            checks.filter_map(|check| Some(format!("{}: {}", check.what, check.wrong?))).collect()
        }
        Err(error) => vec![format!("file: cannot be read: {error}")],
    };
    // What was broken off says nothing, and nothing can be said of a file that was moved away.
    if examiner.is_stopped() || !examiner.is_there() {
        return;
    }
    for wrong in &wrong {
        tracing::error!("the database is damaged: {wrong}");
    }
    let count = wrong.len();
    examiner.note(wrong);
    tracing::info!(wrong = count, "the database was examined");
}
