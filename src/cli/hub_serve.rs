//! `hub` without a command: serves a hub.

use std::net::{SocketAddr, TcpListener};
#[cfg(feature = "postgres")]
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
#[cfg(feature = "postgres")]
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use rustls::ServerConfig;
use serde_json::json;

use super::common::print_ready;
use super::hub_pruning::keep_pruning;
use super::hub_store::{self, StoreLocation, StoreOptions};
use super::log::LogOptions;
use super::serve;
use crate::app;
use crate::clock::Clock;
use crate::config::check_listen;
use crate::db::lock::FileLock;
use crate::domain::redaction::strike_userinfo;
use crate::error::Error;
#[cfg(feature = "postgres")]
use crate::error::in_one_line;
use crate::files::database_path;
use crate::service_manager::{ServiceManager, credential_or_file};
use crate::sync::http_agent::{HUB, check_url};
use crate::sync::hub::admin_store::AdminStore;
use crate::sync::hub::api::admission::AdmissionLimits;
#[cfg(feature = "postgres")]
use crate::sync::hub::api::routes::start_without_store;
use crate::sync::hub::api::{
    routes::start,
    state::{CALLS_PER_SECOND, HubState},
};
use crate::sync::hub::fleet::UNREACHABLE_MS;
use crate::sync::hub::limits::OriginLimits;
#[cfg(feature = "postgres")]
use crate::sync::hub::postgres::{PostgresHub, Unready};
use crate::sync::hub::sqlite::SqliteHub;
use crate::sync::hub::store::HubStore;
use crate::web::server;
use crate::web::tls::Certificate;

/// Pause between two attempts to reach PostgreSQL.
#[cfg(feature = "postgres")]
const STORE_PAUSE: Duration = Duration::from_secs(1);

const ADMISSION: AdmissionLimits = AdmissionLimits::DEFAULT;
/// More bytes than that cannot be counted.
const MIB_MAX: i64 = i64::MAX >> 20;

#[derive(Args)]
pub struct Serve {
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
    /// How long a server may stay away before the fleet page calls it unreachable, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = UNREACHABLE_MS / 1_000,
        value_parser = clap::value_parser!(i64).range(1..=31_536_000))]
    unreachable_after: i64,
    /// Rows that one server may have here, in its mirror, in quarantine and lost with earlier epochs; 0: any number
    #[arg(long, value_name = "COUNT", default_value_t = OriginLimits::DEFAULT.rows,
        value_parser = clap::value_parser!(i64).range(0..))]
    max_rows: i64,
    /// What these rows may take, in MiB; 0: any number
    #[arg(long, value_name = "MIB", default_value_t = OriginLimits::DEFAULT.bytes >> 20,
        value_parser = clap::value_parser!(i64).range(0..=MIB_MAX))]
    max_mb: i64,
    /// What a batch of one server that comes in parts may take, in MiB; 0: any number
    #[arg(long, value_name = "MIB", default_value_t = OriginLimits::DEFAULT.stage_bytes >> 20,
        value_parser = clap::value_parser!(i64).range(0..=MIB_MAX))]
    max_stage_mb: i64,
    /// Calls that one server may make in a second, five times as many at once; 0: any number
    #[arg(long, value_name = "COUNT", default_value_t = CALLS_PER_SECOND)]
    max_calls_per_second: u32,
    /// Compressed bodies of more than 8 KiB that are received at the same time, in MiB
    #[arg(long, value_name = "MIB", default_value_t = ADMISSION.receiving_bytes as i64 >> 20,
        value_parser = clap::value_parser!(i64).range(8..=65_536))]
    receive_mb: i64,
    /// Of these bodies, how many are decompressed and stored at the same time: each takes several times its length in memory
    #[arg(long, value_name = "COUNT", default_value_t = ADMISSION.working as u32,
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    work_at_once: u32,
    /// Of these bodies, how many one server may send at the same time
    #[arg(long, value_name = "COUNT", default_value_t = ADMISSION.of_origin as u32,
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    bodies_per_server: u32,
    /// Serve no console on /console
    #[arg(long)]
    no_console: bool,
    /// The address at which servers are to call this hub from now on: they follow once it answers there [default: none]
    #[arg(long, value_name = "URL")]
    announce: Option<String>,
    #[command(flatten)]
    log: LogOptions,
}

impl Serve {
    /// Every setting by its name, as JSON, without what may be secret in a URL.
    fn in_force(&self) -> String {
        json!({
            "store": strike_userinfo(self.store.as_given()), "admin_token": self.admin_token, "listen": self.listen.to_string(),
            "tls_cert": self.tls_cert, "tls_key": self.tls_key, "insecure": self.insecure,
            "unreachable_after": self.unreachable_after, "max_rows": self.max_rows, "max_mb": self.max_mb,
            "max_stage_mb": self.max_stage_mb, "max_calls_per_second": self.max_calls_per_second,
            "receive_mb": self.receive_mb, "work_at_once": self.work_at_once, "bodies_per_server": self.bodies_per_server,
            "announce": self.announce.as_deref().map(strike_userinfo), "log_level": self.log.level, "log_file": self.log.file,
        })
        .to_string()
    }

    fn limits(&self) -> OriginLimits {
        OriginLimits { rows: self.max_rows, bytes: self.max_mb << 20, stage_bytes: self.max_stage_mb << 20 }
    }

    fn bounds(&self) -> (AdmissionLimits, u32) {
        let receiving_bytes = usize::try_from(self.receive_mb).unwrap_or_default() << 20;
        let (working, of_origin) = (self.work_at_once as usize, self.bodies_per_server as usize);
        (AdmissionLimits { receiving_bytes, working, of_origin }, self.max_calls_per_second)
    }
}

