//! The calls that file and list proposals: changes that operators propose to a server, and tasks that they give it.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;
use serde_json::value::to_raw_value;
use uuid::Uuid;

use super::query::{FROM_ZERO, Query};
use super::request::{Body, for_operator, parse_object};
use super::state::SharedState;
use crate::domain::fields::{Fields, read_body};
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::domain::proposal::{Copy, HubLevel, Proposal, SECRETS, Task};
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};
use crate::sync::hub::operators::Operator;
use crate::sync::hub::proposal_view::ProposalView;
use crate::sync::hub::proposals::VALID_MS;
use crate::sync::hub::store::HubStore;

const LISTED_MAX: i64 = 1_000;
const PROPOSAL_MAX_BYTES: usize = 1 << 20;

/// Proposals behind `?after=`, at most a thousand, each with its answer.
pub async fn list<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    let (origin, _) = for_operator(&request, &state, HubLevel::Read).await?;
    let after = Query::of(&request).number("after", FROM_ZERO)?.unwrap_or(0);
    let records = state.store.proposals(origin, after, LISTED_MAX).await?;
    let proposals: Vec<ProposalView> = records.iter().map(ProposalView::of).collect();
    Ok(HttpResponse::Ok().json(BTreeMap::from([("proposals", proposals)])))
}

/// `{ "uuid"?, "table", "id", "base_rev"?, "patch", "expires"?, "author"? }`, or `{ "copy": { "_id", "copyTo" }, … }` instead
/// of table, id and patch, or `{ "task": "sync" | "verify" | "diagnosis", … }`. A repeated uuid is answered as the first time. The author is the operator: see
/// [`Operator::author`].
pub async fn file<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    let ((origin, operator), body) = body.of(for_operator(&request, &state, HubLevel::Propose).await).await?;
    // As much as an edge accepts from its own callers: the changed row must fit into a push.
    if body.len() > PROPOSAL_MAX_BYTES {
        return Err(Error::TooLarge { limit_bytes: PROPOSAL_MAX_BYTES });
    }
    let body = parse_object(&body)?;
    let now = state.clock.now();
    // A misspelt `expires` would not be noticed before it is too late.
    if let Some(name) = body.keys().find(|name| !NAMES.contains(&name.as_str())) {
        return Err(Error::invalid(name, Check::Enum, format!("{name} is not one of {}", NAMES.join(", "))));
    }
    let proposal = read_body(&body, |fields| read(fields, &operator, now))?;
    let proposal = proposal.ok_or_else(|| Error::bad_request("Request not valid"))?;
    let record = state.store.file_proposal(origin, proposal, now).await?;
    Ok(HttpResponse::Ok().json(ProposalView::of(&record)))
}

/// The properties of a proposal.
const NAMES: [&str; 9] = ["uuid", "table", "id", "base_rev", "patch", "copy", "task", "expires", "author"];
/// Those that say what is to be changed, which a task does not.
const OF_CHANGES: [&str; 5] = ["table", "id", "base_rev", "patch", "copy"];

fn read(fields: &mut Fields, operator: &Operator, now: Time) -> Option<Proposal> {
    let (copy, task) = (read_copy(fields), read_task(fields));
    let (mut table, mut base_rev, mut author, mut uuid) = (None, None, None, None);
    let names = Table::ALL.map(Table::name);
    let parse_table = |name: &str| Table::named(name).map(Some);
    fields.choice("table", parse_table, &names, &mut table);
    let mut id = fields.id("id");
    fields.count("base_rev", &mut base_rev);
    fields.text("author", &mut author);
    if author.as_deref().is_some_and(|author: &str| author.chars().any(char::is_control)) {
        fields.fault("author", Check::Format, "author must be text on one line");
    }
    let author = operator.author(author.as_deref()).unwrap_or_else(|refused| {
        fields.fault("author", Check::Enum, refused.to_string());
        String::new()
    });
    fields.text("uuid", &mut uuid);
    let uuid = match uuid.as_deref().map(Uuid::parse_str) {
        None => Uuid::new_v4(),
        Some(Ok(uuid)) => uuid,
        Some(Err(_)) => {
            fields.fault("uuid", Check::Format, "uuid must be a UUID");
            return None;
        }
    };
    let mut expires = now.plus_ms(VALID_MS);
    match fields.value("expires") {
        None | Some(Value::Null) => {}
        Some(value) => match value.as_str().and_then(Time::parse) {
            Some(time) if time <= now => fields.fault("expires", Check::Min, "expires must be in the future"),
            Some(time) => expires = time,
            None => fields.fault("expires", Check::Format, "expires must be a time, such as 2027-01-31T12:00:00Z"),
        },
    }
    let patch = match fields.value("patch") {
        // Not stored here either, where operators could read it.
        Some(Value::Object(patch)) if SECRETS.iter().any(|name| patch.contains_key(*name)) => {
            fields.fault("patch", Check::Enum, format!("{} can only be set on the server", SECRETS.join(", ")));
            None
        }
        Some(Value::Object(patch)) if !patch.is_empty() && !patch.contains_key("_id") => to_raw_value(patch).ok(),
        None => None,
        Some(_) => {
            fields.fault("patch", Check::Type, "patch must be an object of properties to change, without _id");
            None
        }
    };
    match &copy {
        Some(copy) => {
            if table.is_some_and(|table| table != Table::MobileConfig) || id.is_some_and(|id| id != copy.to) {
                fields.fault("copy", Check::Enum, "A copy is of a mobile_config, onto copyTo");
            }
            if patch.is_some() {
                fields.fault("patch", Check::Unique, "Give either patch or copy");
            }
            (table, id) = (Some(Table::MobileConfig), Some(copy.to));
        }
        None if fields.value("copy").is_some() || fields.value("task").is_some() => {}
        None => fields.require(&["table", "id", "patch"]),
    }
    Some(Proposal {
        uuid,
        seq: 0,
        table: if task.is_some() { Table::Other } else { table? },
        id: if task.is_some() { String::new() } else { id?.to_string() },
        base_rev,
        base: None,
        patch,
        copy,
        task,
        expires_ms: expires.millis(),
        author,
        level: Some(operator.level),
    })
}

fn read_copy(fields: &mut Fields) -> Option<Copy> {
    let value = fields.value("copy")?;
    let id = |name: &str| value.get(name).and_then(Value::as_str).and_then(|text| text.parse::<Id>().ok());
    let copy = id("_id").zip(id("copyTo")).map(|(from, to)| Copy { from, to });
    if copy.is_none() {
        fields.fault("copy", Check::Format, "copy must be { _id, copyTo }, ids of employees");
    }
    copy
}

fn read_task(fields: &mut Fields) -> Option<Task> {
    let value = fields.value("task")?;
    let task = value.as_str().and_then(Task::parse);
    if task.is_none() {
        let names = Task::ALL.map(Task::name).join(", ");
        fields.fault("task", Check::Enum, format!("task must be one of {names}"));
    }
    if let Some(name) = OF_CHANGES.into_iter().find(|name| fields.value(name).is_some()) {
        fields.fault(name, Check::Unique, format!("A task changes nothing: leave {name} out"));
    }
    task
}
