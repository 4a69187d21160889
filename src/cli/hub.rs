//! `hub`

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use rustls::ServerConfig;

use super::common::{print_line, print_ready};
use super::hub_store::{self, StoreLocation, StoreOptions, no_store};
use super::{hub_move, hub_origin, serve};
use crate::app;
use crate::clock::{self, Clock};
use crate::config::check_listen;
use crate::db::lock::FileLock;
use crate::domain::audit::Hash;
#[cfg(feature = "postgres")]
use crate::error::in_one_line;
use crate::files::{Part, cannot_be_written, database_path};
use crate::sync::http_agent::check_url;
#[cfg(feature = "postgres")]
use crate::sync::hub::api::routes::start_without_store;
use crate::sync::hub::api::{routes::start, state::HubState};
use crate::sync::hub::origin::EnrolmentKind;
#[cfg(feature = "postgres")]
use crate::sync::hub::postgres::{PostgresHub, Unready};
use crate::sync::hub::sqlite::SqliteHub;
use crate::sync::hub::store::{HubStore, add_code};
use crate::web::server;
use crate::web::tls::Certificate;

/// How often expired rows are deleted.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);
/// Pause between two attempts to reach PostgreSQL.
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
    store: StoreOptions,
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
    /// The address at which servers are to call this hub from now on: they follow once it answers there [default: none]
    #[arg(long, value_name = "URL")]
    announce: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Print a one-time code with which one edge can enrol, alone on its line; also beside a running hub
    Enroll {
        #[command(flatten)]
        store: StoreOptions,
        /// What the edge is to be called
        #[arg(long, required_unless_present = "origin")]
        name: Option<String>,
        /// Id of an edge whose place a machine takes (restore --from-hub): the previous machine's token is revoked
        #[arg(long, value_name = "ID", conflicts_with = "name")]
        origin: Option<String>,
    },
    /// Copy the store to a new file, also beside a running hub: edges then forget what only a lost hub would need
    Backup {
        #[command(flatten)]
        store: StoreOptions,
        /// The new file
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Tell a hub on PostgreSQL that a backup was verified: edges then forget what only a lost hub would need
    BackupVerified {
        #[command(flatten)]
        store: StoreOptions,
        /// The place in the log up to which the backup holds everything, such as 0/16B3748
        lsn: String,
    },
    /// Take a server to another hub, beside the hubs that run here; ended at any point, it is run again
    Move(hub_move::Arguments),
    /// Print what was lost when a server was put back to an older image, one JSON object on a line, the newest first
    Lost(hub_origin::Arguments),
    /// Remove a server with all its data, also beside a running hub: its token is revoked
    Remove(hub_origin::Arguments),
}

