//! `audit`

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::json;

use super::audit_archive::{ArchiveOptions, VerifyOptions, archive, in_files, shown, verify_files};
use super::common::{Store, time};
use super::output::Form;
use super::progress;
use crate::clock::Clock;
use crate::db::ReadOnly;
use crate::domain::audit::sections;
use crate::domain::id::Id;
use crate::domain::text::is_invisible;
use crate::domain::time::Time;
use crate::store::Window;
use crate::store::audit_log::{self, LogQuery, LogRecord};
use crate::store::audit_segments;
use crate::usecases::audit_proof::prove;

#[derive(Subcommand)]
pub enum Command {
    /// Recompute the chain of the audit trail and compare the objects with it; the first that does not fit is named
    Verify(VerifyOptions),
    /// Write the entries from before a date to a file, check it, and remove them from the database
    Archive(ArchiveOptions),
    /// List audit entries and failed logins, newest first; works while the server runs
    Log(Box<LogOptions>),
}

#[derive(Args)]
pub struct LogOptions {
    /// Only from this time on: a date, or a time such as 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Time>,
    /// Only before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Time>,
    /// Only what this person did, also as somebody else: id, or part of the name
    #[arg(long, value_name = "ID_OR_NAME")]
    person: Option<String>,
    /// Only of this section, such as Employees
    #[arg(long, value_name = "SECTION", value_parser = PossibleValuesParser::new(sections()))]
    section: Option<String>,
    /// Only this kind, such as update, "create token" or login (one that failed), or the entries of one write, by its id
    #[arg(long, value_name = "KIND_OR_ID")]
    operation: Option<String>,
    /// Only about the object of this id
    #[arg(long, value_name = "ID")]
    object: Option<Id>,
    /// Only of this customer
    #[arg(long, value_name = "ID")]
    customer: Option<Id>,
    /// At most so many [default: all]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(1..))]
    limit: Option<i64>,
    /// Leave out the newest so many, for the pages after the first
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    offset: i64,
    /// One JSON object on a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

pub fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Verify(options) if options.files.is_empty() => verify(options.form, &options.store),
        Command::Verify(options) => verify_files(options),
        Command::Archive(options) => archive(options),
        Command::Log(options) => log(options).map(|()| ExitCode::SUCCESS),
    }
}

fn log(options: &LogOptions) -> Result<()> {
    let database = ReadOnly::open(&options.store.path()?, Clock::default())?;
    let query = LogQuery {
        since: options.since,
        until: options.until,
        person: options.person.clone(),
        section: options.section.clone(),
        operation: options.operation.clone(),
        object: options.object,
        customer: options.customer,
    };
    let window = Window { offset: options.offset, limit: options.limit.unwrap_or(-1) };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut written = Ok(());
    database.read(|tx| {
        audit_log::read(tx, &query, window, |record| {
            let line = if options.json { serde_json::to_string(&record) } else { Ok(describe(&record)) };
            written = line.map_err(std::io::Error::other).and_then(|line| writeln!(out, "{line}"));
            written.is_ok()
        })
    })?;
    if let Some(newest) = database.read(audit_segments::newest)? {
        eprintln!("older entries, up to {}, are archived: the newest of them in {}", newest.until, newest.file);
    }
    match written.and_then(|()| out.flush()) {
        // The reader has closed the pipe: it wants no more.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("standard output cannot be written"),
        _ => Ok(()),
    }
}

fn describe(record: &LogRecord) -> String {
    let dash = || "-".to_owned();
    let seq = record.seq.map_or_else(dash, |seq| seq.to_string());
    let object = record.object.map_or_else(dash, |object| object.to_string());
    let who = match (&record.impersonator_name, record.impersonator) {
        (Some(name), _) => format!("{} (by {name})", record.actor_name),
        (None, Some(id)) => format!("{} (by {id})", record.actor_name),
        (None, None) => record.actor_name.clone(),
    };
    let LogRecord { at, source, action, outcome, section, description, .. } = record;
    let texts = [source, action, outcome, section].map(|text| visible(text));
    let [source, action, outcome, section] = texts;
    let (who, description) = (visible(&who), visible(description));
    format!("{seq}\t{at}\t{who}\t{source}\t{action}\t{outcome}\t{section}\t{object}\t{description}")
}

/// Text that may come from elsewhere, without what a terminal would obey and without a line of its own.
fn visible(text: &str) -> String {
    text.chars().map(|c| if is_invisible(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

fn verify(form: Form, store: &Store) -> Result<ExitCode> {
    let path = store.path()?;
    let database = ReadOnly::open(&path, Clock::default())?;
    let bar = progress::bar("entries", 0);
    let step = |seq: i64| {
        if seq % 1_000 == 0 {
            bar.set_position(seq as u64)
        }
    };
    let found = database.read(|tx| prove(tx, step));
    bar.finish_and_clear();
    let proof = found.with_context(|| format!("{} cannot be read", path.display()))?;
    match (proof.faults.into_iter().next(), proof.entries, proof.head) {
        (None, Some(entries), Some(head)) => {
            let segments = database.read(audit_segments::all)?;
            let words = format!("the audit trail is intact: {entries} entries, head {head}{}", in_files(&segments));
            form.say(json!({ "entries": entries, "head": head, "archives": shown(&segments) }), words)?;
            Ok(ExitCode::SUCCESS)
        }
        (fault, ..) => bail!(fault.unwrap_or_default()),
    }
}
