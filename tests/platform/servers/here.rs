//! [`Here`]: a server on a copy of the demo world that works with a platform.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::web;
use serde_json::{Value, json};
use telecomx_local::auth::login_throttle::{Limits, LoginThrottle};
use telecomx_local::auth::passwords::Passwords;
use telecomx_local::auth::reset_requests::ResetRequests;
use telecomx_local::auth::secrets::{Sealer, key_path};
use telecomx_local::auth::session_cache::SessionCache;
use telecomx_local::clock::Clock;
use telecomx_local::config::Config;
use telecomx_local::db::{Db, ReadOnly, ReadTx, WriteTx};
use telecomx_local::domain::employee::Employee;
use telecomx_local::domain::id::Id;
use telecomx_local::domain::mirror::Table;
use telecomx_local::error::Result;
use telecomx_local::mail::Mailer;
use telecomx_local::platform::gate::PlatformGate;
use telecomx_local::platform::settings::PlatformSettings;
use telecomx_local::platform::worker::PlatformWorker;
use telecomx_local::realtime::Realtime;
use telecomx_local::store::platform::{self, Connection, bases};
use telecomx_local::store::{credentials, employees};
use telecomx_local::sync::edge::settings::HubSettings;
use telecomx_local::sync::edge::worker::Worker;
use telecomx_local::usecases::{from_platform, intents};
use telecomx_local::web::AppState;
use telecomx_local::web::aliases::Aliases;
use telecomx_local::web::browser::Hosts;
use telecomx_local::web::figures::Requests;
use telecomx_local::web::outgoing::Outgoing;
use telecomx_local::web::server::block_on;
use telecomx_local::web::socket_io::sockets::Sockets;
use telecomx_local::web::stream_places::EventStreams;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::api::{Client, Response, TestApp, demo};

/// Who is at the platform too; everybody else of the demo world is here alone.
const SHARED: [&str; 9] = [
    demo::RESELLER_ADMIN,
    demo::OWNER,
    demo::MANAGER,
    demo::VIEWER,
    demo::PERSONAL,
    demo::EMMA,
    demo::NO_LOGIN,
    demo::DISABLED,
    demo::WORKSHOPS_MANAGER,
];

pub struct Here {
    pub url: String,
    /// Moved instead of slept.
    pub clock: Clock,
    pub db: Arc<Db>,
    pub sealer: Arc<Sealer>,
    pub gate: Arc<PlatformGate>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    folder: TempDir,
}

impl Here {
    /// A server with the usual settings that works with the platform at `platform`. It has the demo world, and nobody's password.
    pub fn connected_to(platform: &str) -> Here {
        Here::with(platform, |_| {})
    }

    pub fn with(platform: &str, settings: impl FnOnce(&mut PlatformSettings)) -> Here {
        let here = Here::alone(settings);
        let url = platform.to_owned();
        here.write(move |tx| connect(tx, url));
        here
    }

    /// A server that works with no platform.
    pub fn alone(settings: impl FnOnce(&mut PlatformSettings)) -> Here {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("telecomx.db");
        copy_demo(&path);
        let mut chosen = PlatformSettings::default();
        settings(&mut chosen);
        let (started, starting) = mpsc::channel();
        let (stop, stopping) = oneshot::channel();
        let thread = std::thread::spawn(move || block_on(serve(path, chosen, started, stopping)));
        let (url, db, sealer, gate) = starting.recv().expect("the server starts");
        let clock = db.clock().clone();
        Here { url, clock, db, sealer, gate, stop: Some(stop), thread: Some(thread), folder }
    }

    pub fn nobody(&self) -> Client {
        Client::new(&self.url, None)
    }

    pub fn with_token(&self, token: &str) -> Client {
        Client::new(&self.url, Some(token))
    }

    pub fn try_log_in(&self, username: &str, password: &str) -> Response {
        self.nobody().post("/auth/login", json!({ "username": username, "password": password }))
    }

    /// A login with what is in `more` too.
    pub fn try_log_in_with(&self, username: &str, password: &str, more: Value) -> Response {
        let mut body = json!({ "username": username, "password": password });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.nobody().post("/auth/login", body)
    }

    /// Logs in with the demo password.
    #[track_caller]
    pub fn log_in(&self, username: &str) -> Client {
        let answer = self.try_log_in(username, demo::PASSWORD).ok();
        self.with_token(answer["token"].as_str().unwrap())
    }

