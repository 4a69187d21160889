//! `/local/audit`: the audit trail, with all that is recorded of each entry.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::change_log_entry::{Parts, Properties, Reader};
use crate::domain::access::Level;
use crate::domain::audit::{Action, MOBILE_CONFIGS, WHAT};
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};
use crate::store::audit_page::{TrailEntry, TrailFilter};
use crate::usecases::change_log::{self, TrailOf};
use crate::web::query::Query;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// A page of the audit trail.
#[derive(Serialize, JsonSchema)]
pub struct AuditPage {
    /// How many were skipped.
    #[schemars(range(min = 0), extend("default" = 0), example = 0)]
    offset: i64,
    /// The most that this page may hold.
    #[schemars(range(min = 1, max = 500), extend("default" = 100), example = 100)]
    limit: i64,
    /// How many there are in all, whatever `offset` and `limit` are.
    #[schemars(range(min = 0), example = 1)]
    total: i64,
    /// The older part of the trail, which is no longer here; left out when all of it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    archived: Option<ArchivedPart>,
    #[schemars(length(max = 500))]
    entries: Vec<AuditTrailEntry>,
}

/// The part of the trail that was archived.
#[derive(Serialize, JsonSchema)]
pub struct ArchivedPart {
    /// How many entries there are.
    #[schemars(range(min = 1), example = 2048)]
    entries: i64,
    /// The latest time of an entry.
    until: Time,
    /// The file with the newest of them; null unless the caller is an ADMIN.
    #[schemars(example = "/var/lib/telecomx-local/telecomx.db.audit/audit-000000001-000002048-9f86d081.jsonl.zst")]
    file: Option<String>,
}

/// One entry. `before` and `after` are left out behind the bound of a page, and with `brief`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditTrailEntry {
    /// Its number: without a gap from 1 on.
    #[schemars(range(min = 1), example = 77)]
    seq: i64,
    /// When it was written.
    time: Time,
    /// Who did it; null when the reader may not see who.
    who: Option<AuditAuthor>,
    /// From where; null when the reader may not see who it was.
    from: Option<AuditSource>,
    /// What was done.
    #[schemars(example = &"update")]
    action: String,
    /// The same as the change log has it.
    #[schemars(extend("enum" = WHAT), example = &"UPDATE")]
    what: &'static str,
    /// The kind of object.
    #[schemars(example = MOBILE_CONFIGS)]
    section: String,
    /// The object.
    item: Id,
    /// What the object is called today, of a mobile config its employee; null when it is gone, has no name, or is out of the reader's sight.
    #[schemars(example = "Emma Counter")]
    object_name: Option<String>,
    /// The customer whose object it is; null: none.
    customer: Option<Id>,
    /// What all entries of one write share: by it an operation can be undone.
    #[schemars(example = "6f1c7f6e-2b9e-4a57-9d8c-0d6c1a3f9b11")]
    operation: String,
    /// It was tried, and refused.
    refused: bool,
    /// In words.
    #[schemars(example = "Mobile config updated")]
    description: String,
    /// What the object held before is kept.
    has_before: bool,
    /// The object before; null: there was none, or nothing of it was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "serde_json::Value")]
    before: Option<Option<Properties>>,
    /// The object after; null: it is gone, or nothing of it was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "serde_json::Value")]
    after: Option<Option<Properties>>,
}

/// Who did something.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditAuthor {
    /// null: the system, the command line, or an operator of the hub.
    employee: Option<Id>,
    /// Name at that time.
    #[schemars(example = "Anna Manager")]
    name: String,
    /// Access level today; null for who is no employee.
    access_level: Option<Level>,
    /// The employee who acted as this one.
    impersonator: Option<Impersonator>,
}

/// An employee who acted as another one.
#[derive(Serialize, JsonSchema)]
pub struct Impersonator {
    #[serde(rename = "_id")]
    id: Id,
    /// Name of the employee.
    #[schemars(example = "Rita Reseller")]
    name: String,
}

/// Where something came from.
#[derive(Serialize, JsonSchema)]
pub struct AuditSource {
    /// IP address of the caller; null when it came another way.
    #[schemars(example = "192.0.2.1")]
    address: Option<String>,
    /// The way in: `API`, or such as `command line`, `import`, `hub`, `platform` and `system`.
    #[schemars(example = &"API")]
    way: String,
    /// Id of the request, as in the log and in `X-Request-Id`; empty outside HTTP.
    #[schemars(example = "4fa1c2e09b7d4c55a1d1f0d1f7f3c2ab")]
    request: String,
}

