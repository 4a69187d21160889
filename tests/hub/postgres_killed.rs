//! PostgreSQL killed under load: what was answered as taken is there.

use std::sync::{Condvar, Mutex, MutexGuard};

use telecomx_local::error::Error;
use telecomx_local::hub::HubStore;

use super::edge::{Edge, NOW, block_on, queue};
use super::postgres_server::Postgres;
use super::{Place, PostgresPlace};

const KILLS: usize = 20;
const EDGES: usize = 4;

/// What the test and its edges know of each other.
#[derive(Default)]
struct Course {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_away: bool,
    is_over: bool,
    taken: usize,
    refused: usize,
}

impl Course {
    fn note<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
        result
    }

    fn wait_until(&self, is_so: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        self.changed.wait_while(self.state.lock().unwrap(), |state| !is_so(state)).unwrap()
    }
}

/// Pushes until it is over, as an edge does: again after a 503, and on from where the hub says that it is.
fn keep_pushing<S: HubStore>(edge: &mut Edge<'_, S>, course: &Course) {
    while !course.wait_until(|_| true).is_over {
        let next = edge.head.acked + 1;
        let rows = vec![queue(next, &format!("q{:03}", next % 200)), queue(next, "newest")];
        let push = edge.batch(rows);
        loop {
            match block_on(edge.store.push(&edge.origin, &edge.token, &push, NOW)) {
                Ok(answer) => {
                    let head = answer.origin.head;
                    // Taken now, or by the try before it, whose answer was lost; nothing else is possible.
                    assert!(answer.accepted || head.attempt == push.attempt, "{head:?} after {:?}", edge.head);
                    edge.head = head;
                    course.note(|state| state.taken += 1);
                    break;
                }
                Err(Error::Busy) => {
                    course.note(|state| state.refused += 1);
                    drop(course.wait_until(|state| !state.is_away));
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_however_often_postgres_is_killed() {
    // As in production: what is committed is on disk.
    let postgres = Postgres::start("-c max_connections=100 -c recovery_init_sync_method=syncfs");
    let place = PostgresPlace { url: postgres.database() };
    let (store, beside) = (place.open(), place.open());
    let course = Course::default();
    let enrolled = |n| Edge::enrolled(if n % 2 == 0 { &store } else { &beside }, &format!("Edge {n}"));
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
        for kill in 1..=KILLS {
            // Some are taken between two kills.
            drop(course.wait_until(|state| state.taken >= kill * 40));
            course.note(|state| state.is_away = true);
            postgres.crash();
            postgres.begin();
            course.note(|state| state.is_away = false);
        }
        course.note(|state| state.is_over = true);
        for edge in edges {
            let mut edge = edge.join().unwrap();
            let head = edge.head;
            assert_eq!(edge.found().head, head);
            let rows = edge.rows();
            let newest = &rows[&(telecomx_local::domain::mirror::Table::Queue, "newest".into())];
            assert_eq!((newest.0, newest.1), (head.acked, head.acked));
            let expected = (head.acked.min(200) + 1) as usize;
            assert_eq!(rows.len(), expected, "each write left its row");
            edge.pushes(vec![queue(head.acked + 1, "after")]);
        }
    });
    assert!(course.wait_until(|_| true).refused >= KILLS, "each kill is noticed");
}
