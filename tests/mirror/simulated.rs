//! The parts of a simulation: chance from a seed, an edge and a hub on files, and what they hold.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde_json::json;
use telecomx_local::clock::Clock;
use telecomx_local::db::{Author, Db, Exclusive, WriteTx};
use telecomx_local::domain::audit::Action;
use telecomx_local::domain::id::Id;
use telecomx_local::domain::mirror::{Position, Table};
use telecomx_local::error::Result;
use telecomx_local::hub::HubStore;
use telecomx_local::hub::sqlite::SqliteHub;
use telecomx_local::import;
use telecomx_local::mirror::edge::Edge;
use telecomx_local::secrets::Sealer;
use telecomx_local::store::feed::{self, Place};
use telecomx_local::store::{employees, mobile_configs, sync_state};
use tempfile::TempDir;

use uuid::Uuid;

/// What stands under an id: its rev, its last write, and its text.
pub type Rows = BTreeMap<(Table, String), (i64, i64, String)>;

pub use crate::chance::Chance;

pub const EMPLOYEES: u64 = 5;

/// A folder in memory where there is one: what is simulated is not the disk.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

pub fn employee(n: u64) -> Id {
    format!("e{n:023}").parse().unwrap()
}

/// A database with a customer and some employees, made once.
fn template() -> &'static Path {
    static TEMPLATE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = TEMPLATE.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("template.db");
        let customer = "c00000000000000000000001";
        let employees: Vec<_> = (0..EMPLOYEES)
            .map(|n| json!({ "_id": employee(n), "customer": customer, "accessLevel": "PERSONAL", "name": format!("Employee {n}") }))
            .collect();
        let world = json!({
            "customers": [{ "_id": customer, "name": "Customer",
                "addresses": [{ "address": "Gade 1", "zip": "8000", "city": "Aarhus" }] }],
            "employees": employees
        });
        let database = Exclusive::open(&path, Clock::default()).unwrap();
        let sealer = Sealer::with_key([1; 32]);
        database.write("test", |tx| import::run(tx, &sealer, world.to_string().as_bytes(), |_, _, _| {})).unwrap();
        database.close().unwrap();
        (folder, path)
    });
    path
}

/// Copies a database that nobody uses, with its write-ahead log, in the place of another.
fn copy_database(from: &Path, to: &Path) {
    let beside = |path: &Path, suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    std::fs::copy(from, to).unwrap();
    let _ = std::fs::remove_file(beside(to, "-shm"));
    let _ = std::fs::remove_file(beside(to, "-wal"));
    let log = beside(from, "-wal");
    if log.exists() {
        std::fs::copy(log, beside(to, "-wal")).unwrap();
    }
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// An edge on a file of its own.
pub struct SimulatedEdge {
    path: PathBuf,
    running: Option<(Arc<Db>, Edge)>,
    images: Vec<PathBuf>,
}

impl SimulatedEdge {
    /// A new edge that has just been enrolled.
    pub fn enrolled(path: PathBuf, origin: &str, epoch: Uuid) -> SimulatedEdge {
        std::fs::copy(template(), &path).unwrap();
        let edge = SimulatedEdge::on(path);
        let enrolment = sync_state::Enrolment { hub: "simulated".into(), origin: origin.into(), token: vec![] };
        edge.write(move |tx| sync_state::enroll(tx, &enrolment, &Position::new(epoch)));
        edge
    }

    fn on(path: PathBuf) -> SimulatedEdge {
        let mut edge = SimulatedEdge { path, running: None, images: vec![] };
        edge.start();
        edge
    }

    fn start(&mut self) {
        let db = Arc::new(Db::open(&self.path, Clock::default()).unwrap());
        self.running = Some((db.clone(), Edge::new(db, Arc::new(Sealer::with_key([1; 32])))));
    }

    pub fn db(&self) -> &Db {
        &self.running.as_ref().unwrap().0
    }

    pub fn edge(&mut self) -> &mut Edge {
        &mut self.running.as_mut().unwrap().1
    }

    pub fn write<T: Send + 'static>(&self, work: impl FnOnce(&mut WriteTx) -> Result<T> + Send + 'static) -> T {
        block_on(self.db().write(Author::system("test"), work)).unwrap()
    }

    /// Killed, and started again: what was under way is forgotten.
    pub fn crash(&mut self) {
        self.running = None;
        self.start();
    }

    /// A copy of the disk as it is.
    fn image(&mut self, name: &str) -> PathBuf {
        self.running = None;
        let image = self.path.with_extension(name);
        assert!(!image.exists());
        copy_database(&self.path, &image);
        self.start();
        image
    }

    pub fn keep_image(&mut self, chance: &mut Chance) {
        let image = self.image(&format!("image{}", chance.number()));
        self.images.push(image);
    }

    /// Restored from an image that was kept, if there is one.
    pub fn restore(&mut self, chance: &mut Chance) {
        if self.images.is_empty() {
            return;
        }
        let image = &self.images[chance.below(self.images.len() as u64) as usize];
        self.running = None;
        // Elsewhere: a connection of the one that is gone may still be closing.
        self.path = self.path.with_extension(format!("restored{}", chance.number()));
        copy_database(image, &self.path);
        self.start();
    }

    /// A second machine with the same disk.
    pub fn cloned(&mut self, chance: &mut Chance) -> SimulatedEdge {
        SimulatedEdge::on(self.image(&format!("clone{}", chance.number())))
    }

    /// Changes one object or several, in one write.
    pub fn work(&self, chance: &mut Chance) {
        let count = if chance.below(5) == 0 { 1 + chance.below(EMPLOYEES) } else { 1 };
        let steps: Vec<(u64, u64, u64)> =
            (0..count).map(|_| (chance.below(EMPLOYEES), chance.below(4), chance.number())).collect();
        self.write(move |tx| {
            for (n, what, mark) in &steps {
                change(tx, employee(*n), *what, *mark)?;
            }
            Ok(())
        });
    }

    /// What it holds now.
    pub fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        let read = self.db().read(|tx| {
            feed::rows(tx, &Place::after_write(0), i64::MAX, |row, _| {
                if let Some(v) = row.v {
                    rows.insert((row.t, row.id), (row.rev, row.chg, v.get().to_owned()));
                }
                Ok(true)
            })
        });
        read.unwrap();
        rows
    }

    pub fn count(&self, sql: &'static str) -> i64 {
        self.db().read(|tx| Ok(tx.conn.query_row(sql, [], |row| row.get(0))?)).unwrap()
    }

    pub fn high(&self) -> i64 {
        self.db().read(feed::high).unwrap()
    }
}

