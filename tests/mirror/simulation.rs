//! Edges and a hub over a bad network, killed, restored, cloned and more, by a seed.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use telecomx_local::domain::mirror::Table;
use telecomx_local::domain::proposal::Proposal;
use telecomx_local::domain::time::Time;
use telecomx_local::sync::hub::audit::Caller;
use telecomx_local::sync::hub::origin::EnrolmentKind;
use telecomx_local::sync::hub::store::HubStore;
use uuid::Uuid;

use crate::chance::Chance;
use crate::drive::block_on;
use crate::edge::SimulatedEdge;
use crate::hub::SimulatedHub;
use crate::network::Message;
#[cfg(feature = "postgres")]
use crate::on_postgres::OnPostgres;
use crate::on_sqlite::OnSqlite;
use crate::skew::Skew;
use crate::world::{Expected, folder};

/// Who decides at the hub.
pub const BY: Caller<'static> = Caller { name: "command line", now: Time::from_millis(0) };

pub const ORIGINS: usize = 2;
const STEPS: u64 = 80;
const DAY_MS: i64 = 24 * 3_600_000;
/// What a hub's clock may show at worst: the first time that there is, one that is plausible, and the last one.
const CLOCKS: [Time; 3] =
    [Time::from_millis(0), Time::from_millis(1_900_000_000_000), Time::from_millis(253_402_300_799_999)];

/// An origin: its edge, perhaps a clone of it, and the messages between them and the hub.
pub struct Side {
    pub origin: String,
    pub edges: Vec<SimulatedEdge>,
    /// To which edge, or from which.
    pub network: Vec<(usize, Message)>,
    pub is_waiting: Vec<bool>,
    pub expected: Expected,
    /// It was restored or cloned.
    pub may_fork: bool,
    /// Its hub was restored.
    pub may_rewind: bool,
    pub was_cloned: bool,
    /// The hash of the token that the edges have.
    pub token: [u8; 32],
    /// Attempts that none of the edges has made.
    pub forged: HashSet<Uuid>,
    /// The proposals that were filed.
    pub proposals: Vec<Proposal>,
    /// Proposals that the hub has received an answer to.
    pub answered: HashSet<Uuid>,
    /// By the push with the answers: the rows that were in the mirror once the hub had accepted it.
    pub brought: HashMap<Uuid, HashSet<(Table, String)>>,
}

/// What is played.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// Nothing is restored or cloned: nothing may look like it either.
    Calm,
    /// The hub is put back to its backup, the edges are as they were: none of them may begin anew.
    Rewound,
    /// Now and then something is.
    Troubled,
    /// Two clones live side by side for long.
    Torn,
}

pub struct Simulation<H = OnSqlite> {
    pub chance: Chance,
    pub hub: H,
    /// What time it is at the hub.
    pub now: Time,
    pub sides: Vec<Side>,
    pub skew: Skew,
    /// Things still go wrong.
    pub is_breaking: bool,
    pub kind: Kind,
    _folder: tempfile::TempDir,
}

/// Plays one seed to its end. The error says what law was broken.
pub fn play<H: SimulatedHub>(seed: u64) -> Result<(), String> {
    let mut simulation = Simulation::<H>::new(seed);
    for _ in 0..STEPS {
        simulation.step()?;
    }
    simulation.come_to_rest()
}

impl<H: SimulatedHub> Simulation<H> {
    pub fn new(seed: u64) -> Simulation<H> {
        let folder = folder();
        let mut chance = Chance(seed);
        let (hub, now) = (H::new(folder.path()), Time::from_millis(0));
        let sides = (0..ORIGINS)
            .map(|i| {
                let (origin, hash) = (format!("origin{i}"), [i as u8; 32]);
                block_on(hub.store().add_code(
                    hash,
                    &EnrolmentKind::New(origin.clone()),
                    Caller::new("command line", now),
                ))
                .unwrap();
                block_on(hub.store().enroll(hash, hash, &origin, None, now)).unwrap().unwrap();
                let edge = SimulatedEdge::enrolled(folder.path().join(format!("{origin}.db")), &origin, chance.uuid());
                Side {
                    origin,
                    edges: vec![edge],
                    network: vec![],
                    is_waiting: vec![false],
                    expected: Expected::new(),
                    may_fork: false,
                    may_rewind: false,
                    was_cloned: false,
                    token: hash,
                    forged: HashSet::new(),
                    proposals: vec![],
                    answered: HashSet::new(),
                    brought: HashMap::new(),
                }
            })
            .collect();
        let skew = Skew {
            has_new_field: chance.below(2) == 0,
            is_hub_old: chance.below(5) == 0,
            takes_whole_rows: chance.below(3) == 0,
        };
        let kind = [Kind::Calm, Kind::Rewound, Kind::Troubled, Kind::Torn][(seed % 4) as usize];
        Simulation { chance, hub, now, sides, skew, is_breaking: true, kind, _folder: folder }
    }

    /// One in which nothing breaks by itself.
    pub fn quiet(seed: u64) -> Simulation<H> {
        let mut simulation = Simulation::new(seed);
        (simulation.is_breaking, simulation.skew.is_hub_old) = (false, false);
        simulation.skew.takes_whole_rows = false;
        (simulation.sides[0].may_fork, simulation.sides[0].may_rewind) = (true, true);
        simulation
    }

