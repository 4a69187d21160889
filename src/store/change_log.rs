//! The audit trail read as the platform's change log (api:log:changelog:list, :get, :changeloglite, tools:changelog).

use rusqlite::{OptionalExtension, Row, named_params, params};

use super::audit_index::{INDEXED, first_since, of_customer, of_object};
use super::{Page, Window, mobile_configs, to_json};
use crate::db::{ReadTx, WriteTx};
use crate::domain::audit::{CUSTOMERS, EMPLOYEES, MOBILE_CONFIGS, QUEUES, WHAT, sections};
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::Result;
use crate::store::mirrored_tables::of_section;
use crate::store::{customers, employees, pbx, queues};

/// How far back the short logs reach.
pub const LITE_MS: i64 = 5 * 24 * 3_600_000;
/// The most rows a short log holds.
pub const LITE_ROWS_MAX: i64 = 10_000;

/// Of what was before, only whether it is there: it may be long, and its type stands in the row's head.
pub(super) const COLUMNS: &str = "seq, at, actor, actor_name, action, outcome, section, object, customer, description,
    typeof(before) <> 'null' or content_before is not null";
/// What an object held before an entry, wherever it stands.
pub(super) const BEFORE: &str = "coalesce(before, (select text from contents c where c.id = content_before))";

/// One audit entry as the change log shows it.
#[derive(Debug)]
pub struct LogEntry {
    pub seq: i64,
    pub at: Time,
    pub actor: Option<Id>,
    pub actor_name: String,
    pub action: String,
    pub refused: bool,
    pub section: String,
    pub object: Id,
    pub customer: Option<Id>,
    pub description: String,
    /// Whether it is kept what the object held before: see [`state_before`].
    pub has_before: bool,
}

pub(super) fn from_row(row: &Row) -> rusqlite::Result<LogEntry> {
    Ok(LogEntry {
        seq: row.get(0)?,
        at: row.get(1)?,
        actor: row.get(2)?,
        actor_name: row.get(3)?,
        action: row.get(4)?,
        refused: row.get_ref(5)?.as_str()? == "refused",
        section: row.get(6)?,
        object: row.get(7)?,
        customer: row.get(8)?,
        description: row.get(9)?,
        has_before: row.get(10)?,
    })
}

pub fn find(tx: &ReadTx, seq: i64) -> Result<Option<LogEntry>> {
    let mut statement = tx.conn.prepare_cached(&format!("select {COLUMNS} from audit where seq = ?1"))?;
    Ok(statement.query_row([seq], from_row).optional()?)
}

/// Which entries a change log holds. `customer` `None`: those of no customer.
#[derive(Clone, Debug)]
pub struct LogFilter {
    pub customer: Option<Id>,
    pub section: Option<String>,
    pub object: Option<Id>,
    /// CREATE, UPDATE, DELETE or OTHER.
    pub what: Option<String>,
    pub newest_first: bool,
}

pub fn list(tx: &ReadTx, filter: &LogFilter, window: Window) -> Result<Page<LogEntry>> {
    // Those of the object are fewer.
    let found = if filter.object.is_some() { of_object() } else { of_customer() };
    let source = format!(
        "from {found}
         where customer is :customer and (:section is null or section = :section) and (:object is null or object = :object)
            and (:what is null or :what = case when outcome = 'refused' then 'OTHER' when action = 'create' then 'CREATE'
                when action in ('update', 'copy') then 'UPDATE' when action = 'delete' then 'DELETE' else 'OTHER' end)"
    );
    let conditions = named_params! {
        ":customer": filter.customer, ":section": filter.section, ":object": filter.object, ":what": filter.what
    };
    let total =
        tx.conn.prepare_cached(&format!("select count(*) {source}"))?.query_row(conditions, |row| row.get(0))?;
    let order = if filter.newest_first { "desc" } else { "asc" };
    let sql = format!("select {COLUMNS} {source} order by seq {order} limit {} offset {}", window.limit, window.offset);
    let rows = tx.conn.prepare(&sql)?.query_map(conditions, from_row)?.collect::<rusqlite::Result<_>>()?;
    Ok(Page { total, rows })
}

/// What the object held before an entry; of a mobile config, its `configs`.
pub fn state_before(tx: &ReadTx, entry: &LogEntry) -> Result<Option<String>> {
    let mut statement = tx.conn.prepare_cached(&format!("select {BEFORE} from audit where seq = ?1"))?;
    Ok(statement.query_row([entry.seq], |row| row.get(0))?)
}

