//! `restore`

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use clap::Args;
use uuid::Uuid;

use super::{Store, cannot_be_written, print_line, progress, remove_database};
use crate::auth::secrets::{Sealer, key_path};
use crate::clock::Clock;
use crate::db::Exclusive;
use crate::domain::mirror::replaced_by;
use crate::error::Error;
use crate::files::{UNFINISHED, beside, move_file};
use crate::store::credentials;
use crate::store::sync_state::{self, Enrolment};
use crate::sync::edge::client::{CallError, Enrolled, HubClient};
use crate::sync::edge::enrolment;
use crate::sync::edge::restore::{Fetched, fetch, rebuild};

#[derive(Args)]
pub struct Arguments {
    /// Where the hub is, and the code that its hub enroll --origin has printed for this machine
    #[arg(long, num_args = 2, value_names = ["URL", "CODE"], required = true)]
    from_hub: Vec<String>,
    /// Certificates that the hub is to be trusted by, PEM, in the place of the usual ones [default: none]
    #[arg(long, value_name = "FILE")]
    hub_ca: Option<PathBuf>,
    #[command(flatten)]
    store: Store,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let [url, code] = &arguments.from_hub[..] else { bail!("--from-hub wants a URL and a code") };
    let path = arguments.store.path()?;
    if replaced_by(code).is_none() {
        bail!(
            "this code is for a new server: make one with hub enroll --origin, with the id of the server that is replaced"
        );
    }
    let ca = arguments.store.hub_ca(arguments.hub_ca.clone())?;
    let taken = || anyhow!("{} is there already: name a new file with --db", path.display());
    if path.exists() {
        return Err(taken());
    }
    // What can fail here fails before the code is spent.
    let unfinished = beside(&path, UNFINISHED);
    let database = Exclusive::open(&unfinished, Clock::default())?;
    // Another process may have just come to its end.
    if path.exists() {
        drop(database);
        remove_database(&unfinished);
        return Err(taken());
    }
    let had_place = database.read(sync_state::enrolment)?.is_some();
    let had_key = key_path(&path).exists();
    let restored = Sealer::open(&path).map_err(Failure::at_all);
    match restored.and_then(|sealer| restore(&database, &sealer, url, code, ca.as_deref())) {
        Ok((what, rest)) => {
            // Under the lock: nobody else begins meanwhile.
            database.fold()?;
            move_file(&unfinished, &path).map_err(|error| cannot_be_written(&path, error))?;
            drop(database);
            remove_database(&unfinished);
            print_line(format_args!("{what} into {}: {rest}", path.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(Failure { why, is_begun: true }) => {
            Err(anyhow!("nothing was restored yet: {why}; run the same command again to go on"))
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

/// Why nothing was restored.
struct Failure {
    why: String,
    /// The place at the hub is taken already: what was begun is kept, to go on from.
    is_begun: bool,
}

impl Failure {
    fn at_all(why: impl Display) -> Failure {
        Failure { why: format!("{why:#}"), is_begun: false }
    }

    fn later(why: impl Display) -> Failure {
        Failure { why: format!("{why:#}"), is_begun: true }
    }
}

/// What was restored, and what it holds.
fn restore(
    database: &Exclusive,
    sealer: &Sealer,
    url: &str,
    code: &str,
    ca: Option<&Path>,
) -> Result<(String, String), Failure> {
    let client = HubClient::new(url, ca, Arc::default()).map_err(Failure::at_all)?;
    let (enrolled, fetched) = match begun(database, sealer, url, code).map_err(Failure::at_all)? {
        Some(enrolled) => match fetch_all(&client, &enrolled) {
            // Another code was spent for the place meanwhile, by a machine that was not this one.
            Err(CallError::Refused { status: 401, .. }) => take_place(database, sealer, &client, url, code)?,
            fetched => (enrolled, fetched.map_err(Failure::later)?),
        },
        None => take_place(database, sealer, &client, url, code)?,
    };
    if fetched.head.epoch.is_none() {
        return Err(Failure::at_all(format!(
            "the hub holds nothing of {}: make the code with hub enroll --origin, with the id of the edge that is replaced",
            enrolled.name
        )));
    }
    let (enrolment, _) = enrolment::sealed(url, &enrolled, sealer).map_err(Failure::later)?;
    let written = database.write("restore", |tx| rebuild(tx, sealer, &enrolment, &fetched, Uuid::new_v4()));
    let written = written.map_err(Failure::later)?;
    let without = database.read(credentials::without_password).map_err(Failure::later)?;
    let advice = match without {
        0 => String::new(),
        _ => format!(
            "; {without} employees have no password, since none is mirrored: use admin create, with a new address"
        ),
    };
    let what = format!("restored {} as of write {}", enrolled.name, fetched.head.acked);
    Ok((what, format!("{written}{advice}")))
}

/// The place that a restore which was cut off has taken already.
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

/// Spends the code, writes down what it gives before anything else, and fetches what the hub holds.
fn take_place(
    database: &Exclusive,
    sealer: &Sealer,
    client: &HubClient,
    url: &str,
    code: &str,
) -> Result<(Enrolled, Fetched), Failure> {
    let enrolled = client.enroll(code).map_err(Failure::at_all)?;
    let (enrolment, position) = enrolment::sealed(url, &enrolled, sealer).map_err(Failure::at_all)?;
    let noted = database.write("restore", |tx| sync_state::enroll(tx, &enrolment, &position));
    noted.map_err(|error| Failure::at_all(format!("{error}; the code is spent: make another")))?;
    let fetched = fetch_all(client, &enrolled).map_err(Failure::later)?;
    Ok((enrolled, fetched))
}

fn fetch_all(client: &HubClient, enrolled: &Enrolled) -> Result<Fetched, CallError> {
    let bar = progress::counter("fetching");
    let fetched = fetch(client, enrolled, |rows| bar.set_position(rows as u64));
    bar.finish_and_clear();
    fetched
}
