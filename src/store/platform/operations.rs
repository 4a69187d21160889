//! The queue: what is to be done at the platform, in the order in which it was done here.

use std::collections::HashSet;

use rusqlite::{OptionalExtension, Params, Row, named_params, params};

use crate::db::types::{from_json, known};
use crate::db::{ReadTx, WriteTx};
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::domain::platform::{Call, Change, Operation, OperationState};
use crate::domain::time::Time;
use crate::error::Result;
use crate::store::{Page, Window, to_json};

const COLUMNS: &str = "seq, operation, call, customer, target, change, secret, state, theirs, error, tries, created_at,
    first_tried, last_tried";

fn from_row(row: &Row) -> rusqlite::Result<Operation> {
    Ok(Operation {
        seq: row.get(0)?,
        operation: row.get(1)?,
        call: known(row.get_ref(2)?.as_str()?, Call::parse)?,
        customer: row.get(3)?,
        target: row.get(4)?,
        change: from_json(row.get_ref(5)?.as_str()?)?,
        secret: row.get(6)?,
        state: known(row.get_ref(7)?.as_str()?, OperationState::parse)?,
        theirs: row.get(8)?,
        error: row.get(9)?,
        tries: row.get(10)?,
        created_at: row.get(11)?,
        first_tried: row.get(12)?,
        last_tried: row.get(13)?,
    })
}

fn select(tx: &ReadTx, condition: &str, params: impl Params) -> Result<Vec<Operation>> {
    let mut statement = tx.conn.prepare_cached(&format!("select {COLUMNS} from platform_operations {condition}"))?;
    let rows = statement.query_map(params, from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A new operation at the end of the queue.
pub struct NewOperation<'a> {
    pub call: Call,
    pub customer: Id,
    pub target: Id,
    pub change: &'a Change,
    pub secret: Option<&'a [u8]>,
    pub state: OperationState,
}

pub fn insert(tx: &mut WriteTx, new: &NewOperation) -> Result<()> {
    tx.conn
        .prepare_cached(
            "insert into platform_operations (operation, call, customer, target, change, secret, state, created_at)
             values (:operation, :call, :customer, :target, :change, :secret, :state, :now)",
        )?
        .execute(named_params! {
            ":operation": tx.operation(), ":call": new.call.name(), ":customer": new.customer, ":target": new.target,
            ":change": to_json(new.change)?, ":secret": new.secret, ":state": new.state.name(), ":now": tx.now
        })?;
    Ok(())
}

pub fn find(tx: &ReadTx, seq: i64) -> Result<Option<Operation>> {
    let mut statement = tx.conn.prepare_cached(&format!("select {COLUMNS} from platform_operations where seq = ?1"))?;
    Ok(statement.query_row([seq], from_row).optional()?)
}

/// Whether a password that was given here waits to be set at the platform.
pub fn has_password(tx: &ReadTx, employee: Id) -> Result<bool> {
    let sql = "select exists (select 1 from platform_operations
        where target = ?1 and secret is not null and state in ('waiting', 'conflict'))";
    Ok(tx.conn.prepare_cached(sql)?.query_row([employee], |row| row.get(0))?)
}

/// Customers with operations that are to be sent.
pub fn waiting_customers(tx: &ReadTx) -> Result<Vec<Id>> {
    let sql = "select customer from platform_operations where state = 'waiting' group by customer order by min(seq)";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The customer's next operation to be sent: behind one that is in conflict, those on the same object wait; and behind one that
/// creates an object, those that name it.
pub fn next(tx: &ReadTx, customer: Id) -> Result<Option<Operation>> {
    let condition = "o where customer = ?1 and state = 'waiting' and not exists (
            select 1 from platform_operations c where c.target = o.target and c.seq < o.seq and c.state = 'conflict')
        and not exists (
            select 1 from platform_operations d
            where d.call in ('create_customer', 'create_employee') and d.state in ('waiting', 'conflict') and d.seq < o.seq
                and d.target <> o.target and (d.target = o.customer or instr(o.change, d.target)))
        order by seq limit 1";
    Ok(select(tx, condition, [customer])?.pop())
}

/// How many there are of a state.
pub fn count(tx: &ReadTx, state: OperationState) -> Result<i64> {
    let sql = "select count(*) from platform_operations where state = ?1";
    Ok(tx.conn.prepare_cached(sql)?.query_row([state.name()], |row| row.get(0))?)
}

