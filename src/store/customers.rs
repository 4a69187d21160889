//! Customers and the tree of resellers above them.

use rusqlite::{OptionalExtension, Row, named_params};

use super::{Page, Window, audit, to_json};
use crate::db::types::{from_json, known};
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::audit::{Action, CUSTOMERS};
use crate::domain::customer::{AuthenticationSecurity, Customer, CustomerState};
use crate::domain::id::Id;
use crate::domain::text::folded;
use crate::error::{Error, Result};

pub(super) const COLUMNS: &str =
    "id, name, state, parent_reseller, phone_number, fax_number, email_address, website, notes,
    addresses, finance, features, authentication_security, limits, integrations, rev";

pub(super) fn from_row(row: &Row) -> rusqlite::Result<Customer> {
    let json = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    Ok(Customer {
        id: row.get(0)?,
        name: row.get(1)?,
        state: known(json(2)?, CustomerState::parse)?,
        parent_reseller: row.get(3)?,
        phone_number: row.get(4)?,
        fax_number: row.get(5)?,
        email_address: row.get(6)?,
        website: row.get(7)?,
        notes: row.get(8)?,
        addresses: from_json(json(9)?)?,
        finance: from_json(json(10)?)?,
        features: from_json(json(11)?)?,
        authentication_security: known(json(12)?, AuthenticationSecurity::parse)?,
        limits: from_json(json(13)?)?,
        integrations: from_json(json(14)?)?,
        rev: row.get(15)?,
    })
}

pub fn subject(id: Id) -> Subject {
    Subject { section: CUSTOMERS, object: id, customer: Some(id) }
}

/// The customer, deleted or not.
pub fn find(tx: &ReadTx, id: Id) -> Result<Option<Customer>> {
    let mut statement = tx.conn.prepare_cached(&format!("select {COLUMNS} from customers where id = ?1"))?;
    Ok(statement.query_row([id], from_row).optional()?)
}

/// The customer, unless it is absent or deleted: 404 `customer`.
pub fn get(tx: &ReadTx, id: Id) -> Result<Customer> {
    find(tx, id)?.filter(|customer| customer.state != CustomerState::Deleted).ok_or_else(not_found)
}

pub fn not_found() -> Error {
    Error::not_found("customer", "Customer not found")
}

/// Whether `customer` belongs to `reseller`, or to a sub-reseller of it, at any depth.
pub fn is_below(tx: &ReadTx, customer: Id, reseller: Id) -> Result<bool> {
    let mut statement = tx.conn.prepare_cached(
        "with recursive up (id) as (
            select parent_reseller from customers where id = :customer
            union
            select c.parent_reseller from customers c join up on c.id = up.id)
         select exists (select 1 from up where id = :reseller)",
    )?;
    Ok(statement.query_row(named_params! { ":customer": customer, ":reseller": reseller }, |row| row.get(0))?)
}

/// A reseller: without a reseller above it, with customers of its own, or with an employee of that level.
const IS_RESELLER: &str = "(c.parent_reseller is null
    or exists (select 1 from customers s where s.parent_reseller = c.id and s.state <> 'DELETED')
    or exists (select 1 from employees e where e.customer = c.id and e.state <> 'DELETED'
        and e.access_level in ('RESELLER', 'RESELLER_ADMIN', 'ADMIN')))";

pub fn is_reseller(tx: &ReadTx, id: Id) -> Result<bool> {
    let sql = format!("select exists (select 1 from customers c where c.id = ?1 and {IS_RESELLER})");
    Ok(tx.conn.prepare_cached(&sql)?.query_row([id], |row| row.get(0))?)
}

/// Which customers a list holds.
#[derive(Clone, Debug, Default)]
pub struct CustomerFilter {
    /// Only customers of this reseller; `None`: of all.
    pub reseller: Option<Id>,
    /// Also customers of its sub-resellers.
    pub include_subresellers: bool,
    pub include_deleted: bool,
    /// Free text in name, e-mail address or phone number.
    pub text: Option<String>,
    /// Only customers that have all of these features.
    pub features: Vec<&'static str>,
    pub only_resellers: bool,
    pub ids: Option<Vec<Id>>,
}

