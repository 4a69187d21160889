//! What a hub deletes by itself while it serves.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{self, Clock};
use crate::sync::hub::store::HubStore;

/// How often expired rows are deleted.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);

/// Deletes expired rows once an hour. Not at the start: a hub that restarts over and over would count each as an hour.
pub async fn keep_pruning(store: Arc<impl HubStore>) {
    loop {
        tokio::time::sleep(PRUNE_EVERY).await;
        let now = Clock::default().now();
        if !clock::is_plausible(now) {
            tracing::warn!(%now, "the clock is wrong: nothing expired is deleted");
        }
        if let Err(error) = store.prune(now).await {
            tracing::warn!(%error, "expired codes and answers could not be deleted; the next round tries again");
        }
    }
}
