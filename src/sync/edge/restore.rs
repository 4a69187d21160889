//! A machine that takes an edge's place: its database is rebuilt from what the hub holds, and goes on under a new epoch.

use std::time::Duration;

use uuid::Uuid;

use super::backoff::Backoff;
use super::client::{CallError, Enrolled, HubClient};
use crate::auth::secrets::Sealer;
use crate::db::WriteTx;
use crate::domain::mirror::{Epoch, Head, Position, Table};
use crate::error::{Error, Result};
use crate::store::feed;
use crate::store::sync_state::{self, Enrolment};
use crate::sync::protocol::snapshot::{Page, page_digest};
use crate::usecases::import;

/// How often a page is asked for before it is given up.
const PAGE_TRIES: usize = 8;

/// All pages of a snapshot, checked.
pub struct Fetched {
    pub head: Head,
    pub rows: usize,
    /// The rows as a document to be imported.
    document: Lists,
    revs: Vec<(Table, String, i64)>,
}

/// The lists of a document, each the texts of its objects with commas between them.
#[derive(Default)]
struct Lists([String; Table::ALL.len()]);

impl Lists {
    fn push(&mut self, t: Table, v: &str) {
        let Some(list) = usize::try_from(t.number()).ok().and_then(|number| self.0.get_mut(number)) else { return };
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(v);
    }

    fn document(&self) -> String {
        let [customers, queues, employees, configs] = &self.0;
        format!(
            r#"{{"customers":[{customers}],"queues":[{queues}],"employees":[{employees}],"mobileConfigs":[{configs}]}}"#
        )
    }
}

/// Fetches what the hub holds, page by page; `progress` is told how many rows there are so far.
pub fn fetch(client: &HubClient, enrolled: &Enrolled, mut progress: impl FnMut(usize)) -> Result<Fetched, CallError> {
    let mut fetched: Option<Fetched> = None;
    let mut after: Option<String> = None;
    loop {
        let page = page(client, enrolled, after.as_deref())?;
        let so_far = fetched.get_or_insert_with(|| Fetched {
            head: page.head,
            rows: 0,
            document: Lists::default(),
            revs: vec![],
        });
        if so_far.head != page.head {
            return Err(CallError::Unreadable("the mirror moved on meanwhile: another machine has its place".into()));
        }
        so_far.rows += page.rows.len();
        for row in page.rows {
            if let Some(v) = &row.v {
                so_far.document.push(row.t, v.get());
                so_far.revs.push((row.t, row.id, row.rev));
            }
        }
        progress(so_far.rows);
        match (page.after, fetched.take()) {
            (None, Some(fetched)) => return Ok(fetched),
            (next, so_far) => (after, fetched) = (next, so_far),
        }
    }
}

/// One page, asked for again while the hub cannot be reached or has too much to do.
fn page(client: &HubClient, enrolled: &Enrolled, after: Option<&str>) -> Result<Page, CallError> {
    let mut pacing = Backoff::default();
    let mut tries = 1;
    loop {
        let found = client.snapshot(&enrolled.origin, &enrolled.token, after);
        match found {
            Ok(page) if page.digest == page_digest(&page.rows) => return Ok(page),
            Ok(_) if tries == PAGE_TRIES => {
                return Err(CallError::Unreadable("a page is not as its digest says".into()));
            }
            Err(error) if tries == PAGE_TRIES || error.is_alarm() => return Err(error),
            Ok(_) => {}
            Err(error) => {
                let wait = pacing.failed(error.retry_after(), false, 0.5).min(Duration::from_secs(30));
                std::thread::park_timeout(wait);
            }
        }
        tries += 1;
    }
}

/// Writes what was fetched into an empty database, and where it stands with the hub: everything is to be sent again,
/// under the epoch that `fresh` names. Gives what was written, as an import does.
pub fn rebuild(
    tx: &mut WriteTx,
    sealer: &Sealer,
    enrolment: &Enrolment,
    fetched: &Fetched,
    fresh: Uuid,
) -> Result<String> {
    let Some(Epoch(newest, _)) = fetched.head.epoch else {
        return Err(Error::conflict("origin", "The hub holds nothing of it"));
    };
    let written = import::run(tx, sealer, fetched.document.document().as_bytes(), |_, _, _| {})?;
    for (table, id, rev) in &fetched.revs {
        feed::set_rev(tx, *table, id, *rev)?;
    }
    let position = Position {
        epoch: Epoch(newest + 1, fresh),
        resetting: Some(fetched.head),
        acked: 0,
        attempt: Uuid::nil(),
        stable: 0,
        // It holds what the hub holds: nothing is lost.
        parent: 0,
    };
    sync_state::enroll(tx, enrolment, &position)?;
    sync_state::set_position(tx, &position, 0)?;
    Ok(written)
}
