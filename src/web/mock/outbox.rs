//! What a mock keeps of its outbox beside the database: links, which the database does not hold, and who waits for an entry.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// How many links are kept.
const LINKS_MAX: usize = 1_000;

#[derive(Default)]
pub struct MockOutbox {
    links: Mutex<BTreeMap<i64, String>>,
    /// An entry was added.
    pub added: Notify,
}

impl MockOutbox {
    fn links(&self) -> std::sync::MutexGuard<'_, BTreeMap<i64, String>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn keep_link(&self, entry: i64, link: &str) {
        let mut links = self.links();
        links.insert(entry, link.to_owned());
        while links.len() > LINKS_MAX {
            links.pop_first();
        }
    }

    pub fn link(&self, entry: i64) -> Option<String> {
        self.links().get(&entry).cloned()
    }

    pub fn clear(&self) {
        self.links().clear();
    }
}
