//! The server's side: one database for many histories, in memory where there is a place for it, and changes made through the use
//! cases.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use telecomx_local::auth::secrets::Sealer;
use telecomx_local::clock::Clock;
use telecomx_local::db::{Author, Db, WriteTx};
use telecomx_local::domain::access::Actor;
use telecomx_local::domain::id::Id;
use telecomx_local::error::Result;
use telecomx_local::platform::api::{Api, Credential};
use telecomx_local::platform::driver::Driver;
use telecomx_local::platform::settings::PlatformSettings;
use telecomx_local::store::platform::{self, Connection, Rules};
use telecomx_local::usecases::employees::GivenPassword;
use telecomx_local::usecases::{copy_mobile_config, customers, employees};
use tempfile::TempDir;

use crate::line::Line;

pub struct Local {
    pub db: Arc<Db>,
    sealer: Arc<Sealer>,
    runtime: tokio::runtime::Runtime,
    _folder: TempDir,
}

impl Local {
    pub fn new() -> Local {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() };
        let db = Arc::new(Db::open(&folder.path().join("telecomx.db"), Clock::default()).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Local { db, sealer: Arc::new(Sealer::with_key([1; 32])), runtime, _folder: folder }
    }

    pub fn write<T: Send + 'static>(
        &self,
        author: Author,
        work: impl FnOnce(&mut WriteTx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.runtime.block_on(self.db.write(author, work))
    }

    /// Begins to work with a platform that is new.
    pub fn connect(&self) {
        let rules =
            Rules { mode: telecomx_local::domain::platform::Mode::Work, queue_max: 1_000, allows_local_only: false };
        let connection =
            Connection { url: "http://127.0.0.1:1".into(), account: "account".into(), credential: vec![], rules };
        self.write(Author::system("test"), move |tx| {
            platform::disconnect(tx)?;
            platform::connect(tx, &connection)
        })
        .unwrap();
    }

    /// A process that has just started.
    pub fn driver(&self, line: Line) -> Driver<Line> {
        let credential = Credential::Password { username: "account".into(), password: "secret".into() };
        let api = Api::new(line, credential, 0);
        Driver::new(self.db.clone(), self.sealer.clone(), PlatformSettings::default(), api)
    }

    /// Somebody here.
    fn author(is_heard: bool) -> Author {
        let actor = is_heard.then(|| Actor::administrator("tester"));
        Author { actor, ..Author::system("127.0.0.1") }
    }

    /// Each change: whether it was accepted. `is_heard`: by the platform; else as if the process had been killed before its
    /// operation was written.
    pub fn update(&self, id: Id, fields: Map<String, Value>, is_heard: bool) -> bool {
        let actor = Actor::administrator("tester");
        let none = GivenPassword::None;
        self.write(Local::author(is_heard), move |tx| {
            employees::update(tx, &actor, id, &fields, none, |_| Ok(())).map(drop)
        })
        .is_ok()
    }

    pub fn update_customer(&self, id: Id, fields: Map<String, Value>) -> bool {
        let actor = Actor::administrator("tester");
        self.write(Local::author(true), move |tx| customers::update(tx, &actor, id, &fields, |_| Ok(())).map(drop))
            .is_ok()
    }

    pub fn create(&self, fields: Map<String, Value>) -> Option<Id> {
        let actor = Actor::administrator("tester");
        let none = GivenPassword::None;
        self.write(Local::author(true), move |tx| {
            employees::create(tx, &actor, None, &fields, none, Default::default()).map(|created| created.id)
        })
        .ok()
    }

    pub fn delete(&self, id: Id) -> bool {
        let actor = Actor::administrator("tester");
        self.write(Local::author(true), move |tx| {
            employees::delete(tx, &actor, id, &employees::Delete::default(), |_| Ok(())).map(drop)
        })
        .is_ok()
    }

    pub fn copy(&self, from: Id, to: Id) -> bool {
        let actor = Actor::administrator("tester");
        self.write(Local::author(true), move |tx| copy_mobile_config::run(tx, &actor, from, to, |_| Ok(())).map(drop))
            .is_ok()
    }
}
