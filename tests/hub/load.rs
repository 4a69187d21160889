//! Edges that push all the time, whatever becomes of PostgreSQL.

use std::sync::{Condvar, Mutex, MutexGuard};

use telecomx_local::domain::mirror::Row;
use telecomx_local::error::Error;
use telecomx_local::sync::hub::store::HubStore;

use super::edge::{NOW, Rows, TestEdge, block_on, queue};

/// Of each edge, besides the newest.
const QUEUES: i64 = 200;

/// What the test and its edges know of each other.
#[derive(Default)]
pub struct Course {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub struct State {
    /// PostgreSQL is, and it helps nobody to ask again.
    pub is_away: bool,
    pub is_over: bool,
    pub accepted: usize,
    pub refused: usize,
}

impl Course {
    pub fn note<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
        result
    }

    pub fn now(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn wait_until(&self, is_so: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        self.changed.wait_while(self.state.lock().unwrap(), |state| !is_so(state)).unwrap()
    }
}

/// However a test ends, its edges end too.
pub struct Ending<'c>(pub &'c Course);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.note(|state| (state.is_away, state.is_over) = (false, true));
    }
}

/// The queue that a write changes.
fn queue_of(write: i64) -> String {
    format!("q{:03}", write % QUEUES)
}

/// Pushes until it is over, as an edge does: again after a 503, and on from where the hub says that it is.
pub fn keep_pushing<S: HubStore>(edge: &mut TestEdge<'_, S>, course: &Course) {
    while !course.now().is_over {
        let next = edge.head.acked + 1;
        let push = edge.batch(vec![queue(next, &queue_of(next)), queue(next, "newest")]);
        loop {
            match block_on(edge.store.push(&edge.origin, &edge.token, &push, NOW)) {
                Ok(answer) => {
                    let head = answer.origin.head;
                    // Taken now, or by the try before it, whose answer was lost; nothing else is possible.
                    assert!(answer.accepted || head.attempt == push.attempt, "{head:?} after {:?}", edge.head);
                    edge.head = head;
                    course.note(|state| state.accepted += 1);
                    break;
                }
                Err(Error::Busy | Error::Unavailable(_)) => {
                    course.note(|state| state.refused += 1);
                    drop(course.wait_until(|state| !state.is_away));
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

/// The hub's head is the one that the edge was told, and every row is as the last write left it.
pub fn keeps_what_was_taken<S: HubStore>(edge: &TestEdge<'_, S>) {
    let newest = edge.head.acked;
    assert_eq!(edge.found().head, edge.head);
    let mut rows: Vec<Row> = (1..=newest).map(|write| queue(write, &queue_of(write))).collect();
    rows.push(queue(newest, "newest"));
    let rows = rows.into_iter().map(|row| ((row.t, row.id), (row.rev, row.chg, row.v.unwrap().get().into_owned())));
    assert!(edge.rows() == rows.collect::<Rows>(), "the mirror is not what was acknowledged up to {newest}");
}
