//! Two edges under one name, and one edge that is put back again and again.

use telecomx_local::sync::hub::store::HubStore;

use crate::drive::block_on;
use crate::hub::SimulatedHub;
use crate::simulation::{BY, Simulation};

fn is_locked(simulation: &Simulation) -> bool {
    simulation.hub.origin("origin0").is_locked
}

fn write_and_exchange(simulation: &mut Simulation, k: usize) {
    simulation.sides[0].edges[k].work(&mut simulation.chance);
    // To hear of the fork, to begin anew in some parts, and to go on.
    (0..12).for_each(|_| simulation.exchange(0, k).unwrap());
}

#[test]
fn of_two_live_clones_nothing_is_taken_until_somebody_decides() {
    for seed in 0..20 {
        let mut simulation: Simulation = Simulation::quiet(seed);
        write_and_exchange(&mut simulation, 0);
        simulation.clone_edge(0);
        for turn in 0..8 {
            write_and_exchange(&mut simulation, turn % 2);
        }
        assert!(is_locked(&simulation), "seed {seed}");
        simulation.retire_clone(0);
        write_and_exchange(&mut simulation, 0);
        assert!(is_locked(&simulation), "seed {seed}: it unlocked by itself");
        block_on(simulation.hub.store().unlock("origin0", BY)).unwrap();
        write_and_exchange(&mut simulation, 0);
        assert!(!is_locked(&simulation), "seed {seed}");
        simulation.come_to_rest().unwrap();
    }
}

#[test]
fn an_edge_that_is_put_back_to_one_image_again_and_again_is_one_edge() {
    for seed in 0..20 {
        let mut simulation: Simulation = Simulation::quiet(seed);
        write_and_exchange(&mut simulation, 0);
        simulation.sides[0].edges[0].keep_image(&mut simulation.chance);
        for _ in 0..6 {
            write_and_exchange(&mut simulation, 0);
            simulation.sides[0].edges[0].restore(&mut simulation.chance);
            write_and_exchange(&mut simulation, 0);
            assert!(!is_locked(&simulation), "seed {seed}");
        }
        simulation.come_to_rest().unwrap();
    }
}
