//! A hub of a simulation on PostgreSQL, in a database that it has to itself.
//!
//! Killed, it loses its connections between two calls: calls that are cut in their middle are the subject of
//! tests/hub/postgres_killed.rs and tests/cli/hub_postgres.rs. A backup is a copy of all tables in another schema, and
//! what is in it is stable by the place that the log had come to. Restored, the log goes on where it is, as it does for
//! whoever restores a dump.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use telecomx_local::domain::mirror::Table;
use telecomx_local::sync::hub::postgres::{Address, PostgresHub};
use tokio::runtime::{EnterGuard, Runtime};
use tokio_postgres::{Client, NoTls, Row};

use crate::drive::block_on;
use crate::hub::{HAS_PARTED, SimulatedHub, key};
use crate::postgres_server::shared;
use crate::skew::UPGRADE;
use crate::world::Rows;

/// Databases that nobody uses now: making one takes longer than playing a seed.
static FREE: Mutex<Vec<String>> = Mutex::new(vec![]);

pub struct OnPostgres {
    database: String,
    /// Taken when it is killed.
    store: Option<PostgresHub>,
    /// A superuser, whom the policies show everything.
    look: Client,
    has_backup: bool,
    is_upgraded: bool,
    /// Where the connections and their timers live.
    _entered: EnterGuard<'static>,
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
}

fn open(database: &str) -> PostgresHub {
    block_on(PostgresHub::open(&Address { url: database.into(), ca: None })).unwrap()
}

/// What is done with each table, `%1$I`, that is not only a part of one.
fn each_table(what: &str) -> String {
    format!(
        "do $$ declare called text; begin
            for called in select relname from pg_class where relnamespace = 'public'::regnamespace
                and relkind in ('r', 'p') and not relispartition and relname <> 'hub_migrations' loop
                execute format('{what}', called);
            end loop;
        end $$;"
    )
}

impl OnPostgres {
    fn start(&mut self) {
        self.store = None;
        if self.is_upgraded {
            self.run(UPGRADE);
        }
        self.store = Some(open(&self.database));
    }

    /// Statements, in one transaction.
    fn run(&self, sql: &str) {
        block_on(self.look.batch_execute(sql)).unwrap();
    }

    fn look(&self, sql: &str, origin: &str) -> Vec<Row> {
        block_on(self.look.query(sql, &[&origin])).unwrap()
    }
}

fn key_of(row: &Row) -> (Table, String) {
    key(row.get::<_, i32>(0).into(), row.get(1))
}

impl SimulatedHub for OnPostgres {
    type Store = PostgresHub;

    fn new(_: &Path) -> OnPostgres {
        let entered = runtime().enter();
        let free = FREE.lock().unwrap().pop();
        let is_new = free.is_none();
        let database = free.unwrap_or_else(|| shared().database());
        let store = open(&database);
        let superuser = database.replace("//hub@", "//postgres@");
        let (look, connection) = block_on(tokio_postgres::connect(&superuser, NoTls)).unwrap();
        runtime().spawn(connection);
        let hub =
            OnPostgres { database, store: Some(store), look, has_backup: false, is_upgraded: false, _entered: entered };
        if is_new {
            hub.run(&format!("create schema backup; {}", each_table("create table backup.%1$I (like public.%1$I)")));
        }
        hub.run(&format!(
            "{}; insert into hub (id) values (1); \
             insert into audit_head values (1, 0, decode(repeat('00', 32), 'hex'))",
            each_table("delete from public.%1$I")
        ));
        hub
    }

    fn store(&self) -> &PostgresHub {
        self.store.as_ref().unwrap()
    }

    fn crash(&mut self) {
        self.start();
    }

    fn upgrade(&mut self) {
        self.is_upgraded = true;
        self.start();
    }

    fn back_up(&mut self) {
        let lsn = block_on(self.look.query_one("select pg_current_wal_insert_lsn()::text", &[])).unwrap();
        self.run(&each_table("delete from backup.%1$I; insert into backup.%1$I select * from public.%1$I"));
        self.has_backup = true;
        block_on(self.store().note_verified(lsn.get(0))).unwrap();
    }

    fn restore(&mut self) {
        if self.has_backup {
            self.store = None;
            self.run(&each_table("delete from public.%1$I; insert into public.%1$I select * from backup.%1$I"));
            self.start();
        }
    }

    fn rows(&self, origin: &str) -> Rows {
        let whole = "select t, id, rev, chg, head || coalesce(c.v || tail, '') from mirror m
            left join contents c on c.origin = m.origin and c.digest = m.content where m.origin = $1";
        let rows = self.look(whole, origin);
        rows.iter().map(|row| (key_of(row), (row.get(2), row.get(3), row.get(4)))).collect()
    }

    fn quarantined(&self, origin: &str) -> BTreeSet<(Table, String)> {
        self.look("select t, id from quarantine where origin = $1", origin).iter().map(key_of).collect()
    }

    fn has_parted(&self, origin: &str) -> bool {
        self.look(HAS_PARTED, origin)[0].get(0)
    }
}

impl Drop for OnPostgres {
    fn drop(&mut self) {
        self.store = None;
        FREE.lock().unwrap().push(self.database.clone());
    }
}
