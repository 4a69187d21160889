//! Retention, whatever the clock says.

use telecomx_local::domain::audit::digest;
use telecomx_local::domain::proposal::{ProposalAnswer, ProposalResult};
use telecomx_local::domain::time::Time;
use telecomx_local::sync::hub::origin::EnrolmentKind;
use telecomx_local::sync::hub::retention;
use telecomx_local::sync::hub::store::{HubStore, add_code};
use telecomx_local::sync::protocol::wire::{Part, Push};
use uuid::Uuid;

#[cfg(feature = "postgres")]
use super::PostgresPlace;
use super::edge::{DAY_MS, NOW, TestEdge, block_on, by, code, grows_old, new_hash, queue};
#[cfg(feature = "postgres")]
use super::postgres_server::{Postgres, connected, shared};
use super::proposals::patch;
use super::{Place, SqlitePlace};

const FORTNIGHT_MS: i64 = 14 * DAY_MS;
const YEAR_MS: i64 = 365 * DAY_MS;

/// A hash of a code that was made at this time.
fn code_of(store: &impl HubStore, at: Time) -> [u8; 32] {
    digest(block_on(add_code(store, &EnrolmentKind::New("Code".into()), by(at))).unwrap().as_bytes())
}

fn is_good(store: &impl HubStore, code: [u8; 32]) -> bool {
    let origin = Uuid::new_v4().to_string();
    block_on(store.enroll(code, new_hash(), &origin, None, NOW)).unwrap().is_some()
}

/// What becomes of a push that names so many parts.
fn takes<S: HubStore>(edge: &TestEdge<'_, S>, stage: Uuid, parts: i64) -> bool {
    edge.try_push(&edge.staged(stage, parts, 1, vec![])).unwrap().accepted
}

/// One with an answered proposal, and another behind it.
fn answered<S: HubStore>(store: &S) -> TestEdge<'_, S> {
    let mut edge = TestEdge::enrolled(store, "Bakery");
    let (answered, open) = (patch("q1", "{}"), patch("q1", "{}"));
    for proposal in [&answered, &open] {
        block_on(store.file_proposal(&edge.origin, proposal.clone(), NOW)).unwrap();
    }
    let outcome =
        ProposalAnswer { uuid: answered.uuid, result: ProposalResult::Expired, rev: None, detail: String::new() };
    edge.push(&Push { outcomes: vec![outcome], ..edge.batch(vec![queue(1, "q1")]) });
    edge
}

fn filed<S: HubStore>(edge: &TestEdge<'_, S>) -> usize {
    block_on(edge.store.proposals(&edge.origin, 0, 9)).unwrap().len()
}

pub fn a_clock_that_is_wrong_for_a_while_has_nothing_forgotten(place: &impl Place) {
    let store = place.open();
    let (edge, code) = (answered(&store), code_of(&store, NOW));
    // The first round after it was made by an older program, and one after another round.
    for _ in 0..2 {
        for wrong in [NOW.plus_ms(4 * YEAR_MS), NOW.plus_ms(67 * YEAR_MS)] {
            for _ in 0..10 {
                block_on(store.prune(wrong)).unwrap();
            }
        }
        block_on(store.prune(NOW)).unwrap();
    }
    assert_eq!(filed(&edge), 2);
    assert!(is_good(&store, code));
}

pub fn a_hub_that_was_off_for_long_forgets_after_all(place: &impl Place) {
    let store = place.open();
    let (edge, code) = (answered(&store), code_of(&store, NOW));
    block_on(store.prune(NOW)).unwrap();
    grows_old(&store, NOW.plus_ms(95 * DAY_MS));
    assert_eq!(filed(&edge), 1);
    assert!(!is_good(&store, code));
}

pub fn a_code_of_a_clock_that_was_wrong_waits_no_longer_than_others(place: &impl Place) {
    let store = place.open();
    let wrong = NOW.plus_ms(64 * YEAR_MS);
    let (spent, left) = (code_of(&store, wrong), code_of(&store, wrong));
    block_on(store.prune(wrong)).unwrap();
    block_on(store.prune(NOW)).unwrap();
    assert!(is_good(&store, spent));
    grows_old(&store, NOW.plus_ms(8 * DAY_MS));
    assert!(!is_good(&store, left));
}

