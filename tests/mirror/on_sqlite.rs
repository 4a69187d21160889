//! A hub of a simulation on SQLite, in a file of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use telecomx_local::domain::mirror::Table;
use telecomx_local::sync::hub::sqlite::SqliteHub;

use crate::hub::{HAS_PARTED, SimulatedHub, key};
use crate::skew::UPGRADE;
use crate::world::{Rows, copy_database};

pub struct OnSqlite {
    path: PathBuf,
    /// The store, and a look past it at what it holds.
    running: Option<(SqliteHub, Connection)>,
    backups: Vec<PathBuf>,
    is_upgraded: bool,
}

impl OnSqlite {
    fn start(&mut self) {
        self.running = None;
        if self.is_upgraded {
            Connection::open(&self.path).unwrap().execute(UPGRADE, []).unwrap();
        }
        let store = SqliteHub::open(&self.path).unwrap();
        let look = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        self.running = Some((store, look));
    }

    fn look(&self) -> &Connection {
        &self.running.as_ref().unwrap().1
    }

    /// Every text is named exactly once.
    fn check_texts(&self) {
        let sql = "select count(*) - count(distinct text) + abs(count(*) - (select count(*) from texts)) from
            (select text from mirror union all select text from staged where text is not null
             union all select text from lost_tail)";
        let wrong = self.look().prepare_cached(sql).unwrap().query_row([], |row| row.get::<_, i64>(0));
        assert_eq!(wrong.unwrap(), 0);
        let sql =
            "select (select count(*) from texts where content is not null and content not in (select n from contents))
            + (select count(*) from quarantine where content is not null and content not in (select n from contents))";
        let wrong = self.look().prepare_cached(sql).unwrap().query_row([], |row| row.get::<_, i64>(0));
        assert_eq!(wrong.unwrap(), 0, "a content that is referred to was removed");
    }
}

impl SimulatedHub for OnSqlite {
    type Store = SqliteHub;

    fn new(folder: &Path) -> OnSqlite {
        let mut hub = OnSqlite { path: folder.join("hub.db"), running: None, backups: vec![], is_upgraded: false };
        hub.start();
        hub
    }

    fn store(&self) -> &SqliteHub {
        &self.running.as_ref().unwrap().0
    }

    fn crash(&mut self) {
        self.start();
    }

    fn upgrade(&mut self) {
        self.is_upgraded = true;
        self.start();
    }

    fn back_up(&mut self) {
        let backup = self.path.with_extension(format!("backup{}", self.backups.len()));
        self.store().back_up(&backup).unwrap();
        self.backups.push(backup);
    }

    fn restore(&mut self) {
        let Some(backup) = self.backups.last() else { return };
        self.running = None;
        copy_database(backup, &self.path);
        self.start();
    }

    fn rows(&self, origin: &str) -> Rows {
        self.check_texts();
        let mut statement = self
            .look()
            .prepare_cached("select t, id, rev, chg, v from mirror join whole_texts on n = text where origin = ?1")
            .unwrap();
        let rows = statement
            .query_map([origin], |row| Ok((key(row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?, row.get(4)?))));
        rows.unwrap().map(Result::unwrap).collect()
    }

    fn quarantined(&self, origin: &str) -> BTreeSet<(Table, String)> {
        let mut statement = self.look().prepare_cached("select t, id from quarantine where origin = ?1").unwrap();
        let rows = statement.query_map([origin], |row| Ok(key(row.get(0)?, row.get(1)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }

    fn has_parted(&self, origin: &str) -> bool {
        self.look().prepare_cached(HAS_PARTED).unwrap().query_row([origin], |row| row.get(0)).unwrap()
    }
}
