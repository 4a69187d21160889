//! `hub remove` and `hub lost`: what is done with one origin, beside the hubs that run.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::Args;

use super::hub_store::{Store, StoreLocation, no_store};
use super::print_line;
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
    store: Store,
}

pub fn remove(Arguments { origin, store }: &Arguments) -> Result<ExitCode, String> {
    let removed = server::block_on(async {
        Ok::<_, String>(match store.place()? {
            StoreLocation::Sqlite(path) if !path.exists() => return Err(no_store(&path)),
            StoreLocation::Sqlite(path) => SqliteHub::open(&path)?.remove(origin).await,
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(address) => PostgresHub::open(&address).await?.remove(origin).await,
        })
    })?;
    print_line(removed.map_err(|error| format!("{origin} was not removed: {error}"))?)?;
    Ok(ExitCode::SUCCESS)
}

pub fn lost(Arguments { origin, store }: &Arguments) -> Result<ExitCode, String> {
    server::block_on(async {
        match store.place()? {
            StoreLocation::Sqlite(path) if !path.exists() => Err(no_store(&path)),
            StoreLocation::Sqlite(path) => print_lost(&SqliteHub::open(&path)?, origin).await,
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(address) => print_lost(&PostgresHub::open(&address).await?, origin).await,
        }
    })
}

async fn print_lost(store: &impl HubStore, origin: &str) -> Result<ExitCode, String> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut behind = NEWEST;
    loop {
        let page =
            store.orphaned_rows(origin, behind, PAGE_ROWS).await.map_err(|error| format!("{origin}: {error}"))?;
        for lost in &page {
            let line = serde_json::to_string(lost).map_err(|error| error.to_string())?;
            match writeln!(out, "{line}") {
                // Whoever reads has seen enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
                written => written.map_err(|error| error.to_string())?,
            }
        }
        match page.last() {
            Some(last) => behind = last.cursor(),
            None => break,
        }
    }
    match out.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(ExitCode::SUCCESS),
    }
}
