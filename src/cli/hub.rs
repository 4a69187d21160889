//! `hub`

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::serve;
use crate::app;
use crate::clock::Clock;
use crate::config::check_reach;
use crate::domain::audit::Hash;
use crate::files::{Part, beside, cannot_be_written};
use crate::http::server;
use crate::hub::http::{HubState, start};
use crate::hub::sqlite::SqliteHub;
use crate::hub::{self, Admits, HubStore};
use crate::secrets::{new_token, token_hash};

/// How often what nobody will ask for is forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);

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

#[derive(Args)]
struct Store {
    /// Where the mirrors are kept: sqlite:PATH [default: telecomx-local-hub.db in this folder]
    #[arg(long, value_name = "STORE", default_value = "sqlite:telecomx-local-hub.db", hide_default_value = true)]
    store: String,
}

impl Store {
    fn path(&self) -> Result<&Path, String> {
        let path = self.store.strip_prefix("sqlite:").filter(|path| !path.is_empty());
        path.map(Path::new).ok_or_else(|| format!("{} is no store: give sqlite:PATH", self.store))
    }
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
}

pub fn run(arguments: Arguments) -> Result<ExitCode, String> {
    match arguments.command {
        Some(Command::Enroll { store, name, origin }) => {
            let admits = origin.map_or_else(|| Admits::New(name.unwrap_or_default()), Admits::Replacement);
            enroll(store.path()?, &admits)
        }
        Some(Command::Backup { store, to }) => back_up(store.path()?, &to),
        None => listen(&arguments.serve),
    }
}

fn enroll(path: &Path, admits: &Admits) -> Result<ExitCode, String> {
    let store = SqliteHub::open(path)?;
    let code = server::block_on(hub::add_code(&store, admits, Clock::default().now()));
    println!("{}", code.map_err(|error| format!("no code was made: {error}"))?);
    Ok(ExitCode::SUCCESS)
}

fn back_up(path: &Path, to: &Path) -> Result<ExitCode, String> {
    if !path.exists() {
        return Err(format!("there is no store at {}: choose another --store", path.display()));
    }
    if to.exists() {
        return Err(format!("{} is there already: name a new file", to.display()));
    }
    let told = |error: std::io::Error| cannot_be_written(to, &error, "choose another --to");
    let part = Part::of(to).map_err(told)?;
    let copied = SqliteHub::open(path)?.back_up(part.path());
    copied.map_err(|error| format!("{} was not backed up: {error}", path.display()))?;
    part.finish().map_err(told)?;
    println!("{} holds a checked copy", to.display());
    Ok(ExitCode::SUCCESS)
}

fn listen(arguments: &Serve) -> Result<ExitCode, String> {
    let tls = server::tls(arguments.tls_cert.as_deref(), arguments.tls_key.as_deref())?;
    check_reach(arguments.listen, tls.is_some(), arguments.insecure)?;
    serve::start_log(None, None)?;
    let path = arguments.store.path()?;
    server::block_on(async {
        let listener: TcpListener = app::bind(arguments.listen)?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let store = Arc::new(SqliteHub::open(path)?);
        let admin = admin_token(path)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let state = HubState::new(store.clone(), Clock::default(), admin);
        let running = start(listener, tls, state).map_err(|error| error.to_string())?;
        let pruning = tokio::task::spawn_local(keep_pruning(store));
        let stop = serve::Stop::listen()?;
        let mut out = std::io::stdout().lock();
        // Whoever started us may have closed the pipe: no reason not to serve.
        let _ = writeln!(out, "telecomx-local listening on {scheme}://{address}").and_then(|()| out.flush());
        drop(out);
        stop.wait().await;
        pruning.abort();
        running.stop(true).await;
        Ok(ExitCode::SUCCESS)
    })
}

async fn keep_pruning(store: Arc<SqliteHub>) {
    let mut ticks = tokio::time::interval(PRUNE_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = store.prune(Clock::default().now()).await {
            tracing::warn!(%error, "old codes and answers could not be forgotten; the next round tries again");
        }
    }
}

/// The hash of the administrator's token; it is made at the first start, in a file that only its owner can read.
fn admin_token(store: &Path) -> Result<Hash, String> {
    let path = beside(store, ".admin-token");
    let told = |error: &dyn std::fmt::Display| format!("{} cannot be used: {error}", path.display());
    match std::fs::read_to_string(&path) {
        Ok(text) => token_hash(text.trim()).ok_or_else(|| told(&"it holds no token of ours")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let (token, hash) = new_token().map_err(|error| told(&error))?;
            let part = Part::of(&path).map_err(|error| told(&error))?;
            let written = writeln!(part.file(), "{token}").and_then(|()| part.finish());
            written.map_err(|error| told(&error))?;
            Ok(hash)
        }
        Err(error) => Err(told(&error)),
    }
}
