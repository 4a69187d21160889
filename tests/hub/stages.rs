//! A batch that comes in parts over a line that breaks, and what a hub knows of a reset before it is whole.

use telecomx_local::domain::mirror::{Epoch, Head, Row};
use telecomx_local::sync::hub::store::HubStore;
use telecomx_local::sync::protocol::wire::{Mode, Part, PartContext, Push, ResetProgress};
use uuid::Uuid;

use super::Place;
use super::edge::{NOW, TestEdge, block_on, code, queue};

/// The parts of one batch, each naming the one before.
struct Parts {
    stage: Uuid,
    next: i64,
    last: Option<Uuid>,
    mode: Mode,
    epoch: Epoch,
    base: Head,
}

impl Parts {
    fn of<S: HubStore>(edge: &TestEdge<S>) -> Parts {
        let (stage, epoch, base) = (Uuid::new_v4(), edge.epoch, edge.head);
        Parts { stage, next: 0, last: None, mode: Mode::Append, epoch, base }
    }

    fn of_reset<S: HubStore>(edge: &TestEdge<S>, n: i64) -> Parts {
        Parts { mode: Mode::Replace, epoch: Epoch(n, Uuid::new_v4()), ..Parts::of(edge) }
    }

    /// The next part; it is not sent yet.
    fn part(&self, rows: Vec<Row>) -> Part {
        let Parts { stage, next, last, mode, epoch, base } = *self;
        let context = PartContext { id: Uuid::new_v4(), after: last, mode, epoch, base, expected: 10 };
        Part { stage, part: next, context: Some(context), rows: rows.into() }
    }

    fn sent(&mut self, part: &Part) {
        (self.next, self.last) = (part.part + 1, part.context.map(|context| context.id));
    }
}

fn refusal<S: HubStore>(edge: &TestEdge<S>, part: &Part) -> &'static str {
    code(block_on(edge.store.stage(&edge.origin, part, NOW)))
}

pub fn a_part_follows_the_newest_one_or_changes_nothing(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let mut parts = Parts::of(&edge);
    let first = parts.part(vec![queue(1, "q1")]);
    edge.sends(&first);
    parts.sent(&first);
    // Two versions of the second part, read at different times: the one that comes first counts.
    let (second, late) = (parts.part(vec![queue(2, "q2"), queue(3, "q3")]), parts.part(vec![queue(2, "q2")]));
    edge.sends(&second);
    assert_eq!(refusal(&edge, &late), "stage_order");
    edge.sends(&second);
    let mut behind_late = Parts { next: 2, ..parts };
    behind_late.last = late.context.map(|context| context.id);
    assert_eq!(refusal(&edge, &behind_late.part(vec![queue(4, "q4")])), "stage_order");
    parts.sent(&second);
    assert_eq!(refusal(&edge, &Parts { next: 3, ..parts }.part(vec![])), "stage_order", "one is missing");
    assert_eq!(refusal(&edge, &Parts { stage: Uuid::new_v4(), ..parts }.part(vec![])), "stage_order", "not the first");
    edge.push(&edge.staged(parts.stage, 2, 4, vec![queue(4, "q4")]));
    assert_eq!(edge.queues(), "q1 q2 q3 q4");
    assert_eq!(refusal(&edge, &first), "stage_order", "it builds on what the hub had before");
    assert_eq!(edge.asks().staged, None);
}

pub fn an_edge_asks_what_is_staged_also_of_a_hub_that_was_started_anew(place: &impl Place) {
    let store = place.open();
    let edge = TestEdge::enrolled(&store, "Bakery");
    assert_eq!((edge.asks().staged, edge.asks().head), (None, Head::EMPTY));
    let mut parts = Parts::of(&edge);
    for n in 1..4 {
        let part = parts.part(vec![queue(n, "q")]);
        edge.sends(&part);
        parts.sent(&part);
    }
    let told = edge.asks().staged.unwrap();
    assert_eq!((told.stage, told.parts, told.last), (parts.stage, 3, parts.last));
    assert!(told.bytes > 300);
    let again = place.open();
    assert_eq!(block_on(again.staged(&edge.origin)).unwrap().staged, Some(told));
    // An edge of the version before names no parts: there is nothing to go on behind.
    let old = Uuid::new_v4();
    edge.stage(old, 0, vec![queue(1, "q")]);
    let told = edge.asks().staged.unwrap();
    assert_eq!((told.stage, told.parts, told.last), (old, 1, None));
}

pub fn a_reset_is_known_with_its_first_part_and_over_with_its_push(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1")]);
    assert!(edge.found().is_consistent());
    let mut parts = Parts::of_reset(&edge, 2);
    for n in 0..3 {
        let part = parts.part(vec![queue(2, &format!("a{n}")), queue(2, &format!("b{n}"))]);
        edge.sends(&part);
        edge.sends(&part);
        parts.sent(&part);
        let origin = edge.found();
        assert_eq!(origin.status.resetting, Some(ResetProgress { epoch: 2, rows: 2 * (n + 1), expected: 10 }));
        assert!(!origin.is_consistent());
    }
    // A part of an epoch that is over announces nothing.
    let staged = edge.staged(parts.stage, 3, 2, vec![]);
    let reset = Push { attempt: staged.attempt, staged: staged.staged, ..edge.reset(2, 1, vec![]) };
    edge.push(&Push { epoch: parts.epoch, to: 2, snap: 2, ..reset });
    let origin = edge.found();
    assert_eq!((origin.status.resetting, origin.is_consistent(), origin.resets), (None, true, 1));
    assert_eq!(refusal(&edge, &Parts { next: 0, last: None, ..parts }.part(vec![])), "stage_order");
    assert!(edge.found().is_consistent());
    assert_eq!(edge.rows().len(), 6);
}
