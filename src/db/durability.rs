//! When a commit is on disk.

use crate::files::mutants::{Mutant, is_on};

/// `pragma synchronous` of every connection that writes: EXTRA. With a write-ahead log that is FULL: the log is fsynced at
/// each commit, before it is acknowledged. With a rollback journal (tools that have the file to themselves) the commit is
/// the removal of the journal, and EXTRA fsyncs the folder after it too.
pub fn synchronous() -> i64 {
    match () {
        () if is_on(Mutant::SynchronousOff) => 0,
        () if is_on(Mutant::SynchronousNormal) => 1,
        () if is_on(Mutant::SynchronousFull) => 2,
        () => 3,
    }
}
