//! A document read and judged: what an import writes, and a dry run compares.

use std::rc::Rc;

use super::document::Document;
use super::judging;
use super::progress::Progress;
use super::reading::{Counts, Reading};
use crate::auth::secrets::Sealer;
use crate::db::ReadTx;
use crate::domain::employee::Employee;
use crate::domain::queue::Queue;
use crate::error::Result;
use crate::store::employees;
use crate::store::staged::Staged;
use crate::usecases::intents;
use crate::usecases::known::Known;

/// What an import does only when it is told to.
#[derive(Clone, Copy, Default)]
pub struct Options {
    pub may_leave_no_administrator: bool,
    /// Properties that are not known are left out; else they are faults.
    pub ignore_unknown: bool,
}

/// A document in which nothing is wrong.
pub struct Judged {
    pub staged: Rc<Staged>,
    pub counts: Counts,
    /// The database holds nothing yet.
    pub is_first: bool,
}

/// Reads and judges all of it; nothing is written.
pub fn judged(
    tx: &ReadTx,
    sealer: &Sealer,
    document: &mut impl Document,
    options: Options,
    progress: &impl Progress,
) -> Result<Judged> {
    intents::refuse_while_connected(tx, "an import is no change that it has a call for: see platform disconnect")?;
    let is_first = employees::is_empty(tx)?;
    let staged = Rc::new(Staged::new()?);
    let mut reading = Reading::new(&staged, sealer, progress, tx.now, options.ignore_unknown);
    let read = document.read(&mut reading);
    let judged = read.and_then(|()| reading.finish()).and_then(|(mut faults, counts)| {
        let mut known = Known::for_document(staged.clone(), is_first);
        known.may_leave_no_administrator = options.may_leave_no_administrator;
        judging::judge(tx, &staged, &mut known, is_first, &mut faults)?;
        faults.or(counts)
    });
    let counts = judged.map_err(|error| document.with_places(error))?;
    Ok(Judged { staged, counts, is_first })
}

/// The queue that the document means: a list as CSV has no more than name and number.
pub fn completed_queue<D: Document>(new: Queue, old: Option<&Queue>) -> Queue {
    match old.filter(|_| !D::HAS_EMPTY_TEXTS) {
        Some(old) => Queue { customer: new.customer, name: new.name, number: new.number, ..old.clone() },
        None => new,
    }
}

/// The employee that the document means: what it cannot say stays as it is.
pub fn completed<D: Document>(mut new: Employee, old: Option<&Employee>) -> Employee {
    let Some(old) = old.filter(|_| !D::HAS_EMPTY_TEXTS) else { return new };
    let texts =
        [(&mut new.title, &old.title), (&mut new.department, &old.department), (&mut new.sms_number, &old.sms_number)];
    for (new, old) in texts {
        if new.is_none() && old.as_deref() == Some("") {
            new.clone_from(old);
        }
    }
    new
}
