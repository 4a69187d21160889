//! Objects of the PBX: one row each, as JSON, whatever their kind.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Params, Row, named_params, params};
use serde_json::Value;

use crate::db::types::from_json;
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::audit::Action;
use crate::domain::id::Id;
use crate::domain::pbx::{Kind, PbxObject, References};
use crate::domain::text::folded;
use crate::error::{Error, Result};
use crate::store::{Page, Window, audit, to_json, tombstones};

const TABLE: &str = "pbx_objects";

/// The id first, and the object as it is rendered.
pub(super) const COLUMNS: &str = "id, object";

pub(super) fn from_row(row: &Row) -> rusqlite::Result<PbxObject> {
    let value: Value = from_json(row.get_ref("object")?.as_str()?)?;
    PbxObject::from_value(value)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error)))
}

/// The object as it is stored, exported, mirrored and audited.
pub(super) fn render(object: &PbxObject) -> Result<String> {
    to_json(&object.to_value().map_err(|error| Error::Internal(Box::new(error)))?)
}

fn select(tx: &ReadTx, condition: &str, values: impl Params) -> Result<Vec<PbxObject>> {
    let sql = format!("select object from pbx_objects where {condition} order by name collate danish, id");
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let rows = statement.query_map(values, from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub fn find(tx: &ReadTx, id: Id) -> Result<Option<PbxObject>> {
    let mut statement = tx.conn.prepare_cached("select object from pbx_objects where id = ?1")?;
    Ok(statement.query_row([id], from_row).optional()?)
}

/// The version of an object that is there.
pub fn rev(tx: &ReadTx, id: Id) -> Result<i64> {
    let mut statement = tx.conn.prepare_cached("select rev from pbx_objects where id = ?1")?;
    Ok(statement.query_row([id], |row| row.get(0))?)
}

/// The order of a list of extensions or groups.
#[derive(Clone, Copy, Debug, Default)]
pub enum Order {
    Number,
    #[default]
    Name,
    Redirect,
    Direct,
    Employee,
}

impl Order {
    /// What has no such property comes last. Numbers are ordered as numbers: 99 before 100.
    fn sql(self) -> &'static str {
        match self {
            Order::Number => {
                "json_extract(o.object, '$.number') is null, length(json_extract(o.object, '$.number')),
                 json_extract(o.object, '$.number'), "
            }
            Order::Name => "",
            Order::Redirect => "json_extract(o.object, '$.redirect') is null, json_extract(o.object, '$.redirect'), ",
            Order::Direct => "json_extract(o.object, '$.direct') is null, json_extract(o.object, '$.direct'), ",
            Order::Employee => "e.name is null, e.name collate danish, ",
        }
    }
}

/// Which extensions or groups a list holds.
#[derive(Clone, Debug)]
pub struct PbxFilter {
    pub customer: Id,
    pub kind: Kind,
    /// Only what belongs to this employee.
    pub employee: Option<Id>,
    /// Only groups that an extension of this employee controls.
    pub controller: Option<Id>,
    /// Free text in the name, the number, or the name of the employee.
    pub text: Option<String>,
    pub order: Order,
}

/// The objects that `filter` lets through.
pub fn page(tx: &ReadTx, filter: &PbxFilter, window: Window) -> Result<Page<PbxObject>> {
    let source = "from pbx_objects o left join employees e on e.id = o.employee
         where o.customer = :customer and o.kind = :kind and (:employee is null or o.employee = :employee)
           and (:controller is null or exists (
                select 1 from json_each(o.object, '$.controllers') c join pbx_objects x on x.id = c.value
                where x.employee = :controller))
           and (:text is null or instr(folded(o.name), :text) or instr(folded(json_extract(o.object, '$.number')), :text)
                or instr(folded(e.name), :text))";
    let text = filter.text.as_deref().map(folded);
    let conditions = named_params! {
        ":customer": filter.customer, ":kind": <&str>::from(filter.kind), ":employee": filter.employee,
        ":controller": filter.controller, ":text": text
    };
    let total =
        tx.conn.prepare_cached(&format!("select count(*) {source}"))?.query_row(conditions, |row| row.get(0))?;
    let sql = format!(
        "select o.object {source} order by {}o.name collate danish, o.id limit {} offset {}",
        filter.order.sql(),
        window.limit,
        window.offset
    );
    let rows = tx.conn.prepare(&sql)?.query_map(conditions, from_row)?.collect::<rusqlite::Result<_>>()?;
    Ok(Page { total, rows })
}

/// Ids of the customer's objects of one kind, by the employee that they belong to.
pub fn ids_by_employee(tx: &ReadTx, customer: Id, kind: Kind) -> Result<HashMap<Id, Id>> {
    let sql = "select employee, id from pbx_objects where customer = ?1 and kind = ?2 and employee is not null";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![customer, <&str>::from(kind)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether the customer has an object of this kind.
pub fn has_any(tx: &ReadTx, customer: Id, kind: Kind) -> Result<bool> {
    let sql = "select exists (select 1 from pbx_objects where customer = ?1 and kind = ?2)";
    Ok(tx.conn.prepare_cached(sql)?.query_row(params![customer, <&str>::from(kind)], |row| row.get(0))?)
}

/// The customer's objects of one kind, by name.
pub fn list(tx: &ReadTx, customer: Id, kind: Kind) -> Result<Vec<PbxObject>> {
    select(tx, "customer = ?1 and kind = ?2", params![customer, <&str>::from(kind)])
}

/// All of the customer's objects, by name.
pub fn of_customer(tx: &ReadTx, customer: Id) -> Result<Vec<PbxObject>> {
    select(tx, "customer = ?1", [customer])
}

/// The objects that belong to the employee, by kind or all of them, by name.
pub fn of_employee(tx: &ReadTx, employee: Id, kind: Option<Kind>) -> Result<Vec<PbxObject>> {
    let kind = kind.map(<&str>::from);
    select(tx, "employee = ?1 and (?2 is null or kind = ?2)", params![employee, kind])
}

/// The members of a queue, by name.
pub fn in_queue(tx: &ReadTx, queue: Id) -> Result<Vec<PbxObject>> {
    select(tx, "queue = ?1", [queue])
}

/// The object of this key: see [`PbxObject::key`].
pub fn find_by_key(tx: &ReadTx, key: &str) -> Result<Option<PbxObject>> {
    let mut statement = tx.conn.prepare_cached("select object from pbx_objects where key = ?1 order by id limit 1")?;
    Ok(statement.query_row([key], from_row).optional()?)
}

/// The object and its version.
pub fn find_versioned(tx: &ReadTx, id: Id) -> Result<Option<(PbxObject, i64)>> {
    let mut statement = tx.conn.prepare_cached("select object, rev from pbx_objects where id = ?1")?;
    Ok(statement.query_row([id], |row| Ok((from_row(row)?, row.get("rev")?))).optional()?)
}

/// Which contacts of a customer a list has: the shared ones, and those of these employees.
#[derive(Clone, Debug)]
pub struct ContactFilter {
    pub customer: Id,
    pub employees: Vec<Id>,
    /// Free text in names, company, numbers, e-mail addresses, title or department.
    pub text: Option<String>,
}

/// The contacts that `filter` lets through, by name.
pub fn contacts(tx: &ReadTx, filter: &ContactFilter, window: Window) -> Result<Page<PbxObject>> {
    let source = "from pbx_objects
         where customer = :customer and kind = 'CONTACT'
           and (employee is null or employee in (select value from json_each(:employees)))
           and (:text is null
                or instr(folded(concat_ws(' ', object ->> 'givenName', object ->> 'familyName')), :text)
                or instr(folded(object ->> 'company'), :text) or instr(folded(object ->> 'title'), :text)
                or instr(folded(object ->> 'department'), :text) or instr(object ->> 'shortNumber', :text)
                or exists (
                    select 1 from json_each(json_array(object -> 'phoneNumbers', object -> 'emailAddresses')) list,
                        json_each(list.value) entry, json_each(entry.value) property
                    where property.key <> 'type' and property.type = 'text' and instr(folded(property.value), :text)))";
    let conditions = named_params! {
        ":customer": filter.customer, ":employees": to_json(&filter.employees)?,
        ":text": filter.text.as_deref().map(folded)
    };
    let total =
        tx.conn.prepare_cached(&format!("select count(*) {source}"))?.query_row(conditions, |row| row.get(0))?;
    let sql = format!(
        "select object {source} order by name collate danish, id limit {} offset {}",
        window.limit, window.offset
    );
    let rows = tx.conn.prepare(&sql)?.query_map(conditions, from_row)?.collect::<rusqlite::Result<_>>()?;
    Ok(Page { total, rows })
}

pub fn is_empty(tx: &ReadTx) -> Result<bool> {
    let sql = "select not exists (select 1 from pbx_objects)";
    Ok(tx.conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Calls `each` with every object, in the order of their ids.
pub fn all(tx: &ReadTx, mut each: impl FnMut(PbxObject) -> Result<()>) -> Result<()> {
    let mut statement = tx.conn.prepare("select object from pbx_objects order by id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(from_row(row)?)?;
    }
    Ok(())
}

pub fn subject(object: &PbxObject) -> Subject {
    Subject { section: object.kind().section(), object: object.id(), customer: Some(object.customer()) }
}

/// Writes the row as it is, with this rev or the next one; the audit entry is for the caller.
pub(super) fn write_row(tx: &mut WriteTx, object: &PbxObject, rev: Option<i64>) -> Result<()> {
    let text = render(object)?;
    let References { employee, queue, .. } = object.references();
    let last_rev = tombstones::remove(tx, TABLE, object.id())?;
    let change = tx.change()?;
    tx.conn
        .prepare_cached(
            "insert into pbx_objects (id, kind, customer, employee, queue, name, key, object, rev, chg)
             values (:id, :kind, :customer, :employee, :queue, :name, :key, :object, coalesce(:rev, :last_rev + 1), :chg)
             on conflict (id) do update set kind = :kind, customer = :customer, employee = :employee, queue = :queue,
                name = :name, key = :key, object = :object, rev = coalesce(:rev, rev + 1), chg = :chg",
        )?
        .execute(named_params! {
            ":id": object.id(), ":kind": <&str>::from(object.kind()), ":customer": object.customer(),
            ":employee": employee, ":queue": queue, ":name": object.name(), ":key": object.key(), ":object": text, ":rev": rev,
            ":last_rev": last_rev, ":chg": change
        })?;
    Ok(())
}

/// Inserts the object, or overwrites the one of that id, and records it.
pub fn upsert(tx: &mut WriteTx, object: &PbxObject, old: Option<&PbxObject>) -> Result<()> {
    if old == Some(object) {
        return Ok(());
    }
    write_row(tx, object, None)?;
    let before = old.map(render).transpose()?;
    let entry = audit::Change {
        subject: subject(object),
        action: if old.is_some() { Action::Update } else { Action::Create },
        description: if old.is_some() { "Updated" } else { "Created" },
        before: before.as_deref(),
        after: Some(&render(object)?),
    };
    audit::append(tx, &entry)
}

/// Deletes the object and records it.
pub fn delete(tx: &mut WriteTx, object: &PbxObject) -> Result<()> {
    let id = object.id();
    let rev = tx.conn.prepare_cached("select rev from pbx_objects where id = ?1")?.query_row([id], |row| row.get(0));
    let Some(rev) = rev.optional()? else { return Ok(()) };
    tombstones::insert(tx, TABLE, id, rev)?;
    tx.conn.prepare_cached("delete from pbx_objects where id = ?1")?.execute([id])?;
    let entry = audit::Change {
        subject: subject(object),
        action: Action::Delete,
        description: "Deleted",
        before: Some(&render(object)?),
        after: None,
    };
    audit::append(tx, &entry)
}
