//! The safety rules of reading and sending. A test breaks one at a time, to show that the simulation notices.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A list counts only when it was read whole.
    WholeList,
    /// What a list does not hold is asked for before it is deleted here.
    AskBeforeDelete,
    /// What the platform holds is read before anything is sent.
    ReadBeforeSend,
    /// An object that may have been created is looked for before it is created again.
    LookUpBeforeCreate,
    /// What the platform holds is compared with what was here before the change.
    CompareBase,
}

/// Whether a test breaks this rule on purpose.
#[cfg(not(feature = "mutants"))]
pub const fn is_broken(_: Rule) -> bool {
    false
}

#[cfg(feature = "mutants")]
pub use mutants::{is_broken, with};

/// Switches that break one rule each. Not compiled into the program.
#[cfg(feature = "mutants")]
mod mutants {
    use super::Rule;
    use std::cell::Cell;

    thread_local! {
        static BROKEN: Cell<Option<Rule>> = const { Cell::new(None) };
    }

    pub fn is_broken(rule: Rule) -> bool {
        BROKEN.get() == Some(rule)
    }

    /// Runs `work` with `rule` broken, on this thread.
    pub fn with<T>(rule: Option<Rule>, work: impl FnOnce() -> T) -> T {
        BROKEN.set(rule);
        let done = work();
        BROKEN.set(None);
        done
    }
}
