//! Mobile configs, one per employee at most.

use rusqlite::{OptionalExtension, Row, named_params, params};

use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::audit::{Action, MOBILE_CONFIGS};
use crate::domain::id::Id;
use crate::domain::mobile_config::{MobileConfig, write_json};
use crate::error::{Error, Result};
use crate::store::{audit, tombstones};

const TABLE: &str = "mobile_configs";
/// Room taken for a list from the start, so that a hundred configs seldom have to be moved.
const LIST_BYTES: usize = 192 << 10;
pub(super) const COLUMNS: &str = "id, customer, configs, rev";

pub(super) fn from_row(row: &Row) -> rusqlite::Result<MobileConfig> {
    Ok(MobileConfig { id: row.get(0)?, customer: row.get(1)?, configs: row.get(2)?, rev: row.get(3)? })
}

pub(super) fn subject(config: &MobileConfig) -> Subject {
    Subject { section: MOBILE_CONFIGS, object: config.id, customer: Some(config.customer) }
}

pub fn find(tx: &ReadTx, id: Id) -> Result<Option<MobileConfig>> {
    let mut statement =
        tx.conn.prepare_cached("select id, customer, configs, rev from mobile_configs where id = ?1")?;
    Ok(statement.query_row([id], from_row).optional()?)
}

/// The config of employee `id`; 404 `not_found` as the pages of the mobile config have it.
pub fn get(tx: &ReadTx, id: Id) -> Result<MobileConfig> {
    find(tx, id)?.ok_or_else(not_found)
}

pub fn not_found() -> Error {
    Error::not_found("not_found", "Object not found")
}

/// The customer's configs as a JSON array, in the order of their employees' names, `except` left out. What is stored is
/// inserted unparsed: a list is a hundred configs, and none of them needs to be looked at.
pub fn list_json(tx: &ReadTx, customer: Id, except: Option<Id>) -> Result<Vec<u8>> {
    let mut statement = tx.conn.prepare_cached(
        "select m.id, m.customer, m.configs from employees e join mobile_configs m on m.id = e.id
         where e.customer = :customer and m.id is not :except order by e.name, e.id",
    )?;
    let mut rows = statement.query(named_params! { ":customer": customer, ":except": except })?;
    let mut body = Vec::with_capacity(LIST_BYTES);
    body.push(b'[');
    while let Some(row) = rows.next()? {
        if body.len() > 1 {
            body.push(b',');
        }
        let part = |column: usize| row.get_ref(column)?.as_bytes().map_err(rusqlite::Error::from);
        write_json(&mut body, part(0)?, part(1)?, part(2)?);
    }
    body.push(b']');
    Ok(body)
}

/// Calls `each` with every config, in the order of their ids.
pub fn all(tx: &ReadTx, mut each: impl FnMut(MobileConfig) -> Result<()>) -> Result<()> {
    let mut statement = tx.conn.prepare(&format!("select {COLUMNS} from mobile_configs order by id"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(from_row(row)?)?;
    }
    Ok(())
}

pub fn insert(tx: &mut WriteTx, id: Id, customer: Id, configs: String) -> Result<MobileConfig> {
    let config = MobileConfig { id, customer, configs, rev: tombstones::remove(tx, TABLE, id)? + 1 };
    insert_row(tx, &config)?;
    let entry = audit::Change {
        subject: subject(&config),
        action: Action::Create,
        description: "Mobile config created",
        before: None,
        after: Some(&config.configs),
    };
    audit::append(tx, &entry)?;
    Ok(config)
}

/// Inserts the row as it is, with its rev; the audit entry is for the caller.
pub(super) fn insert_row(tx: &mut WriteTx, config: &MobileConfig) -> Result<()> {
    let change = tx.change()?;
    tx.conn
        .prepare_cached(
            "insert into mobile_configs (id, customer, configs, rev, chg) values (:id, :customer, :configs, :rev, :chg)",
        )?
        .execute(named_params! {
            ":id": config.id, ":customer": config.customer, ":configs": config.configs, ":rev": config.rev,
            ":chg": change
        })?;
    Ok(())
}

/// Removes the row without a trace, because another is written in its place.
pub(super) fn clear_row(tx: &mut WriteTx, id: Id) -> Result<()> {
    tx.change()?;
    tx.conn.prepare_cached("delete from mobile_configs where id = ?1")?.execute([id])?;
    Ok(())
}

/// Replaces the content of `config` and records why. Returns the config as it is now.
pub fn replace(
    tx: &mut WriteTx,
    config: MobileConfig,
    configs: String,
    action: Action,
    description: &str,
) -> Result<MobileConfig> {
    let change = tx.change()?;
    tx.conn
        .prepare_cached("update mobile_configs set configs = :configs, rev = rev + 1, chg = :chg where id = :id")?
        .execute(named_params! { ":configs": configs, ":chg": change, ":id": config.id })?;
    let entry = audit::Change {
        subject: subject(&config),
        action,
        description,
        before: Some(&config.configs),
        after: Some(&configs),
    };
    audit::append(tx, &entry)?;
    Ok(MobileConfig { configs, rev: config.rev + 1, ..config })
}

/// Lets a config belong to the new id of its customer; its content stays.
pub fn move_to(tx: &mut WriteTx, id: Id, customer: Id) -> Result<()> {
    let Some(config) = find(tx, id)? else { return Ok(()) };
    let change = tx.change()?;
    tx.conn
        .prepare_cached("update mobile_configs set customer = :customer, rev = rev + 1, chg = :chg where id = :id")?
        .execute(named_params! { ":customer": customer, ":chg": change, ":id": id })?;
    record(tx, &MobileConfig { customer, ..config }, Action::Update, "Follows the new id of its customer")
}

/// Records something done to a config that leaves it as it is.
pub fn record(tx: &mut WriteTx, config: &MobileConfig, action: Action, description: &str) -> Result<()> {
    let configs = Some(config.configs.as_str());
    let entry = audit::Change { subject: subject(config), action, description, before: configs, after: configs };
    audit::append(tx, &entry)
}

/// Removes the config of employee `id`, if there is one, and leaves a tombstone.
pub fn delete(tx: &mut WriteTx, id: Id) -> Result<()> {
    let Some(config) = find(tx, id)? else { return Ok(()) };
    tombstones::insert(tx, TABLE, id, config.rev)?;
    tx.conn.prepare_cached("delete from mobile_configs where id = ?1")?.execute([id])?;
    let entry = audit::Change {
        subject: subject(&config),
        action: Action::Delete,
        description: "Mobile config removed with its employee",
        before: Some(&config.configs),
        after: None,
    };
    audit::append(tx, &entry)
}

/// The customer's configs, in the order of their ids.
pub fn of_customer(tx: &ReadTx, customer: Id) -> Result<Vec<MobileConfig>> {
    let sql = format!("select {COLUMNS} from mobile_configs where customer = ?1 order by id");
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let rows = statement.query_map([customer], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The customer's configs whose content holds this id, in the order of their ids.
pub fn naming(tx: &ReadTx, customer: Id, id: Id) -> Result<Vec<MobileConfig>> {
    let sql = format!("select {COLUMNS} from mobile_configs where customer = ?1 and instr(configs, ?2) order by id");
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params![customer, id], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