pub fn parts_that_nobody_takes_are_forgotten_a_fortnight_after_the_last_of_them(place: &impl Place) {
    let store = place.open();
    let [one, other] = ["One", "Other"].map(|name| TestEdge::enrolled(&store, name));
    let stage = Uuid::new_v4();
    one.stage(stage, 0, vec![queue(1, "q1")]);
    other.stage(stage, 0, vec![queue(1, "q1")]);
    grows_old(&store, NOW.plus_ms(FORTNIGHT_MS - 1));
    let next = Part { stage, part: 1, context: None, rows: vec![queue(1, "q2")].into() };
    block_on(store.stage(&one.origin, &next, NOW.plus_ms(FORTNIGHT_MS))).unwrap();
    grows_old(&store, NOW.plus_ms(FORTNIGHT_MS + 1));
    assert!(takes(&one, stage, 2) && !takes(&other, stage, 1));
    assert_eq!((one.queues().as_str(), other.queues().as_str()), ("q1 q2", ""));
    other.stage(stage, 0, vec![queue(1, "again")]);
    assert!(takes(&other, stage, 1), "it is sent again");
    assert_eq!(other.queues(), "again");
}

pub fn parts_of_a_clock_that_was_wrong_are_forgotten_too(place: &impl Place) {
    let store = place.open();
    let (edge, stage) = (TestEdge::enrolled(&store, "Bakery"), Uuid::new_v4());
    let part = Part { stage, part: 0, context: None, rows: vec![queue(1, "q1")].into() };
    block_on(store.stage(&edge.origin, &part, NOW.plus_ms(64 * YEAR_MS))).unwrap();
    block_on(store.prune(NOW)).unwrap();
    assert!(!takes(&edge, stage, 1));
}

pub fn a_code_of_more_than_a_week_ago_is_good_for_nothing_before_it_is_forgotten(place: &impl Place) {
    let store = place.open();
    let code = code_of(&store, NOW);
    let spent = |at| block_on(store.enroll(code, new_hash(), "late", None, at)).unwrap().is_some();
    assert!(!spent(NOW.plus_ms(8 * DAY_MS)), "or the clock is wrong");
    assert!(spent(NOW.plus_ms(6 * DAY_MS)));
}

pub fn an_origin_has_one_stage_and_the_newest_counts(place: &impl Place) {
    let store = place.open();
    let edge = TestEdge::enrolled(&store, "Bakery");
    let [old, new] = [(); 2].map(|()| Uuid::new_v4());
    edge.stage(old, 0, vec![queue(1, "old")]);
    // Two parts may be on their way at once: the second may come first.
    edge.stage(new, 1, vec![queue(1, "second")]);
    assert!(!takes(&edge, old, 1));
    edge.stage(new, 0, vec![queue(1, "first")]);
    assert!(takes(&edge, new, 2));
    assert_eq!(edge.queues(), "first second");
}

pub fn a_part_that_is_too_much_is_refused_and_changes_nothing(place: &impl Place) {
    let store = place.open();
    let (edge, stage) = (TestEdge::enrolled(&store, "Bakery"), Uuid::new_v4());
    edge.stage(stage, 0, vec![queue(1, "q1")]);
    let other = Part {
        stage: Uuid::new_v4(),
        part: retention::STAGE_PARTS_MAX,
        context: None,
        rows: vec![queue(1, "q2")].into(),
    };
    assert_eq!(code(block_on(store.stage(&edge.origin, &other, NOW))), "stage");
    assert!(takes(&edge, stage, 1));
    assert_eq!(edge.queues(), "q1");
}

/// A stage that has come to 4 GiB, as `sql` makes it look, takes no further part.
fn a_full_stage_takes_no_more(place: &impl Place, run: impl FnOnce(&str)) {
    let store = place.open();
    let (edge, stage) = (TestEdge::enrolled(&store, "Bakery"), Uuid::new_v4());
    edge.stage(stage, 0, vec![queue(1, "q1")]);
    run("update staged_parts set bytes = 4294967296");
    let more = Part { stage, part: 1, context: None, rows: vec![queue(1, "q2")].into() };
    assert_eq!(code(block_on(store.stage(&edge.origin, &more, NOW))), "stage");
    edge.stage(stage, 0, vec![queue(1, "again")]);
    assert!(!takes(&edge, stage, 2) && takes(&edge, stage, 1));
    assert_eq!(edge.queues(), "q1");
}

#[test]
fn a_full_stage_on_sqlite_takes_no_more() {
    let place = SqlitePlace { folder: tempfile::tempdir().unwrap() };
    a_full_stage_takes_no_more(&place, |sql| {
        let conn = rusqlite::Connection::open(place.folder.path().join("hub.db")).unwrap();
        assert_eq!(conn.execute(sql, []).unwrap(), 1);
    });
}

#[cfg(feature = "postgres")]
#[test]
fn a_full_stage_on_postgres_takes_no_more() {
    let place = PostgresPlace { url: shared().database() };
    a_full_stage_takes_no_more(&place, |sql| {
        connected(&Postgres::as_superuser(&place.url), async |client| client.batch_execute(sql).await.unwrap());
    });
}
