//! `/log/changelog`, `/log/changeloglite`, `/tools/changelog`: the audit trail in the platform's shape.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::call::Call;
use crate::db::ReadTx;
use crate::domain::access::{Actor, CHANGE_LOG, Level};
use crate::domain::audit::{Action, MOBILE_CONFIGS};
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};
use crate::reach::{Belongs, allow, is_allowed};
use crate::store::change_log::{self, LITE_MS, LiteEntry, LiteScope, LogEntry, LogFilter};
use crate::store::{customers, employees};

/// What each entry of a list is to tell.
#[derive(Clone, Copy, Default)]
struct Parts {
    data: bool,
    employees: bool,
    changes: bool,
}

/// api:log:changelog:list. `SYSTEM` stands for the sections without a customer (RESELLER_ADMIN and up).
pub async fn list(call: Call) -> Result<Answer> {
    let query = call.visit.query();
    let window = query.window(100, 500)?;
    let version = one_of(query.get("version"), "version", &["1", "2"])?.unwrap_or("1");
    one_of(query.get("sortBy"), "sortBy", &["when"])?;
    let order = one_of(query.get("orderBy"), "orderBy", &["ASC", "DESC"])?;
    let what = one_of(query.get("what"), "what", &["CREATE", "UPDATE", "DELETE", "OTHER"])?;
    let changes = query.flag("includeChanges")?;
    let is_second = version == "2";
    let parts = Parts {
        data: query.flag("includeData")?,
        employees: query.flag("includeEmployees")?,
        changes: changes && is_second,
    };
    let what = what.filter(|_| is_second).map(str::to_owned);
    let newest_first = is_second && order == Some("DESC");
    let customer = match call.visit.segment("customer") {
        "" => Some(call.actor().customer),
        "SYSTEM" => None,
        id => Some(id.parse().map_err(|_| Error::bad_request("Customer id not found in request URI"))?),
    };
    let section = Some(call.visit.segment("section").to_owned()).filter(|section| !section.is_empty());
    let object = match call.visit.segment("item") {
        "" => None,
        id => Some(id.parse().map_err(|_| Error::bad_request("Item id not found in request URI"))?),
    };
    call.read_list(move |tx, actor| {
        match customer {
            Some(id) => {
                customers::get(tx, id)?;
                allow(tx, actor, CHANGE_LOG, Belongs::to_customer(id))?;
            }
            None if actor.level < Level::ResellerAdmin => return Err(Error::access_denied()),
            None => {}
        }
        let filter = LogFilter { customer, section, object, what, newest_first };
        let page = change_log::list(tx, &filter, window)?;
        let rows = page.rows.iter().map(|entry| entry_json(tx, actor, entry, parts)).collect::<Result<Vec<_>>>()?;
        Answer::json(&json!({
            "offset": window.offset, "limit": window.limit, "total": page.total, "changelogs": rows
        }))
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
pub async fn get(call: Call) -> Result<Answer> {
    let malformed = |_| Error::bad_request("Id not found in request URI");
    let id: Id = call.visit.segment("entry").parse().map_err(malformed)?;
    call.read(|tx, actor| {
        let entry = id.to_number().map(|seq| change_log::find(tx, seq)).transpose()?.flatten();
        let entry = entry.ok_or_else(|| Error::not_found("not_found", "Object not found"))?;
        match entry.customer {
            Some(customer) => allow(tx, actor, CHANGE_LOG, Belongs::to_customer(customer))?,
            None if actor.level < Level::ResellerAdmin => return Err(Error::access_denied()),
            None => {}
        }
        let parts = Parts { data: true, employees: true, changes: true };
        Answer::json(&entry_json(tx, actor, &entry, parts)?)
    })
}

fn entry_json(tx: &ReadTx, actor: &Actor, entry: &LogEntry, parts: Parts) -> Result<Value> {
    let after = if parts.changes || parts.data && entry.before.is_none() && !entry.refused {
        change_log::state_after(tx, entry)?
    } else {
        None
    };
    let changes = match (&entry.before, &after) {
        (Some(before), Some(after)) if !entry.refused => compare(before, after, entry, actor.level),
        _ => vec![],
    };
    let mut body = json!({
        "_id": Id::from_number(entry.seq),
        "when": entry.at,
        "where": entry.section,
        "what": if entry.refused { "OTHER" } else { Action::what(&entry.action) },
        "id": entry.object,
        "customer": entry.customer,
        "description": entry.description,
        "hasComparison": entry.before.is_some(),
    });
    if parts.employees {
        add_author(tx, actor, entry, &mut body)?;
    }
    if parts.changes {
        body["changes"] = json!(changes);
    }
    if parts.data
        && let Some(data) = entry.before.as_ref().or(after.as_ref())
    {
        body["data"] = object_of(data, entry, actor.level);
    }
    Ok(body)
}

/// Who it was, if the reader may see who.
fn add_author(tx: &ReadTx, actor: &Actor, entry: &LogEntry, body: &mut Value) -> Result<()> {
    let Some(author) = entry.actor else {
        body["employee"] = Value::Null;
        body["employeeName"] = json!("System");
        return Ok(());
    };
    if let Some(employee) = employees::find(tx, author)?
        && is_allowed(tx, actor, CHANGE_LOG, Belongs::to_customer(employee.customer))?
    {
        body["employee"] = json!(author);
        body["employeeName"] = json!(entry.actor_name);
    }
    Ok(())
}

/// A recorded object in the API's shape, as somebody of `level` may see it.
fn object_of(text: &str, entry: &LogEntry, level: Level) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap_or_default();
    if entry.section == MOBILE_CONFIGS {
        return json!({ "_id": entry.object, "customer": entry.customer, "configs": value });
    }
    if let Some(object) = value.as_object_mut()
        && level < Level::Reseller
    {
        object.remove("notes");
    }
    value
}

/// Properties that differ: `[{ key, oldValue, oldDisplayValue, newValue, newDisplayValue }]`.
fn compare(before: &str, after: &str, entry: &LogEntry, level: Level) -> Vec<Value> {
    let empty = Map::new();
    let (before, after) = (object_of(before, entry, level), object_of(after, entry, level));
    let (before, after) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
    let mut keys: Vec<&String> = before.keys().collect();
    keys.extend(after.keys().filter(|key| !before.contains_key(*key)));
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| {
            let (old, new) = (before.get(key), after.get(key));
            json!({
                "key": key,
                "oldValue": old, "oldDisplayValue": old.map(display),
                "newValue": new, "newDisplayValue": new.map(display),
            })
        })
        .collect()
}

fn display(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whose changes a short log is to hold; `reseller` wins over `customer`.
fn scope(tx: &ReadTx, actor: &Actor, customer: Option<Id>, reseller: Option<Id>) -> Result<LiteScope> {
    if let Some(id) = reseller {
        let found = customers::find(tx, id)?;
        found.ok_or_else(|| Error::not_found("reseller", "Reseller not found"))?;
        if actor.level < Level::Reseller {
            return Err(Error::access_denied());
        }
        allow(tx, actor, CHANGE_LOG, Belongs::to_customer(id))?;
        return Ok(LiteScope::Reseller(id));
    }
    if let Some(id) = customer {
        customers::get(tx, id)?;
        allow(tx, actor, CHANGE_LOG, Belongs::to_customer(id))?;
        return Ok(LiteScope::Customer(id));
    }
    allow(tx, actor, CHANGE_LOG, Belongs::to_customer(actor.customer))?;
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

/// api:log:changeloglite. Accepted changes of the last five days, at most 10,000.
pub async fn lite(call: Call) -> Result<Answer> {
    let query = call.visit.query();
    let (customer, reseller, date) = (query.id("customer")?, query.id("reseller")?, query.text("date")?);
    call.read_list(move |tx, actor| {
        let scope = scope(tx, actor, customer, reseller)?;
        Answer::json(&change_log::lite(tx, scope, since(date.as_deref(), "date", tx.now)?, false)?)
    })
    .await
}

/// api:tools:changelog. Only of customers with the CHANGELOG feature; `remove` empties what is returned.
pub async fn tools(call: Call) -> Result<Answer> {
    let query = call.visit.query();
    let (customer, reseller, from) = (query.id("customer")?, query.id("reseller")?, query.text("since")?);
    if !query.flag("remove")? {
        return call
            .read_list(move |tx, actor| Answer::json(&tools_entries(tx, actor, customer, reseller, from)?))
            .await;
    }
    call.write(move |tx, actor| {
        let entries = tools_entries(tx, actor, customer, reseller, from)?;
        for entry in &entries {
            if let (Some(customer), Some(seq)) = (entry.customer, entry.id.to_number()) {
                change_log::remove_up_to(tx, customer, seq)?;
            }
        }
        Answer::json(&entries)
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
