//! The fleet as pages, with filters, tags, and alarms that are acknowledged.

use telecomx_local::domain::mirror::AuditHead;
use telecomx_local::domain::time::Time;
use telecomx_local::sync::hub::admin_store::{AdminStore, fleet_page};
use telecomx_local::sync::hub::alarms::Alarm;
use telecomx_local::sync::hub::fleet::{FleetCursor, FleetFilter, FleetState, alarms};
use telecomx_local::sync::hub::origin::Phase;
use telecomx_local::sync::hub::store::HubStore;
use telecomx_local::sync::protocol::wire::{EdgeStatus, Push};

use super::Place;
use super::edge::{DAY_MS, NOW, TestEdge, block_on, by, code, queue, row};

const ALL: FleetFilter = FleetFilter { state: None, tag: None, version: None, lag: None, oldest: Time::from_millis(0) };

fn page(
    store: &impl HubStore,
    filter: &FleetFilter,
    after: FleetCursor,
    limit: i64,
) -> (Vec<String>, Option<FleetCursor>) {
    let (origins, next) = block_on(fleet_page(store, filter, after, limit)).unwrap();
    (origins.into_iter().map(|origin| origin.name).collect(), next)
}

/// The names of all origins that match.
fn names(store: &impl HubStore, filter: &FleetFilter) -> String {
    page(store, filter, FleetCursor::default(), 100).0.join(" ")
}

pub fn the_fleet_comes_in_pages_by_name(place: &impl Place) {
    let store = place.open();
    for name in ["d", "b", "ä", "a", "c"] {
        TestEdge::enrolled(&store, name);
    }
    let (first, next) = page(&store, &ALL, FleetCursor::default(), 2);
    assert_eq!(first, ["a", "b"]);
    // One that comes meanwhile is neither skipped nor shown twice.
    TestEdge::enrolled(&store, "bb");
    let next = FleetCursor::decode(&next.unwrap().encode()).unwrap();
    let (second, next) = page(&store, &ALL, next, 2);
    assert_eq!(second, ["bb", "c"]);
    assert_eq!(page(&store, &ALL, next.unwrap(), 2), (vec!["d".to_owned(), "ä".to_owned()], None));
    let (all, next) = page(&store, &ALL, FleetCursor::default(), 6);
    assert_eq!((all.len(), next), (6, None), "a page that is exactly full is the last one");
}

pub fn a_page_lists_what_its_filter_names(place: &impl Place) {
    let store = place.open();
    let mut edges: Vec<_> =
        ["ok", "behind", "quarantined", "locked", "away"].map(|name| TestEdge::enrolled(&store, name)).into();
    TestEdge::enrolled(&store, "new");
    let moved = TestEdge::enrolled(&store, "moved");
    let moving = TestEdge::enrolled(&store, "moving");
    for edge in &mut edges {
        edge.pushes(vec![queue(1, "q1")]);
    }
    let status = EdgeStatus { version: "9.9\"x".into(), ..EdgeStatus::default() };
    let later = NOW.plus_ms(DAY_MS);
    let push_later = |edge: &TestEdge<'_, _>, push: &Push| {
        assert!(block_on(store.push(&edge.origin, &edge.token, push, later)).unwrap().accepted);
    };
    push_later(&edges[0], &Push { status, ..edges[0].batch(vec![queue(2, "q2")]) });
    push_later(&edges[1], &Push { snap: 9, ..edges[1].batch(vec![queue(2, "q2")]) });
    push_later(&edges[2], &edges[2].batch(vec![row(2, "bad", "7")]));
    let locked = &mut edges[3];
    let [first, clone] = [locked.reset(2, 1, vec![queue(2, "a")]), locked.reset(3, 1, vec![queue(2, "b")])];
    locked.push(&first);
    let clone = Push { base: locked.head, ..clone };
    locked.push(&clone);
    let third = Push { base: locked.head, ..locked.reset(4, 2, vec![queue(2, "a")]) };
    assert_eq!(code(locked.try_push(&third)), "locked");
    let to = || "https://hub.example.com".to_owned();
    for edge in [&moved, &moving] {
        block_on(store.change_phase(&edge.origin, &Phase::Leaving(to()), by(NOW))).unwrap();
    }
    block_on(store.change_phase(&moved.origin, &Phase::Moved(to()), by(NOW))).unwrap();
    block_on(store.set_tags(&edges[0].origin, &["berlin".into(), "a".into()], by(NOW))).unwrap();
    block_on(store.set_tags(&edges[1].origin, &["berlin-2".into()], by(NOW))).unwrap();

    let recent = FleetFilter { oldest: NOW.plus_ms(1), ..ALL };
    let of = |state| names(&store, &FleetFilter { state: Some(state), ..recent.clone() });
    assert_eq!(of(FleetState::Ok), "ok");
    assert_eq!(of(FleetState::Behind), "behind");
    assert_eq!(of(FleetState::Quarantine), "quarantined");
    assert_eq!(of(FleetState::Locked), "locked");
    assert_eq!(of(FleetState::Unreachable), "away");
    assert_eq!(of(FleetState::NeverSeen), "new");
    assert_eq!((of(FleetState::Moved), of(FleetState::Moving)), ("moved".into(), "moving".into()));
    let listed: usize = FleetState::ALL.into_iter().map(|state| of(state).split_whitespace().count()).sum();
    assert_eq!(listed, 8, "each is in one state");
    let tagged = |tag: &str| names(&store, &FleetFilter { tag: Some(tag.into()), ..ALL });
    assert_eq!(
        (tagged("berlin"), tagged("a"), tagged("berlin-2"), tagged("b")),
        ("ok".into(), "ok".into(), "behind".into(), String::new())
    );
    let of_version = |version: &str| names(&store, &FleetFilter { version: Some(version.into()), ..ALL });
    assert_eq!((of_version("9.9\"x"), of_version("9.9")), ("ok".into(), String::new()));
    let behind = |lag| names(&store, &FleetFilter { lag: Some(lag), ..ALL });
    assert_eq!((behind(7), behind(8)), ("behind".into(), String::new()));
    assert_eq!(names(&store, &FleetFilter { tag: Some("\0".into()), ..ALL }), "");
}

