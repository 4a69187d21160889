//! How long, and how much, a hub keeps of what nobody may ask for again. Pure: both stores decide by it.

use crate::clock;
use crate::domain::mirror::Row;
use crate::domain::time::Time;
use crate::error::{Error, Result};

const HOUR_MS: i64 = 3_600_000;
/// How long a code may wait to be spent.
pub const CODE_MS: i64 = 7 * 24 * HOUR_MS;
/// How long what is over is kept: answered proposals and the lost tail.
pub const RETENTION_MS: i64 = 90 * 24 * HOUR_MS;
/// How long parts wait for the next one, or for the push that names them.
const STAGE_MS: i64 = 24 * HOUR_MS;
/// Parts, and bytes of rows, that one stage may hold. A first mirror or a reset brings all that an edge has in one: some
/// hundred MB at most, in parts of 16 KiB at least.
pub const STAGE_PARTS_MAX: i64 = 100_000;
const STAGE_BYTES_MAX: i64 = 4 << 30;
/// What a row takes beside its id and its text.
const ROW_BYTES: usize = 100;

/// How much later it may have become between two rounds of pruning, which are an hour apart. A hub that was off for two
/// months has caught up within a fortnight; a clock that is wrong by years must go on for as long before what is kept for
/// a quarter is lost by it.
pub const STEP_MS: i64 = 6 * HOUR_MS;

/// How late it is for what is kept: what came to its age by then is forgotten. `known`: what the last round gave;
/// `newest`: when an edge was last seen. `None` when `now` is no time that a right clock shows: nothing is forgotten.
pub fn reached(known: Option<Time>, newest: Option<Time>, now: Time) -> Option<Time> {
    if !clock::is_plausible(now) {
        return None;
    }
    // Whoever has a right clock puts back what a wrong one has brought forward.
    let before = known.or(newest).unwrap_or(now).min(now);
    Some(before.plus_ms(STEP_MS).min(now))
}

/// When the last part of a stage that is kept came: not long ago, and not in the future, where a wrong clock was.
pub fn open_stages(reached: Time, now: Time) -> [Time; 2] {
    [reached.plus_ms(-STAGE_MS), now.plus_ms(STAGE_MS)]
}

/// How much room rows take.
pub fn bytes_of(rows: &[Row]) -> i64 {
    let bytes = |row: &Row| ROW_BYTES + row.id.len() + row.v.as_ref().map_or(0, |v| v.get().len());
    i64::try_from(rows.iter().map(bytes).sum::<usize>()).unwrap_or(i64::MAX)
}

/// 409 `stage` when a part of this number, counted from 0, with which the stage comes to so many bytes, is too much.
pub fn check_stage(part: i64, bytes: i64) -> Result<()> {
    if part < STAGE_PARTS_MAX && bytes <= STAGE_BYTES_MAX {
        return Ok(());
    }
    let gib = STAGE_BYTES_MAX >> 30;
    Err(Error::conflict("stage", format!("A batch of more than {STAGE_PARTS_MAX} parts or {gib} GiB is not taken")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR_MS: i64 = 365 * 24 * HOUR_MS;
    const NOW: Time = Time::from_millis(1_800_000_000_000);

    #[test]
    fn a_stage_has_an_end() {
        assert!(check_stage(STAGE_PARTS_MAX - 1, STAGE_BYTES_MAX).is_ok());
        for (part, bytes) in [(STAGE_PARTS_MAX, 1), (0, STAGE_BYTES_MAX + 1)] {
            assert!(check_stage(part, bytes).unwrap_err().to_string().contains("100000 parts or 4 GiB"));
        }
    }

    #[test]
    fn while_a_hub_runs_it_is_as_late_as_its_clock_says() {
        let later = NOW.plus_ms(HOUR_MS);
        assert_eq!(reached(Some(NOW), None, later), Some(later));
        assert_eq!(reached(None, None, NOW), Some(NOW));
    }

    #[test]
    fn a_clock_that_is_wrong_by_years_brings_little_forward_and_a_right_one_puts_it_back() {
        let wrong = NOW.plus_ms(4 * YEAR_MS);
        for (known, newest) in [(Some(NOW), Some(wrong)), (None, Some(NOW))] {
            assert_eq!(reached(known, newest, wrong), Some(NOW.plus_ms(STEP_MS)));
        }
        assert_eq!(reached(Some(wrong), None, NOW), Some(NOW));
        assert_eq!(reached(Some(NOW), None, NOW.plus_ms(64 * YEAR_MS)), None);
    }

    #[test]
    fn a_hub_that_was_off_for_two_months_catches_up_within_a_fortnight() {
        let (mut known, mut now) = (NOW, NOW.plus_ms(61 * 24 * HOUR_MS));
        let rounds = (1..).find(|_| {
            now = now.plus_ms(HOUR_MS);
            known = reached(Some(known), None, now).unwrap();
            known == now
        });
        assert!(rounds.unwrap() < 14 * 24);
    }
}