/// When the oldest that is to be sent was made.
pub fn oldest_waiting(tx: &ReadTx) -> Result<Option<Time>> {
    let sql = "select min(created_at) from platform_operations where state = 'waiting'";
    Ok(tx.conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// The operations of a state, or all, in their order.
pub fn list(tx: &ReadTx, state: Option<OperationState>, window: Window) -> Result<Page<Operation>> {
    let state = state.map(OperationState::name);
    let total = tx
        .conn
        .prepare_cached("select count(*) from platform_operations where ?1 is null or state = ?1")?
        .query_row([state], |row| row.get(0))?;
    let condition = "where ?1 is null or state = ?1 order by seq limit ?2 offset ?3";
    Ok(Page { total, rows: select(tx, condition, params![state, window.limit, window.offset])? })
}

/// Whether the object is to be made at the platform yet.
pub fn is_to_be_created(tx: &ReadTx, kind: Table, target: Id) -> Result<bool> {
    let call = match kind {
        Table::Customer => Call::CreateCustomer,
        Table::Employee => Call::CreateEmployee,
        _ => Call::CreateConfig,
    };
    let sql = "select exists (select 1 from platform_operations
        where target = ?1 and call = ?2 and state in ('waiting', 'conflict'))";
    Ok(tx.conn.prepare_cached(sql)?.query_row(params![target, call.name()], |row| row.get(0))?)
}

/// Objects that are to be created at the platform, for one customer or for all.
pub fn creates(tx: &ReadTx, call: Call, customer: Option<Id>) -> Result<Vec<Operation>> {
    let condition =
        "where call = ?1 and (?2 is null or customer = ?2) and state in ('waiting', 'conflict') order by seq";
    select(tx, condition, params![call.name(), customer])
}

/// Operations on an object of this kind that are not done yet.
pub fn pending(tx: &ReadTx, kind: Table, target: Id) -> Result<Vec<Operation>> {
    let all = select(tx, "where target = ?1 and state in ('waiting', 'conflict') order by seq", [target])?;
    Ok(all.into_iter().filter(|operation| operation.call.table() == kind).collect())
}

/// Operations on a customer's employees that are not done yet.
pub fn pending_of_employees(tx: &ReadTx, customer: Id) -> Result<Vec<Operation>> {
    let condition = "where customer = ?1 and call in ('update_employee', 'delete_employee')
        and state in ('waiting', 'conflict') order by seq";
    select(tx, condition, [customer])
}

/// The fields of an object that operations are to change yet, that of `except` left out.
pub fn pending_fields(tx: &ReadTx, kind: Table, target: Id, except: Option<i64>) -> Result<HashSet<String>> {
    let others = pending(tx, kind, target)?.into_iter().filter(|operation| Some(operation.seq) != except);
    Ok(others.flat_map(|operation| operation.change.to.into_iter().map(|(name, _)| name)).collect())
}

/// Notes that an operation is tried, before it is sent.
pub fn note_try(tx: &mut WriteTx, seq: i64) -> Result<()> {
    tx.conn
        .prepare_cached(
            "update platform_operations set tries = tries + 1, first_tried = coalesce(first_tried, ?2), last_tried = ?2
             where seq = ?1",
        )?
        .execute(params![seq, tx.now])?;
    Ok(())
}

/// Notes where an operation stands, and the answer that was no success.
pub fn set_state(
    tx: &mut WriteTx,
    seq: i64,
    state: OperationState,
    theirs: Option<&str>,
    error: Option<&str>,
) -> Result<()> {
    tx.conn
        .prepare_cached("update platform_operations set state = ?2, theirs = ?3, error = ?4 where seq = ?1")?
        .execute(params![seq, state.name(), theirs, error])?;
    Ok(())
}

/// Lets an operation be another call from now on.
pub fn set_call(tx: &mut WriteTx, seq: i64, call: Call) -> Result<()> {
    tx.conn
        .prepare_cached("update platform_operations set call = ?2 where seq = ?1")?
        .execute(params![seq, call.name()])?;
    Ok(())
}

pub fn set_error(tx: &mut WriteTx, seq: i64, error: &str) -> Result<()> {
    tx.conn
        .prepare_cached("update platform_operations set error = ?2 where seq = ?1 and error is not ?2")?
        .execute(params![seq, error])?;
    Ok(())
}

pub fn set_change(tx: &mut WriteTx, seq: i64, change: &Change) -> Result<()> {
    tx.conn
        .prepare_cached("update platform_operations set change = ?2 where seq = ?1")?
        .execute(params![seq, to_json(change)?])?;
    Ok(())
}

pub fn remove(tx: &mut WriteTx, seq: i64) -> Result<()> {
    tx.conn.prepare_cached("delete from platform_operations where seq = ?1")?.execute([seq])?;
    Ok(())
}

/// Puts another id in the place of one, wherever an operation names it.
pub fn replace_id(tx: &mut WriteTx, from: Id, to: Id) -> Result<()> {
    tx.conn
        .prepare_cached(
            "update platform_operations set
                customer = case customer when :from then :to else customer end,
                target = case target when :from then :to else target end,
                change = replace(change, '\"' || :from || '\"', '\"' || :to || '\"')
             where customer = :from or target = :from or instr(change, :from)",
        )?
        .execute(named_params! { ":from": from, ":to": to })?;
    Ok(())
}