pub fn an_acknowledged_alarm_stays_with_who_and_why_until_it_is_another(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    assert_eq!(code(block_on(store.acknowledge(&edge.origin, Alarm::Clock, "known", by(NOW)))), "alarm");
    let clock = |off: i64| EdgeStatus { clock_ms: NOW.millis() + off, ..EdgeStatus::default() };
    edge.push(&Push { status: clock(-3_600_000), ..edge.batch(vec![queue(1, "q1")]) });
    assert!(matches!(alarms(&edge.found())[..], [(Alarm::Clock, None)]));
    block_on(store.acknowledge(&edge.origin, Alarm::Clock, "battery ordered", by(NOW))).unwrap();
    let found = edge.found();
    let [(Alarm::Clock, Some(known))] = alarms(&found)[..] else { panic!("{found:?}") };
    assert_eq!((&*known.by, &*known.why, known.at), ("olga", "battery ordered", NOW));
    edge.push(&Push { status: clock(-9_000_000), ..edge.batch(vec![queue(2, "q2")]) });
    assert!(matches!(alarms(&edge.found())[..], [(Alarm::Clock, None)]), "it is much further off");
    edge.push(&Push { status: clock(59_000), ..edge.batch(vec![queue(3, "q3")]) });
    assert!(alarms(&edge.found()).is_empty());
    let entry = block_on(store.audit_before(i64::MAX, 1)).unwrap().remove(0);
    assert_eq!((&*entry.who, &*entry.action, &*entry.detail), ("olga", "acknowledge", "clock: battery ordered"));
}

pub fn an_acknowledged_audit_alarm_is_cleared_with_the_trail_that_the_edge_has_now(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let head = |seq, hash: &str| AuditHead(seq, hash.into());
    let none = AuditHead::default();
    edge.push(&Push { audit: [none.clone(), head(5, "five")], ..edge.batch(vec![queue(1, "q1")]) });
    edge.push(&Push { audit: [head(5, "other"), head(6, "six")], ..edge.batch(vec![queue(2, "q2")]) });
    assert!(edge.found().audit_differs);
    let found = block_on(store.acknowledge(&edge.origin, Alarm::Audit, "put back to a backup", by(NOW))).unwrap();
    assert!(!found.audit_differs && alarms(&found).is_empty());
    let entry = block_on(store.audit_before(i64::MAX, 1)).unwrap().remove(0);
    assert!(entry.detail.contains("entry 5 with hash five"), "{}", entry.detail);
    // The edge hears that the hub knows nothing, and then tells what it has.
    edge.push(&Push { audit: [head(5, "other"), head(6, "six")], ..edge.batch(vec![queue(3, "q3")]) });
    assert_eq!((edge.found().audit, edge.found().audit_differs), (none.clone(), false));
    edge.push(&Push { audit: [none, head(6, "six")], ..edge.batch(vec![queue(4, "q4")]) });
    assert_eq!((edge.found().audit, edge.found().audit_differs), (head(6, "six"), false));
    edge.push(&Push { audit: [head(6, "again other"), head(7, "seven")], ..edge.batch(vec![queue(5, "q5")]) });
    assert!(edge.found().audit_differs, "the next change shows again");
}

pub fn what_an_edge_reports_out_of_bounds_is_not_shown_so(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let status = EdgeStatus {
        clock_ms: i64::MIN,
        forks: i64::MIN,
        rewinds: i64::MAX,
        proved_ms: Some(i64::MIN),
        ..EdgeStatus::default()
    };
    edge.push(&Push { status, ..edge.batch(vec![queue(1, "q1")]) });
    let shown = edge.found().status;
    assert_eq!((shown.clock_ms, shown.forks, shown.rewinds, shown.proved_ms), (0, 0, 1 << 53, None));
}
