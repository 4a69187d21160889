//! The hub's store in one SQLite file: for up to some hundreds of edges, and for every test.

mod apply;

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, Transaction, named_params, params};
use rusqlite_migration::{M, Migrations};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{HubStore, Origin, Taken, rules};
use crate::domain::mirror::{Epoch, Head, Row, Table};
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::mirror::wire::{Mode, Part, Push};
use apply::{apply, apply_staged, discard_found, is_staged, set_aside};

const COLUMNS: &str = "origin, name, epoch_n, epoch, acked, attempt, high, stable, enrolled_at, last_seen, resets";

/// One file, one writing connection: origins are serial here.
pub struct SqliteHub {
    conn: Mutex<Connection>,
}

impl SqliteHub {
    /// Opens the file, makes or migrates it where needed. The error is one sentence.
    pub fn open(path: &Path) -> Result<SqliteHub, String> {
        let told = |error: &dyn std::fmt::Display| format!("{} cannot be opened: {error}", path.display());
        // Before SQLite makes it, for its owner only; the log files inherit that.
        let made = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        made.map_err(|error| told(&error))?;
        let mut conn = Connection::open(path).map_err(|error| told(&error))?;
        conn.set_prepared_statement_cache_capacity(64);
        let prepared = conn.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).and_then(|()| {
            // FULL: what is acknowledged is on disk.
            conn.pragma_update(None, "synchronous", 2)?;
            conn.pragma_update(None, "foreign_keys", 1)?;
            conn.busy_timeout(std::time::Duration::from_secs(5))
        });
        prepared.map_err(|error| told(&error))?;
        let migrations = Migrations::new(vec![M::up(include_str!("../../../sql/hub/sqlite/001_initial.sql"))]);
        migrations.to_latest(&mut conn).map_err(|error| told(&error))?;
        Ok(SqliteHub { conn: Mutex::new(conn) })
    }

    /// Copies the file to `target`, checks the copy, and calls what it holds stable.
    pub fn back_up(&self, target: &Path) -> Result<()> {
        let conn = self.lock();
        {
            let mut copy = Connection::open(target)?;
            rusqlite::backup::Backup::new(&conn, &mut copy)?.run_to_completion(
                1_000,
                std::time::Duration::ZERO,
                None,
            )?;
            let report: String = copy.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
            if report != "ok" {
                return Err(Error::internal(format!("the copy is not sound: {report}")));
            }
        }
        conn.execute("update origins set stable = acked", [])?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One transaction.
    fn write<T>(&self, work: impl FnOnce(&Transaction) -> Result<T>) -> Result<T> {
        let mut conn = self.lock();
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let result = work(&tx)?;
        tx.commit()?;
        Ok(result)
    }
}

fn origin_from(row: &SqlRow) -> rusqlite::Result<Origin> {
    let uuid = |column: usize, text: String| {
        Uuid::parse_str(&text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
        })
    };
    let epoch = match (row.get::<_, Option<i64>>(2)?, row.get::<_, Option<String>>(3)?) {
        (Some(n), Some(text)) => Some(Epoch(n, uuid(3, text)?)),
        _ => None,
    };
    Ok(Origin {
        origin: row.get(0)?,
        name: row.get(1)?,
        head: Head { epoch, acked: row.get(4)?, attempt: uuid(5, row.get(5)?)? },
        high: row.get(6)?,
        stable: row.get(7)?,
        enrolled_at: row.get(8)?,
        last_seen: row.get(9)?,
        resets: row.get(10)?,
    })
}

fn get(tx: &Connection, origin: &str) -> Result<Origin> {
    let mut statement = tx.prepare_cached(&format!("select {COLUMNS} from origins where origin = ?1"))?;
    let found = statement.query_row([origin], origin_from).optional()?;
    found.ok_or_else(|| Error::not_found("origin", "Origin not found"))
}

impl HubStore for SqliteHub {
    async fn add_code(&self, code_hash: [u8; 32], name: &str, now: Time) -> Result<()> {
        self.write(|tx| {
            let sql = "insert into enrolment_codes (code_hash, name, created_at) values (?1, ?2, ?3)";
            tx.execute(sql, params![code_hash, name, now])?;
            Ok(())
        })
    }

    async fn enroll(
        &self,
        code_hash: [u8; 32],
        token_hash: [u8; 32],
        origin: &str,
        now: Time,
    ) -> Result<Option<Origin>> {
        self.write(|tx| {
            let spent =
                tx.query_row("delete from enrolment_codes where code_hash = ?1 returning name", [code_hash], |row| {
                    row.get::<_, String>(0)
                });
            let Some(name) = spent.optional()? else { return Ok(None) };
            tx.execute(
                "insert into origins (origin, name, token_hash, enrolled_at, attempt) values (?1, ?2, ?3, ?4, ?5)",
                params![origin, name, token_hash, now, Uuid::nil().to_string()],
            )?;
            get(tx, origin).map(Some)
        })
    }

