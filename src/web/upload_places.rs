//! How many uploads may be under way: each has its body in memory.

use super::shares::{Share, Shares};
use crate::domain::id::Id;
use crate::error::{Error, Result};

/// So many uploads of all callers are under way at most, each with its body in memory.
const PLACES: usize = 8;
/// So many of them may be of one caller.
const PLACES_OF_CALLER: usize = 2;

/// The places of uploads that are under way.
#[derive(Default)]
pub struct Places {
    of_callers: Shares<Id>,
    of_all: Shares<()>,
}

/// The place of one upload, until it is dropped.
pub struct Place {
    _of_caller: Share<Id>,
    _of_all: Share<()>,
}

impl Places {
    /// 503 `busy` when there is none.
    pub fn take(&self, caller: Id) -> Result<Place> {
        let of_caller = self.of_callers.take(caller, PLACES_OF_CALLER);
        let of_caller = of_caller.ok_or(Error::Unavailable("Other uploads of yours are under way, try again"))?;
        let of_all = self.of_all.take((), PLACES);
        let of_all = of_all.ok_or(Error::Unavailable("Other uploads are under way, try again"))?;
        Ok(Place { _of_caller: of_caller, _of_all: of_all })
    }
}
