//! Rows that cannot be mirrored: quarantined with their write, shown on both sides, retried or dropped.

use telecomx_local::store::quarantine;
use telecomx_local::sync::hub::store::HubStore;

use crate::drive::block_on;
use crate::hub::SimulatedHub;
use crate::network::Message;
use crate::simulation::Simulation;
use crate::world::{change, employee};

/// One edge that has written something of which a row cannot be read, and another row.
fn with_unreadable_row() -> Simulation {
    let simulation = Simulation::quiet(0);
    simulation.sides[0].edges[0].make_unreadable(0, 1);
    simulation
}

fn here(simulation: &Simulation) -> Vec<String> {
    let entries = simulation.sides[0].edges[0].db().read(quarantine::list).unwrap();
    entries.into_iter().map(|entry| entry.code).collect()
}

fn there(simulation: &Simulation) -> Vec<String> {
    block_on(simulation.hub.store().quarantine("origin0")).unwrap().into_iter().map(|row| row.code).collect()
}

fn give_up_row(simulation: &Simulation) {
    let edge = &simulation.sides[0].edges[0];
    let id = edge.db().read(quarantine::list).unwrap()[0].id;
    edge.write(move |tx| quarantine::drop(tx, id)).unwrap();
}

fn exchange(simulation: &mut Simulation) {
    (0..8).for_each(|_| simulation.exchange(0, 0).unwrap());
}

#[test]
fn a_row_that_cannot_be_read_is_quarantined_with_its_write_and_later_writes_are_not() {
    let mut simulation = with_unreadable_row();
    exchange(&mut simulation);
    assert_eq!((here(&simulation), there(&simulation)), (vec!["unreadable".into()], vec!["unreadable".into()]));
    assert_eq!(simulation.hub.quarantined("origin0").len(), 2);
    // A write of another row, which mends nothing.
    simulation.sides[0].edges[0].write(|tx| change(tx, employee(3), 0, 5)).unwrap();
    exchange(&mut simulation);
    assert!(!simulation.hub.origin("origin0").is_consistent());
    simulation.come_to_rest().unwrap();
}

#[test]
fn with_a_row_given_up_the_rest_of_its_write_is_taken_and_the_row_once_it_has_changed() {
    let mut simulation = with_unreadable_row();
    exchange(&mut simulation);
    give_up_row(&simulation);
    exchange(&mut simulation);
    assert_eq!((here(&simulation), there(&simulation)), (vec!["dropped".into()], vec!["dropped".into()]));
    assert_eq!(simulation.hub.quarantined("origin0").len(), 1);
    assert!(!simulation.hub.origin("origin0").is_consistent());
    simulation.come_to_rest().unwrap();
}

#[test]
fn an_answer_that_was_under_way_takes_back_nothing() {
    let mut simulation = with_unreadable_row();
    exchange(&mut simulation);
    simulation.send(0, 0).unwrap();
    give_up_row(&simulation);
    while let Some((k, message)) = simulation.sides[0].network.pop() {
        assert!(!matches!(message, Message::Part(_)));
        simulation.deliver(0, k, message).unwrap();
    }
    assert_eq!(here(&simulation), ["dropped"]);
    exchange(&mut simulation);
    assert_eq!(there(&simulation), ["dropped"]);
}

#[test]
fn a_row_that_was_given_up_is_so_for_a_hub_that_was_restored() {
    let mut simulation = with_unreadable_row();
    simulation.hub.back_up();
    exchange(&mut simulation);
    give_up_row(&simulation);
    exchange(&mut simulation);
    simulation.hub.restore();
    exchange(&mut simulation);
    assert_eq!((here(&simulation), there(&simulation)), (vec!["dropped".into()], vec!["dropped".into()]));
}
