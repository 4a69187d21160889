//! PostgreSQL killed under load: what was answered as accepted is there.

use super::edge::{TestEdge, queue};
use super::load::{Course, Ending, keep_pushing, keeps_what_was_taken};
use super::postgres_server::Postgres;
use super::{Place, PostgresPlace};

const KILLS: usize = 20;
const EDGES: usize = 4;

#[test]
fn nothing_acknowledged_is_lost_however_often_postgres_is_killed() {
    // As in production: what is committed is on disk.
    let postgres = Postgres::start("-c max_connections=100 -c recovery_init_sync_method=syncfs");
    let place = PostgresPlace { url: postgres.database() };
    let (store, beside) = (place.open(), place.open());
    let course = Course::default();
    let enrolled = |n| TestEdge::enrolled(if n % 2 == 0 { &store } else { &beside }, &format!("Edge {n}"));
    let edges: Vec<_> = (0..EDGES).map(enrolled).collect();
    std::thread::scope(|scope| {
        let edges: Vec<_> = edges
            .into_iter()
            .map(|mut edge| {
                let course = &course;
                scope.spawn(move || {
                    keep_pushing(&mut edge, course);
                    edge
                })
            })
            .collect();
        let ending = Ending(&course);
        for kill in 1..=KILLS {
            // Some are accepted between two kills.
            drop(course.wait_until(|state| state.accepted >= kill * 40));
            course.note(|state| state.is_away = true);
            postgres.crash();
            postgres.begin();
            course.note(|state| state.is_away = false);
        }
        drop(ending);
        for edge in edges {
            let mut edge = edge.join().unwrap();
            keeps_what_was_taken(&edge);
            edge.pushes(vec![queue(edge.head.acked + 1, "after")]);
        }
    });
    assert!(course.now().refused >= KILLS, "each kill is noticed");
}
