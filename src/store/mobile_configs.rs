//! Mobile configs, one per employee at most.

use rusqlite::{OptionalExtension, Row, named_params, params};

use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::audit::{Action, MOBILE_CONFIGS};
use crate::domain::id::Id;
use crate::domain::mobile_config::{ConfigHead, ContentKey, MobileConfig, write_json};
use crate::error::{Error, Result};
use crate::store::{audit, contents, high, tombstones};

const TABLE: &str = "mobile_configs";
/// Room taken for a list from the start, so that a hundred configs seldom have to be moved.
const LIST_BYTES: usize = 192 << 10;
/// Of `from mobile_configs`: what [`from_row`] reads. Without its content, a config is one that cannot be read.
pub(super) const COLUMNS: &str = "id, customer, (select text from contents c where c.id = mobile_configs.content), rev,
    content, (select digest from contents c where c.id = mobile_configs.content)";
/// What the audit trail binds.
pub(super) const AUDIT_COLUMNS: &str =
    "id, customer, content, (select text from contents c where c.id = mobile_configs.content)";
const FIND: &str = "
    select m.id, m.customer, c.text, m.rev, c.id, c.digest from mobile_configs m left join contents c on c.id = m.content
    where m.id = ?1";
const FIND_HEAD: &str = "
    select m.id, m.customer, m.rev, c.id, c.digest from mobile_configs m left join contents c on c.id = m.content
    where m.id = ?1";

pub(super) fn from_row(row: &Row) -> rusqlite::Result<MobileConfig> {
    let content = Some(ContentKey { id: row.get(4)?, digest: row.get(5)? });
    Ok(MobileConfig { id: row.get(0)?, customer: row.get(1)?, configs: row.get(2)?, rev: row.get(3)?, content })
}

pub(super) fn subject(config: &MobileConfig) -> Subject {
    Subject { section: MOBILE_CONFIGS, object: config.id, customer: Some(config.customer) }
}

pub fn find(tx: &ReadTx, id: Id) -> Result<Option<MobileConfig>> {
    let mut statement = tx.conn.prepare_cached(FIND)?;
    Ok(statement.query_row([id], from_row).optional()?)
}

/// The config of employee `id` without its content, whose text is not read; 404 as [`get`].
pub fn get_head(tx: &ReadTx, id: Id) -> Result<ConfigHead> {
    let mut statement = tx.conn.prepare_cached(FIND_HEAD)?;
    let head = statement.query_row([id], |row| {
        let content = ContentKey { id: row.get(3)?, digest: row.get(4)? };
        Ok(ConfigHead { id: row.get(0)?, customer: row.get(1)?, content, rev: row.get(2)? })
    });
    head.optional()?.ok_or_else(not_found)
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
        "select m.id, m.customer, c.text from employees e join mobile_configs m on m.id = e.id
            join contents c on c.id = m.content
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
    let rev = tombstones::remove(tx, TABLE, id)? + 1;
    let mut config = MobileConfig { id, customer, configs, content: None, rev };
    config.content = Some(insert_row(tx, &config)?);
    let entry = audit::ContentChange {
        subject: subject(&config),
        action: Action::Create,
        description: "Mobile config created",
        before: None,
        after: config.content,
    };
    audit::append_content(tx, &entry)?;
    Ok(config)
}

/// Inserts the row as it is, with its rev; the audit entry is for the caller. Returns where its content is.
pub(super) fn insert_row(tx: &mut WriteTx, config: &MobileConfig) -> Result<ContentKey> {
    let change = tx.change()?;
    let content = content_of(tx, config)?;
    tx.conn
        .prepare_cached(
            "insert into mobile_configs (id, customer, content, rev, chg) values (:id, :customer, :content, :rev, :chg)",
        )?
        .execute(named_params! {
            ":id": config.id, ":customer": config.customer, ":content": content.id, ":rev": config.rev,
            ":chg": change
        })?;
    Ok(content)
}

/// Where the content of a config is; it is put there if it is not yet.
fn content_of(tx: &mut WriteTx, config: &MobileConfig) -> Result<ContentKey> {
    config.content.map_or_else(|| contents::key_of(tx, &config.configs), Ok)
}

/// Removes the row without a trace, because another is written in its place.
pub(super) fn clear_row(tx: &mut WriteTx, id: Id) -> Result<()> {
    let change = tx.change()?;
    high::keep(tx, change)?;
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
    let content = contents::key_of(tx, &configs)?;
    let head =
        ConfigHead { id: config.id, customer: config.customer, content: content_of(tx, &config)?, rev: config.rev };
    refer_to(tx, &head, content, action, description)?;
    Ok(MobileConfig { configs, content: Some(content), rev: config.rev + 1, ..config })
}

/// Lets `target` have the content of `source` and records why: nothing of the content is written. Returns the target as it is now.
pub fn copy(tx: &mut WriteTx, source: &MobileConfig, target: &ConfigHead, description: &str) -> Result<MobileConfig> {
    let content = content_of(tx, source)?;
    refer_to(tx, target, content, Action::Copy, description)?;
    let configs = source.configs.clone();
    Ok(MobileConfig { id: target.id, customer: target.customer, configs, content: Some(content), rev: target.rev + 1 })
}

fn refer_to(
    tx: &mut WriteTx,
    config: &ConfigHead,
    content: ContentKey,
    action: Action,
    description: &str,
) -> Result<()> {
    let change = tx.change()?;
    tx.conn
        .prepare_cached("update mobile_configs set content = :content, rev = rev + 1, chg = :chg where id = :id")?
        .execute(named_params! { ":content": content.id, ":chg": change, ":id": config.id })?;
    let subject = Subject { section: MOBILE_CONFIGS, object: config.id, customer: Some(config.customer) };
    let entry =
        audit::ContentChange { subject, action, description, before: Some(config.content), after: Some(content) };
    audit::append_content(tx, &entry)
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
    let content = Some(content_of(tx, config)?);
    let subject = subject(config);
    audit::append_content(tx, &audit::ContentChange { subject, action, description, before: content, after: content })
}

/// Records that a config is there of which nothing is known before: it was restored, or changed by hand.
pub(super) fn record_found(
    tx: &mut WriteTx,
    subject: Subject,
    content: ContentKey,
    action: Action,
    description: &str,
) -> Result<()> {
    let entry = audit::ContentChange { subject, action, description, before: None, after: Some(content) };
    audit::append_content(tx, &entry)
}

/// Removes the config of employee `id`, if there is one, and leaves a tombstone.
pub fn delete(tx: &mut WriteTx, id: Id) -> Result<()> {
    let Some(config) = find(tx, id)? else { return Ok(()) };
    tombstones::insert(tx, TABLE, id, config.rev)?;
    tx.conn.prepare_cached("delete from mobile_configs where id = ?1")?.execute([id])?;
    let entry = audit::ContentChange {
        subject: subject(&config),
        action: Action::Delete,
        description: "Mobile config removed with its employee",
        before: Some(content_of(tx, &config)?),
        after: None,
    };
    audit::append_content(tx, &entry)
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
    let sql = format!(
        "select {COLUMNS} from mobile_configs where customer = ?1
            and (select instr(text, ?2) from contents c where c.id = mobile_configs.content) order by id"
    );
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params![customer, id], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
