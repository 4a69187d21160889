//! `restore`

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::common::{Store, cannot_be_written, remove_database};
use super::output::Form;
use super::{progress, restore_file};
use crate::auth::secrets::{Sealer, key_path};
use crate::clock::Clock;
use crate::db::{Exclusive, check_no_log};
use crate::domain::mirror::{Table, replaced_by};
use crate::error::Error;
use crate::files::{UNFINISHED, beside, move_file};
use crate::store::credentials;
use crate::store::restore::{RestoreReport, SkippedRow, Stub};
use crate::store::sealed;
use crate::store::sync_state::{self, Enrolment};
use crate::sync::edge::client::{CallError, Enrolled, HubClient};
use crate::sync::edge::enrolment::{self, Place, attempt_for};
use crate::sync::edge::restore::{Fetched, fetch, rebuild};
use crate::sync::http_agent::{HUB, check_url};

#[derive(Args)]
pub struct Arguments {
    /// Backup to restore from, as backup makes them
    #[arg(required_unless_present = "from_hub", conflicts_with = "from_hub")]
    file: Option<PathBuf>,
    /// URL of the hub, and the code that its hub enroll --origin has printed for this machine
    #[arg(long, num_args = 2, value_names = ["URL", "CODE"])]
    from_hub: Vec<String>,
    /// PEM file with the certificates to trust the hub by, in place of the usual ones [default: none]
    #[arg(long, value_name = "FILE")]
    hub_ca: Option<PathBuf>,
    /// Allow clear http to another machine: the token and all data can be read on the way
    #[arg(long)]
    insecure: bool,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    store: Store,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(file) = &arguments.file {
        return restore_file::run(file, &arguments.store.path()?, arguments.form);
    }
    let [url, code] = &arguments.from_hub[..] else { bail!("--from-hub wants a URL and a code") };
    let path = arguments.store.path()?;
    if replaced_by(code).is_none() {
        bail!(
            "this code is for a new server: make one with hub enroll --origin, with the id of the server that is replaced"
        );
    }
    let settings = arguments.store.hub(arguments.hub_ca.clone(), arguments.insecure)?;
    check_url(url, HUB, settings.is_insecure)?;
    let taken = || anyhow!("{} is there already: name a new file with --db", path.display());
    if path.exists() {
        return Err(taken());
    }
    check_no_log(&path)?;
    // What can fail here fails before the code is spent.
    let unfinished = beside(&path, UNFINISHED);
    let database = Exclusive::open_copy(&unfinished, Clock::default())?;
    // Another process may have just finished a restore to the same path.
    if path.exists() {
        drop(database);
        remove_database(&unfinished);
        return Err(taken());
    }
    let had_place = database.read(sync_state::enrolment)?.is_some();
    let had_key = key_path(&path).exists();
    let sealed = database.read(sealed::describe)?;
    let restored = Sealer::open(&path, sealed).map_err(Failure::before_enrolment);
    let restored = restored.and_then(|sealer| restore(&database, &sealer, url, code, settings.ca.as_deref()));
    match restored.and_then(|restored| finish(&database, &unfinished, &path).map(|()| restored)) {
        Ok(restored) => {
            drop(database);
            remove_database(&unfinished);
            restored.print(&path, arguments.form)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(Failure { why, is_enrolled: true }) => {
            Err(anyhow!("nothing was restored yet: {why}; run the same command again to go on, it needs no new code"))
        }
        Err(Failure { why, .. }) if had_place => Err(anyhow!(
            "nothing was restored: {why}; what an earlier run has begun is kept: run it with its own URL and code"
        )),
        Err(Failure { why, .. }) => {
            drop(database);
            remove_database(&unfinished);
            if !had_key {
                let _ = std::fs::remove_file(key_path(&path));
            }
            Err(anyhow!("nothing was restored: {why}"))
        }
    }
}

/// Gives the database its name. The lock is still held, so no other process begins a restore meanwhile.
fn finish(database: &Exclusive, unfinished: &Path, path: &Path) -> Result<(), Failure> {
    database.fold().map_err(Failure::after_enrolment)?;
    move_file(unfinished, path).map_err(|error| Failure::after_enrolment(cannot_be_written(path, error)))
}

/// Why nothing was restored.
struct Failure {
    why: String,
    /// The code is spent and the hub's token is kept: the next run goes on with it.
    is_enrolled: bool,
}

impl Failure {
    fn before_enrolment(why: impl Display) -> Failure {
        Failure { why: format!("{why:#}"), is_enrolled: false }
    }

