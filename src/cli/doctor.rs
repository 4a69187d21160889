//! `doctor`

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::common::{Store, print_line};
use crate::auth::secrets::{Sealer, key_path};
use crate::clock::Clock;
use crate::db::{Exclusive, ReadOnly, ReadTx, SCHEMA_VERSION};
use crate::error::{Error, Result as DomainResult};
use crate::store::adopt::{self, Adoption};
use crate::store::audit_chain::{self, ChainVerdict};
use crate::store::health::{self, HealthCheck};
use crate::store::sync_state;
use crate::sync::edge::enrolment;
use crate::usecases::login;

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    /// What is wrong; `None` when nothing is.
    wrong: Option<String>,
    detail: String,
}

#[derive(Args)]
pub struct Arguments {
    /// First accept rows edited behind the server's back: make dropped triggers again, audit the rows and mirror them; no
    /// server may run
    #[arg(long)]
    adopt: bool,
    #[command(flatten)]
    store: Store,
}

fn adopt_all(path: &Path) -> anyhow::Result<()> {
    let database = Exclusive::open(path, Clock::default())?;
    let put_back = database.put_back_triggers();
    for name in put_back.context("nothing was adopted")? {
        print_line(format_args!("put back: the trigger {name}"))?;
    }
    let adopted = database.write("command line", adopt::run);
    for Adoption { wrong, refused } in adopted.context("nothing was adopted")? {
        match refused {
            None => print_line(format_args!("adopted: {wrong}"))?,
            Some(why) => print_line(format_args!("left as it is: {wrong}: {why}"))?,
        }
    }
    Ok(database.close()?)
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = if arguments.adopt { arguments.store.existing_path()? } else { arguments.store.path()? };
    if arguments.adopt {
        adopt_all(&path)?;
    }
    let database = ReadOnly::open(&path, Clock::default())?;
    let findings = database.read(|tx| Ok(examine(tx, &path)));
    let mut findings = findings.with_context(|| format!("{} cannot be read", path.display()))?;
    findings.push(rights(&path));
    let key = key_path(&path);
    if key.exists() {
        findings.push(rights(&key));
    }
    print_line(format_args!("{} (schema {SCHEMA_VERSION})", path.display()))?;
    for finding in &findings {
        match &finding.wrong {
            None => print_line(format_args!("ok     {}: {}", finding.what, finding.detail))?,
            Some(wrong) => print_line(format_args!("WRONG  {}: {wrong}", finding.what))?,
        }
    }
    let wrong = findings.iter().filter(|finding| finding.wrong.is_some()).count();
    if wrong == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    Err(anyhow!(
        "{wrong} of {} checks failed: keep a copy of this file, then mend each finding as it says, or go back to a backup",
        findings.len()
    ))
}

/// Checks all that is in the file, in one snapshot. What cannot be read is wrong.
fn examine(tx: &ReadTx, path: &Path) -> Vec<Finding> {
    let finding = |check: HealthCheck| Finding { what: check.what, wrong: check.wrong, detail: check.detail };
    let mut findings: Vec<Finding> = health::examine(tx).into_iter().map(finding).collect();
    let (wrong, detail) = match audit_chain::verify(tx, |_| {}) {
        Ok(ChainVerdict::Intact { entries, .. }) => (None, format!("{entries} entries")),
        Ok(ChainVerdict::Broken { seq, reason }) => {
            (Some(format!("broken at entry {seq}: {reason}: go back to a backup")), String::new())
        }
        Ok(ChainVerdict::Differs { object }) => {
            (Some(format!("{object}: doctor --adopt accepts what was changed, a backup undoes it")), String::new())
        }
        Err(error) => (Some(format!("cannot be read: {error}")), String::new()),
    };
    findings.push(Finding { what: "audit trail", wrong, detail });
    let (wrong, detail) =
        authenticator_keys(tx, path).unwrap_or_else(|error| (Some(format!("cannot be read: {error}")), String::new()));
    findings.push(Finding { what: "authenticator keys", wrong, detail });
    let (wrong, detail) = super::clock::read(tx).map_or_else(
        |error| (Some(format!("cannot be read: {error}")), String::new()),
        |(clock, hub_ahead_ms)| {
            (super::clock::wrong(&clock, hub_ahead_ms), super::clock::describe(&clock, hub_ahead_ms))
        },
    );
    findings.push(Finding { what: "clock", wrong, detail });
    findings.extend(hub_token(tx, path).transpose().map(|found| {
        let (wrong, detail) = found.unwrap_or_else(|error| (Some(format!("cannot be read: {error}")), String::new()));
        Finding { what: "hub token", wrong, detail }
    }));
    findings
}

/// Whether the token for the hub can be unsealed; `None` without a hub.
fn hub_token(tx: &ReadTx, path: &Path) -> DomainResult<Option<(Option<String>, String)>> {
    let Some(enrolment) = sync_state::enrolment(tx)? else { return Ok(None) };
    let sealer = Sealer::read(path).map_err(|error| Error::Internal(error.into()))?;
    let is_open = sealer.is_some_and(|sealer| enrolment::token(&enrolment, &sealer).is_some());
    let key = key_path(path);
    let wrong = (!is_open)
        .then(|| format!("{} is missing, or another one: put the right file back, or enrol anew", key.display()));
    Ok(Some((wrong, format!("of {} at {}", enrolment.origin, enrolment.hub))))
}

/// Whether the key file is the one that the database was used with.
fn authenticator_keys(tx: &ReadTx, path: &Path) -> DomainResult<(Option<String>, String)> {
    let sealer = Sealer::read(path).map_err(|error| Error::Internal(error.into()))?;
    let (all, lost) = login::count_authenticator_keys(tx, sealer.as_ref())?;
    let key = key_path(path);
    let wrong = (lost > 0).then(|| {
        let why = if sealer.is_some() { "is another one" } else { "is missing" };
        format!("{} {why}: {lost} of {all} cannot be opened; put the right file back", key.display())
    });
    Ok((wrong, format!("{all} opened")))
}

fn rights(path: &Path) -> Finding {
    let detail = path.display().to_string();
    let mode = std::fs::metadata(path).map_or(0, |data| data.permissions().mode() & 0o777);
    let wrong = (mode & 0o077 != 0).then(|| format!("{detail} can be used by others (mode {mode:o}): chmod 600 it"));
    Finding { what: "rights", wrong, detail }
}
