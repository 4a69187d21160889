//! What an import reads: a JSON document, or a list in another form.

use std::io::Read;

use super::source::{self, Sink};
use crate::error::{Error, Result};

pub trait Document {
    /// Whether an empty text can be told from none.
    const HAS_EMPTY_TEXTS: bool = true;

    /// Gives `sink` what it consists of.
    fn read(&mut self, sink: &mut impl Sink) -> Result<()>;

    /// The place of a fault or an object, as a reader of the document finds it.
    fn located(&self, path: &str) -> String;

    /// An error with the places of its faults, as a reader finds them.
    fn with_places(&self, error: Error) -> Error {
        let Error::Invalid(mut faults) = error else { return error };
        for fault in &mut faults {
            fault.path = self.located(&fault.path);
        }
        Error::Invalid(faults)
    }
}

/// Text is a JSON document.
impl<R: Read> Document for R {
    fn read(&mut self, sink: &mut impl Sink) -> Result<()> {
        source::read(self, sink)
    }

    fn located(&self, path: &str) -> String {
        path.into()
    }
}
