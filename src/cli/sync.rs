//! `sync`: the mirror from the command line, on a database that no server is using.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::json;

use super::common::{Store, print_line};
use super::output::Form;
use super::progress;
use super::restore::details;
use crate::auth::key_file;
use crate::auth::secrets::Sealer;
use crate::clock::Clock;
use crate::db::{Author, Db, ReadOnly};
use crate::domain::platform::OperationState;
use crate::platform::outcome;
use crate::store::platform::operations;
use crate::store::{Window, feed, sync_state};
use crate::sync::edge::client::HubClient;
use crate::sync::edge::driver::SyncDriver;
use crate::sync::edge::rejoin::{self, Rejoined};
use crate::sync::edge::settings::HubSettings;
use crate::sync::edge::status::status as mirror_status;
use crate::sync::edge::{enrolment, rotation, tasks};
use crate::sync::http_agent::{HUB, check_url};
use crate::web::server::block_on;

#[derive(Subcommand)]
pub enum Command {
    /// Enrol with a hub by a one-time code; a running server does it by POST /sync/enroll
    Enroll {
        /// Where the hub is, such as https://hub.example.com
        url: String,
        /// The code that hub enroll has printed
        code: String,
        #[command(flatten)]
        hub: Hub,
    },
    /// Go on with the same hub at another URL; nothing is sent again
    Repoint {
        /// Where the hub is now, such as https://hub.example.com
        url: String,
        #[command(flatten)]
        hub: Hub,
    },
    /// Take a place at the hub again, for a database that was put back to a backup from before its enrolment: keeps its
    /// passwords, and brings back from the hub what is newer there
    Rejoin {
        /// Where the hub is, such as https://hub.example.com
        url: String,
        /// The code that hub enroll --origin has printed for the place
        code: String,
        #[command(flatten)]
        hub: Hub,
    },
    /// Exchange with the hub until it has everything
    Run {
        #[command(flatten)]
        hub: Hub,
    },
    /// Exchange, and prove that the hub then has exactly what is here; a difference is an error
    Verify {
        #[command(flatten)]
        hub: Hub,
    },
    /// Replace this server's token for its hub
    RotateToken {
        #[command(flatten)]
        hub: Hub,
    },
    /// List the changes that both this server and the platform have made, as JSON; works while the server runs
    Conflicts {
        /// It is JSON anyway
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        store: Store,
    },
    /// Print the state of the mirror, as JSON; works while the server runs
    Status {
        /// It is JSON anyway
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        store: Store,
    },
}

