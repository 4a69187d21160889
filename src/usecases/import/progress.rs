//! How far an import is.

/// What an import is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Reading,
    Hashing,
    Writing,
}

/// Is told the stage, and how much of how much is done; from several threads.
pub trait Progress: Fn(Stage, usize, usize) + Sync {}
impl<F: Fn(Stage, usize, usize) + Sync> Progress for F {}
