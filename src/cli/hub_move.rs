//! `hub move`: takes an origin to another hub, beside those that serve it here.
//!
//! Whenever it is ended, nothing is served by two hubs, and running it again goes on from there.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use serde_json::json;

use super::hub_store::{StoreLocation, StoreOptions, no_store};
use super::output::Form;
use crate::clock::Clock;
use crate::db::lock::FileLock;
use crate::domain::mirror::Table;
use crate::files::{beside, database_path};
use crate::sync::edge::client::{CallError, HubClient};
use crate::sync::http_agent::is_this_machine;
use crate::sync::hub::audit::Caller;
use crate::sync::hub::migration::{Arrival, FinishMove};
use crate::sync::hub::operators::COMMAND_LINE;
use crate::sync::hub::origin::{Origin, Phase};
#[cfg(feature = "postgres")]
use crate::sync::hub::postgres::PostgresHub;
use crate::sync::hub::sqlite::SqliteHub;
use crate::sync::hub::store::HubStore;
use crate::web::server;

mod carry;

/// While so many rows have changed since the last round, and so often, another is made before the origin stands still.
const FEW_ROWS: usize = 200;
const ROUNDS_MAX: usize = 5;
/// How often it is asked whether the switch was made, and how long after another.
const SETTLE_TRIES: usize = 5;
const SETTLE_PAUSE: Duration = Duration::from_secs(1);

#[derive(Args)]
pub struct Arguments {
    /// Id of the server, as the fleet page shows it
    origin: String,
    #[command(flatten)]
    store: StoreOptions,
    #[command(flatten)]
    form: Form,
    /// The hub that it is to go on with: the URL by which the server itself reaches it
    #[arg(long, value_name = "URL", required_unless_present = "stay")]
    to: Option<String>,
    /// File with that hub's administrator's token
    #[arg(long, value_name = "FILE", required_unless_present = "stay")]
    to_admin_token: Option<PathBuf>,
    /// Certificates that that hub is to be trusted by, PEM, in the place of the usual ones [default: none]
    #[arg(long, value_name = "FILE")]
    to_ca: Option<PathBuf>,
    /// Give up a move that was begun and cannot be ended, and serve the server here again
    #[arg(long, conflicts_with_all = ["to", "to_admin_token", "to_ca"])]
    stay: bool,
    /// The server reaches its hub over http already: it does not follow from https to http
    #[arg(long, conflicts_with = "stay")]
    plain: bool,
}

/// The hub that an origin goes to.
pub struct Target {
    client: HubClient,
    url: String,
    token: String,
}

impl Target {
    fn of(arguments: &Arguments) -> Result<Option<Target>> {
        let (Some(url), Some(file)) = (&arguments.to, &arguments.to_admin_token) else { return Ok(None) };
        let url = url.trim_end_matches('/').to_owned();
        if url.starts_with("http://") && !arguments.plain && !leads_here(&url) {
            bail!(
                "{url} is not https, and a server does not follow from https to http: give that hub a certificate, or add --plain where the server comes over http now"
            );
        }
        let token = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let client = HubClient::new(&url, arguments.to_ca.as_deref(), std::sync::Arc::default())?;
        Ok(Some(Target { client, url, token: token.trim().to_owned() }))
    }

    fn arrive(&self, origin: &Origin) -> Result<Arrival, CallError> {
        #[derive(serde::Deserialize)]
        struct Answer {
            arrival: Arrival,
        }
        let answer: Answer = self.client.ask(&path(&origin.origin, "arrive"), &self.token, origin)?;
        Ok(answer.arrival)
    }
}

fn leads_here(url: &str) -> bool {
    url.parse().is_ok_and(|uri: ureq::http::Uri| uri.host().is_some_and(is_this_machine))
}

/// Of a call on an origin.
fn path(origin: &str, call: &str) -> String {
    format!("/sync/v1/origins/{origin}/{call}")
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let target = Target::of(arguments)?;
    let summary = server::block_on(async {
        match arguments.store.location()? {
            StoreLocation::Sqlite(path) if !path.exists() => Err(no_store(&path)),
            StoreLocation::Sqlite(path) => {
                let _alone = FileLock::take(&beside(&database_path(&path, "--store")?, ".move"), "--store")?;
                begin(&SqliteHub::open(&path)?, &arguments.origin, target).await
            }
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(address) => {
                let store = PostgresHub::open(&address).await?;
                let _alone = store.lock_for_move(&arguments.origin).await?;
                begin(&store, &arguments.origin, target).await
            }
        }
    })?;
    arguments.form.say(json!({ "origin": arguments.origin, "done": summary }), &summary)?;
    Ok(ExitCode::SUCCESS)
}

