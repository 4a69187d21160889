//! A server archives the older part of its audit trail, when it is set to.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::db::Db;
use crate::error::in_one_line;
use crate::usecases::audit_archive::Served;
use crate::usecases::audit_archive::folder::ArchiveFolder;

/// A run of entries is full once in a while: nobody waits for it.
const EVERY: Duration = Duration::from_secs(60 * 60);
const RETRY: Duration = Duration::from_secs(10 * 60);

/// Archives at the start and once an hour. What fails is tried again after ten minutes.
pub(super) async fn run(db: Arc<Db>, folder: Option<ArchiveFolder>) {
    let Some(folder) = folder else { return };
    loop {
        // Dropped with this task: an archive under way then ends where it is.
        let (_running, until_stopped) = sync_channel(0);
        let trail = Served { db: db.clone(), runtime: Handle::current(), until_stopped };
        let folder = folder.clone();
        let mut wait = EVERY;
        // A clock that jumped ahead does not make entries old.
        let now = db.clock().confirmed();
        match tokio::task::spawn_blocking(move || folder.archive_if_due(&trail, now)).await {
            Ok(Ok(done)) => {
                done.finished.iter().for_each(|finished| {
                    tracing::info!(
                        "audit entries up to {} are removed: they are in {}",
                        finished.last.0,
                        finished.file
                    );
                });
                done.archived.iter().for_each(|archived| tracing::info!("{archived}"));
            }
            Ok(Err(error)) => {
                let error = in_one_line(error.as_ref());
                tracing::error!("the audit trail could not be archived, it is tried again in ten minutes: {error}");
                wait = RETRY;
            }
            // The server stops.
            Err(_) => return,
        }
        tokio::time::sleep(wait).await;
    }
}
