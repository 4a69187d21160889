//! The composition root: open, bind, serve, and shut down in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web;
use anyhow::Context as _;
use tokio::sync::oneshot;

use crate::api;
use crate::auth::login_throttle::LoginThrottle;
use crate::auth::passwords::Passwords;
use crate::auth::secrets::{keep_from_others, key_path};
use crate::auth::session_cache::SessionCache;
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{Begin, Begun, Control, Seed};
use crate::db::Db;
use crate::ephemeral::Folder;
use crate::platform::gate::PlatformGate;
use crate::platform::worker::PlatformWorker;
use crate::realtime::Realtime;
use crate::store::clock_floor;
use crate::sync::edge::lag_history::LagHistory;
use crate::sync::edge::worker::Worker;
use crate::usecases::examination::Examination;
use crate::usecases::{demo, housekeeping, login};
use crate::web::AppState;
use crate::web::aliases::Aliases;
use crate::web::condition::Surroundings;
use crate::web::event_stream::watch_mirror;
use crate::web::figures::Requests;
use crate::web::long_work::LongWork;
use crate::web::metrics_token::MetricsToken;
use crate::web::socket_io::sockets::Sockets;
use crate::web::socket_io::watch;
use crate::web::stream_places::EventStreams;
use crate::web::tls::Certificate;

mod begin;
mod listen;
mod mock;
mod periodic;

use begin::{connect_platform, database, load, open_sealer, outgoing};
pub use listen::bind;

const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60);

/// A server that answers.
pub struct App {
    /// `http://ADDR:PORT`
    pub url: String,
    state: web::Data<AppState>,
    server: ServerHandle,
    sockets: Sockets,
    housekeeping: tokio::task::JoinHandle<()>,
    telling: tokio::task::JoinHandle<()>,
    watching: tokio::task::JoinHandle<()>,
    backing_up: tokio::task::JoinHandle<()>,
    archiving: tokio::task::JoinHandle<()>,
    control: Option<Control>,
    certificate: Option<Arc<Certificate>>,
    examination: Examination,
    // Removed when everything else is closed.
    _folder: Option<Folder>,
}

impl App {
    /// Binds, opens the database, and starts to answer.
    pub async fn start(config: &Config, clock: Clock) -> anyhow::Result<App> {
        App::begin(config, clock, None).await
    }

    /// The same. `seed`: what the database of a workspace begins with.
    pub async fn begin(config: &Config, clock: Clock, seed: Option<&Seed>) -> anyhow::Result<App> {
        let mock = mock::of(config, &clock);
        let certificate = Certificate::open(config.tls_cert.as_deref(), config.tls_key.as_deref())?;
        let tls = certificate.as_ref().map(Certificate::server_config).transpose()?;
        let listener = bind(config.listen())?;
        let address = listener.local_addr().context("the address listened on is not known")?;
        let (path, folder) = database(config)?;
        if let Some(seed) = seed {
            seed.copy_to(&path)?;
        }
        let db = Arc::new(Db::open(&path, clock)?);
        let sealer = Arc::new(open_sealer(&db, &path, config.is_new_key())?);
        keep_from_others(&key_path(&path));
        db.clock().resume(db.read(clock_floor::find)?);
        if let Some(fault) = db.clock().fault() {
            tracing::warn!("{fault}");
        }
        if folder.is_none() && !db.keep_reserve() {
            tracing::warn!(
                "the disk of {} has no room to keep back: once it is full, logins and all other changes fail",
                path.display()
            );
        }
        let (keys, lost) = db.read(|tx| login::count_authenticator_keys(tx, Some(&sealer)))?;
        if lost > 0 {
            let file = key_path(&path);
            tracing::error!(
                "{lost} of {keys} authenticator keys cannot be opened with {}: put the right key file back",
                file.display()
            );
        }
        let url = format!("{}://{address}", if tls.is_some() { "https" } else { "http" });
        if let Some(seed) = config.seed {
            mock::repeat_numbers(&db, seed).await?;
        }
        if config.is_demo() {
            demo::load(&db, sealer.clone()).await.context("the demo world could not be loaded")?;
        }
        if let Some(file) = &config.import {
            load(&db, sealer.clone(), file).await?;
        }
        let platform_settings = config.platform.settings();
        connect_platform(&db, &sealer, config, &platform_settings).await?;
        let platform_worker = PlatformWorker::start(db.clone(), sealer.clone(), platform_settings.clone())?;
        let mirror = Worker::start(db.clone(), sealer.clone(), config.hub())?;
        let outgoing = outgoing(&db, config, &url).await?;
        let platform = PlatformGate::new(platform_settings, db.clock().clone())?;
        let (realtime, news) = Realtime::start(&db);
        let state = web::Data::new(AppState {
            db,
            sealer,
            mirror,
            hub: config.hub(),
            platform_worker,
            platform: Arc::new(platform),
            hosts: config.hosts()?,
            metrics_token: config.metrics_token_file.clone().map(MetricsToken::open).transpose()?,
            trusted_proxies: config.trusted_proxies()?,
            aliases: Aliases::default(),
            session_cache: SessionCache::default(),
            passwords: Passwords::default(),
            login_throttle: LoginThrottle::new(config.login_limits()),
            backups: config.backup.backups().map(Arc::new),
            outgoing,
            in_flight: Arc::default(),
            uploads: Default::default(),
            realtime,
            event_streams: EventStreams::of(config.realtime_limits()),
            lag_history: LagHistory::default(),
            audit_proofs: LongWork::default(),
            surroundings: Surroundings { listen: address, ..config.surroundings() },
            has_console: config.has_console(),
            mock: mock.clone(),
            request_timeout: config.request_timeout(),
            new_colleagues: config.new_colleagues.unwrap_or_default(),
            app_versions: config.app_versions()?,
            requests: Requests::default(),
            is_tls: tls.is_some(),
            certificate_file: config.tls_cert.clone(),
        });
        let examination = Examination::start(state.db.examiner())?;
        let limits = config.realtime_limits();
        let sockets = Sockets::start(&state, limits, config.request_timeout());
        let server = api::start(listener, tls, config.cors_origins(), state.clone(), sockets.clone());
        let server = server.context("the server could not be started")?;
        let housekeeping = tokio::task::spawn_local(run_housekeeping(state.clone()));
        let backing_up =
            tokio::task::spawn_local(periodic::back_up(state.db.clone(), state.backups.clone(), config.backup.every()));
        let archiving =
            tokio::task::spawn_local(periodic::archive(state.db.clone(), config.audit.archive(state.db.path())));
        let telling = watch(Arc::downgrade(&state), news, limits.authenticate_ms);
        let telling = tokio::task::spawn_local(telling);
        let watching = tokio::task::spawn_local(watch_mirror(Arc::downgrade(&state)));
        let control = match (config.control, mock) {
            (Some(address), Some(mock)) => {
                Some(mock::control(address, &state, mock, &url, seed, |seed| workspaces(config, seed))?)
            }
            _ => None,
        };
        Ok(App {
            url,
            state,
            server,
            sockets,
            housekeeping,
            telling,
            watching,
            backing_up,
            archiving,
            control,
            certificate,
            examination,
            _folder: folder,
        })
    }

