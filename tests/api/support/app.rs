//! [`TestApp`]: the product in this process, on a free port, with a database in a folder that goes away.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;

use telecomx_local::app::App;
use telecomx_local::auth::secrets::{Sealer, key_path, new_token};
use telecomx_local::clock::Clock;
use telecomx_local::config::Config;
use telecomx_local::db::{Author, Db, ReadOnly, WriteTx};
use telecomx_local::domain::id::Id;
use telecomx_local::store::{audit_chain, health, sessions};
use telecomx_local::usecases::{export, housekeeping, import};
use telecomx_local::web::server::block_on;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::client::Client;
use super::demo;

/// The files of a database, to start further servers from.
pub struct Saved {
    db: Vec<u8>,
    key: Vec<u8>,
}

/// The demo world, whose passwords are hashed once.
static DEMO: LazyLock<Saved> = LazyLock::new(|| {
    let app = TestApp::run(None, |config| config.demo = Some(true));
    app.save()
});

enum Order {
    KeepHouse(std::sync::mpsc::Sender<()>),
    Stop,
}

pub struct TestApp {
    pub url: String,
    /// Moved instead of slept.
    pub clock: Clock,
    pub db: Arc<Db>,
    pub sealer: Arc<Sealer>,
    orders: UnboundedSender<Order>,
    thread: Option<JoinHandle<()>>,
    folder: TempDir,
}

impl TestApp {
    /// A server on the demo world.
    pub fn start() -> TestApp {
        TestApp::start_with(|_| {})
    }

    /// As [`TestApp::start`], with settings of the test's own.
    pub fn start_with(settings: impl FnOnce(&mut Config)) -> TestApp {
        TestApp::run(Some(&DEMO), settings)
    }

    /// A server on a copy of what was saved.
    pub fn on(saved: &Saved) -> TestApp {
        TestApp::run(Some(saved), |_| {})
    }

    /// A server on a world of the test's own, in the form that import takes.
    pub fn with_world(world: &serde_json::Value) -> TestApp {
        let app = TestApp::run(None, |_| {});
        app.import(world);
        app
    }

    /// Adds a document, in the form that import takes, in one write.
    pub fn import(&self, document: &serde_json::Value) {
        self.try_import(document).unwrap();
    }

    /// As [`TestApp::import`], of what may be refused.
    pub fn try_import(&self, document: &serde_json::Value) -> telecomx_local::error::Result<()> {
        let (document, sealer) = (document.to_string(), self.sealer.clone());
        self.try_write(move |tx| {
            import::run(tx, &sealer, document.as_bytes(), import::Options::default(), |_, _, _| {}).map(drop)
        })
    }

    fn run(saved: Option<&Saved>, settings: impl FnOnce(&mut Config)) -> TestApp {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("telecomx.db");
        if let Some(saved) = saved {
            std::fs::write(&path, &saved.db).unwrap();
            std::fs::write(key_path(&path), &saved.key).unwrap();
        }
        let mut config = Config { db: Some(path), listen: Some(([127, 0, 0, 1], 0).into()), ..Config::default() };
        settings(&mut config);
        let clock = Clock::default();
        let (orders, received) = unbounded_channel();
        let (started, starting) = std::sync::mpsc::channel();
        let server_clock = clock.clone();
        let thread = std::thread::spawn(move || block_on(serve(config, server_clock, started, received)));
        let (url, db, sealer) = starting.recv().expect("the server starts");
        TestApp { url, clock, db, sealer, orders, thread: Some(thread), folder }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("telecomx.db")
    }

    /// What the database holds now, secrets that logins depend on included.
    pub fn export(&self) -> String {
        let mut text = Vec::new();
        self.db.read(|tx| export::write(tx, Some(&self.sealer), &mut text)).unwrap();
        String::from_utf8(text).unwrap()
    }

