//! The local side in this process: a database that is connected, and the driver on it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use telecomx_local::auth::secrets::Sealer;
use telecomx_local::clock::Clock;
use telecomx_local::db::{Author, Db, ReadTx, WriteTx};
use telecomx_local::domain::access::Actor;
use telecomx_local::domain::id::Id;
use telecomx_local::domain::platform::{Conflicts, Mode, Operation};
use telecomx_local::error::Result;
use telecomx_local::platform::api::{Api, Credential};
use telecomx_local::platform::driver::{Driver, Round};
use telecomx_local::platform::reader::ReadError;
use telecomx_local::platform::settings::PlatformSettings;
use telecomx_local::platform::transport::Http;
use telecomx_local::store::platform::bases::{self, PutAside};
use telecomx_local::store::platform::{self, Connection, Record, Rules, operations};
use telecomx_local::store::{Window, audit_chain, health};
use telecomx_local::usecases::employees::{self, GivenPassword};
use telecomx_local::usecases::{copy_mobile_config, customers, export, mobile_configs};
use tempfile::TempDir;

use super::double::{PASSWORD, USERNAME};

pub const RULES: Rules = Rules { mode: Mode::Work, queue_max: 100_000, allows_local_only: false };

pub fn settings() -> PlatformSettings {
    PlatformSettings {
        ca: None,
        rules: RULES,
        conflicts: Conflicts::Ask,
        forwards_all: false,
        requests_per_second: 0,
        interval: Duration::from_secs(1),
        offline_login_ms: 1_000,
        offline_token_ms: 1_000,
        offline_without_sms: false,
    }
}

pub fn account() -> Credential {
    Credential::Password { username: USERNAME.into(), password: PASSWORD.into() }
}

pub struct Local {
    pub driver: Driver<Http>,
    pub db: Arc<Db>,
    _folder: TempDir,
}

impl Local {
    /// An empty database, connected to what answers at `url`.
    pub fn of(url: &str) -> Local {
        Local::with(url, account(), settings())
    }

    pub fn with(url: &str, credential: Credential, settings: PlatformSettings) -> Local {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("telecomx.db");
        let db = Arc::new(Db::open(&path, Clock::default()).unwrap());
        let connection =
            Connection { url: url.into(), account: USERNAME.into(), credential: vec![], rules: settings.rules };
        write(&db, Author::system("test"), move |tx| platform::connect(tx, &connection)).unwrap();
        let http = Http::new(url, settings.ca.as_deref()).unwrap();
        let sealer = Arc::new(Sealer::with_key([7; 32]));
        let driver = Driver::new(db.clone(), sealer, settings, Api::new(http, credential, 0));
        Local { driver, db, _folder: folder }
    }

    /// From now on it works with what answers at another `url`.
    pub fn work_with(&mut self, url: &str) {
        let http = Http::new(url, None).unwrap();
        let sealer = Arc::new(Sealer::with_key([7; 32]));
        self.driver = Driver::new(self.db.clone(), sealer, settings(), Api::new(http, account(), 0));
    }

    pub fn round(&mut self) -> Round {
        self.driver.round().unwrap()
    }

    /// A round that cannot be made; why, in one sentence.
    pub fn fails(&mut self) -> ReadError {
        let error = self.driver.round().unwrap_err();
        let said = error.to_string();
        assert!(!said.contains('\n') && said.len() < 600, "more than a sentence: {said}");
        assert_eq!(self.record().last_error, Some(said));
        error
    }

    pub fn read<T>(&self, work: impl FnOnce(&ReadTx) -> Result<T>) -> T {
        self.db.read(work).unwrap()
    }

    pub fn record(&self) -> Record {
        self.read(platform::record)
    }

    pub fn troubles(&self) -> Vec<String> {
        self.driver.health.lock().unwrap().troubles.clone()
    }

    pub fn put_aside(&self) -> Vec<PutAside> {
        self.read(|tx| bases::put_aside(tx, 100)).1
    }

    pub fn operations(&self) -> Vec<Operation> {
        self.read(|tx| operations::list(tx, None, Window { offset: 0, limit: 1_000 })).rows
    }

