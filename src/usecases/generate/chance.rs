//! Chance that is the same whenever it is asked again: what is drawn follows from the seed and from what it is drawn for, so that
//! any object can be made again without remembering it.

use crate::domain::id::Id;

/// What an object is of; each has numbers of its own.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Customer = 1,
    Address = 2,
    Queue = 3,
    Employee = 4,
    Extension = 5,
    Member = 6,
}

/// Seconds of the first id, and between two ids: ids in the platform's form begin with a time.
const FIRST_ID_S: u64 = 1_546_300_800;
const ID_STEP_S: u64 = 37;

#[derive(Clone, Copy)]
pub struct Seed(pub u64);

impl Seed {
    pub fn draws(self, kind: Kind, number: u64) -> Draws {
        Draws { state: mixed(mixed(self.0 ^ (kind as u64) << 56) ^ number) }
    }

    /// The id of an object; `number` may have 24 bits. Ids rise with their numbers.
    pub fn id(self, kind: Kind, number: u64) -> Id {
        let seconds = FIRST_ID_S + number * ID_STEP_S;
        let of_kind = mixed(mixed(self.0) ^ kind as u64);
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&(seconds as u32).to_be_bytes());
        bytes[4..9].copy_from_slice(&of_kind.to_be_bytes()[..5]);
        bytes[9..12].copy_from_slice(&(number as u32).to_be_bytes()[1..]);
        Id::of_hash(&bytes)
    }
}

/// Numbers drawn one after the other (SplitMix64, https://prng.di.unimi.it/splitmix64.c).
pub struct Draws {
    state: u64,
}

impl Draws {
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.state)
    }

    /// A number below `end`, 0 when there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        self.draw() % end.max(1)
    }

    /// True for `percent` in a hundred.
    pub fn is_in(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn of<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len() as u64) as usize]
    }
}

fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
