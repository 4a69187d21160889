//! How much a hub takes in at once: large bodies are bounded in bytes, and each origin in how many it may send side by side.
//! What is beyond is refused with 503 and `Retry-After`, before anything of it is buffered.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};
use crate::web::shares::{Share, Shares};

/// The longest body, decompressed: a batch, and one row more.
pub const BODY_MAX_BYTES: usize = 8 << 20;
/// How much a hub takes in at once.
#[derive(Clone, Copy, Debug)]
pub struct AdmissionLimits {
    /// Compressed bodies that are being received, in bytes.
    pub receiving_bytes: usize,
    /// Large bodies that are decompressed, read and stored at the same time: each takes several times its length.
    pub working: usize,
    /// Large bodies that one origin may send at the same time: one, and another that an interrupted call has left behind.
    pub of_origin: usize,
}

impl AdmissionLimits {
    pub const DEFAULT: AdmissionLimits = AdmissionLimits { receiving_bytes: 48 << 20, working: 6, of_origin: 2 };
}

const FULL: &str = "The hub receives as much as it can at the moment, try again";
const ORIGIN_FULL: &str = "This server sends several large bodies at the same time already, try again";

/// The large bodies that a hub takes in.
pub struct Admission {
    /// In units of 1 KiB.
    receiving: Arc<Semaphore>,
    working: Arc<Semaphore>,
    /// How many each origin sends, for those that send any.
    of_origin: Shares<String>,
    of_origin_max: usize,
}

impl Admission {
    pub fn new(limits: AdmissionLimits) -> Admission {
        // One body must fit in, or nothing ever would.
        let receiving_kib = limits.receiving_bytes.max(BODY_MAX_BYTES) >> 10;
        Admission {
            receiving: Arc::new(Semaphore::new(receiving_kib.min(Semaphore::MAX_PERMITS))),
            working: Arc::new(Semaphore::new(limits.working.clamp(1, Semaphore::MAX_PERMITS))),
            of_origin: Shares::default(),
            of_origin_max: limits.of_origin.max(1),
        }
    }

    /// Admits a body of an origin; `length`: in bytes as it is sent, if that is known. 503 when there is no room for it.
    pub fn admit(&self, origin: &str, length: Option<usize>) -> Result<Admitted<'_>> {
        let kib = length.map_or(BODY_MAX_BYTES, |length| length.min(BODY_MAX_BYTES)).div_ceil(1 << 10);
        let kib = u32::try_from(kib).unwrap_or(u32::MAX);
        let receiving = self.receiving.clone().try_acquire_many_owned(kib).map_err(|_| Error::Unavailable(FULL))?;
        let share = self.of_origin.take(origin.to_owned(), self.of_origin_max);
        let of_origin = share.ok_or(Error::Unavailable(ORIGIN_FULL))?;
        Ok(Admitted { admission: self, _of_origin: of_origin, _receiving: receiving, working: None })
    }
}

/// A body that was admitted. Dropped once the call is answered.
pub struct Admitted<'a> {
    admission: &'a Admission,
    _of_origin: Share<String>,
    _receiving: OwnedSemaphorePermit,
    working: Option<OwnedSemaphorePermit>,
}

impl Admitted<'_> {
    /// Waits until the body may be decompressed: those that have been received longer come first.
    pub async fn begin_work(&mut self) {
        self.working = self.admission.working.clone().acquire_owned().await.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_origin_does_not_take_the_room_of_the_others() {
        let admission = Admission::new(AdmissionLimits::DEFAULT);
        let of_one: Vec<_> =
            (0..AdmissionLimits::DEFAULT.of_origin).map(|_| admission.admit("one", Some(1_000)).unwrap()).collect();
        assert!(matches!(admission.admit("one", Some(1_000)), Err(Error::Unavailable(ORIGIN_FULL))));
        assert!(admission.admit("other", Some(1_000)).is_ok());
        drop(of_one);
        assert!(admission.admit("one", Some(1_000)).is_ok());
        assert!(admission.of_origin.is_empty(), "nothing is kept of those that send nothing");
    }

    #[test]
    fn what_is_received_at_once_is_bounded_in_bytes() {
        let admission = Admission::new(AdmissionLimits::DEFAULT);
        let admit = |n: usize| admission.admit(&format!("origin{n}"), None);
        let all: Vec<_> =
            (0..AdmissionLimits::DEFAULT.receiving_bytes / BODY_MAX_BYTES).map(|n| admit(n).unwrap()).collect();
        assert!(matches!(admit(100), Err(Error::Unavailable(FULL))));
        drop(all);
        assert!(admit(100).is_ok());
    }
}
