//! What would outlive the loss of a hub's primary.

use tokio_postgres::types::PgLsn;

/// Where the log has come to; and up to where all of it is kept elsewhere as well: with each synchronous standby, or in a
/// verified backup. As of a moment after the head of an origin was read.
pub struct Standing {
    pub lsn: PgLsn,
    pub kept: Option<PgLsn>,
}

/// A write of an edge that was here when the log had come to this place: once all up to there is kept, so is the write.
///
/// The place of a commit is not known to whoever commits. But what is read of an origin was committed before.
pub type WalMark = Option<(i64, PgLsn)>;

/// How much of an origin is stable, and what will be next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stable {
    pub acked: i64,
    /// Of an edge that writes all the time: left where it is until it is kept.
    pub waiting: WalMark,
    pub newest: WalMark,
}

impl Stable {
    /// Of an epoch that has just begun.
    pub const NOTHING: Stable = Stable { acked: 0, waiting: None, newest: None };

    /// Brought up to date with a head that was read before `standing` was.
    pub fn advanced(self, acked: i64, standing: &Standing) -> Stable {
        let is_known = acked == 0 || self.newest.is_some_and(|(newest, _)| newest == acked);
        let newest = if is_known { self.newest } else { Some((acked, standing.lsn)) };
        let kept = |mark: WalMark| mark.filter(|(_, lsn)| standing.kept.is_some_and(|kept| *lsn <= kept));
        let waiting = self.waiting.or(newest);
        if let Some((acked, _)) = kept(newest) {
            return Stable { acked: acked.max(self.acked), waiting: None, newest };
        }
        match kept(waiting) {
            Some((acked, _)) => Stable { acked: acked.max(self.acked), waiting: newest, newest },
            None => Stable { waiting, newest, ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lsn: u64, kept: Option<u64>) -> Standing {
        Standing { lsn: lsn.into(), kept: kept.map(PgLsn::from) }
    }

    #[test]
    fn what_is_kept_elsewhere_is_stable_and_nothing_before() {
        let begun = Stable::NOTHING.advanced(0, &at(10, Some(10))).advanced(5, &at(20, Some(19)));
        assert_eq!(begun, Stable { acked: 0, waiting: Some((5, 20.into())), newest: Some((5, 20.into())) });
        assert_eq!(begun.advanced(5, &at(90, None)), begun);
        assert_eq!(begun.advanced(5, &at(90, Some(19))), begun);
        assert_eq!(begun.advanced(5, &at(90, Some(20))).acked, 5);
    }

    #[test]
    fn an_edge_that_always_writes_gets_stable_too() {
        let mut stable = Stable::NOTHING.advanced(1, &at(10, None));
        for n in 2..=50 {
            stable = stable.advanced(n, &at(n as u64 * 10, None));
        }
        assert_eq!((stable.waiting, stable.newest), (Some((1, 10.into())), Some((50, 500.into()))));
        let kept = stable.advanced(51, &at(510, Some(300)));
        assert_eq!((kept.acked, kept.waiting), (1, Some((51, 510.into()))));
        assert_eq!(kept.advanced(52, &at(520, Some(515))).acked, 51);
    }
}
