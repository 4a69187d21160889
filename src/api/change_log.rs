//! `/log/changelog`, `/log/changeloglite`, `/tools/changelog`: the audit trail in the platform's shape.

use schemars::JsonSchema;

use super::change_log_entry::{ChangeLogPage, Parts, Reader};
use crate::db::ReadTx;
use crate::domain::access::Actor;
use crate::domain::audit::WHAT;
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};
use crate::store::change_log::{LITE_MS, LITE_ROWS_MAX, LiteEntry, LogFilter};
use crate::usecases;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// api:log:changelog:list. `SYSTEM` stands for the sections without a customer (RESELLER_ADMIN and up).
///
/// The first entries of a page come with data and changes, until 8 MiB of recorded objects have been read. The rest come
/// without, and each can be read whole by api:log:changelog:get. So every answer is bounded, and paging by `offset` and
/// `limit` skips no entry.
pub async fn list(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = request.context.query();
    let window = query.window(100, 500)?;
    let version = one_of(query.get("version"), "version", &["1", "2"])?.unwrap_or("1");
    one_of(query.get("sortBy"), "sortBy", &["when"])?;
    let order = one_of(query.get("orderBy"), "orderBy", &["ASC", "DESC"])?;
    let what = one_of(query.get("what"), "what", &WHAT)?;
    let changes = query.flag("includeChanges")?;
    let is_second = version == "2";
    let parts = Parts {
        data: query.flag("includeData")?,
        employees: query.flag("includeEmployees")?,
        changes: changes && is_second,
    };
    let what = what.filter(|_| is_second).map(str::to_owned);
    let newest_first = is_second && order == Some("DESC");
    let customer = match &*request.context.segment("customer") {
        "" => Some(request.actor().customer),
        "SYSTEM" => None,
        id => Some(id.parse().map_err(|_| Error::bad_request("Customer id not found in request URI"))?),
    };
    let section = Some(request.context.segment("section").into_owned()).filter(|section| !section.is_empty());
    let object = match &*request.context.segment("item") {
        "" => None,
        id => Some(id.parse().map_err(|_| Error::bad_request("Item id not found in request URI"))?),
    };
    let filter = LogFilter { customer, section, object, what, newest_first };
    request
        .read_list(move |tx, actor| {
            let page = usecases::change_log::list(tx, actor, &filter, window)?;
            let mut reader = Reader::new(tx, actor, parts);
            let rows = page.rows.iter().map(|entry| reader.render(entry)).collect::<Result<Vec<_>>>()?;
            ApiResponse::json(&ChangeLogPage {
                offset: window.offset,
                limit: window.limit,
                total: page.total,
                archived_until: usecases::change_log::archived(tx)?.map(|segment| segment.until),
                changelogs: rows,
                employees: reader.into_authors(),
            })
        })
        .await
}

fn one_of<'q>(value: Option<&'q str>, name: &str, allowed: &[&str]) -> Result<Option<&'q str>> {
    match value {
        Some(value) if !allowed.contains(&value) => {
            Err(Error::invalid(name, Check::Enum, format!("{name} must be one of {}", allowed.join(", "))))
        }
        other => Ok(other),
    }
}

/// api:log:changelog:get. 400 `bad_request`, 403 `access_denied`, 404 `not_found`.
pub async fn get(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let malformed = |_| Error::bad_request("Id not found in request URI");
    let id: Id = request.context.segment("entry").parse().map_err(malformed)?;
    request.read(|tx, actor| {
        let entry = usecases::change_log::get(tx, actor, id)?;
        let parts = Parts { data: true, employees: true, changes: true };
        ApiResponse::json(&Reader::new(tx, actor, parts).render(&entry)?)
    })
}

fn since(value: Option<&str>, name: &str, now: Time) -> Result<Time> {
    let Some(value) = value else { return Ok(now.plus_ms(-LITE_MS)) };
    Time::parse(value).ok_or_else(|| Error::invalid(name, Check::Format, "Date is invalid"))
}

/// Changes of the last five days, oldest first.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "the schema of what is answered as a plain list")]
pub struct ChangeLogLite(#[schemars(length(max = LITE_ROWS_MAX))] Vec<LiteEntry>);

/// api:log:changeloglite. Accepted changes of the last five days, at most 10,000.
pub async fn lite(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = request.context.query();
    let (customer, reseller, date) = (query.id("customer")?, query.id("reseller")?, query.given_text("date")?);
    request
        .read_list(move |tx, actor| {
            let since = since(date.as_deref(), "date", tx.now)?;
            ApiResponse::json(&usecases::change_log::lite(tx, actor, customer, reseller, since)?)
        })
        .await
}

/// api:tools:changelog. Only of customers with the CHANGELOG feature; `remove` empties what is returned.
pub async fn tools(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = request.context.query();
    let (customer, reseller, from) = (query.id("customer")?, query.id("reseller")?, query.given_text("since")?);
    let entries = move |tx: &ReadTx, actor: &Actor| {
        let since = since(from.as_deref(), "since", tx.now)?;
        usecases::change_log::tools(tx, actor, customer, reseller, since)
    };
    if !query.flag("remove")? {
        return request.read_list(move |tx, actor| ApiResponse::json(&entries(tx, actor)?)).await;
    }
    request
        .write(move |tx, actor| {
            let entries = entries(tx, actor)?;
            usecases::change_log::remove(tx, &entries)?;
            ApiResponse::json(&entries)
        })
        .await
}
