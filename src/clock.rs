//! The only module that reads the machine's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Instant;

use crate::domain::time::Time;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// 2026-11-01: this program is not older than that, whatever a clock shows.
const BUILT_MS: i64 = 1_793_491_200_000;
/// A time this long after the build is a wrong clock.
const PLAUSIBLE_MAX_MS: i64 = BUILT_MS + 10 * 366 * DAY_MS;
/// How far behind the last known time the machine's clock may be before it counts as impossible. A clock that was fast by
/// less is corrected without any command.
const MARGIN_MS: i64 = 2 * DAY_MS;
/// The longest step ahead of the last known time that needs no confirmation: while the program runs, and over a restart,
/// since a machine may be off for days.
const STEP_MAX_MS: i64 = DAY_MS;
const STEP_AT_START_MAX_MS: i64 = 7 * DAY_MS;
/// How long the machine's clock must stay ahead, while the program runs, to be taken as right without a confirmation.
const STEADY_MS: i64 = 7 * DAY_MS;
/// How far apart two clocks may be that confirm each other.
const AGREEMENT_MS: i64 = HOUR_MS;

/// Whether a right clock may show this time: not much later than this program can be in use.
pub fn is_plausible(time: Time) -> bool {
    time.millis() <= PLAUSIBLE_MAX_MS
}

/// Whether a machine's clock may show this time: not before this program was built, nor decades later.
fn can_be(millis: i64) -> bool {
    (BUILT_MS..=PLAUSIBLE_MAX_MS).contains(&millis)
}

/// What a server keeps of the time, so that a wrong clock after the next start is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownTime {
    /// The last known time: it follows the machine's clock, except for steps ahead that nothing has confirmed.
    pub at: Time,
    /// The hub's time. It counts only while the machine's clock is impossible.
    pub hub: Option<Time>,
}

/// How the machine's clock compares with the last known time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockState {
    Right,
    /// It is ahead by this many milliseconds, and nothing has confirmed that: deletes wait until the time has really passed,
    /// or something confirms it.
    Ahead(i64),
    /// It shows a time that cannot be: before this program was built, decades ahead, or days behind the last known time.
    Impossible,
}

/// The time, for all of a process: clones share their state. Tests move it instead of sleeping.
///
/// An appliance may start in 1970, and a clock may jump by years for a minute. So the machine's clock is compared with the
/// last known time, which passes with the monotonic clock. A machine's clock that is possible is always used. Where it is
/// impossible, the time goes on from the last known one, or from the hub's if that is later. Another machine's clock never
/// moves a clock that is possible.
#[derive(Clone)]
pub struct Clock {
    state: Arc<State>,
}

struct State {
    began: Instant,
    /// Passed in addition, for tests.
    advanced_ms: AtomicI64,
    /// What the machine's clock is off by, for tests.
    jumped_ms: AtomicI64,
    /// The last known time, as of `began`.
    known_ms: AtomicI64,
    /// The hub's time, as of `began`.
    hub_ms: AtomicI64,
    /// What the clock shows while it stands still, for a mock; [`RUNS`] while it does not.
    frozen_ms: AtomicI64,
    /// How long after `began` the machine's clock was first seen ahead; [`NOT_AHEAD`] while it is not.
    ahead_since_ms: AtomicI64,
}

const NOT_AHEAD: i64 = -1;
const RUNS: i64 = i64::MIN;

#[allow(clippy::disallowed_methods, reason = "the only module that may")]
impl Clock {
    /// The present time.
    pub fn now(&self) -> Time {
        match self.state() {
            ClockState::Impossible => {
                let state = &*self.state;
                let latest = state.known_ms.load(Relaxed).max(state.hub_ms.load(Relaxed));
                Time::from_millis(latest + self.passed_ms())
            }
            ClockState::Right | ClockState::Ahead(_) => Time::from_millis(self.machine_ms()),
        }
    }

    /// The present time as far as it is confirmed: [`Clock::now`], but without a step ahead of more than a day that nothing
    /// has confirmed. What cannot be undone falls due by it.
    pub fn confirmed(&self) -> Time {
        match self.state() {
            ClockState::Ahead(_) => self.known(),
            ClockState::Right | ClockState::Impossible => self.now(),
        }
    }

