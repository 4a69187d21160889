//! The platform as the central side: the connection, what it was last seen to hold, and what is to be done there.

pub mod bases;
pub mod ids;
pub mod operations;
pub mod stage;
pub mod tokens;

use rusqlite::{OptionalExtension, named_params, params};

use crate::db::types::known;
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::Level;
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::domain::platform::Mode;
use crate::domain::time::Time;
use crate::error::Result;

/// How the platform is reached, and as whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// Without a slash at its end.
    pub url: String,
    /// User name; empty: the credential is a machine-to-machine token.
    pub account: String,
    /// Password or token, sealed with the key file.
    pub credential: Vec<u8>,
    pub rules: Rules,
}

/// How changes made here are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    pub mode: Mode,
    /// The most operations that may wait.
    pub queue_max: i64,
    /// Changes that the platform has no call for are taken, and stand here alone.
    pub allows_local_only: bool,
}

/// How it has gone so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Level and customer of the account at the platform.
    pub level: Option<Level>,
    pub customer: Option<Id>,
    /// When the platform last answered as it should.
    pub last_success: Option<Time>,
    pub last_error: Option<String>,
    /// Why reading and sending stand still until somebody acts.
    pub alarm: Option<String>,
    /// What is not deleted here although it is gone at the platform.
    pub guard: Option<String>,
}

pub fn connection(tx: &ReadTx) -> Result<Option<Connection>> {
    let sql = "select url, account, credential, mode, queue_max, local_only from platform where id = 1";
    let found = tx.conn.prepare_cached(sql)?.query_row([], |row| {
        let rules = Rules {
            mode: known(row.get_ref(3)?.as_str()?, Mode::parse)?,
            queue_max: row.get(4)?,
            allows_local_only: row.get(5)?,
        };
        Ok(Connection { url: row.get(0)?, account: row.get(1)?, credential: row.get(2)?, rules })
    });
    Ok(found.optional()?)
}

/// Where the platform is, without a slash at its end; `None` while there is none.
pub fn url(tx: &ReadTx) -> Result<Option<String>> {
    let mut statement = tx.conn.prepare_cached("select url from platform where id = 1")?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?)
}

/// How changes made here are taken; `None` while there is no platform.
pub fn rules(tx: &ReadTx) -> Result<Option<Rules>> {
    let mut statement = tx.conn.prepare_cached("select mode, queue_max, local_only from platform where id = 1")?;
    let found = statement.query_row([], |row| {
        let mode = known(row.get_ref(0)?.as_str()?, Mode::parse)?;
        Ok(Rules { mode, queue_max: row.get(1)?, allows_local_only: row.get(2)? })
    });
    Ok(found.optional()?)
}

pub fn is_connected(tx: &ReadTx) -> Result<bool> {
    Ok(rules(tx)?.is_some())
}

/// Begins to work with a platform, or goes on with it under other settings. What is known of it stays.
pub fn connect(tx: &mut WriteTx, connection: &Connection) -> Result<()> {
    let Connection { url, account, credential, rules } = connection;
    tx.conn
        .prepare_cached(
            "insert into platform (id, url, account, credential, mode, queue_max, local_only, connected_at)
             values (1, :url, :account, :credential, :mode, :queue_max, :local_only, :now)
             on conflict (id) do update set url = :url, account = :account, credential = :credential, mode = :mode,
                queue_max = :queue_max, local_only = :local_only, alarm = null, last_error = null",
        )?
        .execute(named_params! {
            ":url": url, ":account": account, ":credential": credential, ":mode": rules.mode.name(),
            ":queue_max": rules.queue_max, ":local_only": rules.allows_local_only, ":now": tx.now
        })?;
    Ok(())
}

/// Takes over how changes are taken from now on.
pub fn set_rules(tx: &mut WriteTx, rules: Rules) -> Result<()> {
    tx.conn
        .prepare_cached("update platform set mode = ?1, queue_max = ?2, local_only = ?3 where id = 1")?
        .execute(params![rules.mode.name(), rules.queue_max, rules.allows_local_only])?;
    Ok(())
}

/// Forgets the platform, but for the ids it has given, which are in use, and which objects it has: connected again, this server
/// notices who left meanwhile.
pub fn disconnect(tx: &mut WriteTx) -> Result<()> {
    for sql in [
        "delete from platform",
        "delete from platform_reads",
        "update platform_bases set hash = zeroblob(32), object = null, aside = null",
        "delete from platform_operations",
        "delete from platform_tokens",
        "update sessions set platform_token = null where platform_token is not null",
        "update credentials set confirmed_at = null where confirmed_at is not null",
    ] {
        tx.conn.prepare_cached(sql)?.execute([])?;
    }
    tx.identities_change();
    Ok(())
}

pub fn record(tx: &ReadTx) -> Result<Record> {
    let sql = "select level, customer, last_success, last_error, alarm, guard from platform where id = 1";
    let found = tx.conn.prepare_cached(sql)?.query_row([], |row| {
        let level: Option<String> = row.get(0)?;
        Ok(Record {
            level: level.map(|name| known(&name, Level::parse)).transpose()?,
            customer: row.get(1)?,
            last_success: row.get(2)?,
            last_error: row.get(3)?,
            alarm: row.get(4)?,
            guard: row.get(5)?,
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// Stores how it has gone; whom the account is stays unless it is given.
pub fn set_record(tx: &mut WriteTx, record: &Record) -> Result<()> {
    tx.conn
        .prepare_cached(
            "update platform set level = coalesce(:level, level), customer = coalesce(:customer, customer),
                last_success = :success, last_error = :error, alarm = :alarm, guard = :guard where id = 1",
        )?
        .execute(named_params! {
            ":level": record.level.map(Level::name), ":customer": record.customer, ":success": record.last_success,
            ":error": record.last_error, ":alarm": record.alarm, ":guard": record.guard
        })?;
    Ok(())
}

/// When each kind was last read whole.
pub fn reads(tx: &ReadTx) -> Result<Vec<(Table, Time)>> {
    let mut statement = tx.conn.prepare_cached("select kind, at from platform_reads order by kind")?;
    let rows = statement.query_map([], |row| {
        let number: i64 = row.get(0)?;
        Ok((Table::ALL.into_iter().find(|table| table.number() == number).unwrap_or(Table::Other), row.get(1)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether a kind was read whole since this platform was connected.
pub fn has_read(tx: &ReadTx, kind: Table) -> Result<bool> {
    let sql = "select exists (select 1 from platform_reads where kind = ?1)";
    Ok(tx.conn.prepare_cached(sql)?.query_row([kind.number()], |row| row.get(0))?)
}

pub fn note_read(tx: &mut WriteTx, kind: Table, at: Time) -> Result<()> {
    tx.conn
        .prepare_cached(
            "insert into platform_reads (kind, at) values (?1, ?2) on conflict (kind) do update set at = ?2",
        )?
        .execute(params![kind.number(), at])?;
    Ok(())
}
