//! A server and the platform, by a seed: changes on both sides, answers that are lost, requests that fail, processes that are killed.
//! In the end both sides are equal but for what is listed, and every change was made exactly once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects, and fails")]

#[path = "../support/chance.rs"]
#[allow(dead_code, reason = "the mirror's simulation uses more of it")]
mod chance;

mod double;
mod history;
mod line;
mod local;
#[cfg(feature = "mutants")]
mod mutants;
mod oracle;
mod steps;

use history::{Stage, play_all};

/// As many as take less than a minute.
const SEEDS: u64 = 10_000;

#[test]
fn ten_thousand_histories_end_with_both_sides_equal() {
    let seeds = std::env::var("HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    let halves = [0, 1].map(|half| {
        std::thread::spawn(move || {
            let mut stage = Stage::new();
            play_all(&mut stage, (0..seeds).filter(|seed| seed % 2 == half))
        })
    });
    let failed: Vec<String> = halves.into_iter().flat_map(|half| half.join().unwrap()).collect();
    assert!(
        failed.is_empty(),
        "{} histories failed, such as {}",
        failed.len(),
        failed[..failed.len().min(8)].join("\n")
    );
}

#[test]
#[ignore = "one history, to look at"]
fn one_history() {
    let seed = std::env::var("SEED").unwrap().parse().unwrap();
    eprintln!("{:?}", history::play(&mut Stage::new(), seed));
}
