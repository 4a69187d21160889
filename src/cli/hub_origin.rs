//! `hub remove`, `hub lost` and `hub tag`: what is done with one origin, beside the hubs that run.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;

use super::hub_store::{StoreLocation, StoreOptions, StoreWork, no_store};
use super::output::Form;
use crate::clock::Clock;
use crate::sync::hub::audit::Caller;
use crate::sync::hub::operators::COMMAND_LINE;
use crate::sync::hub::orphaned_rows::{NEWEST, RemovedOrigin};
#[cfg(feature = "postgres")]
use crate::sync::hub::postgres::PostgresHub;
use crate::sync::hub::sqlite::SqliteHub;
use crate::sync::hub::store::HubStore;
use crate::web::server;

/// Rows that are read at a time.
const PAGE_ROWS: i64 = 1_000;

#[derive(Args)]
pub struct Arguments {
    /// Id of the server, as the fleet page shows it
    origin: String,
    #[command(flatten)]
    store: StoreOptions,
    #[command(flatten)]
    form: Form,
}

#[derive(Args)]
pub struct TagArguments {
    /// Id of the server, as the fleet page shows it
    origin: String,
    /// The tags, such as berlin or pilot; none takes away those that it has
    tags: Vec<String>,
    #[command(flatten)]
    store: StoreOptions,
    #[command(flatten)]
    form: Form,
}

/// Removes an origin.
struct Removal<'o>(&'o str);

impl StoreWork for Removal<'_> {
    type Output = RemovedOrigin;

    async fn run(self, store: &impl HubStore) -> Result<RemovedOrigin> {
        let caller = Caller::new(COMMAND_LINE, Clock::default().now());
        store.remove(self.0, caller).await.with_context(|| format!("{} was not removed", self.0))
    }
}

pub fn remove(Arguments { origin, store, form }: &Arguments) -> Result<ExitCode> {
    let removed = store.with(Removal(origin))?;
    form.say(json!({ "origin": origin, "removed": removed.to_string() }), &removed)?;
    Ok(ExitCode::SUCCESS)
}

/// Gives an origin tags.
struct Tagging {
    origin: String,
    tags: Vec<String>,
}

impl StoreWork for Tagging {
    type Output = ();

    async fn run(self, store: &impl HubStore) -> Result<()> {
        let caller = Caller::new(COMMAND_LINE, Clock::default().now());
        let tagged = store.set_tags(&self.origin, &self.tags, caller).await;
        tagged.with_context(|| format!("{} was not tagged", self.origin))
    }
}

pub fn tag(TagArguments { origin, tags, store, form }: TagArguments) -> Result<ExitCode> {
    let value = json!({ "origin": origin, "tags": tags });
    store.with(Tagging { origin, tags })?;
    form.say_json(value)?;
    Ok(ExitCode::SUCCESS)
}

pub fn lost(Arguments { origin, store, form: _ }: &Arguments) -> Result<ExitCode> {
    server::block_on(async {
        match store.location()? {
            StoreLocation::Sqlite(path) if !path.exists() => Err(no_store(&path)),
            StoreLocation::Sqlite(path) => print_lost(&SqliteHub::open(&path)?, origin).await,
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(address) => print_lost(&PostgresHub::open(&address).await?, origin).await,
        }
    })
}

async fn print_lost(store: &impl HubStore, origin: &str) -> Result<ExitCode> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut behind = NEWEST;
    loop {
        let page = store.orphaned_rows(origin, behind, PAGE_ROWS).await.with_context(|| origin.to_owned())?;
        for lost in &page {
            let line = serde_json::to_string(lost)?;
            match writeln!(out, "{line}") {
                // The reader has closed the pipe: it wants no more.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
                written => written.context("standard output cannot be written")?,
            }
        }
        match page.last() {
            Some(last) => behind = last.cursor(),
            None => break,
        }
    }
    match out.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("standard output cannot be written"),
        _ => Ok(ExitCode::SUCCESS),
    }
}
