//! `/local`: what the platform has no calls for. One config copied onto many, colleagues offered to many, and operations taken back.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::db::ReadTx;
use crate::domain::access::{Actor, Level};
use crate::domain::fields::{Fields, element_id, read_body};
use crate::domain::id::Id;
use crate::error::{Check, Error, Result};
use crate::usecases::bulk_copy::{self, BulkCopy};
use crate::usecases::config_targets::{TargetChange, Targets};
use crate::usecases::offers::{self, BulkOffer, Offer, Wanted};
use crate::usecases::undo::{self, Undone};
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// What a copy onto many, or an offer to many, does or would do.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigChanges {
    /// Nothing was changed: this is what would be.
    dry_run: bool,
    /// The operation under which the audit trail has it, and by which it can be undone; null when nothing was changed.
    #[schemars(example = "6f1c7f6e-2b9e-4a57-9d8c-0d6c1a3f9b11")]
    operation: Option<String>,
    /// How many configs get another content.
    changed: usize,
    /// Every config that is meant, with what changes.
    targets: Vec<TargetChange>,
    /// Employees who are meant and have no config; nothing is done to them.
    without_config: Vec<Id>,
}

impl ConfigChanges {
    fn of(
        targets: Vec<TargetChange>,
        without_config: Vec<Id>,
        operation: Option<&str>,
        dry_run: bool,
    ) -> ConfigChanges {
        let changed = targets.iter().filter(|target| target.changes).count();
        let operation = operation.filter(|_| changed > 0).map(str::to_owned);
        ConfigChanges { dry_run, operation, changed, targets, without_config }
    }
}

/// What an undo did.
#[derive(Serialize, JsonSchema)]
pub struct UndoneOperation {
    /// The operation under which the audit trail has the undo: it can be undone too.
    #[schemars(example = "6f1c7f6e-2b9e-4a57-9d8c-0d6c1a3f9b11")]
    operation: String,
    /// The mobile configs that hold again what they held before.
    targets: Vec<Undone>,
}

/// Copies one config onto many, all or none. Errors as of [`bulk_copy::plan`]; 409 `platform` as of the copy.
pub async fn copy(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let (from, targets, dry_run) = read_body(&call.context.object()?, read_copy)?;
    let (Some(from), Some(targets)) = (from, targets) else {
        return Err(Error::bad_request("Request not valid"));
    };
    if dry_run {
        let look = move |tx: &ReadTx, actor: &Actor| {
            let BulkCopy { changes, without_config, .. } = bulk_copy::plan(tx, actor, from, &targets)?;
            ApiResponse::json(&ConfigChanges::of(changes, without_config, None, true))
        };
        return call.post_read(look).await;
    }
    call.write(move |tx, actor| {
        let BulkCopy { changes, without_config, .. } = bulk_copy::run(tx, actor, from, &targets)?;
        ApiResponse::json(&ConfigChanges::of(changes, without_config, Some(tx.operation()), false))
    })
    .await
}

fn read_copy(fields: &mut Fields) -> (Option<Id>, Option<Targets>, bool) {
    refuse_unknown(fields, &["_id", "copyTo", "dryRun"]);
    fields.require(&["_id", "copyTo"]);
    let mut dry_run = false;
    fields.flag("dryRun", &mut dry_run);
    (fields.id("_id"), read_targets(fields, "copyTo"), dry_run)
}

/// The platform ignores what it does not know. These calls are not its own, and a misspelt `dryRun` must not copy.
fn refuse_unknown(fields: &mut Fields, known: &[&str]) {
    let unknown: Vec<String> = fields.names().filter(|name| !known.contains(&name.as_str())).cloned().collect();
    for name in unknown {
        fields.fault(&name, Check::Enum, format!("unknown property {name}: known are {}", known.join(", ")));
    }
}

