//! Writes the older part of the audit trail to a file, and removes it from the database.
//!
//! 1. What an archive that was cut off has left to remove is removed.
//! 2. The trail is proved, and its entries are written to the file, which is on disk under its name before anything else happens.
//! 3. The file is read from its first byte to its last: what it holds must be what is to go.
//! 4. One write records the file, with an entry of the trail that vouches for it.
//! 5. The entries are removed a few at a time, and then the contents that nothing refers to any more.
//!
//! Cut off anywhere, nothing is lost and nothing is archived twice: the next archive goes on.

pub mod folder;
mod lines;
mod segment_file;
mod trail;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

pub use segment_file::{ReadSegment, read};
pub use trail::{Served, Trail};

use crate::db::ReadTx;
use crate::domain::audit::Hash;
use crate::domain::time::Time;
use crate::files::Part;
use crate::store::audit_index::RUN;
use crate::store::audit_segments::{self, Place, Segment};
use crate::store::{audit_chain, contents, sync_state};
use crate::usecases::audit_proof::prove;
use lines::{ContentLine, EntryLine, FORM, Head};
use segment_file::SegmentWriter;

/// Entries that are to go to a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    /// The entry before the first of them.
    pub previous: Place,
    /// The last of them.
    pub last: Place,
    /// The latest of their times.
    pub until: Time,
}

impl Cut {
    pub fn first(&self) -> i64 {
        self.previous.0 + 1
    }
}

/// What is archived of the entries from before `before`; `None`: nothing yet. Only whole runs of entries are, and only what the hub has
/// seen, where there is one: it would not notice that a later entry was changed.
pub fn cut(tx: &ReadTx, before: Time) -> crate::error::Result<Option<Cut>> {
    let previous = audit_segments::written_up_to(tx)?;
    let Some((mut last, until)) = audit_segments::last_before(tx, before)? else { return Ok(None) };
    if sync_state::enrolment(tx)?.is_some() {
        last = last.min(sync_state::audit_acked(tx)? / RUN * RUN);
    }
    if last <= previous.0 {
        return Ok(None);
    }
    Ok(audit_chain::hash_at(tx, last)?.map(|hash| Cut { previous, last: (last, hash), until }))
}

/// A part of the trail that is in a file now.
#[derive(Debug, PartialEq)]
pub struct Archived {
    pub first: i64,
    pub last: i64,
    /// The latest time of its entries.
    pub until: Time,
    pub file: PathBuf,
    /// SHA-256 of the file.
    pub digest: Hash,
}

impl fmt::Display for Archived {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "audit entries {} to {}, up to {}, are in {}", self.first, self.last, self.until, self.file.display())
    }
}

/// What an archive has done.
#[derive(Debug, PartialEq)]
pub struct Done {
    /// An earlier archive that was cut off, and whose entries have been removed now.
    pub finished: Option<Segment>,
    pub archived: Option<Archived>,
}

impl Done {
    /// What has been done, a line for each.
    pub fn lines(&self) -> Vec<String> {
        let finished = self.finished.as_ref().map(|finished| {
            format!(
                "entries up to {}, which an earlier archive wrote to {}, are removed now",
                finished.last.0, finished.file
            )
        });
        finished.into_iter().chain(self.archived.as_ref().map(ToString::to_string)).collect()
    }
}

/// Archives the entries from before `before` to the file that `target` names, if there are any.
pub fn run(trail: &impl Trail, before: Time, target: impl FnOnce(&Cut) -> PathBuf) -> Result<Done> {
    let finished = finish(trail)?;
    let Some(cut) = trail.read(|tx| cut(tx, before))? else { return Ok(Done { finished, archived: None }) };
    if let Some(wrong) = trail.read(|tx| prove(tx, |_| {}))?.faults.into_iter().next() {
        bail!("nothing was archived: {wrong}");
    }
    let target = target(&cut);
    write(trail, &cut, before, &target)?;
    let segment = check(trail, &cut, &target)?;
    let archived =
        Archived { first: cut.first(), last: cut.last.0, until: cut.until, file: target, digest: segment.digest };
    trail.write(move |tx| audit_segments::record(tx, &segment))?;
    finish(trail).with_context(|| {
        format!("{archived}, and not all of them are removed from the database yet: the next archive goes on")
    })?;
    Ok(Done { finished, archived: Some(archived) })
}

/// Removes what files hold already, and then the contents that nothing refers to any more: the newest file when its entries were still there.
pub fn finish(trail: &impl Trail) -> Result<Option<Segment>> {
    let newest = trail.read(audit_segments::newest)?;
    let start = trail.read(audit_segments::start)?;
    let Some(newest) = newest.filter(|newest| start.0 < newest.last.0) else { return Ok(None) };
    while trail.write(audit_segments::remove_step)? {
        trail.pause()?;
    }
    sweep(trail)?;
    Ok(Some(newest))
}

