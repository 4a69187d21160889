//! An edge as the hub's store sees it: pushes, with no database behind them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use telecomx_local::domain::audit::digest;
use telecomx_local::domain::mirror::{Epoch, Head, Row, Table};
use telecomx_local::domain::time::Time;
use telecomx_local::error::{Error, Result};
use telecomx_local::sync::hub::audit::Caller;
use telecomx_local::sync::hub::origin::{EnrolmentKind, Origin};
use telecomx_local::sync::hub::retention;
use telecomx_local::sync::hub::store::{HubStore, PushResult, add_code};
use telecomx_local::sync::protocol::wire::{EdgeStatus, Mode, PROTO, Part, Push, StageReply, Staged};
use uuid::Uuid;

pub const NOW: Time = Time::from_millis(1_700_000_000_000);
pub const DAY_MS: i64 = 24 * 3_600_000;

/// By table and id: rev, last write, and text.
pub type Rows = BTreeMap<(Table, String), (i64, i64, String)>;

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Who asks for it, in a test that is not about who.
pub fn by(now: Time) -> Caller<'static> {
    Caller::new("olga", now)
}

/// Prunes so often that the retention counts by `then`.
pub fn grows_old(store: &impl HubStore, then: Time) {
    for _ in 0..=(then.millis() - NOW.millis()) / retention::STEP_MS {
        block_on(store.prune(then)).unwrap();
    }
}

/// The hash of a token or a code that nobody else has.
pub fn new_hash() -> [u8; 32] {
    digest(Uuid::new_v4().as_bytes())
}

pub struct TestEdge<'s, S> {
    pub store: &'s S,
    pub origin: String,
    pub token: [u8; 32],
    pub epoch: Epoch,
    pub head: Head,
}

impl<'s, S: HubStore> TestEdge<'s, S> {
    pub fn enrolled(store: &'s S, name: &str) -> TestEdge<'s, S> {
        let code = block_on(add_code(store, &EnrolmentKind::New(name.into()), by(NOW))).unwrap();
        let (token, origin) = (new_hash(), Uuid::new_v4().simple().to_string());
        let enrolled = block_on(store.enroll(digest(code.as_bytes()), token, &origin, None, NOW)).unwrap().unwrap();
        assert_eq!((&enrolled.origin, &*enrolled.name, enrolled.head), (&origin, name, Head::EMPTY));
        TestEdge { store, origin, token, epoch: Epoch(1, Uuid::new_v4()), head: Head::EMPTY }
    }

    /// A batch on what was acknowledged last, up to the newest write in it.
    pub fn batch(&self, rows: Vec<Row>) -> Push {
        let to = rows.iter().map(|row| row.chg).max().unwrap_or(self.head.acked);
        let is_idle = rows.is_empty();
        Push {
            proto: PROTO,
            schema: 3,
            request: Uuid::new_v4(),
            mode: Mode::Append,
            epoch: self.epoch,
            parent: None,
            base: self.head,
            to,
            attempt: if is_idle { self.head.attempt } else { Uuid::new_v4() },
            snap: to,
            staged: None,
            rows: rows.into(),
            outcomes: vec![],
            audit: Default::default(),
            status: EdgeStatus::default(),
        }
    }

    /// A reset: everything again, in epoch `n`.
    pub fn reset(&self, n: i64, parent: i64, rows: Vec<Row>) -> Push {
        let epoch = Epoch(n, Uuid::new_v4());
        Push { mode: Mode::Replace, epoch, parent: Some(parent), attempt: Uuid::new_v4(), ..self.batch(rows) }
    }

    pub fn try_push(&self, push: &Push) -> Result<PushResult> {
        block_on(self.store.push(&self.origin, &self.token, push, NOW))
    }

    /// Pushes what the hub must accept, and goes on from there.
    pub fn push(&mut self, push: &Push) -> PushResult {
        let result = self.try_push(push).unwrap();
        assert!(result.accepted, "{result:?}");
        (self.head, self.epoch) = (result.origin.head, push.epoch);
        result
    }

    pub fn pushes(&mut self, rows: Vec<Row>) -> PushResult {
        self.push(&self.batch(rows))
    }

    pub fn stage(&self, stage: Uuid, part: i64, rows: Vec<Row>) {
        block_on(self.store.stage(&self.origin, &Part { stage, part, context: None, rows: rows.into() }, NOW)).unwrap();
    }

    /// Sends a part that the hub must stage, or have already.
    pub fn sends(&self, part: &Part) {
        block_on(self.store.stage(&self.origin, part, NOW)).unwrap();
    }

    /// What the hub has of a batch in parts.
    pub fn asks(&self) -> StageReply {
        block_on(self.store.staged(&self.origin)).unwrap()
    }

    /// What is staged, up to write `to`, with `rows` behind it.
    pub fn staged(&self, stage: Uuid, parts: i64, to: i64, rows: Vec<Row>) -> Push {
        let staged = Some(Staged { stage, parts });
        Push { staged, to, snap: to, attempt: Uuid::new_v4(), ..self.batch(rows) }
    }

    pub fn found(&self) -> Origin {
        block_on(self.store.origin_of(self.token)).unwrap().unwrap()
    }

    /// Every row that the hub has of the edge.
    pub fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        for table in Table::ALL {
            for row in block_on(self.store.rows(&self.origin, table, "", i64::from(i32::MAX))).unwrap().1 {
                rows.insert((row.t, row.id), (row.rev, row.chg, row.v.unwrap().get().into_owned()));
            }
        }
        rows
    }

    /// The ids of the queues that the hub has of the edge.
    pub fn queues(&self) -> String {
        ids(&self.rows())
    }
}

pub fn ids(rows: &Rows) -> String {
    rows.keys().map(|(_, id)| id.as_str()).collect::<Vec<_>>().join(" ")
}

/// A valid row of the table of queues.
pub fn queue(chg: i64, id: &str) -> Row {
    row(chg, id, &format!(r#"{{"_id":"{id}","customer":"c","name":"Queue {chg}"}}"#))
}

/// A row of the table of queues that holds `v`.
pub fn row(chg: i64, id: &str, v: &str) -> Row {
    let v = Some(RawValue::from_string(v.into()).unwrap().into());
    Row { t: Table::Queue, id: id.into(), rev: chg, chg, v, bad: None }
}

pub fn deleted(chg: i64, id: &str) -> Row {
    Row { v: None, ..queue(chg, id) }
}

/// The code of a 404, 409, 421, 423, 503 or 507.
pub fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    match result.unwrap_err() {
        Error::NotFound { code, .. } | Error::Conflict { code, .. } | Error::OverLimit { code, .. } => code,
        Error::Locked(_) => "locked",
        Error::Busy | Error::Unavailable(_) => "busy",
        Error::Moved { .. } => "moved",
        other => panic!("{other:?}"),
    }
}
