//! `hub`

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use rustls::ServerConfig;

use super::hub_store::{self, Store, StoreLocation, no_store};
use super::{hub_move, hub_origin, print_line, serve};
use crate::app;
use crate::clock::{self, Clock};
use crate::config::check_reach;
use crate::db::lock::FileLock;
use crate::domain::audit::Hash;
use crate::files::{Part, cannot_be_written, database_path};
#[cfg(feature = "postgres")]
use crate::sync::hub::api::routes::start_without_store;
use crate::sync::hub::api::{routes::start, state::HubState};
use crate::sync::hub::origin::EnrolmentKind;
#[cfg(feature = "postgres")]
use crate::sync::hub::postgres::{PostgresHub, Unready};
use crate::sync::hub::sqlite::SqliteHub;
use crate::sync::hub::store::{HubStore, add_code};
use crate::web::server;

/// How often what nobody will ask for is forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);
/// How long a hub waits before it tries PostgreSQL again.
#[cfg(feature = "postgres")]
const STORE_PAUSE: Duration = Duration::from_secs(1);

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    store: Store,
    /// The administrator's token: made at the first start, in a file for its owner only [default: beside a sqlite store,
    /// with .admin-token at its end; telecomx-local-hub.admin-token in this folder for a PostgreSQL, whose hubs all accept
    /// the token of the one that was started first]
    #[arg(long, value_name = "FILE")]
    admin_token: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Certificate chain for TLS, PEM; together with --tls-key [default: none]
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key for TLS, PEM; together with --tls-cert [default: none]
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Allow an address that is not loopback without TLS
    #[arg(long)]
    insecure: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Print a one-time code with which one edge can enrol, alone on its line; also beside a running hub
    Enroll {
        #[command(flatten)]
        store: Store,
        /// What the edge is to be called
        #[arg(long, required_unless_present = "origin")]
        name: Option<String>,
        /// Id of an edge whose place a machine takes (restore --from-hub): the machine before it is shut out
        #[arg(long, value_name = "ID", conflicts_with = "name")]
        origin: Option<String>,
    },
    /// Copy the store to a new file, also beside a running hub: edges then forget what only a lost hub would need
    Backup {
        #[command(flatten)]
        store: Store,
        /// The new file
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Tell a hub on PostgreSQL that a backup was verified: edges then forget what only a lost hub would need
    BackupVerified {
        #[command(flatten)]
        store: Store,
        /// The place in the log up to which the backup holds everything, such as 0/16B3748
        lsn: String,
    },
    /// Take a server to another hub, beside the hubs that run here; ended at any point, it is run again
    Move(hub_move::Arguments),
    /// Print what was lost when a server was put back to an older image, one JSON object on a line, the newest first
    Lost(hub_origin::Arguments),
    /// Remove a server with all that is kept of it, also beside a running hub: whoever comes in its name is refused then
    Remove(hub_origin::Arguments),
}

pub fn run(arguments: Arguments) -> Result<ExitCode, String> {
    match arguments.command {
        Some(Command::Enroll { store, name, origin }) => {
            let kind = origin.map_or_else(|| EnrolmentKind::New(name.unwrap_or_default()), EnrolmentKind::Replacement);
            enroll(&store.place()?, &kind)
        }
        Some(Command::Backup { store, to }) => match store.place()? {
            StoreLocation::Sqlite(path) => back_up(&path, &to),
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(_) => {
                Err("a PostgreSQL is backed up by its own tools (pg_basebackup): see hub backup-verified".into())
            }
        },
        #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "only PostgreSQL has a log position"))]
        Some(Command::BackupVerified { store, lsn }) => match store.place()? {
            StoreLocation::Sqlite(_) => {
                Err("a store in a file is backed up, and the copy verified, by hub backup".into())
            }
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(address) => server::block_on(async {
                print_line(match PostgresHub::open(&address).await?.note_verified(&lsn).await? {
                    true => {
                        format!("{lsn} is verified: what had been mirrored by then becomes stable as the servers come")
                    }
                    false => format!("nothing changes: a backup that holds more than {lsn} was verified before"),
                })?;
                Ok(ExitCode::SUCCESS)
            }),
        },
        Some(Command::Move(arguments)) => hub_move::run(&arguments),
        Some(Command::Lost(arguments)) => hub_origin::lost(&arguments),
        Some(Command::Remove(arguments)) => hub_origin::remove(&arguments),
        None => listen(&arguments.serve),
    }
}

fn enroll(place: &StoreLocation, kind: &EnrolmentKind) -> Result<ExitCode, String> {
    let now = Clock::default().now();
    let code = server::block_on(async {
        Ok::<_, String>(match place {
            StoreLocation::Sqlite(path) if !path.exists() => return Err(no_store(path)),
            StoreLocation::Sqlite(path) => add_code(&SqliteHub::open(path)?, kind, now).await,
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(address) => add_code(&PostgresHub::open(address).await?, kind, now).await,
        })
    })?;
    print_line(code.map_err(|error| format!("no code was made: {error}"))?)?;
    Ok(ExitCode::SUCCESS)
}