    async fn origin_of(&self, token_hash: [u8; 32]) -> Result<Option<Origin>> {
        let conn = self.lock();
        let mut statement = conn.prepare_cached(&format!("select {COLUMNS} from origins where token_hash = ?1"))?;
        Ok(statement.query_row([token_hash], origin_from).optional()?)
    }

    async fn origins(&self) -> Result<Vec<Origin>> {
        let conn = self.lock();
        let mut statement = conn.prepare_cached(&format!("select {COLUMNS} from origins order by name, origin"))?;
        let rows = statement.query_map([], origin_from)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    async fn stage(&self, origin: &str, part: &Part) -> Result<()> {
        let stage = part.stage.to_string();
        self.write(|tx| {
            get(tx, origin)?;
            if part.part == 0 {
                // Whatever was begun before is not gone on with.
                tx.execute("delete from staged where origin = ?1 and stage <> ?2", params![origin, stage])?;
                tx.execute("delete from staged_parts where origin = ?1 and stage <> ?2", params![origin, stage])?;
            }
            let added = tx.execute(
                "insert or ignore into staged_parts (origin, stage, part) values (?1, ?2, ?3)",
                params![origin, stage, part.part],
            )?;
            let mut insert = tx.prepare_cached(
                "insert into staged (origin, stage, part, t, id, rev, chg, v) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            for row in part.rows.iter().filter(|_| added > 0) {
                let v = row.v.as_ref().map(|v| v.get());
                insert.execute(params![origin, stage, part.part, row.t.number(), row.id, row.rev, row.chg, v])?;
            }
            Ok(())
        })
    }

    async fn push(&self, origin: &str, push: &Push, now: Time) -> Result<Taken> {
        self.write(|tx| {
            let before = get(tx, origin)?;
            let is_whole = push.staged.map_or(Ok(true), |staged| is_staged(tx, origin, staged))?;
            if !is_whole || !rules::accepts(&before.head, push) {
                return Ok(Taken { accepted: false, origin: before });
            }
            if rules::is_idle(push) {
                if before.high != push.snap {
                    tx.prepare_cached("update origins set high = ?2 where origin = ?1")?
                        .execute(params![origin, push.snap])?;
                }
                return Ok(Taken { accepted: true, origin: Origin { high: push.snap, ..before } });
            }
            if push.mode == Mode::Replace {
                set_aside(tx, &before, now)?;
            }
            if let Some(staged) = push.staged {
                apply_staged(tx, origin, staged)?;
            }
            apply(tx, origin, push.rows.iter())?;
            if push.mode == Mode::Replace {
                discard_found(tx, &before)?;
            }
            let head = rules::head_after(push);
            tx.prepare_cached(
                "update origins set epoch_n = :epoch_n, epoch = :epoch, acked = :acked, attempt = :attempt,
                    high = :high, stable = iif(:is_reset, 0, stable), resets = resets + :is_reset, last_seen = :now,
                    status = :status
                 where origin = :origin",
            )?
            .execute(named_params! {
                ":origin": origin,
                ":epoch_n": push.epoch.0,
                ":epoch": push.epoch.1.to_string(),
                ":acked": head.acked,
                ":attempt": head.attempt.to_string(),
                ":high": push.snap,
                ":is_reset": push.mode == Mode::Replace,
                ":now": now,
                ":status": serde_json::to_string(&push.status).unwrap_or_default(),
            })?;
            Ok(Taken { accepted: true, origin: get(tx, origin)? })
        })
    }

    async fn scan(&self, origin: &str, mut each: impl FnMut(Table, &str, i64, &str) + Send) -> Result<Origin> {
        let conn = self.lock();
        // Nobody writes meanwhile: there is one connection.
        let found = get(&conn, origin)?;
        let mut statement = conn.prepare_cached("select t, id, rev, v from mirror where origin = ?1")?;
        let mut rows = statement.query([origin])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            let table = Table::ALL.into_iter().find(|table| table.number() == number);
            let table = table.ok_or_else(|| Error::internal("no such table"))?;
            let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
            each(table, text(1)?, row.get(2)?, text(3)?);
        }
        Ok(found)
    }

    async fn rows(&self, origin: &str, table: Table, after: &str, limit: i64) -> Result<Vec<Row>> {
        let conn = self.lock();
        get(&conn, origin)?;
        let mut statement = conn.prepare_cached(
            "select id, rev, chg, v from mirror where origin = ?1 and t = ?2 and id > ?3 order by id limit ?4",
        )?;
        let mut found = statement.query(params![origin, table.number(), after, limit])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let v = RawValue::from_string(row.get(3)?).map_err(|error| Error::Internal(Box::new(error)))?;
            rows.push(Row { t: table, id: row.get(0)?, rev: row.get(1)?, chg: row.get(2)?, v: Some(v) });
        }
        Ok(rows)
    }
}
