//! Which writes are stable: they would survive the loss of the hub's primary.

use tokio_postgres::types::PgLsn;

/// The position of the write-ahead log, and the position up to which the log exists elsewhere as well: on each synchronous
/// standby, or in a verified backup. Read after the head of an origin was read.
pub struct WalPosition {
    pub lsn: PgLsn,
    pub kept: Option<PgLsn>,
}

/// A write of an edge, and a log position that it precedes: once the log exists elsewhere up to there, so does the write.
///
/// A client does not learn the log position of its own commit. But a head that it reads was committed before it asks for
/// the position.
pub type WalMark = Option<(i64, PgLsn)>;

/// How much of an origin is stable, and which writes are to become stable next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stable {
    pub acked: i64,
    /// Stays where it is until it is stable, so that an edge that writes all the time makes progress too.
    pub waiting: WalMark,
    pub newest: WalMark,
}

impl Stable {
    /// For an epoch that has just begun.
    pub const NOTHING: Stable = Stable { acked: 0, waiting: None, newest: None };

    /// Advances with a head that was read before `wal` was.
    pub fn advanced(self, acked: i64, wal: &WalPosition) -> Stable {
        let is_known = acked == 0 || self.newest.is_some_and(|(newest, _)| newest == acked);
        let newest = if is_known { self.newest } else { Some((acked, wal.lsn)) };
        let kept = |wal_mark: WalMark| wal_mark.filter(|(_, lsn)| wal.kept.is_some_and(|kept| *lsn <= kept));
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

    fn at(lsn: u64, kept: Option<u64>) -> WalPosition {
        WalPosition { lsn: lsn.into(), kept: kept.map(PgLsn::from) }
    }

    #[test]
    fn a_write_is_stable_once_the_log_is_kept_elsewhere_and_not_before() {
        let begun = Stable::NOTHING.advanced(0, &at(10, Some(10))).advanced(5, &at(20, Some(19)));
        assert_eq!(begun, Stable { acked: 0, waiting: Some((5, 20.into())), newest: Some((5, 20.into())) });
        assert_eq!(begun.advanced(5, &at(90, None)), begun);
        assert_eq!(begun.advanced(5, &at(90, Some(19))), begun);
        assert_eq!(begun.advanced(5, &at(90, Some(20))).acked, 5);
    }

    #[test]
    fn writes_of_an_edge_that_never_pauses_become_stable_too() {
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
