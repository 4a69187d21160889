//! The outbox of a mock: mails, text messages and actions of the app, with the links that only the mock keeps.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calls::{WAIT_MAX_S, answer, success, wrong};
use super::shared::Shared;
use crate::db::Author;
use crate::domain::outbox::{OutboxEntry, OutboxKind};
use crate::error::Result;
use crate::store::outbox;

#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub struct OutboxQuery {
    /// `mail`, `sms` or `action`.
    pub kind: Option<String>,
    /// Only those behind this one.
    pub after: i64,
    pub limit: Option<i64>,
    /// Wait so many seconds until one comes.
    pub wait: Option<f64>,
}

/// An entry, with the link that is in it.
#[derive(Serialize, JsonSchema)]
pub struct OutboxRow {
    #[serde(flatten)]
    entry: OutboxEntry,
    /// The link that the message has, and the entry has not.
    link: Option<String>,
}

/// What would have gone out, oldest first.
#[derive(Serialize, JsonSchema)]
pub struct Outbox {
    total: i64,
    outbox: Vec<OutboxRow>,
}

pub async fn list(shared: Data<Shared>, query: Query<OutboxQuery>) -> Result<HttpResponse> {
    let OutboxQuery { kind, after, limit, wait } = query.into_inner();
    let parse = |kind: String| kind.parse().map_err(|_| wrong("kind", "kind is mail, sms or action"));
    let kind: Option<OutboxKind> = kind.map(parse).transpose()?;
    let limit = limit.unwrap_or(outbox::KEPT_MAX).clamp(0, outbox::KEPT_MAX);
    let time = Duration::from_secs_f64(wait.filter(|wait| wait.is_finite()).unwrap_or(0.0).clamp(0.0, WAIT_MAX_S));
    let until = tokio::time::Instant::now() + time;
    loop {
        // Before looking: what is added in between wakes it.
        let added = shared.mock.outbox.added.notified();
        let (total, entries) = shared.state.db.read(|tx| outbox::list(tx, kind, after, limit))?;
        if total > 0 || tokio::time::timeout_at(until, added).await.is_err() {
            let row = |entry: OutboxEntry| OutboxRow { link: shared.mock.outbox.link(entry.id), entry };
            return answer(Outbox { total, outbox: entries.into_iter().map(row).collect() });
        }
    }
}

pub async fn clear(shared: Data<Shared>) -> Result<HttpResponse> {
    shared.state.db.write(Author::system("control"), outbox::clear).await?;
    shared.mock.outbox.clear();
    success()
}