#[derive(clap::Args)]
pub struct Hub {
    /// Certificates that the hub is to be trusted by, PEM, in the place of the usual ones [default: none]
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

impl Hub {
    fn settings(&self) -> Result<HubSettings> {
        self.store.hub(self.hub_ca.clone(), self.insecure)
    }
}

pub fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Enroll { url, code, hub } => enroll(url, code, hub)?,
        Command::Repoint { url, hub } => {
            let (db, sealer) = open(hub)?;
            let author = Author::system("command line");
            let moved = block_on(enrolment::repoint(&db, &sealer, author, url, &hub.settings()?))?;
            let words = format!("{} goes on with the hub at {}", moved.origin, moved.hub);
            hub.form.say(json!({ "origin": moved.origin, "hub": moved.hub }), words)?;
        }
        Command::Rejoin { url, code, hub } => rejoin(url, code, hub)?,
        Command::Run { hub } => exchange(hub)?,
        Command::Verify { hub } => return verify(hub),
        Command::RotateToken { hub } => {
            let (db, sealer) = open(hub)?;
            let ca = hub.settings()?.ca;
            let author = Author::system("command line");
            let origin = block_on(rotation::rotate_token(&db, &sealer, ca.as_deref(), author))?;
            let words = format!("{origin} has a new token; the one before is revoked");
            hub.form.say(json!({ "origin": origin }), words)?;
        }
        Command::Conflicts { store, .. } => conflicts(store)?,
        Command::Status { store, .. } => {
            let database = ReadOnly::open(&store.path()?, Clock::default())?;
            let silent_alarm_ms = store.hub(None, false)?.silent_alarm_ms;
            let status = database.read(|tx| mirror_status(tx, silent_alarm_ms))?;
            print_line(format_args!("{status:#}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn conflicts(store: &Store) -> Result<()> {
    let database = ReadOnly::open(&store.path()?, Clock::default())?;
    let window = Window { offset: 0, limit: 100_000 };
    let page = database.read(|tx| operations::list(tx, Some(OperationState::Conflict), window))?;
    for operation in page.rows {
        let (was, mine, theirs) = outcome::sides(&operation);
        print_line(json!({
            "id": operation.seq, "call": operation.call, "customer": operation.customer, "target": operation.target,
            "was": was, "mine": mine, "theirs": theirs, "createdAt": operation.created_at
        }))?;
    }
    Ok(())
}

fn open(hub: &Hub) -> Result<(Arc<Db>, Arc<Sealer>)> {
    let path = hub.store.existing_path()?;
    let db = Db::open(&path, Clock::default())?;
    let sealer = db.read(|tx| Ok(key_file::open(&path, tx)))??;
    Ok((Arc::new(db), Arc::new(sealer)))
}

fn enroll(url: &str, code: &str, hub: &Hub) -> Result<()> {
    let (db, sealer) = open(hub)?;
    let author = Author::system("command line");
    let enrolled = block_on(enrolment::enroll(&db, sealer, author, url.into(), code.into(), hub.settings()?))?;
    hub.form.say(
        json!({ "hub": url, "origin": enrolled.origin, "name": enrolled.name }),
        format_args!("enrolled with {url} as {} ({})", enrolled.name, enrolled.origin),
    )
}

fn rejoin(url: &str, code: &str, hub: &Hub) -> Result<()> {
    let (db, sealer) = open(hub)?;
    let settings = hub.settings()?;
    check_url(url, HUB, settings.is_insecure)?;
    let client = HubClient::new(url, settings.ca.as_deref(), Arc::default())?;
    let bar = progress::counter("fetching");
    let fetched = |rows: usize| bar.set_position(rows as u64);
    let rejoined = block_on(rejoin::run(&db, &client, &sealer, url, code, fetched));
    bar.finish_and_clear();
    let Rejoined { name, origin, report } = rejoined?;
    let newer: usize = report.restored.iter().sum();
    let words = format!("in the place of {name} ({origin}) again: {newer} rows were newer at the hub");
    let details = details(&report, &origin);
    hub.form.say(
        json!({ "origin": origin, "name": name, "newer": newer, "details": details }),
        [vec![words], details].concat().join("\n"),
    )
}

/// The mirror, with a bar over what is to be sent.
fn link(db: &Arc<Db>, sealer: Arc<Sealer>, hub: &Hub) -> Result<SyncDriver> {
    let due = db.read(|tx| feed::count(tx, sync_state::position(tx)?.map_or(0, |position| position.acked)));
    let bar = progress::bar("mirroring", due? as usize);
    let link = SyncDriver::new(db.clone(), sealer, hub.settings()?);
    Ok(link.with_progress(move |rows| bar.inc(rows)))
}

fn exchange(hub: &Hub) -> Result<()> {
    let (db, sealer) = open(hub)?;
    let mut link = link(&db, sealer, hub)?;
    link.sync().1?;
    tasks::run(&mut link);
    let acked = db.read(sync_state::position)?.map_or(0, |position| position.acked);
    hub.form.say(json!({ "acked": acked }), format_args!("the hub has everything up to write {acked}"))
}

fn verify(hub: &Hub) -> Result<ExitCode> {
    let (db, sealer) = open(hub)?;
    let proof = link(&db, sealer, hub)?.verify()?;
    if proof.equal {
        let words = format!("equal: {} rows, {} bytes exchanged to prove it", proof.rows, proof.bytes);
        hub.form.say(json!({ "equal": true, "rows": proof.rows, "bytes": proof.bytes }), words)?;
        return Ok(ExitCode::SUCCESS);
    }
    bail!("{} rows differ, such as {}", proof.differences, proof.named.join(", "))
}