    pub fn state(&self) -> ClockState {
        let (machine, known) = (self.machine_ms(), self.known_ms());
        if !can_be(machine) || machine < known - MARGIN_MS {
            ClockState::Impossible
        } else if machine > known + STEP_MAX_MS {
            ClockState::Ahead(machine - known)
        } else {
            ClockState::Right
        }
    }

    /// What is wrong with the machine's clock, and what to do; `None` when nothing is.
    pub fn fault(&self) -> Option<String> {
        let (machine, known) = (self.machine(), self.known());
        let advice = "if it is right, stop the server and run clock reset";
        match self.state() {
            ClockState::Right => None,
            ClockState::Ahead(_) => Some(format!(
                "the machine's clock shows {machine}, far ahead of the last known time {known}: scheduled deletes wait; {advice}"
            )),
            ClockState::Impossible => {
                Some(format!("the machine's clock shows {machine}, which cannot be: set it; {advice}"))
            }
        }
    }

    /// What the machine's clock shows.
    pub fn machine(&self) -> Time {
        Time::from_millis(self.machine_ms())
    }

    /// The last known time, as it passes.
    pub fn known(&self) -> Time {
        Time::from_millis(self.known_ms())
    }

    /// How long this process has run: it passes evenly, whatever is done to the machine's clock.
    pub fn uptime(&self) -> Time {
        Time::from_millis(self.passed_ms())
    }

    /// Continues from what was kept before the last start. Without anything kept, or with a time decades ahead, the machine's
    /// clock is taken as right.
    pub fn resume(&self, kept: Option<KnownTime>) {
        match kept.filter(|kept| is_plausible(kept.at)) {
            Some(KnownTime { at, hub }) => {
                self.set_known(at.millis().max(BUILT_MS));
                if matches!(self.state(), ClockState::Ahead(step) if step <= STEP_AT_START_MAX_MS) {
                    self.set_known(self.machine_ms());
                }
                hub.into_iter().for_each(|hub| self.raise_hub(hub));
            }
            None => drop(self.reset()),
        }
    }

    /// Lets the last known time follow the machine's clock where nothing speaks against it, and returns what is to be kept.
    /// To be called at least once an hour.
    pub fn follow(&self) -> KnownTime {
        match self.state() {
            ClockState::Right => self.set_known(self.machine_ms()),
            ClockState::Ahead(_) if self.has_been_ahead_for_long() => self.set_known(self.machine_ms()),
            ClockState::Ahead(_) => {}
            ClockState::Impossible => self.state.ahead_since_ms.store(NOT_AHEAD, Relaxed),
        }
        let hub = self.state.hub_ms.load(Relaxed);
        KnownTime {
            at: Time::from_millis(self.known_ms()),
            hub: (hub > 0).then(|| Time::from_millis(hub + self.passed_ms())),
        }
    }

    /// Takes the machine's clock as right, whatever was known before; `false` when it shows a time that cannot be.
    pub fn reset(&self) -> bool {
        let machine = self.machine_ms();
        let is_possible = can_be(machine);
        if is_possible {
            self.set_known(machine);
            self.state.hub_ms.store(0, Relaxed);
        }
        is_possible
    }

    /// What the hub's clock shows. It is believed only while the machine's own is impossible; where both agree to the hour
    /// it confirms a step ahead. Returns by how many milliseconds the hub's clock is ahead of [`Clock::now`] before that.
    pub fn compare(&self, hub: Time) -> i64 {
        let offset = hub.millis().saturating_sub(self.now().millis());
        match self.state() {
            ClockState::Impossible => self.raise_hub(hub),
            ClockState::Ahead(_) if offset.abs() <= AGREEMENT_MS => self.set_known(self.machine_ms()),
            ClockState::Ahead(_) | ClockState::Right => {}
        }
        offset
    }

    fn has_been_ahead_for_long(&self) -> bool {
        let passed = self.passed_ms();
        let since = self.state.ahead_since_ms.compare_exchange(NOT_AHEAD, passed, Relaxed, Relaxed);
        since.is_err_and(|since| passed - since >= STEADY_MS)
    }

    fn raise_hub(&self, hub: Time) {
        if can_be(hub.millis()) {
            self.state.hub_ms.fetch_max(hub.millis() - self.passed_ms(), Relaxed);
        }
    }

