//! One history: it begins with both sides equal, and ends when nothing waits any more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};
use telecomx_local::domain::id::Id;
use telecomx_local::domain::platform::{Operation, OperationState};
use telecomx_local::platform::driver::Driver;
use telecomx_local::platform::outcome;
use telecomx_local::store::platform::operations;
use telecomx_local::store::{Window, employees};
use telecomx_local::usecases::intents;

use crate::chance::Chance;
use crate::double::World;
use crate::line::Line;
use crate::local::Local;
use crate::oracle::Oracle;

/// Where histories are played, one after the other.
pub struct Stage {
    local: Local,
}

impl Stage {
    pub fn new() -> Stage {
        Stage { local: Local::new() }
    }
}

/// Plays the seeds; what was wrong with those that failed.
pub fn play_all(stage: &mut Stage, seeds: impl Iterator<Item = u64>) -> Vec<String> {
    seeds.filter_map(|seed| play(stage, seed).err().map(|wrong| format!("seed {seed}: {wrong}"))).collect()
}

pub fn play(stage: &mut Stage, seed: u64) -> Result<(), String> {
    match catch_unwind(AssertUnwindSafe(|| History::new(&stage.local, seed).play())) {
        Ok(played) => played,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            Err(text.unwrap_or_else(|| panic.downcast_ref::<&str>().copied().unwrap_or("a panic").to_owned()))
        }
    }
}

pub struct History<'l> {
    pub local: &'l Local,
    pub world: Arc<Mutex<World>>,
    pub driver: Driver<Line>,
    pub chance: Chance,
    pub customer: Id,
    pub oracle: Oracle,
    pub next_value: u64,
    pub seed: u64,
}

pub fn fields(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

impl<'l> History<'l> {
    fn new(local: &'l Local, seed: u64) -> History<'l> {
        let mut chance = Chance(seed);
        let customer = format!("c0{seed:022x}");
        let world = World::new(&customer, seed, 2 + chance.below(3));
        let world = Arc::new(Mutex::new(world));
        local.connect();
        let driver = local.driver(Line(world.clone()));
        let customer = customer.parse().unwrap();
        History { local, world, driver, chance, customer, oracle: Oracle::default(), next_value: 0, seed }
    }

    fn play(mut self) -> Result<(), String> {
        self.round()?;
        let percent = [0, 15, 35][self.chance.below(3) as usize];
        self.world.lock().unwrap().faults_percent = percent;
        for _ in 0..8 + self.chance.below(10) {
            self.step()?;
        }
        self.world.lock().unwrap().faults_percent = 0;
        self.settle_down()?;
        let open: Vec<Operation> = [OperationState::Conflict, OperationState::Refused]
            .into_iter()
            .flat_map(|state| self.open(state))
            .collect();
        let world = self.world.lock().unwrap();
        if std::env::var("SEED").is_ok() {
            world.made.iter().for_each(|made| eprintln!("| {made:?}"));
            eprintln!("| created {:?}", world.created);
        }
        self.oracle.check(self.local, self.customer, &world, &open)
    }

    /// Rounds until nothing waits. What is in conflict a person decides; that may bring what stood behind it into conflict.
    fn settle_down(&mut self) -> Result<(), String> {
        self.world.lock().unwrap().between_pages.clear();
        for _ in 0..20 {
            self.round()?;
            self.round()?;
            let conflicts = self.open(OperationState::Conflict);
            conflicts.iter().for_each(|operation| self.decide(operation));
            if conflicts.is_empty() && self.open(OperationState::Waiting).is_empty() {
                self.round()?;
                return self.round();
            }
        }
        Err(format!("it does not settle: {:?}", self.open(OperationState::Waiting).first()))
    }

    /// One round. When it counts as whole, everything that was there all along is here.
    pub fn round(&mut self) -> Result<(), String> {
        let (before, swaps) = {
            let world = self.world.lock().unwrap();
            (world.employees.keys().cloned().collect::<Vec<String>>(), world.swaps)
        };
        let round = self.driver.round();
        self.tell(|| format!("round {round:?}"));
        let Ok(round) = round else { return Ok(()) };
        if round.failed > 0 {
            return Ok(());
        }
        let world = self.world.lock().unwrap();
        // What stood behind a swap comes with the next round.
        if world.swaps > swaps {
            return Ok(());
        }
        let stayed = before.into_iter().filter(|id| world.employees.contains_key(id));
        let waiting = self.open(OperationState::Waiting);
        let deleted: Vec<Id> = waiting.iter().map(|operation| operation.target).collect();
        let creates =
            waiting.iter().filter(|operation| operation.call == telecomx_local::domain::platform::Call::CreateEmployee);
        let to_create: Vec<serde_json::Value> = creates.map(|create| create.change.to["name"].clone()).collect();
        for id in stayed {
            let id: Id = id.parse().unwrap();
            let is_here = self.local.db.read(|tx| employees::find_live(tx, id)).unwrap().is_some();
            // What is to be created still, and was: the sender finds it.
            let is_to_be_found = world
                .created
                .iter()
                .any(|(made, name)| *made == id.to_string() && to_create.iter().any(|to| to == &**name));
            if !is_here && !deleted.contains(&id) && !self.is_open(id) && !is_to_be_found {
                return Err(format!("{id} was at the platform all along, and a whole round did not bring it"));
            }
        }
        Ok(())
    }

    /// What happens, for whoever looks at one history.
    pub fn tell(&self, what: impl FnOnce() -> String) {
        if std::env::var("SEED").is_ok() {
            eprintln!("| {}", what());
            for operation in [OperationState::Waiting, OperationState::Conflict, OperationState::Refused]
                .into_iter()
                .flat_map(|state| self.open(state))
            {
                eprintln!(
                    "|    {} {:?} {:?} {} {:?} {:?}",
                    operation.seq, operation.state, operation.call, operation.target, operation.change, operation.error
                );
            }
        }
    }

    fn is_open(&self, id: Id) -> bool {
        [OperationState::Conflict, OperationState::Refused].into_iter().any(|state| {
            self.open(state).iter().any(|operation| operation.target == id)
                || self
                    .open(state)
                    .iter()
                    .any(|operation| operation.theirs.as_ref().is_some_and(|t| t.contains(&id.to_string())))
        })
    }

    fn open(&self, state: OperationState) -> Vec<Operation> {
        let window = Window { offset: 0, limit: 1_000 };
        self.local.db.read(|tx| operations::list(tx, Some(state), window)).unwrap().rows
    }

    /// A person decides.
    fn decide(&mut self, operation: &Operation) {
        let (seq, is_mine) = (operation.seq, self.chance.below(2) == 0);
        self.oracle.decided.push((operation.clone(), is_mine));
        self.local.write(intents::author(), move |tx| outcome::decide(tx, seq, is_mine)).unwrap();
    }

    pub fn value(&mut self) -> String {
        self.next_value += 1;
        let refused = if self.chance.below(12) == 0 { " refused" } else { "" };
        format!("v{}.{}{refused}", self.seed, self.next_value)
    }

    /// Somebody who is here.
    pub fn somebody(&mut self) -> Option<Id> {
        let here = self.local.db.read(|tx| employees::live_of_customer(tx, self.customer)).unwrap();
        if here.is_empty() { None } else { Some(here[self.chance.below(here.len() as u64) as usize].id) }
    }

    pub fn somebody_there(&mut self) -> Option<String> {
        let world = self.world.lock().unwrap();
        let ids: Vec<&String> = world.employees.keys().collect();
        if ids.is_empty() { None } else { Some(ids[self.chance.below(ids.len() as u64) as usize].clone()) }
    }
}