pub fn run(arguments: Arguments) -> Result<ExitCode> {
    match arguments.command {
        Some(Command::Enroll { store, name, origin }) => {
            let kind = origin.map_or_else(|| EnrolmentKind::New(name.unwrap_or_default()), EnrolmentKind::Replacement);
            enroll(&store.location()?, &kind)
        }
        Some(Command::Backup { store, to }) => match store.location()? {
            StoreLocation::Sqlite(path) => back_up(&path, &to),
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(_) => {
                bail!("a PostgreSQL is backed up by its own tools (pg_basebackup): see hub backup-verified")
            }
        },
        #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "only PostgreSQL has a log position"))]
        Some(Command::BackupVerified { store, lsn }) => match store.location()? {
            StoreLocation::Sqlite(_) => {
                bail!("a store in a file is backed up, and the copy verified, by hub backup")
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

fn enroll(location: &StoreLocation, kind: &EnrolmentKind) -> Result<ExitCode> {
    let now = Clock::default().now();
    let code = server::block_on(async {
        let code = match location {
            StoreLocation::Sqlite(path) if !path.exists() => return Err(no_store(path)),
            StoreLocation::Sqlite(path) => add_code(&SqliteHub::open(path)?, kind, now).await,
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(address) => add_code(&PostgresHub::open(address).await?, kind, now).await,
        };
        code.context("no code was made")
    })?;
    print_line(code)?;
    Ok(ExitCode::SUCCESS)
}

fn back_up(path: &Path, to: &Path) -> Result<ExitCode> {
    if !path.exists() {
        return Err(no_store(path));
    }
    if to.exists() {
        bail!("{} is there already: name a new file", to.display());
    }
    let describe = |error| cannot_be_written(to, error, "choose another --to");
    let part = Part::of(to).map_err(describe)?;
    let copied = SqliteHub::open(path)?.back_up(part.path());
    copied.with_context(|| format!("{} was not backed up", path.display()))?;
    part.finish().map_err(describe)?;
    print_line(format_args!("{} holds a checked copy", to.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn listen(arguments: &Serve) -> Result<ExitCode> {
    let certificate = Certificate::open(arguments.tls_cert.as_deref(), arguments.tls_key.as_deref())?;
    let tls = certificate.as_ref().map(Certificate::server_config).transpose()?;
    check_listen(arguments.listen, tls.is_some(), arguments.insecure)?;
    arguments.announce.iter().try_for_each(|url| check_url(url, arguments.insecure))?;
    serve::start_log(None, None)?;
    let (location, token) = (arguments.store.location()?, arguments.admin_token.as_deref());
    server::block_on(async {
        let listener = app::bind(arguments.listen)?;
        // Before the ready line: a process that has read it may send a signal.
        let stop = serve::Stop::listen(move || certificate.as_ref().map_or(Ok(()), |it| it.reload()))?;
        let address = listener.local_addr().context("the address listened on is not known")?;
        let url = format!("{}://{address}", if tls.is_some() { "https" } else { "http" });
        let front = HubListener { listener, tls, stop, url: Some(url), announce: arguments.announce.clone() };
        match location {
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

/// The socket of a hub, before and while it serves.
struct HubListener {
    listener: TcpListener,
    tls: Option<ServerConfig>,
    stop: serve::Stop,
    /// None once the ready line was printed.
    url: Option<String>,
    announce: Option<String>,
}

impl HubListener {
    #[cfg(feature = "postgres")]
    /// Waits until PostgreSQL can be used, and answers 503 meanwhile. Returns the hash of the administrator's token; `None`
    /// when the hub was stopped before.
    async fn wait_for(&mut self, store: &PostgresHub, token: Option<&Path>) -> Result<Option<Hash>> {
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
                    tracing::warn!("{}; 503 until it is there", in_one_line(why.as_ref()));
                    let listener = self.listener.try_clone();
                    let started = listener.and_then(|listener| start_without_store(listener, self.tls.clone()));
                    waiting = Some(started.context("the hub could not be started")?);
                    print_ready_once(self.url.take());
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

    /// Serves until the hub is stopped.
    async fn serve<S: HubStore>(self, store: S, admin: Hash) -> Result<ExitCode> {
        let HubListener { listener, tls, mut stop, url, announce } = self;
        let store = Arc::new(store);
        let mut state = HubState::new(store.clone(), Clock::default(), admin);
        state.announce = announce;
        let running = start(listener, tls, state).context("the hub could not be started")?;
        let pruning = tokio::task::spawn_local(keep_pruning(store));
        print_ready_once(url);
        stop.wait().await;
        pruning.abort();
        running.stop(true).await;
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints the ready line, unless that was done before.
fn print_ready_once(url: Option<String>) {
    if let Some(url) = url {
        print_ready(&url, "");
    }
}

/// Deletes expired rows once an hour. Not at the start: a hub that restarts over and over would count each as an hour.
async fn keep_pruning(store: Arc<impl HubStore>) {
    loop {
        tokio::time::sleep(PRUNE_EVERY).await;
        let now = Clock::default().now();
        if !clock::is_plausible(now) {
            tracing::warn!(%now, "the clock is wrong: nothing expired is deleted");
        }
        if let Err(error) = store.prune(now).await {
            tracing::warn!(%error, "expired codes and answers could not be deleted; the next round tries again");
        }
    }
}