/// Adds colleagues and queues to what many configs offer, all or none. Errors as of [`offers::run`].
pub async fn offer(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let (wanted, dry_run) = read_body(&call.context.object()?, read_offer)?;
    if dry_run {
        let look = move |tx: &ReadTx, actor: &Actor| {
            let BulkOffer { changes, without_config, .. } = offers::plan(tx, actor, &wanted)?;
            ApiResponse::json(&ConfigChanges::of(changes, without_config, None, true))
        };
        return call.post_read(look).await;
    }
    call.write(move |tx, actor| {
        let BulkOffer { changes, without_config, .. } = offers::run(tx, actor, &wanted)?;
        ApiResponse::json(&ConfigChanges::of(changes, without_config, Some(tx.operation()), false))
    })
    .await
}

fn read_offer(fields: &mut Fields) -> (Offer, bool) {
    refuse_unknown(fields, &["customer", "employees", "queues", "offerTo", "dryRun"]);
    let mut dry_run = false;
    fields.flag("dryRun", &mut dry_run);
    let offer = Offer {
        customer: fields.id("customer"),
        employees: read_wanted(fields, "employees"),
        queues: read_wanted(fields, "queues"),
        to: read_targets(fields, "offerTo").unwrap_or(Targets::All),
    };
    (offer, dry_run)
}

/// A list of ids, or `"all"`.
fn read_wanted(fields: &mut Fields, name: &str) -> Wanted {
    match fields.value(name) {
        None | Some(Value::Null) => Wanted::None,
        Some(Value::String(all)) if all == "all" => Wanted::All,
        Some(Value::Array(_)) => fields.each(name, element_id).map_or(Wanted::None, Wanted::Named),
        Some(_) => {
            fields.fault(name, Check::Type, format!("{name} must be a list of ids, or \"all\""));
            Wanted::None
        }
    }
}

/// `copyTo` or `offerTo`: a list of ids, or an object with one of `department`, `accessLevel` and `all`.
fn read_targets(fields: &mut Fields, name: &str) -> Option<Targets> {
    match fields.value(name)? {
        Value::Array(_) => fields.each(name, element_id).map(Targets::Named),
        Value::Object(selection) => {
            let chosen = read_selection(selection);
            if chosen.is_none() {
                let choices = "exactly one of department (text), accessLevel (a level) and all (true)";
                fields.fault(name, Check::Enum, format!("{name} must have {choices}"));
            }
            chosen
        }
        Value::Null => None,
        _ => {
            let message = format!("{name} must be a list of ids, or an object that says who is meant");
            fields.fault(name, Check::Type, message);
            None
        }
    }
}

fn read_selection(selection: &Map<String, Value>) -> Option<Targets> {
    let mut given = selection.iter();
    let (Some((name, value)), None) = (given.next(), given.next()) else { return None };
    match (name.as_str(), value) {
        ("department", Value::String(department)) if !department.trim().is_empty() => {
            Some(Targets::Department(department.clone()))
        }
        ("accessLevel", Value::String(level)) => Level::parse(level).map(Targets::Level),
        ("all", Value::Bool(true)) => Some(Targets::All),
        _ => None,
    }
}

/// Takes an operation back. Errors as of [`undo::run`].
pub async fn undo(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let mut force = false;
    read_body(&call.context.object_or_empty()?, |fields| {
        refuse_unknown(fields, &["force"]);
        fields.flag("force", &mut force);
    })?;
    let operation = call.context.segment("operation").into_owned();
    // The trail is read from its end to its beginning: not in the writer's turn.
    let state = call.context.state.clone();
    let wanted = operation.clone();
    let found = actix_web::web::block(move || state.db.read(|tx| undo::find(tx, &wanted))).await;
    let place = found.map_err(|error| Error::Internal(Box::new(error)))??;
    call.write(move |tx, actor| {
        let targets = undo::run(tx, actor, &operation, place, force)?;
        ApiResponse::json(&UndoneOperation { operation: tx.operation().to_owned(), targets })
    })
    .await
}
