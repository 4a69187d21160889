//! Edges and a hub over a bad network, killed, restored and cloned, by a seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use telecomx_local::domain::mirror::Head;
use telecomx_local::domain::time::Time;
use telecomx_local::hub::{Admits, HubStore};
use telecomx_local::mirror::edge::{Outcome, Outgoing};
use telecomx_local::mirror::wire::{Pace, Part, Push, Reply};

use super::simulated::{Chance, Expected, SimulatedEdge, SimulatedHub, block_on, folder};

const ORIGINS: usize = 2;
const STEPS: u64 = 80;
/// Exchanges in which a quiet edge must have come to rest.
const QUIET: usize = 60;

enum Message {
    Part(String),
    Push(String),
    /// The hub has kept a part.
    Kept,
    Reply(String),
}

/// An origin: its edge, perhaps a clone of it, and the messages between them and the hub.
struct Side {
    origin: String,
    edges: Vec<SimulatedEdge>,
    /// To which edge, or from which.
    network: Vec<(usize, Message)>,
    is_waiting: Vec<bool>,
    expected: Expected,
    /// It, or its hub, was restored or cloned.
    is_disturbed: bool,
}

pub struct Simulation {
    chance: Chance,
    hub: SimulatedHub,
    sides: Vec<Side>,
    /// Nothing is restored or cloned.
    is_calm: bool,
    _folder: tempfile::TempDir,
}

/// Plays one seed to its end. The error says what law was broken.
pub fn play(seed: u64) -> Result<(), String> {
    let mut simulation = Simulation::new(seed);
    for _ in 0..STEPS {
        simulation.step()?;
    }
    simulation.come_to_rest()
}

impl Simulation {
    fn new(seed: u64) -> Simulation {
        let folder = folder();
        let mut chance = Chance(seed);
        let hub = SimulatedHub::new(folder.path().join("hub.db"));
        let sides = (0..ORIGINS)
            .map(|i| {
                let (origin, now) = (format!("origin{i}"), Time::from_millis(0));
                let hash = [i as u8; 32];
                block_on(hub.store().add_code(hash, &Admits::New(origin.clone()), now)).unwrap();
                block_on(hub.store().enroll(hash, hash, &origin, now)).unwrap().unwrap();
                let edge = SimulatedEdge::enrolled(folder.path().join(format!("{origin}.db")), &origin, chance.uuid());
                Side {
                    origin,
                    edges: vec![edge],
                    network: vec![],
                    is_waiting: vec![false],
                    expected: Expected::new(),
                    is_disturbed: false,
                }
            })
            .collect();
        Simulation { chance, hub, sides, is_calm: seed.is_multiple_of(3), _folder: folder }
    }

    fn step(&mut self) -> Result<(), String> {
        let i = self.chance.below(ORIGINS as u64) as usize;
        let k = self.chance.below(self.sides[i].edges.len() as u64) as usize;
        match self.chance.below(100) {
            0..25 => self.sides[i].edges[k].work(&mut self.chance),
            25..50 => self.send(i, k),
            50..82 => self.deliver_any(i)?,
            82..86 => self.give_up(i, k),
            86..89 => {
                self.sides[i].edges[k].crash();
                self.sides[i].is_waiting[k] = false;
            }
            89..91 => self.hub.crash(),
            91..93 => self.sides[i].edges[k].keep_image(&mut self.chance),
            93..95 => self.hub.back_up(),
            _ if self.is_calm => {}
            95..97 => {
                self.sides[i].edges[k].restore(&mut self.chance);
                self.sides[i].is_waiting[k] = false;
                self.sides[i].is_disturbed = true;
            }
            97..98 => {
                self.hub.restore();
                self.sides.iter_mut().for_each(|side| side.is_disturbed = true);
            }
            _ if self.sides[i].edges.len() == 1 => {
                let clone = self.sides[i].edges[0].cloned(&mut self.chance);
                self.sides[i].edges.push(clone);
                self.sides[i].is_waiting = vec![false; 2];
                self.sides[i].is_disturbed = true;
            }
            _ => self.retire_clone(i),
        }
        Ok(())
    }

    fn retire_clone(&mut self, i: usize) {
        let side = &mut self.sides[i];
        side.edges.truncate(1);
        side.is_waiting.truncate(1);
        side.network.retain(|(k, _)| *k == 0);
    }

    fn give_up(&mut self, i: usize, k: usize) {
        self.sides[i].edges[k].edge().failed();
        self.sides[i].is_waiting[k] = false;
    }

    fn send(&mut self, i: usize, k: usize) {
        let side = &mut self.sides[i];
        if side.is_waiting[k] {
            return;
        }
        let max_bytes = 300 + self.chance.below(2_000) as usize;
        let chance = &mut self.chance;
        let message = block_on(side.edges[k].edge().next(max_bytes, &mut || chance.uuid())).unwrap();
        let message = match message {
            Outgoing::Part(part) => Message::Part(serde_json::to_string(&part).unwrap()),
            Outgoing::Push(push) => {
                if push.to == push.snap {
                    side.expected.insert(push.attempt, side.edges[k].rows());
                }
                Message::Push(serde_json::to_string(&push).unwrap())
            }
        };
        side.network.push((k, message));
        side.is_waiting[k] = true;
    }