async fn begin(store: &impl HubStore, origin: &str, target: Option<Target>) -> Result<String> {
    let found = store.rows(origin, Table::Customer, "", 0).await.with_context(|| origin.to_owned())?.0;
    match target {
        Some(target) => Move { store, target, found }.run().await,
        None => {
            store.change_phase(origin, &Phase::Here, caller()).await.with_context(|| origin.to_owned())?;
            Ok(format!("{} is served here again", found.name))
        }
    }
}

fn caller() -> Caller<'static> {
    Caller::new(COMMAND_LINE, Clock::default().now())
}

/// Why the switch was not made.
enum Failed {
    /// It was not, for certain.
    Before(anyhow::Error),
    /// It may have been.
    Unknown(anyhow::Error),
}

/// An origin on its way.
struct Move<'s, S> {
    store: &'s S,
    target: Target,
    /// As it was when the command began.
    found: Origin,
}

impl<S: HubStore> Move<'_, S> {
    async fn run(self) -> Result<String> {
        let (name, url) = (&self.found.name, &self.target.url);
        if let Some(hub) = self.found.phase.hub() {
            return if hub == url {
                Ok(format!("{name} is at {hub}"))
            } else {
                Err(anyhow!("{name} has moved to {hub}"))
            };
        }
        let arrival = self.target.arrive(&self.found).with_context(|| format!("{name} stays as it is"))?;
        let was_here = self.found.phase == Phase::Here;
        if arrival == Arrival::Begun && was_here {
            for _ in 0..ROUNDS_MAX {
                if self.carry().await?.sent < FEW_ROWS {
                    break;
                }
            }
        }
        let stands_still = Instant::now();
        let leaving = self.step(&Phase::Leaving(url.clone())).await?;
        let handed_over = match arrival {
            // A run before this one, which was killed, may have had it switched after all.
            Arrival::Begun => self.hand_over(&leaving).await.or_else(|why| self.has_come(&leaving).map_err(|_| why)),
            Arrival::Finished => self.has_come(&leaving),
        };
        match handed_over {
            Ok(()) => {
                self.step(&Phase::Moved(url.clone())).await?;
                let millis = stands_still.elapsed().as_millis();
                Ok(format!("{name} is at {url}; it stood still for {millis} ms"))
            }
            // Nobody but this run has asked for the switch: it cannot come later.
            Err(Failed::Before(why)) if was_here => {
                self.step(&Phase::Here).await?;
                Err(why.context(format!("{name} stays here")))
            }
            Err(Failed::Before(why) | Failed::Unknown(why)) => Err(why.context(format!(
                "{name} is on its way, and served by neither hub: run this again, or give it up with --stay"
            ))),
        }
    }

    async fn step(&self, to: &Phase) -> Result<Origin> {
        let stepped = self.store.change_phase(&self.found.origin, to, caller()).await;
        stepped.with_context(|| format!("{} cannot be made {}", self.found.name, to.name()))
    }

    /// Takes over what changed meanwhile, and switches.
    async fn hand_over(&self, leaving: &Origin) -> Result<(), Failed> {
        let mut checksum = self.carry().await.map_err(Failed::Before)?.checksum;
        [checksum.quarantined, checksum.proposals, checksum.orphaned] =
            self.carry_rest().await.map_err(Failed::Before)?;
        let finish = FinishMove { origin: leaving.clone(), checksum };
        let mut last = anyhow!("the switch was not asked for");
        for _ in 0..SETTLE_TRIES {
            match self.ask::<serde_json::Value>("settle", &finish) {
                Ok(_) => return Ok(()),
                Err(CallError::Refused { status: 400..=499, text, .. }) => return Err(Failed::Before(anyhow!(text))),
                Err(error) => last = error.into(),
            }
            std::thread::park_timeout(SETTLE_PAUSE);
        }
        Err(Failed::Unknown(last))
    }

    /// Whether it had come already, and has not gone on here meanwhile.
    fn has_come(&self, leaving: &Origin) -> Result<(), Failed> {
        match self.target.arrive(leaving) {
            Ok(Arrival::Finished) => Ok(()),
            Ok(Arrival::Begun) => Err(Failed::Before(anyhow!("the other hub has begun anew"))),
            Err(error) => Err(Failed::Before(error.into())),
        }
    }

    fn ask<T: for<'de> serde::Deserialize<'de>>(
        &self,
        call: &str,
        body: &impl serde::Serialize,
    ) -> Result<T, CallError> {
        self.target.client.ask(&path(&self.found.origin, call), &self.target.token, body)
    }
}