    pub fn save(&self) -> Saved {
        let copy = self.folder.path().join("copy.db");
        self.open().backup_to(&copy, |_, _| {}).unwrap();
        let saved = Saved { db: std::fs::read(&copy).unwrap(), key: std::fs::read(key_path(&self.path())).unwrap() };
        std::fs::remove_file(copy).unwrap();
        saved
    }

    fn open(&self) -> ReadOnly {
        ReadOnly::open(&self.path(), self.clock.clone()).unwrap()
    }

    /// One round of what the server does by itself every minute.
    pub fn run_housekeeping(&self) {
        let (done, waiting) = std::sync::mpsc::channel();
        self.orders.send(Order::KeepHouse(done)).expect("the server runs");
        waiting.recv().expect("housekeeping succeeds");
    }

    /// Somebody without a token.
    pub fn nobody(&self) -> Client {
        Client::new(&self.url, None)
    }

    /// Somebody who presents `token`.
    pub fn with_token(&self, token: &str) -> Client {
        Client::new(&self.url, Some(token))
    }

    /// Logs in with the demo password.
    pub fn log_in(&self, username: &str) -> Client {
        let answer = self.nobody().post("/auth/login", demo::credentials(username)).ok();
        self.with_token(answer["token"].as_str().unwrap())
    }

    /// A session without a login, for when many are needed.
    pub fn session_of(&self, employee: &str) -> Client {
        let (token, hash) = new_token().unwrap();
        let employee: Id = employee.parse().unwrap();
        let session = sessions::Session {
            employee,
            impersonator: None,
            parent: None,
            ip: None,
            login_ip: "127.0.0.1".into(),
            persist: false,
            last_used_at: self.clock.now(),
        };
        self.write(move |tx| sessions::insert(tx, &hash, &session));
        self.with_token(&token)
    }

    fn write(&self, work: impl FnOnce(&mut WriteTx) -> telecomx_local::error::Result<()> + Send + 'static) {
        self.try_write(work).unwrap();
    }

    fn try_write(
        &self,
        work: impl FnOnce(&mut WriteTx) -> telecomx_local::error::Result<()> + Send + 'static,
    ) -> telecomx_local::error::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.db.write(Author::system("test"), work))
    }

    pub fn personal(&self) -> Client {
        self.log_in("personal@bakery.example.com")
    }

    pub fn viewer(&self) -> Client {
        self.log_in("viewer@bakery.example.com")
    }

    pub fn manager(&self) -> Client {
        self.log_in("manager@bakery.example.com")
    }

    pub fn owner(&self) -> Client {
        self.log_in("owner@bakery.example.com")
    }

    pub fn reseller(&self) -> Client {
        self.log_in("reseller@reseller.example.com")
    }

    pub fn reseller_admin(&self) -> Client {
        self.log_in("reselleradmin@platform.example.com")
    }

    pub fn admin(&self) -> Client {
        self.log_in("admin@platform.example.com")
    }

    /// The laws that hold whatever was done to the database.
    fn check_laws(&self) {
        let database = self.open();
        for check in database.read(|tx| Ok(health::examine(tx))).unwrap() {
            assert_eq!(check.wrong, None, "{}", check.what);
        }
        let verdict = database.read(|tx| audit_chain::verify(tx, |_| {})).unwrap();
        assert!(matches!(verdict, audit_chain::ChainVerdict::Intact { .. }), "{verdict:?}");
    }
}

type Started = (String, Arc<Db>, Arc<Sealer>);

async fn serve(
    config: Config,
    clock: Clock,
    started: std::sync::mpsc::Sender<Started>,
    mut orders: UnboundedReceiver<Order>,
) {
    let app = App::start(&config, clock).await.unwrap();
    let state = app.state();
    started.send((app.url.clone(), state.db.clone(), state.sealer.clone())).unwrap();
    while let Some(Order::KeepHouse(done)) = orders.recv().await {
        housekeeping::step(&app.state().db, &app.state().session_cache).await.unwrap();
        done.send(()).unwrap();
    }
    app.stop().await;
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Stop);
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the server ends in order");
            self.check_laws();
        }
    }
}