/// The customers that `filter` lets through, by name.
pub fn list(tx: &ReadTx, filter: &CustomerFilter, window: Window) -> Result<Page<Customer>> {
    let source = format!(
        "from customers c
         where (:reseller is null or c.parent_reseller = :reseller
                or :subs and c.id in (
                    with recursive down (id) as (
                        select id from customers where parent_reseller = :reseller
                        union
                        select k.id from customers k join down on k.parent_reseller = down.id)
                    select id from down))
           and (c.state <> 'DELETED' or :deleted and not exists (select 1 from platform_ids where here = c.id))
           and (:text is null or instr(folded(c.name), :text) or instr(folded(c.email_address), :text)
                or instr(folded(c.phone_number), :text))
           and not exists (select 1 from json_each(:features) where value not in (select value from json_each(c.features)))
           and (not :resellers or {IS_RESELLER})
           and (:ids is null or c.id in (select value from json_each(:ids)))"
    );
    let ids = filter.ids.as_ref().map(to_json).transpose()?;
    let text = filter.text.as_deref().map(folded);
    let conditions = named_params! {
        ":reseller": filter.reseller,
        ":subs": filter.include_subresellers,
        ":deleted": filter.include_deleted,
        ":text": text,
        ":features": to_json(&filter.features)?,
        ":resellers": filter.only_resellers,
        ":ids": ids,
    };
    let total =
        tx.conn.prepare_cached(&format!("select count(*) {source}"))?.query_row(conditions, |row| row.get(0))?;
    let sql = format!(
        "select {COLUMNS} {source} order by c.name collate danish, c.id limit {} offset {}",
        window.limit, window.offset
    );
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let rows = statement.query_map(conditions, from_row)?.collect::<rusqlite::Result<_>>()?;
    Ok(Page { total, rows })
}

/// Calls `each` with every customer, resellers before their customers.
pub fn all(tx: &ReadTx, mut each: impl FnMut(Customer) -> Result<()>) -> Result<()> {
    let mut statement = tx.conn.prepare(&format!(
        "with recursive tree (place, depth) as (
            select id, 0 from customers where parent_reseller is null
            union all
            select c.id, depth + 1 from customers c join tree on c.parent_reseller = tree.place)
         select {COLUMNS} from tree join customers on id = place order by depth, id"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(from_row(row)?)?;
    }
    Ok(())
}

/// Inserts the customer, or overwrites the one of that id. Returns it with its new rev.
pub fn upsert(tx: &mut WriteTx, customer: Customer, old: Option<&Customer>) -> Result<Customer> {
    if let Some(old) = old.filter(|old| **old == Customer { rev: old.rev, ..customer.clone() }) {
        return Ok(old.clone());
    }
    let customer = Customer { rev: old.map_or(0, |old| old.rev) + 1, ..customer };
    write_row(tx, &customer)?;
    tx.identities_change();
    let before = old.map(to_json).transpose()?;
    let (action, description) = match old {
        None => (Action::Create, "Customer created"),
        Some(_) if customer.state == CustomerState::Deleted => (Action::Delete, "Customer deleted"),
        Some(_) => (Action::Update, "Customer updated"),
    };
    let after = to_json(&customer)?;
    let entry = audit::Change {
        subject: subject(customer.id),
        action,
        description,
        before: before.as_deref(),
        after: Some(&after),
    };
    audit::append(tx, &entry)?;
    Ok(customer)
}

/// Writes the row as it is, with its rev; the audit entry is for the caller.
pub(super) fn write_row(tx: &mut WriteTx, customer: &Customer) -> Result<()> {
    let change = tx.change()?;
    tx.conn
        .prepare_cached(
            "insert into customers (id, name, state, parent_reseller, phone_number, fax_number, email_address, website,
                notes, addresses, finance, features, authentication_security, limits, integrations, rev, chg)
             values (:id, :name, :state, :parent_reseller, :phone_number, :fax_number, :email_address, :website,
                :notes, :addresses, :finance, :features, :authentication_security, :limits, :integrations, :rev, :chg)
             on conflict (id) do update set name = :name, state = :state, parent_reseller = :parent_reseller,
                phone_number = :phone_number, fax_number = :fax_number, email_address = :email_address,
                website = :website, notes = :notes, addresses = :addresses, finance = :finance, features = :features,
                authentication_security = :authentication_security, limits = :limits, integrations = :integrations,
                rev = :rev, chg = :chg",
        )?
        .execute(named_params! {
            ":id": customer.id,
            ":name": customer.name,
            ":state": customer.state.name(),
            ":parent_reseller": customer.parent_reseller,
            ":phone_number": customer.phone_number,
            ":fax_number": customer.fax_number,
            ":email_address": customer.email_address,
            ":website": customer.website,
            ":notes": customer.notes,
            ":addresses": to_json(&customer.addresses)?,
            ":finance": to_json(&customer.finance)?,
            ":features": to_json(&customer.features)?,
            ":authentication_security": customer.authentication_security.name(),
            ":limits": to_json(&customer.limits)?,
            ":integrations": to_json(&customer.integrations)?,
            ":rev": customer.rev,
            ":chg": change,
        })?;
    Ok(())
}

/// Live customers without a reseller, at most so many.
pub fn top_level(tx: &ReadTx, limit: usize) -> Result<Vec<Customer>> {
    let sql = format!(
        "select {COLUMNS} from customers where parent_reseller is null and state <> 'DELETED' order by id limit {limit}"
    );
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Ids of the live customers that have this reseller.
pub fn ids_below(tx: &ReadTx, reseller: Id) -> Result<Vec<Id>> {
    let sql = "select id from customers where parent_reseller = ?1 and state <> 'DELETED'";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let rows = statement.query_map([reseller], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