    fn set_known(&self, millis: i64) {
        self.state.known_ms.store(millis - self.passed_ms(), Relaxed);
        self.state.ahead_since_ms.store(NOT_AHEAD, Relaxed);
    }

    fn known_ms(&self) -> i64 {
        self.state.known_ms.load(Relaxed) + self.passed_ms()
    }

    fn machine_ms(&self) -> i64 {
        let State { advanced_ms, jumped_ms, frozen_ms, .. } = &*self.state;
        let frozen = frozen_ms.load(Relaxed);
        if frozen != RUNS {
            return frozen;
        }
        chrono::Utc::now().timestamp_millis() + advanced_ms.load(Relaxed) + jumped_ms.load(Relaxed)
    }

    fn passed_ms(&self) -> i64 {
        let passed = i64::try_from(self.state.began.elapsed().as_millis()).unwrap_or(i64::MAX / 2);
        passed + self.state.advanced_ms.load(Relaxed)
    }

    /// Lets time pass: for tests.
    pub fn advance_ms(&self, millis: i64) {
        self.state.advanced_ms.fetch_add(millis, Relaxed);
        if !self.runs() {
            self.state.frozen_ms.fetch_add(millis, Relaxed);
        }
    }

    /// Has a mock's clock show what the machine's shows again.
    pub fn as_machine(&self) {
        self.state.frozen_ms.store(RUNS, Relaxed);
        self.state.jumped_ms.store(0, Relaxed);
        self.state.advanced_ms.store(0, Relaxed);
        self.reset();
    }

    /// Whether it does not stand still.
    pub fn runs(&self) -> bool {
        self.state.frozen_ms.load(Relaxed) == RUNS
    }

    /// Has a mock's clock show `now` from here on, running or standing still; it counts as right. `false`: no clock can show that.
    pub fn steer(&self, now: Time, runs: bool) -> bool {
        if !can_be(now.millis()) {
            return false;
        }
        self.state.frozen_ms.store(RUNS, Relaxed);
        self.state.jumped_ms.fetch_add(now.millis() - self.machine_ms(), Relaxed);
        if !runs {
            self.state.frozen_ms.store(now.millis(), Relaxed);
        }
        self.reset()
    }

    /// Moves the machine's clock while no time passes, as a wrong clock does: for tests.
    pub fn jump_ms(&self, millis: i64) {
        self.state.jumped_ms.fetch_add(millis, Relaxed);
    }
}