    /// The number of the newest write that changed what is mirrored.
    pub fn writes(&self) -> i64 {
        self.read(|tx| Ok(tx.conn.query_row("select high from feed", [], |row| row.get(0))?))
    }

    /// Ids, and what an export says of them, of everything that is not deleted.
    pub fn world(&self) -> Value {
        let mut text = vec![];
        self.read(|tx| export::write(tx, None, &mut text));
        let mut world: Value = serde_json::from_slice(&text).unwrap();
        for list in ["customers", "employees"] {
            world[list].as_array_mut().unwrap().retain(|object| object["state"] != "DELETED");
        }
        world
    }

    pub fn find(&self, list: &str, id: &str) -> Option<Value> {
        let world = self.world();
        world[list].as_array().unwrap().iter().find(|object| object["_id"] == id).cloned()
    }

    pub fn employee(&self, id: &str) -> Value {
        self.find("employees", id).unwrap_or_else(|| panic!("employee {id} is not here"))
    }

    pub fn customer(&self, id: &str) -> Value {
        self.find("customers", id).unwrap_or_else(|| panic!("customer {id} is not here"))
    }

    /// A change made here by somebody who may do anything.
    pub fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut WriteTx, &Actor) -> Result<T> + Send + 'static,
    ) -> T {
        let actor = Actor::administrator("Somebody");
        let author = Author { called: Some("Somebody".into()), ..Author::system("test") };
        write(&self.db, author, move |tx| work(tx, &actor)).unwrap()
    }

    pub fn update_employee(&self, id: &str, body: Value) {
        let (id, body) = (parse(id), body.as_object().unwrap().clone());
        self.change(move |tx, actor| employees::update(tx, actor, id, &body, GivenPassword::None, |_| Ok(())));
    }

    /// Gives the new employee's id here.
    pub fn create_employee(&self, customer: &str, name: &str) -> String {
        let body = json!({
            "customer": customer, "accessLevel": "PERSONAL", "name": name, "emailAddress": format!("{name}@example.com")
        });
        let made = self.change(move |tx, actor| {
            employees::create(tx, actor, None, body.as_object().unwrap(), GivenPassword::None, Default::default())
        });
        made.id.to_string()
    }

    pub fn create_customer(&self, reseller: &str, name: &str) -> String {
        let address = json!({ "primary": true, "address": "Gade 1", "zip": "8000", "country": "DK" });
        let body = json!({ "parentReseller": reseller, "name": name, "addresses": [address] });
        let made = self.change(move |tx, actor| customers::create(tx, actor, None, body.as_object().unwrap()));
        made.id.to_string()
    }

    pub fn create_config(&self, employee: &str) {
        let id = parse(employee);
        self.change(move |tx, actor| mobile_configs::create(tx, actor, id, Ok(None), |_| Ok(())).map(drop));
    }

    pub fn delete_employee(&self, id: &str) {
        let id = parse(id);
        self.change(move |tx, actor| employees::delete(tx, actor, id, &employees::Delete::default(), |_| Ok(())));
    }

    pub fn delete_customer(&self, id: &str) {
        let id = parse(id);
        self.change(move |tx, actor| customers::delete(tx, actor, id, |_| Ok(())));
    }

    pub fn copy(&self, from: &str, to: &str) {
        let (from, to) = (parse(from), parse(to));
        self.change(move |tx, actor| copy_mobile_config::run(tx, actor, from, to, |_| Ok(())).map(drop));
    }
}

pub fn parse(id: &str) -> Id {
    id.parse().unwrap()
}

pub fn write<T: Send + 'static>(
    db: &Db,
    author: Author,
    work: impl FnOnce(&mut WriteTx) -> Result<T> + Send + 'static,
) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(db.write(author, work))
}

impl Drop for Local {
    /// The laws that hold whatever was done.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for check in self.read(|tx| Ok(health::examine(tx))) {
            assert_eq!(check.wrong, None, "{}", check.what);
        }
        let verdict = self.read(|tx| audit_chain::verify(tx, |_| {}));
        assert!(matches!(verdict, audit_chain::ChainVerdict::Intact { .. }), "{verdict:?}");
    }
}
