//! A synchronous standby promoted under load: it has all that was acknowledged, and edges go on with it.

use super::edge::{Edge, queue};
use super::load::{Course, keep_pushing, keeps_what_was_taken};
use super::postgres_server::Postgres;
use super::{Place, PostgresPlace};

const EDGES: usize = 4;
/// Pushes that are taken before, and again after.
const PUSHES: usize = 200;

#[test]
fn a_standby_that_takes_over_under_load_has_all_that_was_acknowledged() {
    let primary = Postgres::start("-c shared_buffers=16MB -c max_connections=100");
    let database = primary.database();
    let standby = primary.with_standby();
    // Hubs that know both, and no more of them than their names.
    let [one, other] = [[&primary, &standby], [&standby, &primary]]
        .map(|both| PostgresPlace { url: Postgres::url_of_both(&database, both) }.open());
    let course = Course::default();
    let enrolled = |n| Edge::enrolled(if n % 2 == 0 { &one } else { &other }, &format!("Edge {n}"));
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
        drop(course.wait_until(|state| state.taken >= PUSHES));
        course.note(|state| state.is_away = true);
        primary.crash();
        standby.promote();
        let before = course.note(|state| {
            state.is_away = false;
            state.taken
        });
        drop(course.wait_until(|state| state.taken >= before + PUSHES));
        course.note(|state| state.is_over = true);
        for edge in edges {
            let mut edge = edge.join().unwrap();
            keeps_what_was_taken(&edge);
            edge.pushes(vec![queue(edge.head.acked + 1, "after")]);
        }
    });
    assert!(course.now().refused >= 1, "it was noticed");
}