/// The object after an entry: what the next accepted entry on it held before, else what it is now.
/// `None` when it is gone.
pub fn state_after(tx: &ReadTx, entry: &LogEntry) -> Result<Option<String>> {
    if entry.action == "delete" && of_section(&entry.section).is_some_and(|table| table.has_deletes) {
        return Ok(None);
    }
    let sql = format!(
        "select {BEFORE} from audit where seq = (select min(seq) from (
            select i.seq as hit from audit_runs r cross join audit_objects i on i.run = r.run and i.object = :object
            where r.run >= (:seq - 1) / 1024 and i.seq > :seq
            union all select seq from audit where seq > max(:seq, {INDEXED}) and object = :object) cross join audit on seq = hit
         where section = :section and outcome = 'accepted')"
    );
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let next: Option<Option<String>> = statement
        .query_row(named_params! { ":object": entry.object, ":section": entry.section, ":seq": entry.seq }, |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(next) = next {
        return Ok(next);
    }
    match entry.section.as_str() {
        CUSTOMERS => customers::find(tx, entry.object)?.map(|found| to_json(&found)).transpose(),
        EMPLOYEES => employees::find(tx, entry.object)?.map(|found| to_json(&found)).transpose(),
        QUEUES => queues::find(tx, entry.object)?.map(|found| to_json(&found)).transpose(),
        MOBILE_CONFIGS => Ok(mobile_configs::find(tx, entry.object)?.map(|found| found.configs)),
        _ => pbx::find(tx, entry.object)?.map(|found| pbx::render(&found)).transpose(),
    }
}

/// One change in short.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct LiteEntry {
    /// The entry.
    #[serde(rename = "_id")]
    #[schemars(example = "00000000000000000000004d")]
    pub id: Id,
    /// The customer whose object was changed; null: none.
    pub customer: Option<Id>,
    /// The reseller of that customer; left out when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reseller: Option<Id>,
    /// When it was made.
    pub when: Time,
    /// Section: the kind of object that was changed.
    #[serde(rename = "where")]
    #[schemars(extend("enum" = sections()), example = MOBILE_CONFIGS)]
    pub section: String,
    /// What was done.
    #[schemars(extend("enum" = WHAT), example = &"UPDATE")]
    pub what: &'static str,
    /// The object that was changed.
    #[serde(rename = "id")]
    pub object: Id,
}

/// Whose accepted changes a short log holds.
#[derive(Clone, Copy, Debug)]
pub enum LiteScope {
    Customer(Id),
    /// The reseller's own, its customers' and its sub-resellers' customers'.
    Reseller(Id),
}

/// Accepted changes since `since` (at most five days back), oldest first, behind what was removed when `unremoved`.
pub fn lite(tx: &ReadTx, scope: LiteScope, since: Time, unremoved: bool) -> Result<Vec<LiteEntry>> {
    let since = since.max(tx.now.plus_ms(-LITE_MS));
    let (customer, reseller) = match scope {
        LiteScope::Customer(id) => (Some(id), None),
        LiteScope::Reseller(id) => (None, Some(id)),
    };
    let mut statement = tx.conn.prepare_cached(
        "with recursive reach (id) as (
            select :reseller where :reseller is not null
            union
            select c.id from customers c join reach on c.parent_reseller = reach.id)
         select a.seq, a.customer, c.parent_reseller, a.at, a.section, a.action, a.object
         from audit a left join customers c on c.id = a.customer
         where a.seq >= :first and a.outcome = 'accepted' and a.at >= :since
           and (:customer is null or a.customer = :customer)
           and (:reseller is null or a.customer in (select id from reach))
           and (not :unremoved or a.seq > coalesce(
                (select seq from changelog_removed r where r.customer = a.customer), 0))
         order by a.seq limit :rows",
    )?;
    let rows = statement.query_map(
        named_params! {
            ":reseller": reseller, ":first": first_since(tx, since)?, ":since": since, ":customer": customer,
            ":unremoved": unremoved, ":rows": LITE_ROWS_MAX,
        },
        |row| {
            Ok(LiteEntry {
                id: Id::from_number(row.get(0)?),
                customer: row.get(1)?,
                reseller: row.get(2)?,
                when: row.get(3)?,
                section: row.get(4)?,
                what: crate::domain::audit::Action::what(row.get_ref(5)?.as_str()?),
                object: row.get(6)?,
            })
        },
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Notes that a customer's log has been emptied up to the entry `seq`. The audit trail itself keeps everything.
pub fn remove_up_to(tx: &mut WriteTx, customer: Id, seq: i64) -> Result<()> {
    tx.conn
        .prepare_cached(
            "insert into changelog_removed (customer, seq) values (?1, ?2)
             on conflict (customer) do update set seq = max(seq, ?2)",
        )?
        .execute(params![customer, seq])?;
    Ok(())
}