pub fn run(arguments: &Serve) -> Result<ExitCode> {
    let file = |given: &Option<PathBuf>, flag| given.as_ref().map(|given| credential_or_file(given, flag)).transpose();
    let key = file(&arguments.tls_key, "--tls-key")?;
    let certificate = Certificate::open(arguments.tls_cert.as_deref(), key.as_deref())?;
    let tls = certificate.as_ref().map(Certificate::server_config).transpose()?;
    check_listen(arguments.listen, tls.is_some(), arguments.insecure)?;
    arguments.announce.iter().try_for_each(|url| check_url(url, HUB, arguments.insecure))?;
    arguments.log.start()?;
    let (location, token) = (arguments.store.location()?, file(&arguments.admin_token, "--admin-token")?);
    let token = token.as_deref();
    server::block_on(async {
        let listener = app::bind(arguments.listen)?;
        // Before the ready line: a process that has read it may send a signal.
        let stop = serve::Stop::listen(move || certificate.as_ref().map_or(Ok(()), |it| it.reload()))?;
        let address = listener.local_addr().context("the address listened on is not known")?;
        let url = format!("{}://{address}", if tls.is_some() { "https" } else { "http" });
        let unreachable_ms = arguments.unreachable_after * 1_000;
        let (announce, bounds) = (arguments.announce.clone(), arguments.bounds());
        let has_console = !arguments.no_console;
        let settings = arguments.in_force();
        let manager = ServiceManager::of_environment();
        let front = HubListener {
            has_console,
            listener,
            tls,
            stop,
            manager,
            url: Some(url),
            announce,
            unreachable_ms,
            bounds,
            settings,
        };
        let limits = arguments.limits();
        match location {
            StoreLocation::Sqlite(path) => {
                let _lock = FileLock::take(&database_path(&path, "--store")?, "--store")?;
                let store = SqliteHub::open(&path)?.with_limits(limits);
                store.set_administrator(hub_store::admin_beside(&path, token)?, None).await?;
                front.serve(store).await
            }
            #[cfg(feature = "postgres")]
            StoreLocation::Postgres(address) => {
                let (store, mut front) = (PostgresHub::new(&address)?.with_limits(limits), front);
                match front.wait_for(&store, token).await? {
                    true => front.serve(store).await,
                    false => Ok(ExitCode::SUCCESS),
                }
            }
        }
    })
}

/// The socket of a hub, before and while it serves.
struct HubListener {
    has_console: bool,
    listener: TcpListener,
    tls: Option<ServerConfig>,
    stop: serve::Stop,
    manager: ServiceManager,
    /// None once the ready line was printed.
    url: Option<String>,
    announce: Option<String>,
    unreachable_ms: i64,
    /// How much is taken in at once, and how many calls a second of each server.
    bounds: (AdmissionLimits, u32),
    /// For the log.
    settings: String,
}

impl HubListener {
    #[cfg(feature = "postgres")]
    /// Waits until PostgreSQL can be used, and answers 503 meanwhile. `false` when the hub was stopped before.
    async fn wait_for(&mut self, store: &PostgresHub, token: Option<&Path>) -> Result<bool> {
        let mut waiting = None;
        loop {
            let ready = match store.prepare().await {
                Ok(()) => hub_store::admin_of(store, token).await,
                Err(unready) => Err(unready),
            };
            match ready {
                Ok(_) => break,
                Err(Unready::Wrong(why)) => return Err(why),
                Err(Unready::Away(_)) if waiting.is_some() => {}
                Err(Unready::Away(why)) => {
                    tracing::warn!("{}; 503 until it is there", in_one_line(why.as_ref()));
                    let listener = self.listener.try_clone();
                    let started = listener.and_then(|listener| start_without_store(listener, self.tls.clone()));
                    waiting = Some(started.context("the hub could not be started")?);
                    print_ready_once(self.url.take());
                    self.manager.ready("waits for PostgreSQL, and answers 503 until it is there");
                }
            }
            self.manager.is_alive();
            tokio::select! {
                () = self.stop.wait() => return Ok(false),
                () = tokio::time::sleep(STORE_PAUSE) => {}
            }
        }
        if let Some(waiting) = waiting {
            waiting.stop(false).await;
            tracing::info!("PostgreSQL is there");
        }
        Ok(true)
    }

    /// Serves until the hub is stopped.
    async fn serve<S: HubStore>(self, store: S) -> Result<ExitCode> {
        let HubListener {
            has_console,
            listener,
            tls,
            mut stop,
            manager,
            url,
            announce,
            unreachable_ms,
            bounds,
            settings,
        } = self;
        let store = Arc::new(store);
        let mut state = HubState::new(store.clone(), Clock::default()).with_bounds(bounds.0, bounds.1);
        (state.announce, state.unreachable_ms, state.has_console) = (announce, unreachable_ms, has_console);
        let running = start(listener, tls, state).context("the hub could not be started")?;
        let pruning = tokio::task::spawn_local(keep_pruning(store.clone()));
        tracing::info!(version = env!("CARGO_PKG_VERSION"), settings, "started");
        print_ready_once(url);
        manager.ready("serves the mirrors");
        tokio::select! {
            () = stop.wait() => {}
            () = manager.feed_watchdog(async || check(store.clone()).await) => {}
        }
        manager.stopping();
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

/// Whether something can be written to the store; on a thread of its own, because a store in a file blocks its caller.
async fn check(store: Arc<impl HubStore>) -> crate::error::Result<()> {
    let runtime = tokio::runtime::Handle::current();
    let checking = tokio::task::spawn_blocking(move || runtime.block_on(store.check_writer()));
    checking.await.map_err(|error| Error::Internal(Box::new(error)))?
}
