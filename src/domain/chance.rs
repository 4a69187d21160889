//! Where everything random comes from: the system, or in a mock that is to repeat itself, a seed.

use std::cell::Cell;

use uuid::Uuid;

/// The system gave no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct NoRandomness(String);

thread_local! {
    /// The state of this thread's generator; `None`: the system's randomness.
    static SEEDED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Has this thread repeat the numbers of a seed from here on. They can be guessed: only for a mock.
pub fn seed_thread(seed: u64) {
    SEEDED.set(Some(seed));
}

/// Where this thread stands among the numbers of its seed, to go on from there with [`seed_thread`].
pub fn position() -> Option<u64> {
    SEEDED.get()
}

/// Whether this thread repeats the numbers of a seed.
pub fn is_seeded() -> bool {
    SEEDED.get().is_some()
}

/// Fills `bytes`.
pub fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    let Some(mut state) = SEEDED.get() else {
        return getrandom::fill(bytes).map_err(|error| NoRandomness(error.to_string()));
    };
    for part in bytes.chunks_mut(8) {
        part.copy_from_slice(&next(&mut state).to_le_bytes()[..part.len()]);
    }
    SEEDED.set(Some(state));
    Ok(())
}

pub fn uuid() -> Uuid {
    let mut bytes = [0; 16];
    match is_seeded().then(|| fill(&mut bytes)) {
        Some(Ok(())) => uuid::Builder::from_random_bytes(bytes).into_uuid(),
        // uuid's own source is faster than asking the system each time.
        _ => Uuid::new_v4(),
    }
}

/// From 0 to 1, without 1.
pub fn fraction(state: &mut u64) -> f64 {
    (next(state) >> 11) as f64 / (1_u64 << 53) as f64
}

/// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_on_its_thread_alone() {
        let play = |seed| {
            let play = move || {
                seed_thread(seed);
                let mut bytes = [0; 20];
                fill(&mut bytes).unwrap();
                (bytes, uuid())
            };
            std::thread::spawn(play).join().unwrap()
        };
        assert_eq!(play(1), play(1));
        assert_ne!(play(1), play(2));
        assert!(!is_seeded());
    }
}
