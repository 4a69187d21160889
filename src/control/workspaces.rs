//! Servers of their own in the same process, for parallel tests.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result as AnyResult;
use tokio::sync::oneshot;

use crate::web::mock::Mock;

/// Begins one, with a seed for its numbers or none.
pub type Begin = Arc<dyn Fn(Option<u64>) -> Pin<Box<dyn Future<Output = AnyResult<Begun>>>> + Send + Sync>;

/// A server that was begun. Dropping `stop` ends it.
pub struct Begun {
    pub url: String,
    pub control_url: String,
    pub mock: Arc<Mock>,
    pub stop: oneshot::Sender<()>,
    /// Ends when the server has.
    pub stopped: oneshot::Receiver<()>,
}

/// How long one may go unused.
const IDLE: Duration = Duration::from_secs(600);

/// At most so many at once.
const WORKSPACES_MAX: usize = 1_000;

pub struct Workspaces {
    begin: Begin,
    all: Arc<Mutex<BTreeMap<String, Begun>>>,
    last: Mutex<u64>,
}

/// Where a workspace is.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    pub name: String,
    pub url: String,
    pub control_url: String,
}

impl Begun {
    fn as_workspace(&self, name: &str) -> Workspace {
        Workspace { name: name.to_owned(), url: self.url.clone(), control_url: self.control_url.clone() }
    }
}

impl Workspaces {
    pub fn new(begin: Begin) -> Workspaces {
        Workspaces { begin, all: Arc::default(), last: Mutex::default() }
    }

    /// Begins one; `None` when there are too many.
    pub async fn add(&self, seed: Option<u64>) -> AnyResult<Option<Workspace>> {
        if lock(&self.all).len() >= WORKSPACES_MAX {
            return Ok(None);
        }
        let begun = (self.begin)(seed).await?;
        let name = {
            let mut last = lock(&self.last);
            *last += 1;
            format!("w{last}")
        };
        let workspace = begun.as_workspace(&name);
        let mut all = lock(&self.all);
        if all.is_empty() {
            actix_web::rt::spawn(drop_idle(self.all.clone()));
        }
        all.insert(name, begun);
        Ok(Some(workspace))
    }

    pub fn list(&self) -> Vec<Workspace> {
        lock(&self.all).iter().map(|(name, begun)| begun.as_workspace(name)).collect()
    }

    /// Ends one; whether there was one of that name.
    pub async fn remove(&self, name: &str) -> bool {
        let removed = lock(&self.all).remove(name);
        match removed {
            Some(begun) => {
                end(begun).await;
                true
            }
            None => false,
        }
    }

    pub async fn drop_all(&self) {
        let all = std::mem::take(&mut *lock(&self.all));
        for (_, begun) in all {
            end(begun).await;
        }
    }
}

async fn end(begun: Begun) {
    let _ = begun.stop.send(());
    let _ = begun.stopped.await;
}

/// Ends those that nobody calls any more, as long as there are any.
async fn drop_idle(all: Arc<Mutex<BTreeMap<String, Begun>>>) {
    loop {
        tokio::time::sleep(Duration::from_secs(30)).await;
        let idle: Vec<Begun> = {
            let mut all = lock(&all);
            let names: Vec<String> =
                all.iter().filter(|(_, begun)| begun.mock.idle() > IDLE).map(|(name, _)| name.clone()).collect();
            names.iter().filter_map(|name| all.remove(name)).collect()
        };
        for begun in idle {
            end(begun).await;
        }
        if lock(&all).is_empty() {
            return;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
