//! The audit trail as a page of entries, the newest first, with all that is recorded of each.

use rusqlite::{Row, named_params};

use super::audit_index::of_customer;
use super::change_log::{self, LogEntry};
use super::{Page, Window};
use crate::db::ReadTx;
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::Result;

/// One entry.
#[derive(Debug)]
pub struct TrailEntry {
    pub entry: LogEntry,
    pub impersonator: Option<Id>,
    /// Address of the caller, or the way in.
    pub source: String,
    /// Id of the request; empty outside HTTP.
    pub request: String,
    /// What all entries of one write share.
    pub operation: String,
}

/// Whose entries.
#[derive(Clone, Copy, Debug)]
pub enum TrailScope {
    All,
    /// Of a customer; `None`: of none.
    Customer(Option<Id>),
    /// Of the reader's customer and those below it.
    Below,
}

/// Which authors the reader may know of: an entry is not found by the name of another one.
#[derive(Clone, Copy, Debug)]
pub struct TrailReader {
    pub customer: Id,
    pub sees_below: bool,
    pub sees_all: bool,
}

/// Which of them; `None`: all.
#[derive(Clone, Debug, Default)]
pub struct TrailFilter {
    pub section: Option<String>,
    pub object: Option<Id>,
    /// Id, or part of the name, of who did it or acted as who did it.
    pub by: Option<String>,
    /// An action such as `update`, or the id that all entries of one write share.
    pub operation: Option<String>,
    pub since: Option<Time>,
    /// Up to here, and not this time itself.
    pub until: Option<Time>,
    pub refused: Option<bool>,
}

const REACH: &str = "with recursive reach (id) as (
    select :own union select c.id from customers c join reach on c.parent_reseller = reach.id where :sees_below)";

/// Whether the employee in a column is one whom the reader may know of.
fn is_seen(column: &str) -> String {
    format!("(:sees_all or (select e.customer from employees e where e.id = {column}) in (select id from reach))")
}

fn conditions(scope: TrailScope) -> String {
    let scope = match scope {
        TrailScope::All => ":customer is null",
        TrailScope::Customer(_) => "customer is :customer",
        TrailScope::Below => ":customer is null and customer in (select id from reach)",
    };
    let (actor, impersonator) = (is_seen("actor"), is_seen("impersonator"));
    format!(
        "{scope} and (:section is null or section = :section) and (:object is null or object = :object)
         and (:operation is null or action = :operation or operation = :operation)
         and (:since is null or at >= :since) and (:until is null or at < :until)
         and (:refused is null or (outcome = 'refused') = :refused)
         and (:by is null
            or (actor = lower(:by) or instr(folded(actor_name), folded(:by)) > 0) and (actor is null or {actor})
            or impersonator is not null and {impersonator} and (impersonator = lower(:by) or instr(folded(coalesce(
                (select i.name from employees i where i.id = impersonator), '')), folded(:by)) > 0))"
    )
}

pub fn list(
    tx: &ReadTx,
    scope: TrailScope,
    reader: TrailReader,
    filter: &TrailFilter,
    window: Window,
) -> Result<Page<TrailEntry>> {
    let found = match scope {
        TrailScope::Customer(_) => of_customer(),
        TrailScope::All | TrailScope::Below => "audit".to_owned(),
    };
    let source = format!("from {found} where {}", conditions(scope));
    let customer = match scope {
        TrailScope::Customer(customer) => customer,
        TrailScope::All | TrailScope::Below => None,
    };
    let values = named_params! {
        ":own": reader.customer, ":sees_below": reader.sees_below, ":sees_all": reader.sees_all,
        ":customer": customer, ":section": filter.section, ":object": filter.object, ":by": filter.by,
        ":operation": filter.operation, ":since": filter.since, ":until": filter.until, ":refused": filter.refused,
    };
    let count = format!("{REACH} select count(*) {source}");
    let total = tx.conn.prepare_cached(&count)?.query_row(values, |row| row.get(0))?;
    let columns = change_log::COLUMNS;
    let page = format!(
        "{REACH} select {columns}, impersonator, source, request, operation {source}
         order by seq desc limit {} offset {}",
        window.limit, window.offset
    );
    let rows = tx.conn.prepare(&page)?.query_map(values, from_row)?.collect::<rusqlite::Result<_>>()?;
    Ok(Page { total, rows })
}

fn from_row(row: &Row) -> rusqlite::Result<TrailEntry> {
    Ok(TrailEntry {
        entry: change_log::from_row(row)?,
        impersonator: row.get(11)?,
        source: row.get(12)?,
        request: row.get(13)?,
        operation: row.get(14)?,
    })
}