fn back_up(path: &Path, to: &Path) -> Result<ExitCode, String> {
    if !path.exists() {
        return Err(no_store(path));
    }
    if to.exists() {
        return Err(format!("{} is there already: name a new file", to.display()));
    }
    let describe = |error: std::io::Error| cannot_be_written(to, &error, "choose another --to");
    let part = Part::of(to).map_err(describe)?;
    let copied = SqliteHub::open(path)?.back_up(part.path());
    copied.map_err(|error| format!("{} was not backed up: {error}", path.display()))?;
    part.finish().map_err(describe)?;
    print_line(format_args!("{} holds a checked copy", to.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn listen(arguments: &Serve) -> Result<ExitCode, String> {
    let tls = server::tls(arguments.tls_cert.as_deref(), arguments.tls_key.as_deref())?;
    check_reach(arguments.listen, tls.is_some(), arguments.insecure)?;
    serve::start_log(None, None)?;
    let (place, token) = (arguments.store.place()?, arguments.admin_token.as_deref());
    server::block_on(async {
        let listener = app::bind(arguments.listen)?;
        // Listened for before anybody is told that we are there.
        let stop = serve::Stop::listen()?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let url = format!("{}://{address}", if tls.is_some() { "https" } else { "http" });
        let front = HubListener { listener, tls, stop, url: Some(url) };
        match place {
            StoreLocation::Sqlite(path) => {
                let _lock = FileLock::take(&database_path(&path, "--store")?, "--store")?;
                let store = SqliteHub::open(&path)?;
                front.serve(store, hub_store::admin_beside(&path, token)?).await
            }
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(address) => {
                let (store, mut front) = (PostgresHub::new(&address)?, front);
                match front.wait_for(&store, token).await? {
                    Some(admin) => front.serve(store, admin).await,
                    None => Ok(ExitCode::SUCCESS),
                }
            }
        }
    })
}

/// Where a hub is spoken to.
struct HubListener {
    listener: TcpListener,
    tls: Option<ServerConfig>,
    stop: serve::Stop,
    /// Until it was told.
    url: Option<String>,
}

impl HubListener {
    #[cfg(feature = "postgres")]
    /// Waits until PostgreSQL is there, and answers 503 meanwhile; the hash of the administrator's token, if it came before
    /// the end.
    async fn wait_for(&mut self, store: &PostgresHub, token: Option<&Path>) -> Result<Option<Hash>, String> {
        let mut waiting = None;
        let admin = loop {
            let ready = match store.prepare().await {
                Ok(()) => hub_store::admin_of(store, token).await,
                Err(unready) => Err(unready),
            };
            match ready {
                Ok(admin) => break admin,
                Err(Unready::Wrong(why)) => return Err(why),
                Err(Unready::Away(_)) if waiting.is_some() => {}
                Err(Unready::Away(why)) => {
                    tracing::warn!("{why}; 503 until it is there");
                    let listener = self.listener.try_clone();
                    let started = listener.and_then(|listener| start_without_store(listener, self.tls.clone()));
                    waiting = Some(started.map_err(|error| error.to_string())?);
                    announce(&mut self.url);
                }
            }
            tokio::select! {
                () = self.stop.wait() => return Ok(None),
                () = tokio::time::sleep(STORE_PAUSE) => {}
            }
        };
        if let Some(waiting) = waiting {
            waiting.stop(false).await;
            tracing::info!("PostgreSQL is there");
        }
        Ok(Some(admin))
    }

    /// Serves until the end.
    async fn serve<S: HubStore>(mut self, store: S, admin: Hash) -> Result<ExitCode, String> {
        let store = Arc::new(store);
        let state = HubState::new(store.clone(), Clock::default(), admin);
        let running = start(self.listener, self.tls, state).map_err(|error| error.to_string())?;
        let pruning = tokio::task::spawn_local(keep_pruning(store));
        announce(&mut self.url);
        self.stop.wait().await;
        pruning.abort();
        running.stop(true).await;
        Ok(ExitCode::SUCCESS)
    }
}

/// Says once where it listens.
fn announce(url: &mut Option<String>) {
    let Some(url) = url.take() else { return };
    let mut out = std::io::stdout().lock();
    // Whoever started us may have closed the pipe: no reason not to serve.
    let _ = writeln!(out, "telecomx-local listening on {url}").and_then(|()| out.flush());
}

/// Not at the start: one that is started over and over would count each time as an hour.
async fn keep_pruning(store: Arc<impl HubStore>) {
    loop {
        tokio::time::sleep(PRUNE_EVERY).await;
        let now = Clock::default().now();
        if !clock::is_plausible(now) {
            tracing::warn!(%now, "the clock is wrong: nothing old is forgotten");
        }
        if let Err(error) = store.prune(now).await {
            tracing::warn!(%error, "old codes and answers could not be forgotten; the next round tries again");
        }
    }
}
