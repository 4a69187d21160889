//! A synchronous standby promoted under load: it has all that was acknowledged, and edges go on with it.

use super::edge::{TestEdge, queue};
use super::load::{Course, Ending, keep_pushing, keeps_what_was_taken};
use super::postgres_server::{Postgres, connected};
use super::{Place, PostgresPlace};

const EDGES: usize = 4;
/// Pushes that are accepted before, and again after.
const PUSHES: usize = 200;

/// Until each edge waits for the standby.
fn wait_until_all_wait(primary: &Postgres, is_too_late: impl Fn() -> bool) {
    let sql = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'";
    connected(&primary.url("postgres", "postgres"), async |client| {
        while client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) < EDGES as i64 {
            assert!(!is_too_late(), "something is acknowledged that the standby does not have");
        }
    });
}

#[test]
fn a_standby_that_takes_over_under_load_has_all_that_was_acknowledged() {
    let primary = Postgres::start("-c shared_buffers=16MB -c max_connections=100");
    let database = primary.database();
    let standby = primary.with_standby();
    // Hubs that know both, and no more of them than their names.
    let [one, other] = [[&primary, &standby], [&standby, &primary]]
        .map(|both| PostgresPlace { url: Postgres::url_of_both(&database, both) }.open());
    let course = Course::default();
    let enrolled = |n| TestEdge::enrolled(if n % 2 == 0 { &one } else { &other }, &format!("Edge {n}"));
    let edges: Vec<_> = (0..EDGES).map(enrolled).collect();
    std::thread::scope(|scope| {
        let course = &course;
        let pushing = |mut edge| {
            scope.spawn(move || {
                keep_pushing(&mut edge, course);
                edge
            })
        };
        let edges: Vec<_> = edges.into_iter().map(pushing).collect();
        let ending = Ending(course);
        drop(course.wait_until(|state| state.accepted >= PUSHES));
        standby.signal_receiver("STOP");
        // What the standby does not have is not answered: the first has all of it, and is lost with it.
        let before = course.now().accepted;
        wait_until_all_wait(&primary, || course.now().accepted > before + 10 * EDGES);
        let before = course.note(|state| {
            state.is_away = true;
            state.accepted
        });
        primary.crash();
        assert_eq!(course.now().accepted, before);
        standby.signal_receiver("CONT");
        standby.promote();
        course.note(|state| state.is_away = false);
        drop(course.wait_until(|state| state.accepted >= before + PUSHES));
        drop(ending);
        for edge in edges {
            let mut edge = edge.join().unwrap();
            keeps_what_was_taken(&edge);
            edge.pushes(vec![queue(edge.head.acked + 1, "after")]);
        }
    });
    assert!(course.now().refused >= EDGES, "each of them notices");
}
