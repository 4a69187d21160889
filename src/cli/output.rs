//! How a command answers: in words or as JSON; and where it writes a document: to standard output, or to a file, which it replaces.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::Path;

use std::fmt::Display;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::Value;

use super::common::{cannot_be_written, print_line};
use crate::files::{Part, is_special};

/// In words, or for programs.
#[derive(Args, Clone, Copy)]
pub struct Form {
    /// Print JSON: one object on a line
    #[arg(long)]
    json: bool,
}

impl Form {
    /// Prints the answer of a command: `value`, or `words`, which may have several lines.
    pub fn say(self, value: Value, words: impl Display) -> Result<()> {
        if self.json { print_line(value) } else { print_line(words) }
    }

    /// The answer of a command that says nothing in words.
    pub fn say_json(self, value: Value) -> Result<()> {
        if self.json { print_line(value) } else { Ok(()) }
    }
}

/// Writes to `file`; to standard output when it is left out, or `-`. `incomplete` is what the error says of what was cut short.
pub fn write_to(
    file: Option<&Path>,
    incomplete: &'static str,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    match file.filter(|file| file.as_os_str() != "-") {
        None => to_standard_output(incomplete, write),
        Some(file) if is_special(file) => write_through(file, write),
        Some(file) => replace_file(file, write),
    }
}

fn to_standard_output(incomplete: &'static str, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    write(&mut out)?;
    out.flush().context(incomplete)
}

/// Writes to what is no regular file, such as a pipe or a device: it cannot be replaced.
fn write_through(file: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let describe = |error| cannot_be_written(file, error);
    let mut out = BufWriter::new(OpenOptions::new().write(true).open(file).map_err(describe)?);
    write(&mut out)?;
    out.flush().map_err(describe)
}

/// Writes a new file, readable by its owner only, and puts it in the place of the old one when it is whole.
fn replace_file(file: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let describe = |error| cannot_be_written(file, error);
    let part = Part::of(file).map_err(describe)?;
    let mut out = BufWriter::new(part.file());
    write(&mut out)?;
    out.flush().map_err(describe)?;
    drop(out);
    part.finish().map_err(describe)
}