fn change(tx: &mut WriteTx, id: Id, what: u64, mark: u64) -> Result<()> {
    let content =
        format!("[{{\"type\":\"MARK\",\"mark\":{mark},\"padding\":\"{}\"}}]", "x".repeat((mark % 300) as usize));
    let employee = employees::get(tx, id)?;
    match (what, mobile_configs::find(tx, id)?) {
        (0, _) => {
            let renamed =
                telecomx_local::domain::employee::Employee { name: format!("Name {mark}"), ..employee.clone() };
            employees::put(tx, renamed, Some(&employee)).map(drop)
        }
        (1, Some(_)) => mobile_configs::delete(tx, id),
        (_, Some(old)) => mobile_configs::replace(tx, old, content, Action::Update, "Marked").map(drop),
        (_, None) => mobile_configs::insert(tx, id, employee.customer, content).map(drop),
    }
}

/// A hub on a file of its own.
pub struct SimulatedHub {
    path: PathBuf,
    store: Option<SqliteHub>,
    backups: Vec<PathBuf>,
}

impl SimulatedHub {
    pub fn new(path: PathBuf) -> SimulatedHub {
        let store = Some(SqliteHub::open(&path).unwrap());
        SimulatedHub { path, store, backups: vec![] }
    }

    pub fn store(&self) -> &SqliteHub {
        self.store.as_ref().unwrap()
    }

    pub fn crash(&mut self) {
        self.store = None;
        self.store = Some(SqliteHub::open(&self.path).unwrap());
    }

    pub fn back_up(&mut self) {
        let backup = self.path.with_extension(format!("backup{}", self.backups.len()));
        self.store().back_up(&backup).unwrap();
        self.backups.push(backup);
    }

    /// Restored from the newest backup, if there is one: an older one would have less than was called stable.
    pub fn restore(&mut self) {
        let Some(backup) = self.backups.last() else { return };
        self.store = None;
        copy_database(backup, &self.path);
        self.store = Some(SqliteHub::open(&self.path).unwrap());
    }

    /// What it holds of an origin.
    pub fn rows(&self, origin: &str) -> Rows {
        let mut rows = Rows::new();
        for table in Table::ALL {
            for row in block_on(self.store().rows(origin, table, "", i64::MAX)).unwrap().1 {
                rows.insert((row.t, row.id), (row.rev, row.chg, row.v.unwrap().get().to_owned()));
            }
        }
        rows
    }
}

/// What each attempt would make of the mirror; only where it goes up to the newest write.
pub type Expected = HashMap<Uuid, Rows>;
