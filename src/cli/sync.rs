//! `sync`: the mirror from the command line, on a database that no server is using.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Subcommand;

use super::common::{Store, print_line};
use super::progress;
use crate::auth::secrets::Sealer;
use crate::clock::Clock;
use crate::db::{Author, Db, ReadOnly};
use crate::store::{feed, sync_state};
use crate::sync::edge::driver::SyncDriver;
use crate::sync::edge::status::status as mirror_status;
use crate::sync::edge::{enrolment, rotation};
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
    /// Print the state of the mirror, as JSON; also beside a running server
    Status {
        #[command(flatten)]
        store: Store,
    },
}

#[derive(clap::Args)]
pub struct Hub {
    /// Certificates that the hub is to be trusted by, PEM, in the place of the usual ones [default: none]
    #[arg(long, value_name = "FILE")]
    hub_ca: Option<PathBuf>,
    #[command(flatten)]
    store: Store,
}

impl Hub {
    fn ca(&self) -> Result<Option<PathBuf>> {
        self.store.hub_ca(self.hub_ca.clone())
    }
}

pub fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Enroll { url, code, hub } => enroll(url, code, hub)?,
        Command::Run { hub } => exchange(hub)?,
        Command::Verify { hub } => return verify(hub),
        Command::RotateToken { hub } => {
            let (db, sealer) = open(hub)?;
            let ca = hub.ca()?;
            let author = Author::system("command line");
            let origin = block_on(rotation::rotate_token(&db, &sealer, ca.as_deref(), author))?;
            print_line(format_args!("{origin} has a new token; the one before is revoked"))?;
        }
        Command::Status { store } => {
            let database = ReadOnly::open(&store.path()?, Clock::default())?;
            let status = database.read(mirror_status)?;
            print_line(format_args!("{status:#}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn open(hub: &Hub) -> Result<(Arc<Db>, Arc<Sealer>)> {
    let path = hub.store.existing_path()?;
    Ok((Arc::new(Db::open(&path, Clock::default())?), Arc::new(Sealer::open(&path)?)))
}

fn enroll(url: &str, code: &str, hub: &Hub) -> Result<()> {
    let (db, sealer) = open(hub)?;
    let author = Author::system("command line");
    let enrolled = block_on(enrolment::enroll(&db, sealer, author, url.into(), code.into(), hub.ca()?))?;
    print_line(format_args!("enrolled with {url} as {} ({})", enrolled.name, enrolled.origin))?;
    Ok(())
}

/// The mirror, with a bar over what is to be sent.
fn link(db: &Arc<Db>, sealer: Arc<Sealer>, hub: &Hub) -> Result<SyncDriver> {
    let due = db.read(|tx| feed::count(tx, sync_state::position(tx)?.map_or(0, |position| position.acked)));
    let bar = progress::bar("mirroring", due? as usize);
    let link = SyncDriver::new(db.clone(), sealer, hub.ca()?);
    Ok(link.with_progress(move |rows| bar.inc(rows)))
}

fn exchange(hub: &Hub) -> Result<()> {
    let (db, sealer) = open(hub)?;
    let (_, result) = link(&db, sealer, hub)?.sync();
    result?;
    let status = db.read(mirror_status)?;
    print_line(format_args!("the hub has everything up to write {}", status["acked"]))?;
    Ok(())
}

fn verify(hub: &Hub) -> Result<ExitCode> {
    let (db, sealer) = open(hub)?;
    let proof = link(&db, sealer, hub)?.verify()?;
    if proof.equal {
        print_line(format_args!("equal: {} rows, {} bytes exchanged to prove it", proof.rows, proof.bytes))?;
        return Ok(ExitCode::SUCCESS);
    }
    bail!("{} rows differ, such as {}", proof.differences, proof.named.join(", "))
}
