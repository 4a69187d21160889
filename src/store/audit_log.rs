//! The audit trail and the logins that failed, as an operator reads them: the newest first.

use rusqlite::{Row, Rows, Statement, named_params};
use serde::Serialize;

use super::Window;
use super::audit_index::first_since;
use crate::db::ReadTx;
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::Result;

/// The action of a login that failed.
pub const LOGIN: &str = "login";

/// One entry. A login that failed has no number, and its object is the employee whose name was given.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogRecord {
    pub seq: Option<i64>,
    pub at: Time,
    pub actor: Option<Id>,
    pub actor_name: String,
    pub impersonator: Option<Id>,
    pub impersonator_name: Option<String>,
    pub source: String,
    pub request: String,
    pub operation: String,
    pub action: String,
    pub outcome: String,
    pub section: String,
    pub object: Option<Id>,
    pub customer: Option<Id>,
    pub description: String,
}

/// Which entries are read; `None`: all.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    pub since: Option<Time>,
    /// Up to here, and not this time itself.
    pub until: Option<Time>,
    /// Id, or part of the name, of who did it or acted as who did it.
    pub person: Option<String>,
    pub section: Option<String>,
    /// An action such as `update`, or the id that all entries of one write share.
    pub operation: Option<String>,
    pub object: Option<Id>,
    pub customer: Option<Id>,
}

const ENTRIES: &str = "
    select a.seq, a.at, a.actor, a.actor_name, a.impersonator, i.name as impersonator_name, a.source, a.request,
        a.operation, a.action, a.outcome, a.section, a.object, a.customer, a.description, a.seq as place
    from audit a left join employees i on i.id = a.impersonator";
const FAILED_LOGINS: &str = "
    select null as seq, f.at, f.employee as actor, coalesce(e.name, 'Unknown user name') as actor_name, null as impersonator,
        null as impersonator_name, f.source, f.request, '' as operation, 'login' as action, 'failed' as outcome,
        'Employees' as section, f.employee as object, f.customer, f.reason as description, f.id as place
    from failed_logins f left join employees e on e.id = f.employee";

const CONDITIONS: &str = "
    place >= :first and (:since is null or at >= :since) and (:until is null or at < :until)
    and (:section is null or section = :section)
    and (:operation is null or action = :operation or operation = :operation)
    and (:object is null or object = :object) and (:customer is null or customer = :customer)
    and (:person is null or actor = lower(:person) or impersonator = lower(:person)
        or instr(folded(actor_name), folded(:person)) > 0 or instr(folded(coalesce(impersonator_name, '')), folded(:person)) > 0)";

fn from_row(row: &Row) -> rusqlite::Result<LogRecord> {
    Ok(LogRecord {
        seq: row.get(0)?,
        at: row.get(1)?,
        actor: row.get(2)?,
        actor_name: row.get(3)?,
        impersonator: row.get(4)?,
        impersonator_name: row.get(5)?,
        source: row.get(6)?,
        request: row.get(7)?,
        operation: row.get(8)?,
        action: row.get(9)?,
        outcome: row.get(10)?,
        section: row.get(11)?,
        object: row.get(12)?,
        customer: row.get(13)?,
        description: row.get(14)?,
    })
}

/// Calls `each` with the entries of a window, the newest first; a negative limit is none. `each` says whether it wants another.
///
/// Both lists are read from their ends, so that a short window reads little; where a clock was set back, the trail keeps its own
/// order.
pub fn read(tx: &ReadTx, query: &LogQuery, window: Window, mut each: impl FnMut(LogRecord) -> bool) -> Result<()> {
    let select = |list: &str| format!("select * from ({list}) where {CONDITIONS} order by place desc");
    let (mut entries, mut logins) = (tx.conn.prepare(&select(ENTRIES))?, tx.conn.prepare(&select(FAILED_LOGINS))?);
    let first = query.since.map_or(Ok(0), |since| first_since(tx, since))?;
    let (mut entries, mut logins) = (start(&mut entries, query, first)?, start(&mut logins, query, 0)?);
    let (mut entry, mut login) = (next(&mut entries)?, next(&mut logins)?);
    let mut place = 0;
    loop {
        let is_login = match (&entry, &login) {
            (None, None) => return Ok(()),
            (Some(entry), Some(login)) => login.at > entry.at,
            (entry, _) => entry.is_none(),
        };
        let newest = if is_login {
            std::mem::replace(&mut login, next(&mut logins)?)
        } else {
            std::mem::replace(&mut entry, next(&mut entries)?)
        };
        let Some(newest) = newest else { return Ok(()) };
        let is_wanted = place >= window.offset;
        place += 1;
        if is_wanted && ((window.limit >= 0 && place > window.offset + window.limit) || !each(newest)) {
            return Ok(());
        }
    }
}

fn start<'s>(statement: &'s mut Statement, query: &LogQuery, first: i64) -> Result<Rows<'s>> {
    Ok(statement.query(named_params! {
        ":first": first,
        ":since": query.since,
        ":until": query.until,
        ":section": query.section,
        ":operation": query.operation,
        ":object": query.object,
        ":customer": query.customer,
        ":person": query.person,
    })?)
}

fn next(rows: &mut Rows) -> Result<Option<LogRecord>> {
    Ok(rows.next()?.map(from_row).transpose()?)
}
