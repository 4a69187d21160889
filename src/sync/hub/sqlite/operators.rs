//! Operators and their tokens.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use super::audit;
use crate::db::types::known;
use crate::domain::audit::Hash;
use crate::domain::proposal::HubLevel;
use crate::error::Result;
use crate::sync::hub::audit::{AuditNote, Caller, HubAction};
use crate::sync::hub::operators::{Operator, operator_exists, operator_not_found};

const COLUMNS: &str = "name, level, added_at, rotated_at";

fn from_row(row: &SqlRow) -> rusqlite::Result<Operator> {
    let level = known(&row.get::<_, String>(1)?, HubLevel::parse)?;
    Ok(Operator { name: row.get(0)?, level, added_at: row.get(2)?, rotated_at: row.get(3)? })
}

/// Sets the administrator's token; with a caller it is a rotation.
pub fn set_administrator(tx: &Connection, token: Hash, caller: Option<Caller>) -> Result<()> {
    tx.execute("update hub set admin_hash = ?1", [token])?;
    match caller {
        Some(caller) => audit::append(tx, AuditNote::new(caller, HubAction::RotateAdministrator, "", "")),
        None => Ok(()),
    }
}

pub fn add(tx: &Connection, name: &str, level: HubLevel, token: Hash, caller: Caller) -> Result<()> {
    let sql =
        "insert into operators (name, level, token_hash, added_at) values (?1, ?2, ?3, ?4) on conflict do nothing";
    if tx.execute(sql, params![name, level.name(), token, caller.now])? == 0 {
        return Err(operator_exists(name));
    }
    let detail = format!("{name}, {}", level.name());
    audit::append(tx, AuditNote::new(caller, HubAction::AddOperator, "", &detail))
}

pub fn rotate(tx: &Connection, name: &str, token: Hash, caller: Caller) -> Result<()> {
    let sql = "update operators set token_hash = ?2, rotated_at = ?3 where name = ?1";
    if tx.execute(sql, params![name, token, caller.now])? == 0 {
        return Err(operator_not_found());
    }
    audit::append(tx, AuditNote::new(caller, HubAction::RotateOperator, "", name))
}

pub fn remove(tx: &Connection, name: &str, caller: Caller) -> Result<()> {
    if tx.execute("delete from operators where name = ?1", [name])? == 0 {
        return Err(operator_not_found());
    }
    audit::append(tx, AuditNote::new(caller, HubAction::RemoveOperator, "", name))
}

/// Every operator by name.
pub fn all(conn: &Connection) -> Result<Vec<Operator>> {
    let mut statement = conn.prepare_cached(&format!("select {COLUMNS} from operators order by name"))?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Who has this token.
pub fn of_token(conn: &Connection, token: Hash) -> Result<Option<Operator>> {
    let is_administrator = conn
        .prepare_cached("select exists (select 1 from hub where admin_hash = ?1)")?
        .query_row([token], |row| row.get::<_, bool>(0))?;
    if is_administrator {
        return Ok(Some(Operator::administrator()));
    }
    let mut statement = conn.prepare_cached(&format!("select {COLUMNS} from operators where token_hash = ?1"))?;
    Ok(statement.query_row([token], from_row).optional()?)
}
