//! Proposals of the hub, and their answers.

use serde_json::value::RawValue;
use telecomx_local::domain::mirror::Table;
use telecomx_local::domain::proposal::{Copy, Proposal, ProposalAnswer, ProposalResult};
use telecomx_local::sync::hub::proposals::ProposalRecord;
use telecomx_local::sync::hub::store::HubStore;
use telecomx_local::sync::protocol::wire::Push;
use uuid::Uuid;

use super::Place;
use super::edge::{DAY_MS, NOW, TestEdge, block_on, code, grows_old, queue, row};

pub fn patch(id: &str, patch: &str) -> Proposal {
    Proposal {
        uuid: Uuid::new_v4(),
        seq: 0,
        table: Table::Queue,
        id: id.into(),
        base_rev: None,
        base: None,
        patch: Some(RawValue::from_string(patch.into()).unwrap()),
        copy: None,
        expires_ms: NOW.plus_ms(DAY_MS).millis(),
        author: "Olga".into(),
        level: None,
        task: None,
    }
}

impl<S: HubStore> TestEdge<'_, S> {
    fn file(&self, proposal: &Proposal) -> ProposalRecord {
        block_on(self.store.file_proposal(&self.origin, proposal.clone(), NOW)).unwrap()
    }

    fn filed(&self) -> Vec<ProposalRecord> {
        block_on(self.store.proposals(&self.origin, 0, 1_000)).unwrap()
    }
}

fn numbers(proposals: &[Proposal]) -> Vec<i64> {
    proposals.iter().map(|proposal| proposal.seq).collect()
}