impl Default for Clock {
    fn default() -> Clock {
        let clock = Clock {
            state: Arc::new(State {
                began: Instant::now(),
                advanced_ms: AtomicI64::new(0),
                jumped_ms: AtomicI64::new(0),
                known_ms: AtomicI64::new(BUILT_MS),
                hub_ms: AtomicI64::new(0),
                frozen_ms: AtomicI64::new(RUNS),
                ahead_since_ms: AtomicI64::new(NOT_AHEAD),
            }),
        };
        clock.reset();
        clock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR_MS: i64 = 365 * DAY_MS;
    /// Longer than a test takes, shorter than what a test moves a clock by.
    const WHILE_MS: i64 = HOUR_MS / 2;

    fn is_near(one: Time, other: Time) -> bool {
        (one.millis() - other.millis()).abs() < WHILE_MS
    }

    /// A clock that has run for a while, and the right time.
    fn running() -> (Clock, Time) {
        let clock = Clock::default();
        clock.follow();
        (clock.clone(), clock.now())
    }

    fn plus(time: Time, millis: i64) -> Time {
        time.plus_ms(millis)
    }

    #[test]
    fn a_clock_in_1970_goes_on_from_what_was_last_known() {
        let (clock, right) = running();
        clock.jump_ms(-50 * YEAR_MS);
        assert_eq!(clock.state(), ClockState::Impossible);
        assert!(is_near(clock.now(), right));
        let restarted = Clock::default();
        restarted.jump_ms(-50 * YEAR_MS);
        restarted.resume(Some(KnownTime { at: plus(right, YEAR_MS), hub: None }));
        assert!(is_near(restarted.now(), plus(right, YEAR_MS)));
    }

    #[test]
    fn no_hub_moves_a_clock_that_is_possible() {
        for off in [-30 * DAY_MS, -10 * 60_000, -1, 0, 1, 10 * 60_000, 30 * DAY_MS, 9 * YEAR_MS] {
            let (clock, right) = running();
            for _ in 0..3 {
                clock.follow();
                clock.compare(plus(right, off));
            }
            assert!(is_near(clock.now(), right) && clock.now() < plus(right, 60_000), "{off}");
        }
    }

    #[test]
    fn the_hub_is_believed_while_the_own_clock_is_impossible_and_no_longer() {
        let (clock, right) = running();
        clock.jump_ms(-50 * YEAR_MS);
        clock.compare(plus(right, 30 * DAY_MS));
        assert!(is_near(clock.now(), plus(right, 30 * DAY_MS)));
        let kept = clock.follow();
        clock.jump_ms(50 * YEAR_MS);
        assert!(is_near(clock.now(), right), "the right time again, though the hub's was wrong");
        let restarted = Clock::default();
        restarted.resume(Some(kept));
        assert!(is_near(restarted.now(), right));
        restarted.jump_ms(-50 * YEAR_MS);
        assert!(is_near(restarted.now(), plus(right, 30 * DAY_MS)), "in 1970 again, the hub's time is the best known");
    }

    #[test]
    fn a_clock_that_jumps_ahead_for_a_minute_leaves_no_trace() {
        let (clock, right) = running();
        clock.jump_ms(9 * YEAR_MS);
        let kept = clock.follow();
        assert!(is_near(clock.confirmed(), right), "nothing falls due");
        clock.jump_ms(-9 * YEAR_MS);
        assert!(is_near(clock.now(), right) && is_near(kept.at, right));
        assert_eq!(clock.state(), ClockState::Right);
    }

    #[test]
    fn a_step_ahead_is_confirmed_by_a_hub_that_shows_the_same_time_or_by_a_command() {
        let by_hub = |clock: &Clock| clock.compare(clock.now()) == 0;
        for confirm in [by_hub as fn(&Clock) -> bool, Clock::reset] {
            let (clock, right) = running();
            clock.jump_ms(14 * DAY_MS);
            assert!(matches!(clock.state(), ClockState::Ahead(_)) && is_near(clock.confirmed(), right));
            clock.compare(right);
            assert!(is_near(clock.confirmed(), right), "a hub with another time confirms nothing");
            confirm(&clock);
            assert!(is_near(clock.confirmed(), plus(right, 14 * DAY_MS)));
        }
    }

    #[test]
    fn a_machine_that_was_off_for_days_needs_no_confirmation_and_one_off_for_weeks_does() {
        for (days, is_confirmed) in [(0, true), (6, true), (14, false)] {
            let clock = Clock::default();
            let now = clock.now();
            clock.resume(Some(KnownTime { at: plus(now, -days * DAY_MS), hub: None }));
            assert_eq!(is_near(clock.confirmed(), now), is_confirmed, "{days}");
            for _ in 0..8 {
                clock.follow();
                clock.advance_ms(DAY_MS);
            }
            clock.follow();
            assert_eq!(clock.state(), ClockState::Right, "after a week of running: {days}");
        }
    }

    #[test]
    fn the_confirmed_time_passes_while_a_step_waits() {
        let (clock, right) = running();
        clock.jump_ms(14 * DAY_MS);
        clock.advance_ms(3 * DAY_MS);
        assert!(is_near(clock.confirmed(), plus(right, 3 * DAY_MS)));
    }

    #[test]
    fn a_clock_that_was_fast_is_put_right_by_hand_and_a_command_lowers_what_was_known() {
        let (clock, right) = running();
        clock.jump_ms(DAY_MS / 2);
        clock.follow();
        clock.jump_ms(-DAY_MS / 2);
        clock.follow();
        assert!(is_near(clock.now(), right));
        let wrong = Clock::default();
        wrong.resume(Some(KnownTime { at: plus(right, 9 * YEAR_MS), hub: Some(plus(right, 9 * YEAR_MS)) }));
        assert!(is_near(wrong.now(), plus(right, 9 * YEAR_MS)));
        assert!(wrong.reset() && is_near(wrong.now(), right) && wrong.follow().hub.is_none());
    }

    #[test]
    fn a_time_decades_away_is_no_time() {
        let (clock, right) = running();
        clock.jump_ms(-50 * YEAR_MS);
        assert!(!clock.reset(), "the machine's clock must be set first");
        clock.compare(plus(right, 50 * YEAR_MS));
        assert!(is_near(clock.now(), right));
    }
}
