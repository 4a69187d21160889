//! Who may read which part of the change log (api:log:changelog:list, :get, api:log:changeloglite, api:tools:changelog).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::auth::authorization::{Owner, allow};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{Actor, CHANGE_LOG, Level};
use crate::domain::id::Id;
use crate::domain::pbx::Kind;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::store::audit_page::{self, TrailEntry, TrailFilter, TrailReader, TrailScope};
use crate::store::audit_segments::{self, Segment};
use crate::store::change_log::{self, LiteEntry, LiteScope, LogEntry, LogFilter};
use crate::store::{Page, Window, customers};

/// The feature that a customer needs for api:tools:changelog.
const FEATURE: &str = "CHANGELOG";

/// A page of entries. Entries of no customer are for RESELLER_ADMIN and up. 403 `access_denied`, 404 `customer`.
pub fn list(tx: &ReadTx, actor: &Actor, filter: &LogFilter, window: Window) -> Result<Page<LogEntry>> {
    if let Some(id) = filter.customer {
        customers::get(tx, id)?;
    }
    allow_entries_of(tx, actor, filter.customer)?;
    change_log::list(tx, filter, window)
}

/// Of whom the audit trail is asked for.
#[derive(Clone, Copy, Debug)]
pub enum TrailOf {
    /// Of everybody whose entries the actor may read.
    Everybody,
    /// Of a customer; `None`: of none.
    Customer(Option<Id>),
}

/// A page of the audit trail, the newest entry first, by the rules of [`list`]. 403 `access_denied`, 404 `customer`.
pub fn trail(tx: &ReadTx, actor: &Actor, of: TrailOf, filter: TrailFilter, window: Window) -> Result<Page<TrailEntry>> {
    let scope = match of {
        TrailOf::Customer(customer) => {
            if let Some(id) = customer {
                customers::get(tx, id)?;
            }
            allow_entries_of(tx, actor, customer)?;
            TrailScope::Customer(customer)
        }
        TrailOf::Everybody if actor.level >= Level::ResellerAdmin => TrailScope::All,
        TrailOf::Everybody => {
            allow_entries_of(tx, actor, Some(actor.customer))?;
            match actor.level {
                Level::Reseller => TrailScope::Below,
                _ => TrailScope::Customer(Some(actor.customer)),
            }
        }
    };
    let reader = TrailReader {
        customer: actor.customer,
        sees_below: actor.level == Level::Reseller,
        sees_all: actor.level >= Level::ResellerAdmin,
    };
    audit_page::list(tx, scope, reader, &filter, window)
}

/// What is no longer here: the archive with the newest entries that were archived.
pub fn archived(tx: &ReadTx) -> Result<Option<Segment>> {
    audit_segments::newest(tx)
}

/// One entry. 403 `access_denied`, 404 `not_found`.
pub fn get(tx: &ReadTx, actor: &Actor, id: Id) -> Result<LogEntry> {
    let entry = id.to_number().map(|seq| change_log::find(tx, seq)).transpose()?.flatten();
    let entry = entry.ok_or_else(|| Error::not_found("not_found", "Object not found"))?;
    allow_entries_of(tx, actor, entry.customer)?;
    Ok(entry)
}

/// Whether a reader of the log is shown this property of an object of the PBX, as it was recorded: of a contact of somebody's own only
/// that there is one, and of a picture not its bytes.
pub fn shows(actor: &Actor, kind: Option<Kind>, employee: Option<Id>, property: &str) -> bool {
    match kind {
        Some(Kind::Picture) => property != "png",
        Some(Kind::Contact) if employee.is_some_and(|owner| owner != actor.employee) => {
            ["_id", "kind", "customer", "employee"].contains(&property)
        }
        _ => true,
    }
}

fn allow_entries_of(tx: &ReadTx, actor: &Actor, customer: Option<Id>) -> Result<()> {
    match customer {
        Some(customer) => allow(tx, actor, CHANGE_LOG, Owner::to_customer(customer)),
        None if actor.level < Level::ResellerAdmin => Err(Error::access_denied()),
        None => Ok(()),
    }
}

/// Accepted changes since `since`, oldest first, at most 10,000: of `reseller` and what is below it, else of `customer`, else
/// of the actor's own customer. 403 `access_denied`, 404 `customer` or `reseller`.
pub fn lite(
    tx: &ReadTx,
    actor: &Actor,
    customer: Option<Id>,
    reseller: Option<Id>,
    since: Time,
) -> Result<Vec<LiteEntry>> {
    change_log::lite(tx, scope(tx, actor, customer, reseller)?, since, false)
}

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
    Ok(LiteScope::Customer(actor.customer))
}

/// As [`lite`], of customers with the CHANGELOG feature alone. 403 `access_denied` also when `customer` has it not.
pub fn tools(
    tx: &ReadTx,
    actor: &Actor,
    customer: Option<Id>,
    reseller: Option<Id>,
    since: Time,
) -> Result<Vec<LiteEntry>> {
    let scope = scope(tx, actor, customer, reseller).map_err(|error| match error {
        Error::Forbidden { .. } => access_denied(),
        other => other,
    })?;
    let mut entries = change_log::lite(tx, scope, since, true)?;
    let mut has_feature = HashMap::new();
    for entry in &entries {
        let Some(id) = entry.customer else { continue };
        if let Entry::Vacant(place) = has_feature.entry(id) {
            place.insert(customers::find(tx, id)?.is_some_and(|customer| customer.has_feature(FEATURE)));
        }
    }
    entries.retain(|entry| entry.customer.is_some_and(|id| has_feature.get(&id) == Some(&true)));
    match scope {
        LiteScope::Customer(id) if !customers::get(tx, id)?.has_feature(FEATURE) => Err(access_denied()),
        _ => Ok(entries),
    }
}

/// Takes entries out of what [`tools`] returns next; the audit trail keeps them.
pub fn remove(tx: &mut WriteTx, entries: &[LiteEntry]) -> Result<()> {
    for entry in entries {
        if let (Some(customer), Some(seq)) = (entry.customer, entry.id.to_number()) {
            change_log::remove_up_to(tx, customer, seq)?;
        }
    }
    Ok(())
}

/// The wording that api:tools:changelog documents.
fn access_denied() -> Error {
    Error::Forbidden { code: "access_denied", message: "Access denied".into() }
}
