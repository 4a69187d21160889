//! An origin on its way from one hub to another.

use telecomx_local::domain::audit::digest;
use telecomx_local::domain::mirror::Table;
use telecomx_local::domain::proposal::{Proposal, ProposalAnswer, ProposalResult};
use telecomx_local::sync::hub::migration::{Arrival, Checksum, Delivery, FinishMove, RowVersion};
use telecomx_local::sync::hub::origin::Phase;
use telecomx_local::sync::hub::origin::{EnrolmentKind, Origin};
use telecomx_local::sync::hub::orphaned_rows::OrphanedRow;
use telecomx_local::sync::hub::proposals::ProposalRecord;
use telecomx_local::sync::hub::store::{HubStore, add_code};
use telecomx_local::sync::protocol::wire::{Part, Push};
use uuid::Uuid;

use super::Place;
use super::edge::{NOW, TestEdge, block_on, by, code, deleted, new_hash, queue, row};
use super::orphaned_rows::orphaned;
use super::proposals::patch;

fn moved() -> Phase {
    Phase::Moved("https://new.example.com".into())
}

fn leaving() -> Phase {
    Phase::Leaving("https://new.example.com".into())
}

impl<S: HubStore> TestEdge<'_, S> {
    fn change_phase(&self, to: &Phase) -> Origin {
        block_on(self.store.change_phase(&self.origin, to, by(NOW))).unwrap()
    }

    /// All that the hub has of the edge, as `hub move` would bring it to another hub.
    fn everything(&self) -> (Delivery, Checksum) {
        let (mut checksum, mut delivery) = (Checksum::default(), Delivery { clears: true, ..Delivery::default() });
        for table in Table::ALL {
            delivery.rows.extend(block_on(self.store.rows(&self.origin, table, "", 1_000)).unwrap().1);
        }
        for row in &delivery.rows {
            checksum.add(row.t, &row.id, [row.rev, row.chg], &row.v.as_ref().unwrap().get());
        }
        delivery.quarantined = block_on(self.store.quarantined_rows(&self.origin)).unwrap();
        delivery.proposals = block_on(self.store.proposals(&self.origin, 0, 1_000)).unwrap();
        delivery.orphaned_rows = orphaned(self, 1_000);
        let Delivery { quarantined, proposals, orphaned_rows, .. } = &delivery;
        [checksum.quarantined, checksum.proposals, checksum.orphaned] =
            [quarantined.len(), proposals.len(), orphaned_rows.len()].map(|n| n as i64);
        (delivery, checksum)
    }

    /// The same edge under another name, as if it came from another hub.
    fn as_from_elsewhere(&self) -> Origin {
        Origin { origin: Uuid::new_v4().simple().to_string(), token: new_hash(), ..self.found() }
    }
}