    fn step(&mut self) -> Result<(), String> {
        // Of those that are torn, one is looked at.
        let i = if self.kind == Kind::Torn { 0 } else { self.chance.below(ORIGINS as u64) as usize };
        let k = self.chance.below(self.sides[i].edges.len() as u64) as usize;
        match self.chance.below(100) {
            0..22 => self.sides[i].edges[k].work(&mut self.chance),
            22..46 => self.send(i, k)?,
            46..73 => self.deliver_any(i)?,
            73..77 => (0..3).try_for_each(|_| self.exchange(i, k))?,
            77..80 => self.give_up(i, k),
            80..82 => self.crash(i, k)?,
            82..83 => {
                self.hub.crash();
                // Upgraded meanwhile, or put back to the program before.
                self.skew.takes_whole_rows = self.chance.below(3) == 0;
            }
            83..85 => self.sides[i].edges[k].keep_image(&mut self.chance),
            85..87 => self.hub.back_up(),
            87..91 => self.propose(i)?,
            91..95 => self.trouble(i, k),
            _ if self.kind == Kind::Calm => {}
            _ => self.disturb(i, k)?,
        }
        Ok(())
    }

    /// What may happen to an edge or a hub in the best of families.
    fn trouble(&mut self, i: usize, k: usize) {
        let edge = &mut self.sides[i].edges[k];
        match self.chance.below(12) {
            0..3 => edge.poison(&mut self.chance),
            3..5 => edge.resolve_quarantine(&mut self.chance),
            5..7 => edge.fill(&mut self.chance),
            7 => edge.limit(false),
            8 => {
                edge.jump(&mut self.chance);
                self.jump();
            }
            9 => edge.repoint(),
            10 => self.rotate_token(i),
            _ if self.skew.is_hub_old => self.upgrade(),
            _ => drop(block_on(self.hub.store().unlock(&self.sides[i].origin, BY)).unwrap()),
        }
    }

    /// The hub's clock shows another time: days off, or as far as a time can be.
    fn jump(&mut self) {
        self.now = match self.chance.below(3) {
            0 => CLOCKS[self.chance.below(CLOCKS.len() as u64) as usize],
            _ => self.now.plus_ms((self.chance.below(60) as i64 - 20) * DAY_MS).max(CLOCKS[0]),
        };
        block_on(self.hub.store().prune(self.now)).unwrap();
    }

    /// What makes two lives of one.
    fn disturb(&mut self, i: usize, k: usize) -> Result<(), String> {
        let side = &mut self.sides[i];
        match self.chance.below(8) {
            0 => self.restore_hub(),
            _ if self.kind == Kind::Rewound => self.restore_hub(),
            5 | 6 => return self.answer_falsely(i, k),
            7 => return self.push_falsely(i),
            1..3 => {
                side.edges[k].restore(&mut self.chance);
                side.is_waiting[k] = false;
                side.may_fork = true;
            }
            _ if side.edges.len() == 1 => self.clone_edge(i),
            _ if self.kind == Kind::Troubled => self.retire_clone(i),
            _ => {}
        }
        Ok(())
    }

    fn restore_hub(&mut self) {
        self.hub.restore();
        self.sides.iter_mut().for_each(|side| side.may_rewind = true);
    }

    pub fn clone_edge(&mut self, i: usize) {
        let side = &mut self.sides[i];
        let clone = side.edges[0].cloned(&mut self.chance);
        side.edges.push(clone);
        side.is_waiting.push(false);
        (side.may_fork, side.was_cloned) = (true, true);
    }

    pub fn retire_clone(&mut self, i: usize) {
        let side = &mut self.sides[i];
        side.edges.truncate(1);
        side.is_waiting.truncate(1);
        side.network.retain(|(k, _)| *k == 0);
    }

    /// The hub comes to know what it did not.
    pub fn upgrade(&mut self) {
        self.skew.is_hub_old = false;
        self.hub.upgrade();
    }
}

/// `SEED=7`: that one; `SEEDS=100000`: as many, from `FROM` on; else as many as `usual`.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let from = number("FROM").unwrap_or(0);
            from..from + number("SEEDS").unwrap_or(usual)
        }
    }
}

fn play_all<H: SimulatedHub>(usual: u64) {
    let seeds = seeds(usual);
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(vec![]);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| seeds.contains(seed)) {
                    let played = std::panic::catch_unwind(|| play::<H>(seed));
                    if let Err(error) = played.unwrap_or_else(|_| Err("panicked, see above".into())) {
                        failed.lock().unwrap().push(format!("SEED={seed}: {error}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} seeds failed, such as {:?}", failed.len(), &failed[..failed.len().min(5)]);
    eprintln!("{} seeds", seeds.end - seeds.start);
}

#[test]
fn whatever_breaks_the_mirror_is_exact_afterwards() {
    play_all::<OnSqlite>(1_000);
}

#[cfg(feature = "postgres")]
#[test]
fn whatever_breaks_the_mirror_on_postgres_is_exact_afterwards() {
    play_all::<OnPostgres>(100);
}