pub fn proposals_are_numbered_and_offered_until_they_are_answered(place: &impl Place) {
    let store = place.open();
    let (mut edge, mut other) = (TestEdge::enrolled(&store, "Bakery"), TestEdge::enrolled(&store, "Other"));
    let filed: Vec<Proposal> =
        (1..=3).map(|n| edge.file(&patch("q1", &format!(r#"{{"name":"{n}"}}"#))).proposal).collect();
    assert_eq!(numbers(&filed), [1, 2, 3]);
    let idle = edge.batch(vec![]);
    assert_eq!(numbers(&edge.push(&idle).proposals), [1, 2, 3]);
    let outcome =
        ProposalAnswer { uuid: filed[1].uuid, result: ProposalResult::Applied, rev: None, detail: String::new() };
    let answered = Push { outcomes: vec![outcome], ..idle.clone() };
    assert_eq!(numbers(&edge.push(&answered).proposals), [1, 3], "not the one that is answered with it");
    assert_eq!(numbers(&edge.push(&idle).proposals), [1, 3]);
    assert_eq!(numbers(&edge.pushes(vec![queue(1, "q1")]).proposals), [1, 3]);
    let behind = Push { snap: 9, ..edge.batch(vec![queue(2, "q2")]) };
    assert_eq!(numbers(&edge.push(&behind).proposals), [0; 0], "first it sends everything");
    assert!(!edge.try_push(&idle).unwrap().accepted && edge.try_push(&idle).unwrap().proposals.is_empty());
    assert_eq!(numbers(&other.pushes(vec![queue(1, "q1")]).proposals), [0; 0]);
    let listed = block_on(store.proposals(&edge.origin, 1, 1)).unwrap();
    assert_eq!(listed.iter().map(|record| record.proposal.seq).collect::<Vec<_>>(), [2]);
}

pub fn a_reset_opens_again_what_may_be_lost_with_it(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let filed = edge.file(&patch("q1", r#"{"name":"n"}"#)).proposal;
    let outcome =
        ProposalAnswer { uuid: filed.uuid, result: ProposalResult::Applied, rev: Some(1), detail: String::new() };
    edge.push(&Push { outcomes: vec![outcome.clone()], ..edge.batch(vec![queue(1, "q1")]) });
    let replacement = edge.reset(2, 0, vec![queue(1, "q1")]);
    assert_eq!(numbers(&edge.push(&replacement).proposals), [0; 0], "it begins with what the hub has");
    assert_eq!(numbers(&edge.push(&edge.reset(3, 1, vec![queue(2, "q2")])).proposals), [1]);
    assert!(edge.filed()[0].answer.is_none());
    let again = Push { outcomes: vec![outcome], ..edge.reset(4, 3, vec![queue(2, "q2")]) };
    assert_eq!(numbers(&edge.push(&again).proposals), [0; 0], "an answer that comes with a reset holds");
}

pub fn a_proposal_is_completed_from_the_mirror(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![row(7, "q1", r#"{"_id":"q1","customer":"c","name":"Old","x":1.50}"#)]);
    let filed = edge.file(&patch("q1", r#"{"name":"New","x":2,"more":[ 1 ]}"#)).proposal;
    assert_eq!((filed.base_rev, filed.base.unwrap().get()), (Some(7), r#"{"name":"Old","x":1.50}"#));
    let none = edge.file(&patch("q2", r#"{"name":"New"}"#)).proposal;
    assert_eq!((none.base_rev, none.base.unwrap().get()), (Some(0), "{}"));
    let at = |rev| Proposal { base_rev: Some(rev), ..patch("q1", r#"{"name":"n"}"#) };
    assert_eq!(edge.file(&at(7)).proposal.seq, 3);
    assert_eq!(code(block_on(store.file_proposal(&edge.origin, at(6), NOW))), "base_rev");
    let id = |n: u64| format!("{n:024}").parse().unwrap();
    let copy = Some(Copy { from: id(1), to: id(2) });
    let copied = edge.file(&Proposal { table: Table::MobileConfig, copy, patch: None, ..patch("q1", "{}") });
    let listed = edge.filed();
    assert_eq!((listed.len(), listed[3].proposal.copy, listed[3].proposal.uuid), (4, copy, copied.proposal.uuid));
    let first = &listed[0].proposal;
    assert_eq!((first.patch.as_ref().unwrap().get(), &*first.author), (r#"{"name":"New","x":2,"more":[ 1 ]}"#, "Olga"));
    assert_eq!((first.expires_ms, listed[0].filed_at), (NOW.plus_ms(DAY_MS).millis(), NOW));
}

pub fn the_same_uuid_again_is_the_same_proposal(place: &impl Place) {
    let store = place.open();
    let (edge, other) = (TestEdge::enrolled(&store, "Bakery"), TestEdge::enrolled(&store, "Other"));
    let proposal = patch("q1", r#"{"name":"n"}"#);
    let first = edge.file(&proposal).proposal.seq;
    edge.file(&patch("q1", r#"{"name":"m"}"#));
    assert_eq!(edge.file(&proposal).proposal.seq, first);
    let another = Proposal { id: "q2".into(), ..proposal.clone() };
    assert_eq!(code(block_on(store.file_proposal(&edge.origin, another, NOW))), "uuid");
    assert_eq!(edge.filed().len(), 2);
    assert_eq!(other.file(&proposal).proposal.seq, 1, "a uuid is of its origin");
}

pub fn an_answer_is_noted_with_the_push_that_brings_it(place: &impl Place) {
    let store = place.open();
    let (mut edge, other) = (TestEdge::enrolled(&store, "Bakery"), TestEdge::enrolled(&store, "Other"));
    let (one, two, three) = (patch("q1", "{}"), patch("q1", "{}"), patch("q1", "{}"));
    for proposal in [&one, &two, &three] {
        edge.file(proposal);
    }
    other.file(&one);
    let outcome = |proposal: &Proposal, result, rev, detail: &str| ProposalAnswer {
        uuid: proposal.uuid,
        result,
        rev,
        detail: detail.into(),
    };
    let applied = outcome(&one, ProposalResult::Applied, Some(9), "");
    let stranger = outcome(&patch("q1", "{}"), ProposalResult::Applied, None, "");
    let late = Push {
        outcomes: vec![applied.clone()],
        base: telecomx_local::domain::mirror::Head { acked: 4, ..edge.head },
        ..edge.batch(vec![])
    };
    assert!(!edge.try_push(&late).unwrap().accepted && edge.filed()[0].answer.is_none());
    let conflict = outcome(&two, ProposalResult::Conflict, None, "a\0b");
    let push = Push { outcomes: vec![stranger, applied.clone(), conflict], ..edge.batch(vec![queue(1, "q1")]) };
    edge.push(&push);
    let filed = edge.filed();
    assert_eq!(filed[0].answer, Some((applied, NOW)));
    assert_eq!(filed[1].answer.as_ref().unwrap().0.result, ProposalResult::Conflict);
    assert!(filed[2].answer.is_none() && other.filed()[0].answer.is_none());
    let idle = Push { outcomes: vec![outcome(&two, ProposalResult::Rejected, None, "no")], ..edge.batch(vec![]) };
    edge.push(&idle);
    assert_eq!(edge.filed()[1].answer.as_ref().unwrap().0.result, ProposalResult::Rejected, "the last one holds");
}

pub fn answered_proposals_are_forgotten_after_a_quarter(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let (answered, open) = (patch("q1", "{}"), patch("q1", "{}"));
    edge.file(&answered);
    edge.file(&open);
    let outcome =
        ProposalAnswer { uuid: answered.uuid, result: ProposalResult::Expired, rev: None, detail: String::new() };
    edge.push(&Push { outcomes: vec![outcome], ..edge.batch(vec![]) });
    grows_old(&store, NOW.plus_ms(89 * DAY_MS));
    assert_eq!(edge.filed().len(), 2);
    grows_old(&store, NOW.plus_ms(91 * DAY_MS));
    let left = edge.filed();
    assert_eq!((left.len(), left[0].proposal.uuid), (1, open.uuid));
    let outcome = ProposalAnswer { uuid: open.uuid, result: ProposalResult::Expired, rev: None, detail: String::new() };
    edge.push(&Push { outcomes: vec![outcome], ..edge.batch(vec![]) });
    block_on(store.prune(NOW.plus_ms(91 * DAY_MS))).unwrap();
    assert_eq!(edge.file(&patch("q1", "{}")).proposal.seq, 3, "no number comes twice");
}

pub fn one_answer_offers_no_more_than_an_edge_can_take(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(600_000));
    for _ in 0..3 {
        edge.file(&patch("q1", &large));
    }
    for _ in 0..120 {
        edge.file(&patch("q1", "{}"));
    }
    let idle = edge.batch(vec![]);
    let result = edge.push(&idle);
    assert_eq!(numbers(&result.proposals), [1]);
    let outcomes = edge.filed().into_iter().take(3).map(|record| record.proposal.uuid);
    let outcomes = outcomes.map(|uuid| ProposalAnswer {
        uuid,
        result: ProposalResult::Rejected,
        rev: None,
        detail: String::new(),
    });
    let answered = Push { outcomes: outcomes.collect(), ..idle };
    assert_eq!(edge.push(&answered).proposals.len(), 50);
}
