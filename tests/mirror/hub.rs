//! A hub of a simulation, on a file of its own.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rusqlite::{Connection, OpenFlags};
use telecomx_local::domain::mirror::Table;
use telecomx_local::domain::time::Time;
use telecomx_local::hub::sqlite::SqliteHub;
use telecomx_local::hub::{HubStore, Origin};

use crate::drive::block_on;
use crate::skew::UPGRADE;
use crate::world::{Rows, copy_database};

pub struct SimulatedHub {
    path: PathBuf,
    /// The store, and a look past it at what it holds.
    running: Option<(SqliteHub, Connection)>,
    backups: Vec<PathBuf>,
    is_upgraded: bool,
    pub now: Time,
}

impl SimulatedHub {
    pub fn new(path: PathBuf) -> SimulatedHub {
        let mut hub =
            SimulatedHub { path, running: None, backups: vec![], is_upgraded: false, now: Time::from_millis(0) };
        hub.start();
        hub
    }

    fn start(&mut self) {
        self.running = None;
        if self.is_upgraded {
            Connection::open(&self.path).unwrap().execute(UPGRADE, []).unwrap();
        }
        let store = SqliteHub::open(&self.path).unwrap();
        let look = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        self.running = Some((store, look));
    }

    pub fn store(&self) -> &SqliteHub {
        &self.running.as_ref().unwrap().0
    }

    fn look(&self) -> &Connection {
        &self.running.as_ref().unwrap().1
    }

    pub fn crash(&mut self) {
        self.start();
    }

    /// Another program in its place, that knows what the edges know.
    pub fn upgrade(&mut self) {
        self.is_upgraded = true;
        self.start();
    }

    pub fn back_up(&mut self) {
        let backup = self.path.with_extension(format!("backup{}", self.backups.len()));
        self.store().back_up(&backup).unwrap();
        self.backups.push(backup);
    }

    /// Restored from the newest backup, if there is one: an older one would have less than was called stable.
    pub fn restore(&mut self) {
        let Some(backup) = self.backups.last() else { return };
        self.running = None;
        copy_database(backup, &self.path);
        self.start();
    }

    pub fn origin(&self, name: &str) -> Origin {
        block_on(self.store().origins()).unwrap().into_iter().find(|origin| origin.origin == name).unwrap()
    }

    /// Every text is named exactly once.
    fn check_texts(&self) {
        let sql = "select count(*) - count(distinct text) + abs(count(*) - (select count(*) from texts)) from
            (select text from mirror union all select text from staged where text is not null
             union all select text from lost_tail)";
        let wrong = self.look().prepare_cached(sql).unwrap().query_row([], |row| row.get::<_, i64>(0));
        assert_eq!(wrong.unwrap(), 0);
    }

    /// What it holds of an origin.
    pub fn rows(&self, origin: &str) -> Rows {
        self.check_texts();
        let mut statement = self
            .look()
            .prepare_cached("select t, id, rev, chg, v from mirror join texts on n = text where origin = ?1")
            .unwrap();
        let rows = statement.query_map([origin], |row| {
            let table = Table::from_number(row.get(0)?).unwrap();
            Ok(((table, row.get(1)?), (row.get(2)?, row.get(3)?, row.get(4)?)))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Every row that is put aside, also those with which nothing is wrong themselves.
    pub fn aside(&self, origin: &str) -> BTreeSet<(Table, String)> {
        let mut statement = self.look().prepare_cached("select t, id from quarantine where origin = ?1").unwrap();
        let rows = statement.query_map([origin], |row| {
            let (table, id): (Option<Table>, String) = (Table::from_number(row.get(0)?), row.get(1)?);
            Ok((table.unwrap_or(Table::MobileConfig), id.replace("x_mobile_config/", "")))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Whether a row is in the mirror that is of the same write as one that is aside for what it holds.
    pub fn has_parted(&self, origin: &str) -> bool {
        let sql = "select exists (select 1 from mirror m join quarantine q on q.origin = m.origin and q.chg = m.chg
            where m.origin = ?1 and q.code in ('schema', 'unreadable'))";
        self.look().prepare_cached(sql).unwrap().query_row([origin], |row| row.get(0)).unwrap()
    }
}