    /// One message, any: delivered, lost, or delivered and kept to come again.
    fn deliver_any(&mut self, i: usize) -> Result<(), String> {
        if self.sides[i].network.is_empty() {
            return Ok(());
        }
        let place = self.chance.below(self.sides[i].network.len() as u64) as usize;
        match self.chance.below(10) {
            0 => {
                self.sides[i].network.swap_remove(place);
                Ok(())
            }
            1 => {
                let (k, message) = &self.sides[i].network[place];
                let again = match message {
                    Message::Part(text) => Message::Part(text.clone()),
                    Message::Push(text) => Message::Push(text.clone()),
                    Message::Kept => Message::Kept,
                    Message::Reply(text) => Message::Reply(text.clone()),
                };
                let (k, again) = (*k, again);
                self.deliver(i, k, again)
            }
            _ => {
                let (k, message) = self.sides[i].network.swap_remove(place);
                self.deliver(i, k, message)
            }
        }
    }

    fn deliver(&mut self, i: usize, k: usize, message: Message) -> Result<(), String> {
        let now = Time::from_millis(0);
        match message {
            Message::Part(text) => {
                let part: Part = serde_json::from_str(&text).unwrap();
                block_on(self.hub.store().stage(&self.sides[i].origin, &part)).unwrap();
                self.sides[i].network.push((k, Message::Kept));
            }
            Message::Push(text) => {
                let push: Push = serde_json::from_str(&text).unwrap();
                let taken = block_on(self.hub.store().push(&self.sides[i].origin, &push, now)).unwrap();
                self.check_claim(i)?;
                let reply = taken.reply(push.request, Pace::default(), now);
                self.sides[i].network.push((k, Message::Reply(serde_json::to_string(&reply).unwrap())));
            }
            // The next part, or the push, may be sent.
            Message::Kept => self.sides[i].is_waiting[k] = false,
            Message::Reply(text) => {
                let reply: Reply = serde_json::from_str(&text).unwrap();
                let fresh = self.chance.uuid();
                let outcome = block_on(self.sides[i].edges[k].edge().answered(&reply, fresh)).unwrap();
                self.sides[i].is_waiting[k] = false;
                let is_alarm = matches!(outcome, Outcome::Forked(_) | Outcome::Rewound { .. });
                if is_alarm && !self.sides[i].is_disturbed {
                    return Err(format!("{}: {outcome:?} without a cause", self.sides[i].origin));
                }
            }
        }
        Ok(())
    }

    /// Where the hub says that it is consistent, it holds what the edge held when it made the attempt.
    fn check_claim(&self, i: usize) -> Result<(), String> {
        let side = &self.sides[i];
        let origin =
            block_on(self.hub.store().origins()).unwrap().into_iter().find(|o| o.origin == side.origin).unwrap();
        if !origin.is_consistent() || origin.head == Head::EMPTY {
            return Ok(());
        }
        let expected =
            side.expected.get(&origin.head.attempt).ok_or("consistent, at a write that is not the newest")?;
        if self.hub.rows(&side.origin) == *expected { Ok(()) } else { Err(format!("{}: a false claim", side.origin)) }
    }

    /// Everything that is under way arrives or is lost, and nothing breaks any more.
    fn come_to_rest(mut self) -> Result<(), String> {
        for i in 0..ORIGINS {
            self.retire_clone(i);
            while !self.sides[i].network.is_empty() {
                self.deliver_any(i)?;
            }
            self.exchange_until_consistent(i)?;
        }
        self.hub.back_up();
        for i in 0..ORIGINS {
            self.exchange_until_consistent(i)?;
            let side = &self.sides[i];
            let edge = &side.edges[0];
            if self.hub.rows(&side.origin) != edge.rows() {
                return Err(format!("{}: the mirror differs", side.origin));
            }
            let left = (edge.count("select count(*) from tombstones"), edge.count("select count(*) from attempts"));
            if left.0 != 0 || left.1 > 1 {
                return Err(format!("{}: {} tombstones and {} attempts are left", side.origin, left.0, left.1));
            }
        }
        Ok(())
    }

    fn exchange_until_consistent(&mut self, i: usize) -> Result<(), String> {
        self.give_up(i, 0);
        for round in 0..QUIET {
            self.send(i, 0);
            while let Some((k, message)) = self.sides[i].network.pop() {
                self.deliver(i, k, message)?;
            }
            let edge = &mut self.sides[i].edges[0];
            let position = edge.edge().position().unwrap();
            // Once more, so that what has become stable is heard of.
            if round > 0 && position.resetting.is_none() && position.acked == edge.high() {
                return Ok(());
            }
        }
        let position = self.sides[i].edges[0].edge().position();
        Err(format!("{}: stuck at {position:?}", self.sides[i].origin))
    }
}

/// `SEED=7`: that one; `SEEDS=100000`: as many; else a thousand.
fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(1_000),
    }
}

#[test]
fn whatever_breaks_the_mirror_is_exact_afterwards() {
    let (next, seeds) = (AtomicU64::new(seeds().start), seeds());
    let failed = Mutex::new(vec![]);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| seeds.contains(seed)) {
                    if let Err(error) = play(seed) {
                        failed.lock().unwrap().push(format!("SEED={seed}: {error}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} seeds failed, such as {:?}", failed.len(), &failed[..failed.len().min(5)]);
    println!("{} seeds", seeds.end - seeds.start);
}
