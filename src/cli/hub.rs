//! `hub`

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::serve;
use crate::app;
use crate::clock::Clock;
use crate::domain::audit::Hash;
use crate::http::server;
use crate::hub::http::{self, HubState};
use crate::hub::sqlite::SqliteHub;
use crate::hub::{self};
use crate::mirror::wire::Pace;
use crate::secrets::{new_token, token_hash};

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
        #[arg(long)]
        name: String,
    },
}

pub fn run(arguments: Arguments) -> Result<ExitCode, String> {
    match arguments.command {
        Some(Command::Enroll { store, name }) => enroll(store.path()?, &name),
        None => listen(&arguments.serve),
    }
}

fn enroll(path: &Path, name: &str) -> Result<ExitCode, String> {
    let store = SqliteHub::open(path)?;
    let code = server::block_on(hub::add_code(&store, name, Clock::default().now()));
    println!("{}", code.map_err(|error| format!("no code was made: {error}"))?);
    Ok(ExitCode::SUCCESS)
}

fn listen(arguments: &Serve) -> Result<ExitCode, String> {
    let tls = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(cert), Some(key)) => Some(server::tls(cert, key)?),
        _ => None,
    };
    if !arguments.listen.ip().is_loopback() && tls.is_none() && !arguments.insecure {
        return Err(format!(
            "{} is not loopback and there is no TLS: give --tls-cert and --tls-key, or --insecure if the network is trusted",
            arguments.listen
        ));
    }
    serve::start_log(None, None)?;
    let path = arguments.store.path()?;
    server::block_on(async {
        let listener: TcpListener = app::bind(arguments.listen)?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let store = Arc::new(SqliteHub::open(path)?);
        let admin = admin_token(path)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let state = HubState { store, clock: Clock::default(), admin, pace: Pace::default() };
        let running = http::start(listener, state, tls).map_err(|error| error.to_string())?;
        let stop = serve::Stop::listen()?;
        let mut out = std::io::stdout().lock();
        // Whoever started us may have closed the pipe: no reason not to serve.
        let _ = writeln!(out, "telecomx-local listening on {scheme}://{address}").and_then(|()| out.flush());
        drop(out);
        stop.wait().await;
        running.stop(true).await;
        Ok(ExitCode::SUCCESS)
    })
}

/// The hash of the administrator's token; it is made at the first start, in a file that only its owner can read.
fn admin_token(store: &Path) -> Result<Hash, String> {
    let mut name = store.as_os_str().to_owned();
    name.push(".admin-token");
    let path = PathBuf::from(name);
    let told = |error: &dyn std::fmt::Display| format!("{} cannot be used: {error}", path.display());
    match std::fs::read_to_string(&path) {
        Ok(text) => token_hash(text.trim()).ok_or_else(|| told(&"it holds no token of ours")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let (token, hash) = new_token().map_err(|error| told(&error))?;
            let file = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path);
            let written = file.and_then(|mut file| writeln!(file, "{token}").and_then(|()| file.sync_all()));
            written.map_err(|error| told(&error))?;
            Ok(hash)
        }
        Err(error) => Err(told(&error)),
    }
}