/// An edge with rows, some of them quarantined, with an orphaned row, and with proposals, one of them answered.
fn furnished<'s, S: HubStore>(store: &'s S, name: &str) -> TestEdge<'s, S> {
    let mut edge = TestEdge::enrolled(store, name);
    edge.pushes(vec![queue(1, "lost")]);
    let rows = vec![queue(1, "q1"), queue(2, "q2"), row(3, "bad", "7"), queue(3, "with")];
    edge.push(&edge.reset(2, 1, rows));
    let filed: Vec<Proposal> = ["1", "2"].map(|n| patch("q1", &format!(r#"{{"name":"{n}"}}"#))).to_vec();
    for proposal in &filed {
        block_on(store.file_proposal(&edge.origin, proposal.clone(), NOW)).unwrap();
    }
    let outcome =
        ProposalAnswer { uuid: filed[0].uuid, result: ProposalResult::Rejected, rev: None, detail: "No".into() };
    edge.push(&Push { outcomes: vec![outcome], ..edge.batch(vec![]) });
    edge
}

fn text(records: &[ProposalRecord]) -> String {
    serde_json::to_string(records).unwrap()
}

pub fn an_origin_that_is_leaving_waits_and_one_that_has_moved_says_where_it_is(place: &impl Place) {
    let store = place.open();
    let mut edge = furnished(&store, "Bakery");
    let made = block_on(add_code(&store, &EnrolmentKind::Replacement(edge.origin.clone()), by(NOW))).unwrap();
    let refused = |edge: &TestEdge<_>| {
        let part = Part { stage: Uuid::new_v4(), part: 0, context: None, rows: vec![].into() };
        [
            code(edge.try_push(&edge.batch(vec![]))),
            code(edge.try_push(&edge.batch(vec![queue(9, "q9")]))),
            code(block_on(store.stage(&edge.origin, &part, NOW))),
            code(block_on(store.file_proposal(&edge.origin, patch("q1", "{}"), NOW))),
            code(block_on(store.unlock(&edge.origin, by(NOW)))),
            code(block_on(add_code(&store, &EnrolmentKind::Replacement(edge.origin.clone()), by(NOW)))),
        ]
    };
    let before = (edge.rows(), edge.found());
    assert_eq!(edge.change_phase(&leaving()), Origin { phase: leaving(), ..before.1.clone() });
    assert_eq!(refused(&edge), ["busy"; 6]);
    edge.change_phase(&leaving());
    edge.change_phase(&Phase::Here);
    assert_eq!((edge.rows(), edge.found()), before);
    edge.pushes(vec![queue(9, "q9")]);
    assert_eq!(code(block_on(store.change_phase(&edge.origin, &moved(), by(NOW)))), "phase", "it does not stand still");
    edge.change_phase(&leaving());
    let other = "https://other.example.com";
    for elsewhere in [Phase::Leaving(other.into()), Phase::Moved(other.into())] {
        assert_eq!(
            code(block_on(store.change_phase(&edge.origin, &elsewhere, by(NOW)))),
            "phase",
            "it may be at the first already"
        );
    }
    assert_eq!(edge.change_phase(&moved()).phase, moved());
    assert_eq!(refused(&edge), ["moved"; 6]);
    assert_eq!(code(block_on(store.change_phase(&edge.origin, &Phase::Here, by(NOW)))), "phase");
    assert!(
        block_on(store.enroll(digest(made.as_bytes()), new_hash(), "unused", None, NOW)).is_err(),
        "nor with an old code"
    );
    assert_eq!((edge.found().phase, edge.found().quarantined), (moved(), 0));
    assert_eq!(edge.everything().1, Checksum::default(), "all of it is there");
    assert_eq!(edge.found().head, edge.head);
    assert_eq!(code(block_on(store.change_phase("nobody", &leaving(), by(NOW)))), "origin");
}

pub fn an_origin_arrives_with_all_it_has_and_goes_on(place: &impl Place) {
    let store = place.open();
    let there = furnished(&store, "Bakery");
    let (announced, (delivery, checksum)) = (there.as_from_elsewhere(), there.everything());
    assert_eq!(block_on(store.arrive(&announced)).unwrap(), Arrival::Begun);
    let mut here = TestEdge { origin: announced.origin.clone(), token: announced.token, ..there };
    assert_eq!(code(here.try_push(&here.batch(vec![]))), "busy");
    let finish = FinishMove { origin: announced.clone(), checksum };
    assert_eq!(code(block_on(store.finish_move(&finish, by(NOW)))), "incomplete");
    for _ in 0..2 {
        block_on(store.deliver(&announced.origin, &delivery)).unwrap();
    }
    block_on(store.finish_move(&finish, by(NOW))).unwrap();
    block_on(store.finish_move(&finish, by(NOW))).unwrap();
    assert_eq!(here.found(), Origin { stable: 0, used: None, ..announced });
    let (arrived, again) = here.everything();
    assert_eq!((again, text(&arrived.proposals)), (finish.checksum, text(&delivery.proposals)));
    assert_eq!(
        serde_json::to_string(&arrived.quarantined).unwrap(),
        serde_json::to_string(&delivery.quarantined).unwrap()
    );
    let stored = |rows: &[OrphanedRow]| serde_json::to_string(rows).unwrap();
    let orphaned = &arrived.orphaned_rows;
    assert_eq!((stored(orphaned), orphaned.len()), (stored(&delivery.orphaned_rows), 1));
    let offered = here.pushes(vec![queue(4, "bad"), queue(4, "with")]).proposals;
    assert_eq!((here.queues().as_str(), offered.len()), ("bad q1 q2 with", 1));
    assert_eq!(here.found().quarantined, 0);
}

pub fn an_arrival_is_not_ended_before_it_is_exactly_what_was_announced(place: &impl Place) {
    let store = place.open();
    let there = furnished(&store, "Bakery");
    let (announced, (delivery, checksum)) = (there.as_from_elsewhere(), there.everything());
    block_on(store.arrive(&announced)).unwrap();
    block_on(store.deliver(&announced.origin, &delivery)).unwrap();
    let finish =
        || block_on(store.finish_move(&FinishMove { origin: announced.clone(), checksum: checksum.clone() }, by(NOW)));
    let deliver = |rows| block_on(store.deliver(&announced.origin, &Delivery { rows, ..Delivery::default() })).unwrap();
    for wrong in [vec![queue(5, "more")], vec![deleted(5, "q1")], vec![queue(5, "q2")]] {
        deliver(wrong);
        assert_eq!(code(finish()), "incomplete");
        deliver(vec![queue(1, "q1"), queue(2, "q2"), deleted(5, "more")]);
    }
    block_on(store.deliver(&announced.origin, &Delivery { clears: true, ..Delivery::default() })).unwrap();
    assert_eq!(code(finish()), "incomplete", "what is quarantined is missing");
    block_on(store.deliver(&announced.origin, &delivery)).unwrap();
    finish().unwrap();
}

pub fn what_is_here_takes_no_arrival_but_that_which_it_came_by(place: &impl Place) {
    let store = place.open();
    let mut edge = furnished(&store, "Bakery");
    let announced = edge.found();
    let (delivery, checksum) = edge.everything();
    assert_eq!(block_on(store.arrive(&announced)).unwrap(), Arrival::Finished);
    let none = Delivery::default();
    assert_eq!(code(block_on(store.deliver(&announced.origin, &none))), "phase");
    assert_eq!(code(block_on(store.deliver("nobody", &none))), "origin");
    edge.pushes(vec![queue(7, "q7")]);
    assert_eq!(block_on(store.arrive(&announced)).unwrap(), Arrival::Finished, "it has gone on since");
    let further = Origin { head: edge.batch(vec![queue(8, "q8")]).base, ..edge.found() };
    let further = Origin { head: telecomx_local::domain::mirror::Head { acked: 99, ..further.head }, ..further };
    assert_eq!(code(block_on(store.arrive(&further))), "origin");
    assert_eq!(
        code(block_on(store.finish_move(&FinishMove { origin: further, checksum: checksum.clone() }, by(NOW)))),
        "origin"
    );
    edge.change_phase(&leaving());
    assert_eq!(code(block_on(store.arrive(&announced))), "origin");
    edge.change_phase(&moved());
    assert_eq!(block_on(store.arrive(&announced)).unwrap(), Arrival::Begun, "it comes back");
    assert_eq!(block_on(store.arrive(&announced)).unwrap(), Arrival::Begun);
    assert_eq!(edge.found().head, telecomx_local::domain::mirror::Head::EMPTY, "what is here may be of any time");
    block_on(store.deliver(&announced.origin, &delivery)).unwrap();
    block_on(store.deliver(&announced.origin, &Delivery { rows: vec![deleted(7, "q7")], ..none })).unwrap();
    block_on(store.finish_move(&FinishMove { origin: announced.clone(), checksum }, by(NOW))).unwrap();
    assert_eq!(edge.found(), Origin { used: None, ..announced });
}

pub fn a_row_version_differs_with_everything_in_the_row(place: &impl Place) {
    let store = place.open();
    let edge = furnished(&store, "Bakery");
    let (delivery, _) = edge.everything();
    let kept = delivery.rows.iter().find(|row| row.id == "q1").unwrap();
    assert_eq!(RowVersion::of(kept), RowVersion::of(&queue(1, "q1")));
    for other in [queue(2, "q1"), row(1, "q1", "{}"), queue(1, "q2")] {
        assert_ne!(RowVersion::of(kept), RowVersion::of(&other));
    }
}