impl AuditSource {
    fn of(source: &str, request: &str) -> AuditSource {
        let is_address = source.parse::<IpAddr>().is_ok();
        let way = if is_address { "API" } else { source };
        AuditSource { address: is_address.then(|| source.to_owned()), way: way.to_owned(), request: request.to_owned() }
    }
}

/// Entries newest first, by the rules of the change log: who may read whose, and what of an object is left out. 403 `access_denied`,
/// 404 `customer`, 422 with the argument's name.
pub async fn list(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = request.context.query();
    let window = query.window(100, 500)?;
    let (of, filter, is_brief) = (customer(&query)?, filter(&query)?, query.flag("brief")?);
    request
        .read_list(move |tx, actor| {
            let page = change_log::trail(tx, actor, of, filter, window)?;
            let parts = Parts { data: true, employees: true, changes: true };
            let mut reader = Reader::new(tx, actor, parts);
            let shown = |entry| shown(&mut reader, actor.level, entry, is_brief);
            let entries = page.rows.into_iter().map(shown).collect::<Result<Vec<_>>>()?;
            let archived = change_log::archived(tx)?.map(|segment| ArchivedPart {
                entries: segment.last.0,
                until: segment.until,
                file: Some(segment.file).filter(|_| actor.level >= Level::Admin),
            });
            let (offset, limit, total) = (window.offset, window.limit, page.total);
            ApiResponse::json(&AuditPage { offset, limit, total, archived, entries })
        })
        .await
}

fn customer(query: &Query) -> Result<TrailOf> {
    match query.get("customer") {
        Some("SYSTEM") => Ok(TrailOf::Customer(None)),
        _ => Ok(query.id("customer")?.map_or(TrailOf::Everybody, |id| TrailOf::Customer(Some(id)))),
    }
}

fn filter(query: &Query) -> Result<TrailFilter> {
    let time = |name: &str| {
        let malformed = || Error::invalid(name, Check::Format, format!("{name} must be a date, or a time (ISO 8601)"));
        query.get(name).map(|text| Time::parse(text).ok_or_else(malformed)).transpose()
    };
    Ok(TrailFilter {
        section: query.given_text("section")?,
        object: query.id("item")?,
        by: query.given_text("by")?,
        operation: query.given_text("operation")?,
        since: time("since")?,
        until: time("until")?,
        refused: query.get("refused").map(|_| query.flag("refused")).transpose()?,
    })
}

fn shown(reader: &mut Reader, level: Level, found: TrailEntry, is_brief: bool) -> Result<AuditTrailEntry> {
    let who = author(reader, level, &found)?;
    // The request was that of who acted as somebody: whoever may not see who that was learns nothing of where it came from.
    let sees_all = level >= Level::ResellerAdmin;
    let is_seen =
        who.as_ref().is_some_and(|who| sees_all || found.impersonator.is_none() || who.impersonator.is_some());
    let from = is_seen.then(|| AuditSource::of(&found.source, &found.request));
    let sides = if is_brief { None } else { reader.sides(&found.entry)? };
    let (before, after) = sides.map_or((None, None), |sides| (Some(sides.before), Some(sides.after)));
    let TrailEntry { entry, operation, .. } = found;
    let object_name = reader.object_name(&entry)?;
    Ok(AuditTrailEntry {
        seq: entry.seq,
        time: entry.at,
        who,
        from,
        what: if entry.refused { "OTHER" } else { Action::what(&entry.action) },
        action: entry.action,
        section: entry.section,
        item: entry.object,
        object_name,
        customer: entry.customer,
        operation,
        refused: entry.refused,
        description: entry.description,
        has_before: entry.has_before,
        before,
        after,
    })
}

/// Who it was, if the reader may see who. Who sees all sees also who is no more.
fn author(reader: &Reader, level: Level, found: &TrailEntry) -> Result<Option<AuditAuthor>> {
    let name = found.entry.actor_name.clone();
    let Some(id) = found.entry.actor else {
        return Ok(Some(AuditAuthor { employee: None, name, access_level: None, impersonator: None }));
    };
    let employee = reader.shown(id)?;
    if employee.is_none() && level < Level::ResellerAdmin {
        return Ok(None);
    }
    let impersonator = found.impersonator.map(|id| reader.shown(id)).transpose()?.flatten();
    let impersonator = impersonator.map(|employee| Impersonator { id: employee.id, name: employee.name });
    Ok(Some(AuditAuthor { employee: Some(id), name, access_level: employee.map(|it| it.access_level), impersonator }))
}