/// Removes the contents that nothing refers to any more. An archive may have been cut off right before it did that: so once for each process.
/// Reads the whole trail, where a part of it is archived.
pub fn sweep(trail: &impl Trail) -> Result<()> {
    if trail.read(audit_segments::newest)?.is_none() {
        return Ok(());
    }
    let mut found = trail.read(contents::unreferenced)?;
    while !found.is_empty() {
        found = trail.write(move |tx| contents::remove_step(tx, found))?;
        trail.pause()?;
    }
    Ok(())
}

/// Why nothing from before `before` is archived.
pub fn why_nothing(tx: &ReadTx, before: Time) -> crate::error::Result<String> {
    let (written, _) = audit_segments::written_up_to(tx)?;
    let Some((first, until)) = audit_segments::next_run(tx)? else {
        return Ok(format!("entries go in runs of {RUN}, and the run behind entry {written} is not full yet"));
    };
    if until >= before {
        return Ok(format!("entries go in runs of {RUN}, and that from entry {first} on has one of {until}"));
    }
    let seen = sync_state::audit_acked(tx)?;
    Ok(format!("the hub has seen entries up to {seen} only, in runs of {RUN}: let this server exchange with it first"))
}

/// Writes the file. The trail is read a run at a time: what has been read does not change, and no snapshot is held for long. A file that
/// is there already must be the same.
fn write(trail: &impl Trail, cut: &Cut, before: Time, target: &Path) -> Result<()> {
    let cannot = || format!("{} cannot be written, and nothing was archived", target.display());
    let mut contents = trail.read(contents::check)?;
    let part = Part::of(target).with_context(cannot)?;
    let head = Head {
        telecomx_local_audit: FORM,
        first: cut.first(),
        last: cut.last.0,
        previous: cut.previous.1,
        until: cut.until,
    };
    let mut file = SegmentWriter::new(part.file(), &head).with_context(cannot)?;
    let (mut at, mut until) = (cut.previous, Time::from_millis(i64::MIN));
    while at.0 < cut.last.0 {
        let mut written = Ok(());
        let broken = trail.read(|tx| {
            audit_chain::part(tx, &mut contents, at, (at.0 + RUN).min(cut.last.0), |proven| {
                at = (proven.entry.seq, proven.hash);
                until = until.max(proven.entry.at);
                if written.is_ok() {
                    written = write_entry(tx, &mut file, proven);
                }
                Ok(())
            })
        })?;
        if let Some((seq, reason)) = broken {
            bail!("the audit trail is broken at entry {seq}: {reason}; nothing was archived");
        }
        written.with_context(cannot)?;
        trail.pause()?;
    }
    ensure!(
        until == cut.until && until < before,
        "nothing was archived: the times of the audit index are not those of the entries; run doctor, and restore a backup"
    );
    file.finish().with_context(cannot)?;
    if !target.exists() {
        return part.finish().with_context(cannot);
    }
    let is_same = segment_file::are_same(part.path(), target).with_context(cannot)?;
    ensure!(
        is_same,
        "{} is there already, and is not the archive of entries {} to {} of this database: move it away, or name a new file",
        target.display(),
        cut.first(),
        cut.last.0
    );
    Ok(())
}

fn write_entry(tx: &ReadTx, file: &mut SegmentWriter<impl std::io::Write>, proven: &audit_chain::Proven) -> Result<()> {
    for content in proven.contents.into_iter().flatten() {
        if file.needs(content) {
            let text = contents::text_of(tx, content)?;
            file.line(&ContentLine { content: text.into() })?;
        }
    }
    Ok(file.line(&EntryLine::of(proven))?)
}

/// Reads the file back: what is recorded of it.
fn check(trail: &impl Trail, cut: &Cut, target: &Path) -> Result<Segment> {
    let mut left = trail.read(audit_segments::left)?;
    let mut noted = Ok(());
    let found = read(target, |line| {
        if line.outcome == "accepted" && noted.is_ok() {
            noted = left.note(line.seq, &line.section, line.object, line.digest_after);
        }
    })?;
    noted?;
    ensure!(
        found.previous == cut.previous && found.last == cut.last,
        "{} was changed while it was written, and nothing was archived",
        target.display()
    );
    let file = std::path::absolute(target).unwrap_or_else(|_| target.to_owned()).display().to_string();
    Ok(Segment { last: found.last, until: cut.until, file, digest: found.digest, left: left.digest()? })
}
