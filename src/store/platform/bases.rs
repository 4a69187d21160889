//! The platform's objects as they were last seen.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, named_params, params};

use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::error::Result;

/// An object of the platform's as it was last seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Base {
    pub customer: Id,
    /// SHA-256 of the object as it was sent.
    pub hash: Hash,
    /// As it was sent; `None` for mobile configs.
    pub object: Option<String>,
    /// Why it was not taken over.
    pub aside: Option<String>,
}

pub fn find(tx: &ReadTx, kind: Table, id: Id) -> Result<Option<Base>> {
    let sql = "select customer, hash, object, aside from platform_bases where kind = ?1 and id = ?2";
    let found = tx.conn.prepare_cached(sql)?.query_row(params![kind.number(), id], |row| {
        Ok(Base { customer: row.get(0)?, hash: row.get(1)?, object: row.get(2)?, aside: row.get(3)? })
    });
    Ok(found.optional()?)
}

/// Whether the platform is known to have the object.
pub fn exists(tx: &ReadTx, kind: Table, id: Id) -> Result<bool> {
    let sql = "select exists (select 1 from platform_bases where kind = ?1 and id = ?2)";
    Ok(tx.conn.prepare_cached(sql)?.query_row(params![kind.number(), id], |row| row.get(0))?)
}

/// The hashes of a customer's objects of one kind; of customers, those of all.
pub fn hashes(tx: &ReadTx, kind: Table, customer: Option<Id>) -> Result<HashMap<Id, Hash>> {
    // One that was put aside is looked at each time: what was in its way may be gone.
    let sql = "select id, case when aside is null then hash else zeroblob(32) end from platform_bases
        where kind = ?1 and (?2 is null or customer = ?2)";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![kind.number(), customer], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Ids of the customers that the platform was seen to have.
pub fn customers(tx: &ReadTx) -> Result<Vec<Id>> {
    let mut statement = tx.conn.prepare_cached("select id from platform_bases where kind = ?1 order by id")?;
    let rows = statement.query_map([Table::Customer.number()], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Customers that have no reseller here, and at the platform one that is here, as they were sent.
pub fn customers_without_reseller(tx: &ReadTx) -> Result<Vec<(Id, String)>> {
    let sql = "select b.id, b.object from platform_bases b join customers c on c.id = b.id
        where b.kind = ?1 and b.object is not null and c.parent_reseller is null and exists (
            select 1 from customers p where p.id = lower(json_extract(b.object, '$.parentReseller')) and p.id <> c.id
                and p.state <> 'DELETED')";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let rows = statement.query_map([Table::Customer.number()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many objects of a customer's are known.
pub fn count_of(tx: &ReadTx, customer: Id) -> Result<i64> {
    let sql = "select count(*) from platform_bases where customer = ?1";
    Ok(tx.conn.prepare_cached(sql)?.query_row([customer], |row| row.get(0))?)
}

pub fn put(tx: &mut WriteTx, kind: Table, id: Id, base: &Base) -> Result<()> {
    tx.conn
        .prepare_cached(
            "insert into platform_bases (kind, id, customer, hash, object, changed, aside)
             values (:kind, :id, :customer, :hash, :object, :now, :aside)
             on conflict (kind, id) do update set customer = :customer, hash = :hash, object = :object, changed = :now,
                aside = :aside",
        )?
        .execute(named_params! {
            ":kind": kind.number(), ":id": id, ":customer": base.customer, ":hash": base.hash, ":object": base.object,
            ":now": tx.now, ":aside": base.aside
        })?;
    Ok(())
}

pub fn remove(tx: &mut WriteTx, kind: Table, id: Id) -> Result<()> {
    tx.conn
        .prepare_cached("delete from platform_bases where kind = ?1 and id = ?2")?
        .execute(params![kind.number(), id])?;
    Ok(())
}

/// Forgets what an object was: the next reading takes it as the platform has it.
pub fn forget(tx: &mut WriteTx, kind: Table, id: Id) -> Result<()> {
    tx.conn
        .prepare_cached("update platform_bases set hash = zeroblob(32), object = null where kind = ?1 and id = ?2")?
        .execute(params![kind.number(), id])?;
    Ok(())
}

/// Forgets what all that belongs to a customer was: the next reading takes it as the platform has it.
pub fn forget_objects(tx: &mut WriteTx, customer: Id) -> Result<()> {
    let sql = "update platform_bases set hash = zeroblob(32), object = null where customer = ?1 and kind <> ?2";
    tx.conn.prepare_cached(sql)?.execute(params![customer, Table::Customer.number()])?;
    Ok(())
}

/// Forgets what a customer's mobile configs were: the next reading takes each as the platform has it.
pub fn forget_configs(tx: &mut WriteTx, customer: Id) -> Result<()> {
    tx.conn
        .prepare_cached("update platform_bases set hash = zeroblob(32) where kind = ?1 and customer = ?2")?
        .execute(params![Table::MobileConfig.number(), customer])?;
    Ok(())
}

/// Forgets what was known before a break, unless it is the same platform: the one that has this customer. What was seen since stays.
pub fn forget_other_platform(tx: &mut WriteTx, customer: Id) -> Result<()> {
    if !exists(tx, Table::Customer, customer)? {
        tx.conn.prepare_cached("delete from platform_bases where hash = zeroblob(32)")?.execute([])?;
    }
    Ok(())
}

/// Forgets everything of a customer that is gone.
pub fn forget_customer(tx: &mut WriteTx, customer: Id) -> Result<()> {
    tx.conn.prepare_cached("delete from platform_bases where customer = ?1")?.execute([customer])?;
    Ok(())
}

/// An object that was not taken over, and why.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct PutAside {
    /// What kind of object it is.
    pub kind: &'static str,
    /// Its id.
    pub id: Id,
    /// Why it was not taken over.
    pub reason: String,
}

/// The objects that were put aside, at most so many, and how many there are.
pub fn put_aside(tx: &ReadTx, limit: i64) -> Result<(i64, Vec<PutAside>)> {
    let count = "select count(*) from platform_bases where aside is not null";
    let count = tx.conn.prepare_cached(count)?.query_row([], |row| row.get(0))?;
    let sql = "select kind, id, aside from platform_bases where aside is not null order by kind, id limit ?1";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let rows = statement.query_map([limit], |row| {
        let number: i64 = row.get(0)?;
        let kind = Table::ALL.into_iter().find(|table| table.number() == number).unwrap_or(Table::Other);
        Ok(PutAside { kind: kind.name(), id: row.get(1)?, reason: row.get(2)? })
    })?;
    Ok((count, rows.collect::<rusqlite::Result<_>>()?))
}
