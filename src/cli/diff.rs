//! `diff`

use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::db::ReadOnly;
use crate::domain::text::has_invisible;
use crate::error::{Error, in_one_line};
use crate::files::is_database;
use crate::usecases::diff::{Change, Counts, Difference, Side, Worlds};
use crate::usecases::import::{DocumentFile, List, name_of};

#[derive(Args)]
#[command(after_help = "Exit code: 0 when nothing differs, 1 when something does, 2 when they cannot be compared.")]
pub struct Arguments {
    /// Database file, or JSON document as export writes it; - for a document on standard input
    #[arg(value_name = "A")]
    a: PathBuf,
    /// What A is compared with
    #[arg(value_name = "B")]
    b: PathBuf,
    /// One JSON object per difference
    #[arg(long)]
    json: bool,
}

/// 1 says that something differs, so what cannot be compared is 2.
const CANNOT_COMPARE: u8 = 2;

pub fn run(arguments: &Arguments) -> ExitCode {
    match compare(arguments) {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("telecomx-local: {}", in_one_line(error.as_ref()));
            ExitCode::from(CANNOT_COMPARE)
        }
    }
}

/// Whether something differs.
fn compare(arguments: &Arguments) -> Result<bool> {
    let Arguments { a, b, json } = arguments;
    let is_input = |file: &Path| file.as_os_str() == "-";
    ensure!(!is_input(a) || !is_input(b), "only one of both can come from standard input: name a file");
    let worlds = Worlds::new()?;
    add(&worlds, Side::A, a)?;
    add(&worlds, Side::B, b)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut written: std::io::Result<()> = Ok(());
    let counts = worlds.differences(|difference| {
        // A reader that has seen enough, as `| head`, does not change what the exit code says.
        if written.is_ok() {
            written = print(&mut out, difference, *json);
        }
        Ok(())
    })?;
    if !json && written.is_ok() {
        written = List::ALL.iter().try_for_each(|list| print_counts(&mut out, *list, &counts[*list as usize]));
    }
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("standard output cannot be written"),
        _ => Ok(counts.iter().any(Counts::differ)),
    }
}

fn add(worlds: &Worlds, side: Side, file: &Path) -> Result<()> {
    if is_database(file) {
        return Ok(ReadOnly::open(file, Clock::default())?.read(|tx| worlds.add_database(side, tx))?);
    }
    let document = DocumentFile::open(file)?;
    worlds.add_document(side, document).map_err(|error| match error {
        Error::Invalid(_) => anyhow!("{} is neither a database nor a document: {error}", name_of(file)),
        other => other.into(),
    })
}

fn print(out: &mut impl Write, difference: &Difference, as_json: bool) -> std::io::Result<()> {
    let Difference { list, id, name, change } = difference;
    if as_json {
        let mut line = json!({ "list": list.name(), "_id": id });
        match change {
            Change::New(b) => (line["change"], line["b"]) = (json!("new"), b.clone()),
            Change::Gone(a) => (line["change"], line["a"]) = (json!("gone"), a.clone()),
            Change::Changed(fields) => (line["change"], line["fields"]) = (json!("changed"), json!(fields)),
        }
        return writeln!(out, "{line}");
    }
    let what = match change {
        Change::New(_) => "new",
        Change::Gone(_) => "gone",
        Change::Changed(_) => "changed",
    };
    let name = name.as_ref().map_or(String::new(), |name| format!(" {}", visible(&json!(name))));
    writeln!(out, "{what:<7} {} {id}{name}", list.name())?;
    let Change::Changed(fields) = change else { return Ok(()) };
    fields.iter().try_for_each(|field| {
        let [a, b] = [&field.a, &field.b].map(|value| value.as_ref().map_or("none".into(), visible));
        writeln!(out, "    {}: {a} -> {b}", visible_text(&field.path))
    })
}

/// A value as JSON on one line. A document may hold anything, and a terminal obeys characters that nobody sees.
fn visible(value: &Value) -> String {
    visible_text(&value.to_string())
}

fn visible_text(text: &str) -> String {
    if !has_invisible(text) {
        return text.into();
    }
    let shown =
        |c: char| if has_invisible(c.encode_utf8(&mut [0; 4])) { c.escape_unicode().to_string() } else { c.into() };
    text.chars().map(shown).collect()
}

fn print_counts(out: &mut impl Write, list: List, counts: &Counts) -> std::io::Result<()> {
    let Counts { new, gone, changed, equal } = counts;
    writeln!(out, "{}: {new} new, {gone} gone, {changed} changed, {equal} equal", list.name())
}
