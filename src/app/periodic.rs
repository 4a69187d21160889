//! What a server does by itself every so often, on a thread that may wait: backups, and archives of the audit trail.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::db::Db;
use crate::error::in_one_line;
use crate::usecases::audit_archive::folder::ArchiveFolder;
use crate::usecases::audit_archive::{Served, sweep};
use crate::usecases::backups::Backups;

/// How often it is looked whether a backup is due.
const BACKUP_EVERY: Duration = Duration::from_secs(60);
/// A run of entries is full once in a while: nobody waits for it.
const ARCHIVE_EVERY: Duration = Duration::from_secs(60 * 60);
const RETRY: Duration = Duration::from_secs(10 * 60);

/// Does the work that `begin` gives and logs what it says it has done, again and again. What fails is tried again after ten minutes;
/// `failed` begins the line about it.
async fn repeat<W>(every: Duration, failed: &str, mut begin: impl FnMut() -> W)
where
    W: FnOnce() -> anyhow::Result<Vec<String>> + Send + 'static,
{
    loop {
        let mut wait = every;
        match tokio::task::spawn_blocking(begin()).await {
            Ok(Ok(done)) => done.iter().for_each(|done| tracing::info!("{done}")),
            Ok(Err(error)) => {
                tracing::error!("{failed}, it is tried again in ten minutes: {}", in_one_line(error.as_ref()));
                wait = RETRY;
            }
            // The server stops.
            Err(_) => return,
        }
        tokio::time::sleep(wait).await;
    }
}

/// Backs the database up whenever the newest backup is as old as `every`.
pub(super) async fn back_up(db: Arc<Db>, backups: Option<Arc<Backups>>, every: Duration) {
    let Some(backups) = backups else { return };
    let begin = || {
        let (backups, path, clock) = (backups.clone(), db.path().to_owned(), db.clock().clone());
        move || {
            let made = backups.make_if_due(&path, &clock, every)?;
            Ok(made.into_iter().map(|made| format!("backed up to {}", made.display())).collect())
        }
    };
    repeat(BACKUP_EVERY, "the backup failed", begin).await;
}

/// Archives the older part of the audit trail at the start and once an hour.
pub(super) async fn archive(db: Arc<Db>, folder: Option<ArchiveFolder>) {
    let Some(folder) = folder else { return };
    // Dropped with this task: an archive under way then ends where it is.
    let mut running = None;
    let begin = || {
        let is_first = running.is_none();
        let (sender, until_stopped) = sync_channel(0);
        running = Some(sender);
        let trail = Served { db: db.clone(), runtime: Handle::current(), until_stopped };
        // A clock that jumped ahead does not make entries old.
        let (folder, now) = (folder.clone(), db.clock().confirmed());
        move || {
            let done = folder.archive_if_due(&trail, now)?;
            if is_first {
                sweep(&trail)?;
            }
            Ok(done.lines())
        }
    };
    repeat(ARCHIVE_EVERY, "the audit trail could not be archived", begin).await;
}
