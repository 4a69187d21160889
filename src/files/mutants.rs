//! What the durability tests leave out of the program, one at a time, to see that they notice (tests/cli/durability_mutants.rs).

/// A fault that breaks the promise that an acknowledged write survives a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A commit does not wait for the disk at all.
    SynchronousOff,
    /// Only a checkpoint waits for the disk.
    SynchronousNormal,
    /// The removal of a rollback journal, which commits, does not wait for the disk.
    SynchronousFull,
    /// Requests are answered before their commit.
    AnswerBeforeCommit,
    /// A new name in a folder is not on disk when it is reported.
    FolderNotSynced,
    /// What only the audit trail refers to counts as not referred to.
    ReferencesNotCounted,
}

/// Whether this fault was asked for. Never in the program as it is released.
#[cfg(not(feature = "mutants"))]
pub const fn is_on(_: Mutant) -> bool {
    false
}

/// Whether the environment asks for this fault.
#[cfg(feature = "mutants")]
pub fn is_on(mutant: Mutant) -> bool {
    std::env::var("DURABILITY_MUTANT").is_ok_and(|name| name == format!("{mutant:?}"))
}