    fn after_enrolment(why: impl Display) -> Failure {
        Failure { why: format!("{why:#}"), is_enrolled: true }
    }
}

/// What was restored, for a person.
struct Restored {
    name: String,
    origin: String,
    acked: i64,
    report: RestoreReport,
    /// Employees who may log in, and have no password to do it with.
    without_password: i64,
}

impl Restored {
    /// One line on all of it, and one on each row that was skipped or made up.
    fn print(&self, path: &Path, form: Form) -> anyhow::Result<()> {
        let Restored { name, origin, acked, report, without_password } = self;
        let counts: Vec<String> = Table::ALL
            .iter()
            .zip(report.restored)
            .map(|(table, count)| format!("{count} {}", plural(*table)))
            .collect();
        let advice = match without_password {
            0 => String::new(),
            count => format!(
                "; {count} employees have no password, since none is mirrored: give an ADMIN one with admin password"
            ),
        };
        let counts = counts.join(", ");
        let words = format!("restored {name} as of write {acked} into {}: {counts}{advice}", path.display());
        let details = details(report, origin);
        let value = json!({
            "database": path, "origin": origin, "name": name, "acked": acked, "withoutPassword": without_password,
            "details": details,
        });
        form.say(value, [vec![words], details].concat().join("\n"))
    }
}

/// One line for each row that was skipped or made up, and what to do about them.
pub fn details(report: &RestoreReport, origin: &str) -> Vec<String> {
    let skipped = report
        .skipped
        .iter()
        .map(|SkippedRow { table, id, reason, .. }| format!("not restored: {} {id}: {reason}", singular(*table)));
    let stubs = report.stubs.iter().map(|Stub { table, id }| {
        format!("stub: {} {id}: others refer to it, and the hub holds no such row that can be read", singular(*table))
    });
    let mut lines: Vec<String> = skipped.chain(stubs).collect();
    if !lines.is_empty() {
        lines.push(format!(
            "{} rows were not restored and {} are stubs: another run would not change that; once this server has synchronized, \
             hub lost {origin} prints what the hub held of them, and doctor says how to mend the stubs",
            report.skipped.len(),
            report.stubs.len()
        ));
    }
    lines
}

fn singular(table: Table) -> &'static str {
    match table {
        Table::MobileConfig => "mobile config",
        other => other.name(),
    }
}

fn plural(table: Table) -> &'static str {
    match table {
        Table::Customer => "customers",
        Table::Queue => "queues",
        Table::Employee => "employees",
        Table::MobileConfig => "mobile configs",
        Table::PbxObject => "objects of the PBX",
        Table::Other => "others",
    }
}

/// Enrols, or goes on with the token of an earlier run; fetches what the hub holds, and writes it.
fn restore(
    database: &Exclusive,
    sealer: &Sealer,
    url: &str,
    code: &str,
    ca: Option<&Path>,
) -> Result<Restored, Failure> {
    let client = HubClient::new(url, ca, Arc::default()).map_err(Failure::before_enrolment)?;
    let (enrolled, fetched) = match begun(database, sealer, url, code).map_err(Failure::before_enrolment)? {
        Some(enrolled) => match fetch_all(&client, &enrolled) {
            // Another machine has spent another code for the same place meanwhile.
            Err(CallError::Refused { status: 401, .. }) => take_place(database, sealer, &client, url, code)?,
            fetched => (enrolled, fetched.map_err(Failure::after_enrolment)?),
        },
        None => take_place(database, sealer, &client, url, code)?,
    };
    if fetched.head.epoch.is_none() {
        return Err(Failure::before_enrolment(format!(
            "the hub holds nothing of {}: make the code with hub enroll --origin, with the id of the server that is replaced",
            enrolled.name
        )));
    }
    let (enrolment, _) = enrolment::sealed(url, &enrolled, sealer).map_err(Failure::after_enrolment)?;
    let report = database.write("restore", |tx| rebuild(tx, &enrolment, &fetched, Uuid::new_v4()));
    let report = report.map_err(Failure::after_enrolment)?;
    let without_password = database.read(credentials::without_password).map_err(Failure::after_enrolment)?;
    let Enrolled { name, origin, .. } = enrolled;
    Ok(Restored { name, origin, acked: fetched.head.acked, report, without_password })
}

/// The enrolment of an earlier run that was cut off.
fn begun(database: &Exclusive, sealer: &Sealer, url: &str, code: &str) -> Result<Option<Enrolled>, Error> {
    let enrolment = database.read(sync_state::enrolment)?;
    let same = enrolment.filter(|taken| {
        taken.hub.trim_end_matches('/') == url.trim_end_matches('/') && replaced_by(code) == Some(&taken.origin)
    });
    Ok(same.and_then(|Enrolment { origin, token, hub }| {
        let token = enrolment::token(&Enrolment { origin: origin.clone(), token, hub }, sealer)?;
        Some(Enrolled { name: origin.clone(), origin, token })
    }))
}

/// Spends the code, stores the token before anything else, and fetches what the hub holds.
fn take_place(
    database: &Exclusive,
    sealer: &Sealer,
    client: &HubClient,
    url: &str,
    code: &str,
) -> Result<(Enrolled, Fetched), Failure> {
    let attempt = database.write("restore", attempt_for(code)).map_err(Failure::before_enrolment)?;
    let place = Place::take(client, url, code, attempt, sealer).map_err(|error| match error.may_have_arrived() {
        // The attempt is kept with the database: the code works for it again.
        true => Failure::after_enrolment(error),
        false => Failure::before_enrolment(error),
    })?;
    let stored = database.write("restore", |tx| place.store(tx));
    stored.map_err(|error| Failure::before_enrolment(format!("{error}; the code is spent: make another")))?;
    let fetched = fetch_all(client, &place.enrolled).map_err(Failure::after_enrolment)?;
    Ok((place.enrolled, fetched))
}

fn fetch_all(client: &HubClient, enrolled: &Enrolled) -> Result<Fetched, CallError> {
    let bar = progress::counter("fetching");
    let fetched = fetch(client, enrolled, |rows| bar.set_position(rows as u64));
    bar.finish_and_clear();
    fetched
}
