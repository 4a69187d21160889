//! What one origin may store, how often it may call, and that it does not get any further.

use std::sync::Arc;

use serde_json::Value;
use telecomx_local::auth::secrets::new_token;
use telecomx_local::domain::mirror::Row;
use telecomx_local::sync::hub::admin_store::AdminStore;
use telecomx_local::sync::hub::alarms::Alarm;
use telecomx_local::sync::hub::api::admission::AdmissionLimits;
use telecomx_local::sync::hub::fleet::{FleetState, alarms};
use telecomx_local::sync::hub::limits::{Limit, OriginLimits, OverLimit, Usage};
use telecomx_local::sync::hub::origin::{Origin, STUCK_AFTER};
use telecomx_local::sync::hub::store::HubStore;
use telecomx_local::sync::protocol::wire::Push;
use uuid::Uuid;

use super::Place;
use super::edge::{DAY_MS, NOW, TestEdge, block_on, by, code, deleted, queue, row};
use super::tenants::{served_within, tenant};

const NONE: OriginLimits = OriginLimits { rows: 0, bytes: 0, stage_bytes: 0 };

fn rows(ids: std::ops::Range<i64>) -> Vec<Row> {
    ids.map(|n| queue(n, &format!("q{n}"))).collect()
}

fn alarms_of(origin: &Origin) -> Vec<Alarm> {
    alarms(origin).into_iter().map(|(alarm, _)| alarm).collect()
}

pub fn an_origin_stores_no_more_rows_than_it_may_and_its_deletes_arrive_all_the_same(place: &impl Place) {
    let store = place.open().with_limits(OriginLimits { rows: 5, ..NONE });
    let (mut edge, mut other) = (TestEdge::enrolled(&store, "Bakery"), TestEdge::enrolled(&store, "Other"));
    other.pushes(rows(1..5));
    edge.pushes(rows(1..6));
    let before = edge.rows();
    assert_eq!(code(edge.try_push(&edge.batch(vec![queue(6, "one more")]))), "rows");
    assert_eq!(edge.rows(), before, "all or nothing");
    // Rows that replace others are no more than before, however often they come.
    for n in 6..20 {
        edge.pushes(vec![queue(n, "q1")]);
    }
    edge.pushes(vec![deleted(20, "q1"), deleted(20, "q2")]);
    edge.pushes(rows(21..23));
    assert_eq!(code(edge.try_push(&edge.batch(vec![queue(30, "q30")]))), "rows");
    // Another store on the same tables, with less room: what makes it less is taken.
    let lowered = place.open().with_limits(OriginLimits { rows: 2, ..NONE });
    let mut lower = TestEdge { store: &lowered, origin: edge.origin.clone(), ..edge };
    lower.pushes(vec![deleted(31, "q3")]);
    assert_eq!(code(lower.try_push(&lower.batch(vec![queue(32, "q32")]))), "rows");
}

pub fn what_was_lost_with_earlier_epochs_counts_too(place: &impl Place) {
    let store = place.open().with_limits(OriginLimits { rows: 8, ..NONE });
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(rows(1..5));
    edge.push(&edge.reset(2, 1, rows(11..15)));
    assert_eq!(code(edge.try_push(&edge.reset(3, 2, rows(21..25)))), "rows");
    // The same rows again are not lost.
    edge.push(&edge.reset(3, 2, rows(11..15)));
    assert_eq!(edge.queues(), "q11 q12 q13 q14");
}

