//! Retention: how long, and how much, a hub keeps of what may never be needed again. Pure: both stores decide by it.

use std::collections::HashSet;

use crate::clock;
use crate::domain::mirror::{Row, RowText};
use crate::domain::time::Time;
use crate::error::{Error, Result};

const HOUR_MS: i64 = 3_600_000;
/// How long an enrolment code is valid.
pub const CODE_MS: i64 = 7 * 24 * HOUR_MS;
/// How long answered proposals and orphaned rows are kept.
pub const RETENTION_MS: i64 = 90 * 24 * HOUR_MS;
/// How long staged parts wait for the next part, or for the push that names them: an edge may be offline for days, and goes on
/// behind them.
const STAGE_MS: i64 = 14 * 24 * HOUR_MS;
/// The parts that one stage may hold. A first mirror or a reset brings all that an edge has in one stage: some hundred MB
/// at most, in parts of 16 KiB at least.
pub const STAGE_PARTS_MAX: i64 = 100_000;
/// What a row takes besides its id and its text.
const ROW_BYTES: usize = 100;

/// How far one round of pruning may advance the time that retention counts by; rounds are an hour apart. A hub that was off
/// for two months catches up within a fortnight; a clock that is wrong by years must stay wrong for a fortnight before
/// anything that is kept for 90 days is deleted because of it.
pub const STEP_MS: i64 = 6 * HOUR_MS;

/// The time that retention counts by. `known`: the result of the last round; `newest`: when an edge was last seen. `None`
/// when `now` is not plausible: nothing is deleted then.
pub fn effective_now(known: Option<Time>, newest: Option<Time>, now: Time) -> Option<Time> {
    if !clock::is_plausible(now) {
        return None;
    }
    // A round with a correct clock takes back what a wrong one has advanced.
    let before = known.or(newest).unwrap_or(now).min(now);
    Some(before.plus_ms(STEP_MS).min(now))
}

/// The earliest and the latest time at which the last part of a stage may have come for the stage to be kept. A time in the
/// future was set by a wrong clock.
pub fn open_stages(effective_now: Time, now: Time) -> [Time; 2] {
    [effective_now.plus_ms(-STAGE_MS), now.plus_ms(STAGE_MS)]
}

/// How many bytes a store needs for rows at most: a content that several of them share counts once.
pub fn bytes_of(rows: &[Row]) -> i64 {
    let mut counted = HashSet::new();
    let mut text = |v: &RowText| match v.content() {
        Some(content) if !counted.insert(content.digest) => v.length() - content.text().len(),
        _ => v.length(),
    };
    let bytes = |row: &Row| ROW_BYTES + row.id.len() + row.v.as_ref().map_or(0, &mut text);
    i64::try_from(rows.iter().map(bytes).sum::<usize>()).unwrap_or(i64::MAX)
}

/// 409 `stage` when a part with this number, counted from 0, makes a stage too long.
pub fn check_part_number(part: i64) -> Result<()> {
    if part < STAGE_PARTS_MAX {
        return Ok(());
    }
    Err(Error::conflict("stage", format!("A batch of more than {STAGE_PARTS_MAX} parts is not accepted")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR_MS: i64 = 365 * 24 * HOUR_MS;
    const NOW: Time = Time::from_millis(1_800_000_000_000);

    #[test]
    fn a_stage_is_limited_in_parts() {
        assert!(check_part_number(STAGE_PARTS_MAX - 1).is_ok());
        assert!(check_part_number(STAGE_PARTS_MAX).unwrap_err().to_string().contains("100000 parts"));
    }

    #[test]
    fn while_a_hub_runs_retention_counts_by_its_clock() {
        let later = NOW.plus_ms(HOUR_MS);
        assert_eq!(effective_now(Some(NOW), None, later), Some(later));
        assert_eq!(effective_now(None, None, NOW), Some(NOW));
    }

    #[test]
    fn a_clock_that_is_wrong_by_years_advances_little_and_a_correct_one_takes_it_back() {
        let wrong = NOW.plus_ms(4 * YEAR_MS);
        for (known, newest) in [(Some(NOW), Some(wrong)), (None, Some(NOW))] {
            assert_eq!(effective_now(known, newest, wrong), Some(NOW.plus_ms(STEP_MS)));
        }
        assert_eq!(effective_now(Some(wrong), None, NOW), Some(NOW));
        assert_eq!(effective_now(Some(NOW), None, NOW.plus_ms(64 * YEAR_MS)), None);
    }

    #[test]
    fn a_hub_that_was_off_for_two_months_catches_up_within_a_fortnight() {
        let (mut known, mut now) = (NOW, NOW.plus_ms(61 * 24 * HOUR_MS));
        let rounds = (1..).find(|_| {
            now = now.plus_ms(HOUR_MS);
            known = effective_now(Some(known), None, now).unwrap();
            known == now
        });
        assert!(rounds.unwrap() < 14 * 24);
    }
}
