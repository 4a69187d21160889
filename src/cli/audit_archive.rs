//! `audit archive`, and `audit verify` of its files

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};

use super::common::{Store, refuse_own, time};
use super::output::Form;
use super::progress;
use crate::clock::Clock;
use crate::db::{Exclusive, ReadOnly};
use crate::domain::time::Time;
use crate::store::audit_segments::{self, Segment};
use crate::usecases::audit_archive::{self, ReadSegment};
use crate::usecases::audit_proof::prove;

#[derive(Args)]
pub struct ArchiveOptions {
    /// Only entries from before this time: a date, or a time such as 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    before: Time,
    /// File to make
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    store: Store,
}

#[derive(Args)]
pub struct VerifyOptions {
    /// Archives of a trail, in any order: each is verified, and that each goes on where the one before ends
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// With archives: verify as well that the trail in the database goes on where they end
    #[arg(long, requires = "files")]
    and_database: bool,
    #[command(flatten)]
    pub form: Form,
    #[command(flatten)]
    pub store: Store,
}

pub fn archive(options: &ArchiveOptions) -> Result<ExitCode> {
    let path = options.store.existing_path()?;
    refuse_own(&options.file, &path)?;
    let database = Exclusive::open(&path, Clock::default())?;
    let done = audit_archive::run(&database, options.before, |_| options.file.clone())?;
    audit_archive::sweep(&database)?;
    let why = database.read(|tx| audit_archive::why_nothing(tx, options.before))?;
    database.close()?;
    let finished = done.lines().into_iter().next();
    let Some(archived) = done.archived else {
        let words = finished.unwrap_or_else(|| format!("nothing was archived: {why}"));
        options.form.say(json!({ "archived": null, "why": words }), &words)?;
        return Ok(ExitCode::SUCCESS);
    };
    let words = format!("{archived}\nkeep it: audit verify {} proves it at any time", archived.file.display());
    let (first, last, until) = (archived.first, archived.last, archived.until);
    let file = json!({ "file": archived.file, "first": first, "last": last, "until": until, "sha256": hex::encode(archived.digest) });
    options.form.say(json!({ "archived": file }), words)?;
    Ok(ExitCode::SUCCESS)
}

/// Verifies archives, and what they have to do with one another.
pub fn verify_files(options: &VerifyOptions) -> Result<ExitCode> {
    let bar = progress::bar("entries", 0);
    let read = |path: &PathBuf| {
        let read = audit_archive::read(path, |line| {
            if line.seq % 1_000 == 0 {
                bar.set_position(line.seq.unsigned_abs());
            }
        });
        Ok((path.clone(), read?))
    };
    let mut all = options.files.iter().map(read).collect::<Result<Vec<_>>>()?;
    bar.finish_and_clear();
    all.sort_by_key(|(_, segment)| segment.last.0);
    for pair in all.windows(2) {
        let [(before, one), (behind, next)] = pair else { continue };
        ensure!(
            next.previous.0 >= one.last.0,
            "{} and {} both hold entries up to {}: leave one of them out; where the database was put back to a backup it is the one from before that",
            before.display(),
            behind.display(),
            one.last.0.min(next.last.0)
        );
        ensure!(
            next.previous == one.last,
            "{} ends at entry {}, and {} does not go on there: one between them is missing, or one is of another database",
            before.display(),
            one.last.0,
            behind.display()
        );
    }
    let (Some((_, first)), Some((_, last))) = (all.first(), all.last()) else { return Ok(ExitCode::SUCCESS) };
    let mut words = format!("the archive is intact: entries {} to {}", first.head.first, last.last.0);
    if first.head.first > 1 {
        words.push_str("; those before are in other archives");
    }
    if options.and_database {
        words = format!("{words}; {}", goes_on(&options.store.existing_path()?, &all)?);
    }
    let value = json!({ "first": first.head.first, "last": last.last.0, "head": hex::encode(last.last.1), "previous": hex::encode(first.head.previous) });
    options.form.say(value, words)?;
    Ok(ExitCode::SUCCESS)
}

/// Says that the archives are those of the database, and that its trail goes on where they end; else an error.
fn goes_on(path: &Path, files: &[(PathBuf, ReadSegment)]) -> Result<String> {
    let database = ReadOnly::open(path, Clock::default())?;
    let (proof, segments) = database.read(|tx| Ok((prove(tx, |_| {})?, audit_segments::all(tx)?)))?;
    ensure!(proof.ok, "{}", proof.faults.into_iter().next().unwrap_or_default());
    for (file, read) in files {
        let recorded = segments.iter().find(|segment| segment.last.0 == read.last.0);
        ensure!(
            recorded.is_some_and(|segment| segment.last == read.last && segment.digest == read.digest),
            "{} is not what {} has recorded of the archive that ends at entry {}",
            file.display(),
            path.display(),
            read.last.0
        );
    }
    let named = files.last().map_or(0, |(_, read)| read.last.0);
    if let Some(newer) = segments.last().filter(|newest| newest.last.0 > named) {
        bail!(
            "{} has archived entries up to {} since, to {}: name that file too",
            path.display(),
            newer.last.0,
            newer.file
        );
    }
    Ok(format!("{} goes on there, with {} entries in all", path.display(), proof.entries.unwrap_or_default()))
}

/// Where the older entries are, for the end of a sentence.
pub fn in_files(segments: &[Segment]) -> String {
    segments
        .last()
        .map(|newest| {
            format!(
                "; entries up to {} ({}) are archived, the last of them in {}",
                newest.last.0, newest.until, newest.file
            )
        })
        .unwrap_or_default()
}

pub fn shown(segments: &[Segment]) -> Value {
    segments
        .iter()
        .map(|segment| {
            json!({ "last": segment.last.0, "until": segment.until, "file": segment.file, "sha256": hex::encode(segment.digest) })
        })
        .collect()
}