pub fn an_origin_stores_no_more_bytes_than_it_may_in_parts_or_at_once(place: &impl Place) {
    let store = place.open().with_limits(OriginLimits { bytes: 5_000, stage_bytes: 3_000, ..NONE });
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let long = |n: i64| {
        let v = format!(r#"{{"_id":"q{n}","customer":"c","name":"{}"}}"#, "ø".repeat(700));
        row(n, &format!("q{n}"), &v)
    };
    edge.pushes(vec![long(1)]);
    let stage = Uuid::new_v4();
    edge.stage(stage, 0, vec![long(2)]);
    let part = telecomx_local::sync::protocol::wire::Part { stage, part: 1, context: None, rows: vec![long(3)].into() };
    assert_eq!(code(block_on(store.stage(&edge.origin, &part, NOW))), "stage");
    edge.push(&edge.staged(stage, 1, 2, vec![]));
    let used = edge.found().used.unwrap();
    assert!(used.rows == 2 && used.bytes > 2_800, "{used:?}");
    assert_eq!(code(edge.try_push(&edge.batch(vec![long(3), long(4)]))), "bytes");
    edge.pushes(vec![long(3)]);
    assert_eq!(edge.queues(), "q1 q2 q3");
}

pub fn what_was_stored_before_it_was_counted_counts(place: &impl Place) {
    let (store, limited) = (place.open(), place.open().with_limits(OriginLimits { rows: 6, ..NONE }));
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(rows(1..6));
    assert_eq!(edge.found().used, Some(Usage { rows: 5, bytes: edge.found().used.unwrap().bytes }));
    let edge = TestEdge { store: &limited, origin: edge.origin.clone(), ..edge };
    assert_eq!(code(edge.try_push(&edge.batch(rows(7..9)))), "rows");
}

pub fn an_edge_whose_every_push_is_rejected_is_stuck_until_one_is_accepted(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(rows(1..3));
    let state = |origin: &Origin| FleetState::of(origin, NOW.plus_ms(-DAY_MS));
    assert_eq!(state(&edge.found()), FleetState::Ok);
    let (stranger, later) = (edge.reset(9, 8, vec![]).epoch, NOW.plus_ms(3 * DAY_MS));
    let other = Push { epoch: stranger, ..edge.batch(vec![]) };
    for n in 1..=STUCK_AFTER + 2 {
        let result = block_on(store.push(&edge.origin, &edge.token, &other, later)).unwrap();
        assert!(!result.accepted);
        assert_eq!(result.origin.is_stuck(), n >= STUCK_AFTER, "after {n}");
    }
    let stuck = edge.found();
    assert_eq!(
        (state(&stuck), stuck.is_consistent(), alarms_of(&stuck)),
        (FleetState::Stuck, false, vec![Alarm::Stuck])
    );
    assert_eq!(stuck.last_seen, Some(later), "it comes, again and again");
    block_on(store.acknowledge(&edge.origin, Alarm::Stuck, "known", by(NOW))).unwrap();
    edge.pushes(vec![]);
    assert_eq!((state(&edge.found()), alarms_of(&edge.found())), (FleetState::Ok, vec![]));
}

pub fn that_a_call_was_refused_because_of_a_limit_is_an_alarm_until_a_push_is_accepted(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    block_on(store.note_over_limit(&edge.origin, OverLimit { limit: Limit::Rows, at: NOW })).unwrap();
    assert_eq!(alarms_of(&edge.found()), [Alarm::Limit]);
    edge.pushes(rows(1..2));
    assert_eq!(alarms_of(&edge.found()), []);
}

/// The fleet page's line on the only origin.
fn line(answer: &(u16, std::collections::BTreeSet<String>, String)) -> Value {
    let page: Value = serde_json::from_str(&answer.2).unwrap();
    page["origins"][0].clone()
}

pub fn over_http_a_server_over_its_limit_is_told_and_shown(place: &impl Place) {
    let store = Arc::new(place.open().with_limits(OriginLimits { rows: 3, ..NONE }));
    let (admin, admin_hash) = new_token().unwrap();
    served_within(store.clone(), admin_hash, (AdmissionLimits::DEFAULT, 1), move |client| {
        let (edge, token) = tenant(&*store, "One");
        let path = format!("/sync/v1/origins/{}/exchange", edge.origin);
        let push = |rows: Vec<Row>| {
            let body = serde_json::to_string(&edge.batch(rows)).unwrap();
            client.asks("POST", &path, Some(&format!("Bearer {token}")), &body)
        };
        let fleet = || line(&client.asks("GET", "/sync/v1/fleet", Some(&format!("Bearer {admin}")), ""));
        let refused = push(rows(2..9));
        assert!(refused.0 == 507 && refused.2.contains("at most 3 rows of one server"), "{refused:?}");
        assert_eq!((&fleet()["overLimit"]["limit"], &fleet()["alarms"][0]["alarm"]), (&"rows".into(), &"limit".into()));
        assert_eq!(push(rows(2..4)).0, 200);
        assert!(fleet()["overLimit"].is_null(), "{}", fleet());
        // Five at once, and one a second.
        let statuses: Vec<u16> = (0..20).map(|_| push(vec![]).0).collect();
        assert!(
            statuses.contains(&429) && statuses.iter().filter(|status| **status != 429).count() < 19,
            "{statuses:?}"
        );
        assert_eq!(fleet()["overLimit"]["limit"], "calls");
    });
}

pub fn an_argument_that_is_wrong_is_named_with_its_form(place: &impl Place) {
    let (store, (admin, admin_hash)) = (Arc::new(place.open()), new_token().unwrap());
    served_within(store.clone(), admin_hash, (AdmissionLimits::DEFAULT, 0), move |client| {
        let (edge, _) = tenant(&*store, "One");
        let origin = |call: &str| format!("/sync/v1/origins/{}/{call}", edge.origin);
        for (path, name, says) in [
            ("/sync/v1/fleet?limit=many".into(), "limit", "whole number"),
            ("/sync/v1/fleet?limit=0".into(), "limit", "1 to 1000"),
            ("/sync/v1/fleet?lag=-1".into(), "lag", "from 0 on"),
            ("/sync/v1/fleet?lag=1&lag=2".into(), "lag", "once"),
            ("/sync/v1/fleet?state=fine".into(), "state", "never_seen"),
            ("/sync/v1/audit?after=x".into(), "after", "whole number"),
            (origin("proposals?after=99999999999999999999"), "after", "whole number"),
            (origin("rows?table=chairs"), "table", "mobile_config"),
            (origin("rows"), "table", "table is required"),
            (origin("arrived?table="), "table", "mobile_config"),
        ] {
            let (status, _, text) = client.asks("GET", &path, Some(&format!("Bearer {admin}")), "");
            let body: Value = serde_json::from_str(&text).unwrap();
            assert!(matches!(status, 422 | 404) && body["error"]["code"] == name, "{path}: {status} {text}");
            assert!(body["error"]["message"].as_str().unwrap().contains(says), "{path}: {text}");
        }
        let unlocked = client.asks("POST", &origin("unlock"), Some(&format!("Bearer {admin}")), "");
        assert!(unlocked.0 == 200 && unlocked.2.contains(r#""wasLocked":false"#), "{unlocked:?}");
    });
}
