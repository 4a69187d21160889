//! One history: it begins with both sides equal, and ends when nothing waits any more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use telecomx_local::domain::id::Id;
use telecomx_local::domain::platform::{Call, Operation, OperationState};
use telecomx_local::platform::driver::Driver;
use telecomx_local::platform::outcome;
use telecomx_local::store::platform::operations;
use telecomx_local::store::{Window, employees};
use telecomx_local::usecases::intents;

use crate::chance::Chance;
use crate::double::{Line, World};
use crate::local::Local;
use crate::oracle::{Intent, Oracle};

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

struct History<'l> {
    local: &'l Local,
    world: Arc<Mutex<World>>,
    driver: Driver<Line>,
    chance: Chance,
    customer: Id,
    oracle: Oracle,
    next_value: u64,
    seed: u64,
}

fn fields(value: Value) -> Map<String, Value> {
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
    fn round(&mut self) -> Result<(), String> {
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
        let deleted: Vec<Id> =
            self.open(OperationState::Waiting).into_iter().map(|operation| operation.target).collect();
        for id in stayed {
            let id: Id = id.parse().unwrap();
            let is_here = self.local.db.read(|tx| employees::find_live(tx, id)).unwrap().is_some();
            if !is_here && !deleted.contains(&id) && !self.is_open(id) {
                return Err(format!("{id} was at the platform all along, and a whole round did not bring it"));
            }
        }
        Ok(())
    }

    /// What happens, for whoever looks at one history.
    fn tell(&self, what: impl FnOnce() -> String) {
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

    fn value(&mut self) -> String {
        self.next_value += 1;
        let refused = if self.chance.below(12) == 0 { " refused" } else { "" };
        format!("v{}.{}{refused}", self.seed, self.next_value)
    }

    /// Somebody who is here.
    fn somebody(&mut self) -> Option<Id> {
        let here = self.local.db.read(|tx| employees::live_of_customer(tx, self.customer)).unwrap();
        if here.is_empty() { None } else { Some(here[self.chance.below(here.len() as u64) as usize].id) }
    }

    fn somebody_there(&mut self) -> Option<String> {
        let world = self.world.lock().unwrap();
        let ids: Vec<&String> = world.employees.keys().collect();
        if ids.is_empty() { None } else { Some(ids[self.chance.below(ids.len() as u64) as usize].clone()) }
    }

    fn step(&mut self) -> Result<(), String> {
        let field = ["title", "department", "name"][self.chance.below(3) as usize];
        let step = self.chance.below(16);
        self.tell(|| format!("step {step} {field}"));
        match step {
            0..4 => self.update_here(field),
            4..6 => self.update_there(field),
            6 => self.create_here(),
            7 => {
                let name = self.value();
                let created =
                    json!({ "customer": self.customer, "accessLevel": "PERSONAL", "state": "ENABLED", "name": name });
                drop(self.world.lock().unwrap().create(&fields(created)));
            }
            8 => self.delete_somewhere(),
            9 => self.copy(),
            10 => self.change_config_there(),
            11 => self.change_customer(),
            12 => self.change_between_pages(),
            13 => {
                // Killed and started again: nothing but the database is left.
                self.driver = self.local.driver(Line(self.world.clone()));
            }
            14 => drop(self.driver.send()),
            _ => self.round()?,
        }
        Ok(())
    }

    fn update_here(&mut self, field: &str) {
        let Some(id) = self.somebody() else { return };
        let to = self.value();
        let was = self.local.db.read(|tx| employees::find(tx, id)).unwrap().unwrap();
        let was = intents::fields_of(&was).unwrap().get(field).cloned().unwrap_or_default();
        if self.local.update(id, fields(json!({ field: to })), crate::oracle::is_heard()) {
            self.oracle.intents.push(Intent { field: field.into(), was, to: to.into(), call: Call::UpdateEmployee });
        }
        // Now and then the platform changes the same, at the same time.
        if self.chance.below(4) == 0 {
            let other = self.value();
            self.world.lock().unwrap().change(&id.to_string(), &fields(json!({ field: other })), false);
        }
    }

    fn update_there(&mut self, field: &str) {
        let Some(id) = self.somebody_there() else { return };
        let to = self.value();
        self.world.lock().unwrap().change(&id, &fields(json!({ field: to })), false);
    }

    fn create_here(&mut self) {
        let name = self.value();
        let mut new = json!({ "customer": self.customer, "accessLevel": "PERSONAL", "name": name });
        if self.chance.below(2) == 0 {
            new["emailAddress"] = format!("n{}.{}@example.com", self.next_value, self.seed).into();
        }
        if self.local.create(fields(new)).is_some() {
            let to = name.into();
            self.oracle.intents.push(Intent { field: "name".into(), was: Value::Null, to, call: Call::CreateEmployee });
        }
    }

    fn delete_somewhere(&mut self) {
        if self.chance.below(2) == 0 {
            if let Some(id) = self.somebody() {
                self.local.delete(id);
            }
        } else if let Some(id) = self.somebody_there() {
            self.world.lock().unwrap().delete(&id, false);
        }
    }

    fn copy(&mut self) {
        if let (Some(from), Some(to)) = (self.somebody(), self.somebody()) {
            self.local.copy(from, to);
        }
    }

    fn change_config_there(&mut self) {
        let Some(id) = self.somebody_there() else { return };
        let entry = format!("{:024x}", 1 + self.chance.below(1_000));
        let configs = json!([{ "type": "COLLEAGUES", "items": [{ "_id": entry, "name": "y" }], "others": [] }]);
        self.world.lock().unwrap().set_config(&id, configs, false);
    }

    fn change_customer(&mut self) {
        let to = format!("+45{:08}", self.chance.below(100_000_000));
        if self.chance.below(2) == 0 {
            self.local.update_customer(self.customer, fields(json!({ "phoneNumber": to })));
        } else {
            let id = self.customer.to_string();
            self.world.lock().unwrap().change(&id, &fields(json!({ "phoneNumber": to })), false);
        }
    }

    /// While a list is read, one of the first page goes, and perhaps another comes.
    fn change_between_pages(&mut self) {
        let first = self.world.lock().unwrap().employees.keys().next().cloned();
        let Some(first) = first else { return };
        let name = self.value();
        let event = match self.chance.below(2) {
            0 => json!({}),
            _ => {
                json!({ "create": { "customer": self.customer, "accessLevel": "PERSONAL", "state": "ENABLED", "name": name } })
            }
        };
        self.world.lock().unwrap().between_pages.push_back((first, fields(event)));
    }
}
