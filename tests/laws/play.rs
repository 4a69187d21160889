//! Plays a law with many seeds, on all processors, and makes what fails smaller.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// How often a history is played again to make it smaller.
const SMALLER_TRIES: usize = 400;
/// Kinds of failures that are reported; more are only counted.
const KINDS_MAX: usize = 25;

/// The faults found so far: the seed and the report of each kind.
type Found = BTreeMap<String, (u64, String)>;

/// A law: `run` says what is wrong after the steps of a history, in a text whose first line names the kind of fault.
pub struct Law<S> {
    pub name: &'static str,
    /// Histories that are played unless `LAWS_CASES` says otherwise.
    pub cases: u64,
    pub steps: fn() -> BoxedStrategy<Vec<S>>,
    pub run: fn(u64, &[S]) -> Result<(), String>,
}

fn number_in_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text}")))
}

/// Databases are made in memory where there is a folder for it: what is tested is not the disk.
pub fn work_in_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() {
            // Only one call may set it; this is the only one.
            let _ = tempfile::env::override_temp_dir(memory);
        }
    });
}

/// The history of a seed: always the same.
fn history<S: Debug>(steps: &BoxedStrategy<Vec<S>>, seed: u64) -> Vec<S> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    steps.new_tree(&mut runner).unwrap().current()
}

impl<S: Debug + Clone + Send + Sync> Law<S> {
    /// Fails with the smallest history found for each kind of fault.
    pub fn holds(&self) {
        work_in_memory();
        let seeds = match number_in_environment("LAWS_SEED") {
            Some(seed) => seed..seed + 1,
            None => 0..number_in_environment("LAWS_CASES").unwrap_or(self.cases),
        };
        // Each history waits for its server now and then: with as many again, no processor does.
        let threads = 2 * std::thread::available_parallelism().map_or(1, usize::from);
        let next = AtomicU64::new(seeds.start);
        let found: Mutex<Found> = Mutex::default();
        let failed = AtomicU64::new(0);
        let play = || {
            let histories = (self.steps)();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if !seeds.contains(&seed) {
                    return;
                }
                let steps = history(&histories, seed);
                let Err(fault) = self.run_once(seed, &steps) else { continue };
                failed.fetch_add(1, Ordering::Relaxed);
                let kind = kind_of(&fault);
                if is_new_kind(&mut found.lock().unwrap(), &kind, seed, &fault) {
                    let report = self.made_smaller(seed, steps, fault, &kind);
                    found.lock().unwrap().insert(kind, (seed, report));
                }
            }
        };
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(play))));
        let (failed, found) = (failed.into_inner(), found.into_inner().unwrap());
        let played = seeds.end - seeds.start;
        eprintln!("{}: {played} histories, {failed} of them fail", self.name);
        let reports = found.iter().map(|(_, (seed, report))| format!("\n--- LAWS_SEED={seed}\n{report}"));
        assert!(failed == 0, "{}: {failed} of {played} histories fail{}", self.name, reports.collect::<String>());
    }

    fn run_once(&self, seed: u64, steps: &[S]) -> Result<(), String> {
        catch_unwind(AssertUnwindSafe(|| (self.run)(seed, steps))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("panicked: {}", text.unwrap_or_default()))
        })
    }

    /// Leaves out steps, many at once and then fewer, as long as the same fault is found.
    fn made_smaller(&self, seed: u64, mut steps: Vec<S>, mut fault: String, kind: &str) -> String {
        let (mut tries, mut size) = (0, steps.len().div_ceil(2));
        while size > 0 {
            let mut at = 0;
            while at < steps.len() && tries < SMALLER_TRIES {
                let mut fewer = steps.clone();
                fewer.drain(at..(at + size).min(steps.len()));
                tries += 1;
                match self.run_once(seed, &fewer) {
                    Err(same) if kind_of(&same) == kind => (steps, fault) = (fewer, same),
                    _ => at += size,
                }
            }
            size /= 2;
        }
        let lines = steps.iter().map(|step| format!("    {}\n", shortened(&format!("{step:?}"))));
        format!("{fault}\nafter\n{}", lines.collect::<String>())
    }
}

/// The text without the middle of what is very long in it.
pub fn shortened(text: &str) -> String {
    let mut short = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        short.push(c);
        let mut repeated = 0;
        while chars.next_if_eq(&c).is_some() {
            repeated += 1;
        }
        match repeated {
            0..30 => short.extend(std::iter::repeat_n(c, repeated)),
            _ => short.push_str(&format!("…×{repeated}…")),
        }
    }
    short.chars().take(1_500).collect()
}

fn is_new_kind(found: &mut Found, kind: &str, seed: u64, fault: &str) -> bool {
    let is_new = found.len() < KINDS_MAX && !found.contains_key(kind);
    if is_new {
        found.insert(kind.to_owned(), (seed, fault.to_owned()));
    }
    is_new
}

/// The first line of a fault, without the ids and numbers in it.
fn kind_of(fault: &str) -> String {
    let line = fault.lines().next().unwrap_or_default();
    let words = line.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty() && !word.contains(|c: char| c.is_ascii_digit())).collect::<Vec<_>>().join(" ")
}
