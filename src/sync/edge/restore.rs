//! A machine that replaces an edge: it rebuilds the database from the hub's snapshot, and goes on under a new epoch.

use std::time::Duration;

use uuid::Uuid;

use super::backoff::Backoff;
use super::client::{CallError, Enrolled, HubClient};
use crate::db::WriteTx;
use crate::domain::mirror::{Epoch, Head, Position, Row};
use crate::error::{Error, Result};
use crate::store::restore::{self, RestoreReport};
use crate::store::sync_state::{self, Enrolment};
use crate::sync::protocol::snapshot::{Page, page_digest};

/// How often a page is requested before the restore gives up.
const PAGE_TRIES: usize = 8;

/// All pages of a snapshot, checked.
pub struct Fetched {
    pub head: Head,
    pub rows: Vec<Row>,
}

/// Fetches what the hub holds, page by page; calls `progress` with the number of rows so far.
pub fn fetch(client: &HubClient, enrolled: &Enrolled, mut progress: impl FnMut(usize)) -> Result<Fetched, CallError> {
    let mut fetched: Option<Fetched> = None;
    let mut after: Option<String> = None;
    loop {
        let page = page(client, enrolled, after.as_deref())?;
        let so_far = fetched.get_or_insert_with(|| Fetched { head: page.head, rows: vec![] });
        if so_far.head != page.head {
            return Err(CallError::Unreadable("the mirror moved on meanwhile: another machine has its place".into()));
        }
        so_far.rows.extend(page.rows);
        progress(so_far.rows.len());
        match (page.after, fetched.take()) {
            (None, Some(fetched)) => return Ok(fetched),
            (next, so_far) => (after, fetched) = (next, so_far),
        }
    }
}

/// One page, requested again while the hub cannot be reached or is overloaded.
fn page(client: &HubClient, enrolled: &Enrolled, after: Option<&str>) -> Result<Page, CallError> {
    let mut pacing = Backoff::default();
    let mut tries = 1;
    loop {
        let found = client.snapshot(&enrolled.origin, &enrolled.token, after);
        match found {
            Ok(page) if page.digest == page_digest(&page.rows) => return Ok(page),
            Ok(_) if tries == PAGE_TRIES => {
                return Err(CallError::Unreadable("a page does not match its checksum".into()));
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

/// The position of a server that begins with what the hub holds: it sends everything again, under the epoch that `fresh`
/// names. `None` when the hub holds nothing.
pub fn continue_after(head: &Head, fresh: Uuid) -> Option<Position> {
    let Epoch(newest, _) = head.epoch?;
    Some(Position {
        epoch: Epoch(newest + 1, fresh),
        resetting: Some(*head),
        acked: 0,
        attempt: Uuid::nil(),
        stable: 0,
        // The new epoch begins with what the hub holds, and comes from no other epoch of this edge.
        parent: 0,
    })
}

/// Writes what was fetched, as it is, into a database that nobody else has used, and the position from which the exchange
/// with the hub goes on: everything is to be sent again, under the epoch that `fresh` names.
pub fn rebuild(tx: &mut WriteTx, enrolment: &Enrolment, fetched: &Fetched, fresh: Uuid) -> Result<RestoreReport> {
    let position =
        continue_after(&fetched.head, fresh).ok_or_else(|| Error::conflict("origin", "The hub holds nothing of it"))?;
    let report = restore::run(tx, &fetched.rows)?;
    sync_state::enroll(tx, enrolment, &position)?;
    sync_state::set_position(tx, &position, 0)?;
    Ok(report)
}