    pub fn write<T: Send + 'static>(&self, work: impl FnOnce(&mut WriteTx) -> Result<T> + Send + 'static) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.db.write(intents::author(), work)).unwrap()
    }

    pub fn read<T>(&self, work: impl FnOnce(&ReadTx) -> Result<T>) -> T {
        self.db.read(work).unwrap()
    }

    /// As a reading that finds an employee changed.
    pub fn change(&self, employee: &str, change: impl FnOnce(&mut Employee) + Send + 'static) {
        let id: Id = employee.parse().unwrap();
        self.write(move |tx| {
            let mut employee = employees::find(tx, id)?.unwrap();
            change(&mut employee);
            from_platform::write_employee(tx, employee)
        });
    }

    pub fn credentials(&self, employee: &str) -> credentials::Credentials {
        self.read(|tx| credentials::get(tx, employee.parse().unwrap()))
    }

    /// So long that a line that was down is tried again.
    pub fn wait_for_the_line(&self) {
        self.clock.advance_ms(11_000);
    }

    /// What is in the files of the database.
    pub fn files(&self) -> Vec<u8> {
        let read = |name: &str| std::fs::read(self.folder.path().join(name)).unwrap_or_default();
        [read("telecomx.db"), read("telecomx.db-wal")].concat()
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the server ends in order");
        }
    }
}

fn connect(tx: &mut WriteTx, url: String) -> Result<()> {
    let rules = PlatformSettings::default().rules;
    platform::connect(tx, &Connection { url, account: "appliance".into(), credential: vec![1], rules })?;
    for id in [demo::PLATFORM, demo::RESELLER, demo::BAKERY, demo::WORKSHOP] {
        let customer = id.parse().unwrap();
        let base = bases::Base { customer, hash: [7; 32], object: None, aside: None };
        bases::put(tx, Table::Customer, customer, &base)?;
    }
    for id in SHARED {
        let employee = employees::find(tx, id.parse().unwrap())?.unwrap();
        let base = bases::Base { customer: employee.customer, hash: [7; 32], object: None, aside: None };
        bases::put(tx, Table::Employee, employee.id, &base)?;
        credentials::forget_password(tx, employee.id)?;
    }
    Ok(())
}

/// The files of the demo world, which is made once.
fn copy_demo(path: &std::path::Path) {
    let demo = TestApp::start();
    ReadOnly::open(&demo.path(), demo.clock.clone()).unwrap().backup_to(path, |_, _| {}).unwrap();
    std::fs::copy(key_path(&demo.path()), key_path(path)).unwrap();
}

type Started = (String, Arc<Db>, Arc<Sealer>, Arc<PlatformGate>);

async fn serve(path: PathBuf, settings: PlatformSettings, started: mpsc::Sender<Started>, stop: oneshot::Receiver<()>) {
    let db = Arc::new(Db::open(&path, Clock::default()).unwrap());
    let sealer = Arc::new(Sealer::read(&path).unwrap().unwrap());
    let gate = Arc::new(PlatformGate::new(settings, db.clock().clone()).unwrap());
    // Nothing is read and sent here: its interval never ends, and its first round finds a credential that it cannot open.
    let platform_worker = PlatformWorker::start(db.clone(), sealer.clone(), PlatformSettings::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (realtime, _news) = Realtime::start(&db);
    let state = web::Data::new(AppState {
        realtime,
        mirror: Worker::start(db.clone(), sealer.clone(), HubSettings::default()).unwrap(),
        db: db.clone(),
        sealer: sealer.clone(),
        hub: HubSettings::default(),
        platform_worker,
        platform: gate.clone(),
        hosts: Hosts::any(),
        metrics_token: None,
        trusted_proxies: vec![],
        aliases: Aliases::default(),
        session_cache: SessionCache::default(),
        passwords: Passwords::default(),
        login_throttle: LoginThrottle::new(Limits { per_name: 5, per_address: 50, window_s: 60 }),
        outgoing: Outgoing {
            mailer: Mailer::start(db.clone(), None).unwrap(),
            reset_requests: ResetRequests::new(1),
            page: String::new(),
            logs_links: false,
        },
        in_flight: Arc::default(),
        uploads: Default::default(),
        mock: None,
        request_timeout: Duration::from_secs(30),
        backups: None,
        new_colleagues: Default::default(),
        app_versions: Default::default(),
        requests: Requests::default(),
        event_streams: EventStreams::of(Config::default().realtime_limits()),
        lag_history: Default::default(),
        audit_proofs: Default::default(),
        surroundings: Config::default().surroundings(),
        has_console: false,
        is_tls: false,
        certificate_file: None,
    });
    let sockets = Sockets::start(&state, Config::default().realtime_limits(), Duration::from_secs(30));
    let server = telecomx_local::api::start(listener, None, vec![], state.clone(), sockets).unwrap();
    started.send((url, db, sealer, gate)).unwrap();
    let _ = stop.await;
    state.mirror.stop();
    server.stop(true).await;
    state.mirror.end();
}
