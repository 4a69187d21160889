//! `hub remove` and `hub lost`: what is done with one origin, beside the hubs that run.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;

use super::common::print_line;
use super::hub_store::{StoreLocation, StoreOptions, no_store};
use crate::sync::hub::orphaned_rows::NEWEST;
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
}

pub fn remove(Arguments { origin, store }: &Arguments) -> Result<ExitCode> {
    let removed = server::block_on(async {
        let removed = match store.location()? {
            StoreLocation::Sqlite(path) if !path.exists() => return Err(no_store(&path)),
            StoreLocation::Sqlite(path) => SqliteHub::open(&path)?.remove(origin).await,
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(address) => PostgresHub::open(&address).await?.remove(origin).await,
        };
        removed.with_context(|| format!("{origin} was not removed"))
    })?;
    print_line(removed)?;
    Ok(ExitCode::SUCCESS)
}

pub fn lost(Arguments { origin, store }: &Arguments) -> Result<ExitCode> {
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
