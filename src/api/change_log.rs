//! `/log/changelog`, `/log/changeloglite`, `/tools/changelog`: the audit trail in the platform's shape.

use schemars::JsonSchema;

use super::change_log_entry::{ChangeLogPage, Parts, Reader};
use crate::auth::authorization::{Owner, allow};
use crate::db::ReadTx;
use crate::domain::access::{Actor, CHANGE_LOG, Level};
use crate::domain::audit::WHAT;
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};
use crate::store::change_log::{self, LITE_MS, LITE_ROWS_MAX, LiteEntry, LiteScope, LogFilter};
use crate::store::customers;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// api:log:changelog:list. `SYSTEM` stands for the sections without a customer (RESELLER_ADMIN and up).
///
/// Data and changes are told of the first entries of a page, until 8 MiB of recorded objects have been read for them;
/// the rest of the page comes without: each entry is whole in api:log:changelog:get. So no answer is without bounds, and
/// whoever pages by `offset` and `limit` misses no entry.
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
    let customer = match request.context.segment("customer") {
        "" => Some(request.actor().customer),
        "SYSTEM" => None,
        id => Some(id.parse().map_err(|_| Error::bad_request("Customer id not found in request URI"))?),
    };
    let section = Some(request.context.segment("section").to_owned()).filter(|section| !section.is_empty());
    let object = match request.context.segment("item") {
        "" => None,
        id => Some(id.parse().map_err(|_| Error::bad_request("Item id not found in request URI"))?),
    };
    request
        .read_list(move |tx, actor| {
            match customer {
                Some(id) => {
                    customers::get(tx, id)?;
                    allow(tx, actor, CHANGE_LOG, Owner::to_customer(id))?;
                }
                None if actor.level < Level::ResellerAdmin => return Err(Error::access_denied()),
                None => {}
            }
            let filter = LogFilter { customer, section, object, what, newest_first };
            let page = change_log::list(tx, &filter, window)?;
            let mut reader = Reader::new(tx, actor, parts);
            let rows = page.rows.iter().map(|entry| reader.tell(entry)).collect::<Result<Vec<_>>>()?;
            ApiResponse::json(&ChangeLogPage {
                offset: window.offset,
                limit: window.limit,
                total: page.total,
                changelogs: rows,
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
        let entry = id.to_number().map(|seq| change_log::find(tx, seq)).transpose()?.flatten();
        let entry = entry.ok_or_else(|| Error::not_found("not_found", "Object not found"))?;
        match entry.customer {
            Some(customer) => allow(tx, actor, CHANGE_LOG, Owner::to_customer(customer))?,
            None if actor.level < Level::ResellerAdmin => return Err(Error::access_denied()),
            None => {}
        }
        let parts = Parts { data: true, employees: true, changes: true };
        ApiResponse::json(&Reader::new(tx, actor, parts).tell(&entry)?)
    })
}

/// Whose changes a short log is to hold; `reseller` wins over `customer`.
fn scope(tx: &ReadTx, actor: &Actor, customer: Option<Id>, reseller: Option<Id>) -> Result<LiteScope> {
    if let Some(id) = reseller {
        let found = customers::find(tx, id)?;
        found.ok_or_else(|| Error::not_found("reseller", "Reseller not found"))?;
        if actor.level < Level::Reseller {
            return Err(Error::access_denied());
        }
        allow(tx, actor, CHANGE_LOG, Owner::to_customer(id))?;
        return Ok(LiteScope::Reseller(id));
    }
    if let Some(id) = customer {
        customers::get(tx, id)?;
        allow(tx, actor, CHANGE_LOG, Owner::to_customer(id))?;
        return Ok(LiteScope::Customer(id));
    }
    allow(tx, actor, CHANGE_LOG, Owner::to_customer(actor.customer))?;
    Ok(match actor.level {
        Level::ResellerAdmin | Level::Admin => LiteScope::All,
        Level::Reseller => LiteScope::Reseller(actor.customer),
        _ => LiteScope::Customer(actor.customer),
    })
}

fn since(value: Option<&str>, name: &str, now: Time) -> Result<Time> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(now.plus_ms(-LITE_MS)) };
    Time::parse(value).ok_or_else(|| Error::invalid(name, Check::Format, "Date is invalid"))
}

/// Changes of the last five days, oldest first.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "the schema of what is answered as a plain list")]
pub struct ChangeLogLite(#[schemars(length(max = LITE_ROWS_MAX))] Vec<LiteEntry>);

/// api:log:changeloglite. Accepted changes of the last five days, at most 10,000.
pub async fn lite(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = request.context.query();
    let (customer, reseller, date) = (query.id("customer")?, query.id("reseller")?, query.text("date")?);
    request
        .read_list(move |tx, actor| {
            let scope = scope(tx, actor, customer, reseller)?;
            ApiResponse::json(&change_log::lite(tx, scope, since(date.as_deref(), "date", tx.now)?, false)?)
        })
        .await
}

/// api:tools:changelog. Only of customers with the CHANGELOG feature; `remove` empties what is returned.
pub async fn tools(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = request.context.query();
    let (customer, reseller, from) = (query.id("customer")?, query.id("reseller")?, query.text("since")?);
    if !query.flag("remove")? {
        return request
            .read_list(move |tx, actor| ApiResponse::json(&tools_entries(tx, actor, customer, reseller, from)?))
            .await;
    }
    request
        .write(move |tx, actor| {
            let entries = tools_entries(tx, actor, customer, reseller, from)?;
            for entry in &entries {
                if let (Some(customer), Some(seq)) = (entry.customer, entry.id.to_number()) {
                    change_log::remove_up_to(tx, customer, seq)?;
                }
            }
            ApiResponse::json(&entries)
        })
        .await
}

fn tools_entries(
    tx: &ReadTx,
    actor: &Actor,
    customer: Option<Id>,
    reseller: Option<Id>,
    from: Option<String>,
) -> Result<Vec<LiteEntry>> {
    let denied = |_| Error::Forbidden { code: "access_denied", message: "Access denied".into() };
    let scope = scope(tx, actor, customer, reseller).map_err(|error| match error {
        Error::Forbidden { .. } => denied(()),
        other => other,
    })?;
    let mut entries = change_log::lite(tx, scope, since(from.as_deref(), "since", tx.now)?, true)?;
    let mut has_feature = std::collections::HashMap::new();
    for entry in &entries {
        let Some(id) = entry.customer else { continue };
        if let std::collections::hash_map::Entry::Vacant(place) = has_feature.entry(id) {
            place.insert(customers::find(tx, id)?.is_some_and(|customer| customer.has_feature("CHANGELOG")));
        }
    }
    entries.retain(|entry| entry.customer.is_some_and(|id| has_feature.get(&id) == Some(&true)));
    if let LiteScope::Customer(id) = scope
        && !customers::get(tx, id)?.has_feature("CHANGELOG")
    {
        return Err(denied(()));
    }
    Ok(entries)
}
