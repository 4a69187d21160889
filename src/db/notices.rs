//! What was changed, for those who want to hear of it as soon as it is committed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::domain::audit::Action;
use crate::domain::id::Id;

/// Changes of one commit that are told one by one; of more it is only told that there were more.
const NOTICES_MAX: usize = 1_000;

/// The object a change is about, as the audit trail names it.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    pub section: &'static str,
    pub object: Id,
    pub customer: Option<Id>,
}

/// One accepted change.
#[derive(Clone, Copy, Debug)]
pub struct ChangeNotice {
    pub subject: Subject,
    pub action: Action,
    /// The employee who made it, and that employee's customer.
    pub author: Option<(Id, Id)>,
}

/// The changes of one commit, or of one write of it.
#[derive(Debug, Default)]
pub struct Notices {
    pub changes: Vec<ChangeNotice>,
    /// There were more than are listed.
    pub is_incomplete: bool,
}

impl Notices {
    /// Anything may have changed.
    pub fn of_everything() -> Notices {
        Notices { changes: vec![], is_incomplete: true }
    }

    pub fn push(&mut self, change: ChangeNotice) {
        match self.changes.len() < NOTICES_MAX {
            true => self.changes.push(change),
            false => self.is_incomplete = true,
        }
    }

    pub fn append(&mut self, other: Notices) {
        self.is_incomplete |= other.is_incomplete;
        other.changes.into_iter().for_each(|change| self.push(change));
    }

    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && !self.is_incomplete
    }
}

type Reader = Box<dyn Fn(Notices) + Send + Sync>;

/// Where the writer leaves the changes of each commit. Nothing is collected while nobody wants to read it.
#[derive(Default)]
pub struct NoticeBoard {
    is_wanted: AtomicBool,
    reader: RwLock<Option<Reader>>,
}

impl NoticeBoard {
    /// Has `reader` called after each commit, on the writer's thread, while notices are wanted.
    pub fn attach(&self, reader: impl Fn(Notices) + Send + Sync + 'static) {
        *self.reader.write().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(reader));
    }

    pub fn want(&self, is_wanted: bool) {
        self.is_wanted.store(is_wanted, Ordering::Release);
    }

    pub fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Acquire)
    }

    /// Passes on what was committed.
    pub(super) fn publish(&self, notices: Notices) {
        if notices.is_empty() || !self.is_wanted() {
            return;
        }
        if let Some(reader) = &*self.reader.read().unwrap_or_else(PoisonError::into_inner) {
            reader(notices);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_changes_are_listed() {
        let subject = Subject { section: "Employees", object: Id::ZERO, customer: None };
        let mut notices = Notices::default();
        for _ in 0..NOTICES_MAX {
            notices.push(ChangeNotice { subject, action: Action::Create, author: None });
        }
        assert!(!notices.is_incomplete && notices.changes.len() == NOTICES_MAX);
        notices.push(ChangeNotice { subject, action: Action::Create, author: None });
        assert!(notices.is_incomplete && notices.changes.len() == NOTICES_MAX);
        let mut all = Notices::default();
        all.append(notices);
        assert!(all.is_incomplete && all.changes.len() == NOTICES_MAX);
    }
}