    /// `http://ADDR:PORT` of the controls, if there are any.
    pub fn control_url(&self) -> Option<&str> {
        self.control.as_ref().map(|control| control.url.as_str())
    }

    /// What the handlers share; for tests and the ready message.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// The certificate that is shown, under TLS.
    pub fn certificate(&self) -> Option<Arc<Certificate>> {
        self.certificate.clone()
    }

    /// Lets requests under way finish, writes what is still in memory, and closes the database.
    pub async fn stop(self) {
        self.housekeeping.abort();
        self.backing_up.abort();
        self.archiving.abort();
        if let Some(control) = self.control {
            Box::pin(control.stop()).await;
        }
        drop(self.examination);
        self.state.mirror.stop();
        self.state.platform_worker.stop();
        // A connection that waits for events would hold up the end of the others.
        self.state.realtime.streams.end();
        self.sockets.stop().await;
        self.telling.abort();
        self.watching.abort();
        self.server.stop(true).await;
        self.state.mirror.end();
        self.state.platform_worker.end();
        self.state.outgoing.mailer.end();
        if let Err(error) = self.state.session_cache.flush(&self.state.db).await {
            tracing::warn!(%error, "when sessions were last used could not be written");
        }
    }
}

/// How workspaces are begun: servers on free ports with the same settings, each with a clock of its own.
fn workspaces(config: &Config, seed: Seed) -> Begin {
    let localhost = SocketAddr::from(([127, 0, 0, 1], 0));
    let (listen, control) = (Some(localhost), Some(localhost));
    let (demo, import, tls_cert, tls_key) = (None, None, None, None);
    let config = Config { listen, control, demo, import, tls_cert, tls_key, ..config.clone() };
    Arc::new(move |number| Box::pin(begin_workspace(config.clone(), seed.clone(), number)))
}

async fn begin_workspace(config: Config, seed: Seed, number: Option<u64>) -> anyhow::Result<Begun> {
    let folder = Folder::make()?;
    let db = Some(folder.path().join("telecomx.db"));
    let config = Config { ephemeral: None, db, seed: number.or(config.seed), ..config };
    let app = App::begin(&config, Clock::default(), Some(&seed)).await?;
    let (stop, stopping) = oneshot::channel();
    let (ended, stopped) = oneshot::channel();
    let mock = app.state.mock.clone().context("a workspace is a mock")?;
    let (url, control_url) = (app.url.clone(), app.control_url().unwrap_or_default().to_owned());
    tokio::task::spawn_local(async move {
        let _ = stopping.await;
        app.stop().await;
        drop(folder);
        let _ = ended.send(());
    });
    Ok(Begun { url, control_url, mock, stop, stopped })
}

async fn run_housekeeping(state: web::Data<AppState>) {
    let mut ticks = tokio::time::interval(HOUSEKEEPING_EVERY);
    loop {
        ticks.tick().await;
        state.db.keep_reserve();
        if let Err(error) = housekeeping::step(&state.db, &state.session_cache).await {
            tracing::warn!(%error, "housekeeping failed; the next round tries again");
        }
    }
}
