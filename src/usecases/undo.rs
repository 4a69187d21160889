//! Takes an operation back: each mobile config that it changed holds again what it held before. The undo is an operation too, with
//! entries of its own, and can be taken back in turn.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use super::intents;
use super::known::Known;
use super::mobile_configs::name_of;
use crate::auth::authorization::{Owner, allow, allow_change};
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::access::{Actor, CHANGE_LOG, MOBILE_CONFIG, MOBILE_CONFIG_LIST_ALL};
use crate::domain::audit::{Action, MOBILE_CONFIGS, digest};
use crate::domain::id::Id;
use crate::domain::mobile_config::{Event, ListDifference, MobileConfig, difference, entries, follow, with_names};
use crate::error::{Check, Error, Result};
use crate::store::audit_operation::{self, OperationEntry};
use crate::store::{employees, mobile_configs};

/// What an undo does to one mobile config.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Undone {
    /// The employee whose config it is.
    #[serde(rename = "_id")]
    pub id: Id,
    /// What changes in the lists of colleagues and queues.
    pub lists: Vec<ListDifference>,
}

/// What an operation did to one config: what it held before the first of its entries, and after the last.
struct Changed {
    customer: Option<Id>,
    before: Option<String>,
    after: Option<[u8; 32]>,
}

/// Where the operation is in the audit trail. 404 `operation`.
pub fn find(tx: &ReadTx, operation: &str) -> Result<(i64, i64)> {
    audit_operation::find(tx, operation)?.ok_or_else(|| {
        Error::not_found(
            "operation",
            "There is no such operation in the audit trail: copy answers its id, and telecomx-local audit log --json prints them all; one that \
             was archived can no longer be undone",
        )
    })
}

/// Takes the operation at `place` back. 403 `access_denied`; 409 `changed` when a config has been changed since, unless `force` says to
/// overwrite that, which takes MANAGER; 422 `operation` when it changed something that is no mobile config, or changed nothing.
pub fn run(tx: &mut WriteTx, actor: &Actor, operation: &str, place: (i64, i64), force: bool) -> Result<Vec<Undone>> {
    let entries = audit_operation::changes(tx, operation, place)?;
    for entry in entries.iter().filter(|entry| entry.section != MOBILE_CONFIGS) {
        // Whoever may not read of it learns no more than that.
        let customer = entry.customer.ok_or_else(Error::access_denied)?;
        allow(tx, actor, CHANGE_LOG, Owner::to_customer(customer))?;
    }
    let changes = collect(entries)?;
    let (mut undone, mut known) = (vec![], Known::default());
    for (id, changed) in &changes {
        let now = mobile_configs::find(tx, *id)?;
        let Some(customer) = now.as_ref().map(|config| config.customer).or(changed.customer) else { continue };
        let owner = Owner::to_employee(*id, customer);
        let subject = Subject { section: MOBILE_CONFIGS, object: *id, customer: Some(customer) };
        allow_change(tx, actor, MOBILE_CONFIG, owner, Action::Update, subject)?;
        if changed.customer.is_some_and(|then| then != customer) {
            let message = format!("Employee {id} belonged to another customer then: nothing is carried to this one");
            return Err(Error::conflict("changed", message));
        }
        if now.is_none() && changed.before.is_some() && is_gone(tx, *id, customer)? {
            if !force {
                let message = format!("Employee {id} is deleted, or of another customer: with force it is left out");
                return Err(Error::conflict("changed", message));
            }
            continue;
        }
        if now.as_ref().map(|config| digest(config.configs.as_bytes())) != changed.after {
            if !force {
                return Err(changed_since(*id));
            }
            allow(tx, actor, MOBILE_CONFIG_LIST_ALL, owner)?;
        }
        undone.push(put_back(tx, &mut known, *id, customer, now, changed.before.as_deref(), operation)?);
    }
    Ok(undone)
}

/// Whether the employee is deleted, or of another customer by now.
fn is_gone(tx: &ReadTx, id: Id, customer: Id) -> Result<bool> {
    Ok(employees::find_live(tx, id)?.is_none_or(|found| found.customer != customer))
}

fn changed_since(id: Id) -> Error {
    Error::conflict(
        "changed",
        format!(
            "The mobile config of {id} has been changed since: look at it, then undo that first, or overwrite it with force"
        ),
    )
}

/// The configs that the operation changed.
fn collect(entries: Vec<OperationEntry>) -> Result<BTreeMap<Id, Changed>> {
    let mut found: BTreeMap<Id, Changed> = BTreeMap::new();
    for OperationEntry { section, object, customer, before, digest_after, .. } in entries {
        if section != MOBILE_CONFIGS {
            let message = format!("The operation changed {section}: only changes of mobile configs can be taken back");
            return Err(Error::invalid("operation", Check::Enum, message));
        }
        match found.get_mut(&object) {
            Some(changed) => changed.after = digest_after,
            None => drop(found.insert(object, Changed { customer, before, after: digest_after })),
        }
    }
    if found.is_empty() {
        return Err(Error::invalid("operation", Check::Enum, "The operation changed nothing"));
    }
    Ok(found)
}

fn put_back(
    tx: &mut WriteTx,
    known: &mut Known,
    id: Id,
    customer: Id,
    now: Option<MobileConfig>,
    before: Option<&str>,
    operation: &str,
) -> Result<Undone> {
    let shown = now.as_ref().map_or("[]", |config| config.configs.as_str()).to_owned();
    let Some(before) = before else {
        mobile_configs::delete(tx, id)?;
        return Ok(Undone { id, lists: difference(&shown, "[]") });
    };
    let content = with_those_of_today(tx, known, customer, before)?;
    let lists = difference(&shown, &content);
    let description = format!("Undone: operation {operation}");
    let config = match now {
        Some(now) if now.configs == content => now,
        Some(now) => mobile_configs::replace(tx, now, content, Action::Update, &description)?,
        None => mobile_configs::insert(tx, id, customer, content)?,
    };
    intents::config_created(tx, &config, true)?;
    Ok(Undone { id, lists })
}

/// Content of an earlier day with the names of today, without employees and queues that the customer does not have any more.
fn with_those_of_today(tx: &ReadTx, known: &mut Known, customer: Id, before: &str) -> Result<String> {
    let (mut content, mut renamed) = (before.to_owned(), HashMap::new());
    for entry in entries(before).unwrap_or_default() {
        match name_of(tx, known, (entry.kind, entry.id), customer)? {
            Some(name) if name != entry.name => drop(renamed.insert((entry.kind, entry.id), name)),
            Some(_) => {}
            None => content = follow(&content, entry.kind, entry.id, Event::Deleted).unwrap_or(content),
        }
    }
    Ok(if renamed.is_empty() { content } else { with_names(&content, &renamed) })
}
