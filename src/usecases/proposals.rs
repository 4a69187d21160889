//! Applies what the centre wants changed, by the rules that hold for everybody.

use serde_json::{Map, Value, json};

use crate::db::WriteTx;
use crate::domain::access::{Actor, Level};
use crate::domain::audit::Action;
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::domain::mobile_config::NewColleagues;
use crate::domain::proposal::{Copy, HubLevel, Proposal, ProposalAnswer, ProposalResult, SECRETS};
use crate::domain::text::has_invisible;
use crate::domain::time::Time;
use crate::error::{Error, Result};
use crate::store::{administrators, customers as customer_rows, employees as employee_rows, feed};
use crate::usecases::employees::GivenPassword;
use crate::usecases::mobile_configs::Content;
use crate::usecases::{copy_mobile_config, customers, employees, mobile_configs, queues};

/// The longest detail of a conflict: hundreds of them must go into a push.
const DETAIL_MAX_BYTES: usize = 16 << 10;

/// The longest name of who proposes, in characters.
const AUTHOR_MAX: usize = 200;

/// Applies a proposal, or finds that it cannot be: conflict or expired. `hub_now`: by the hub's clock. `granted`: the most
/// that this server lets its hub do; an operator of the hub may do no more than both allow. `new_colleagues`: what a new employee or queue means
/// for the mobile configs that are there.
///
/// An error of the caller's kind means that it is rejected; the transaction is to be undone then.
pub fn apply(
    tx: &mut WriteTx,
    proposal: &Proposal,
    hub_now: Time,
    granted: HubLevel,
    new_colleagues: NewColleagues,
) -> Result<ProposalAnswer> {
    let outcome = |result, rev, detail| Ok(ProposalAnswer { uuid: proposal.uuid, result, rev, detail });
    if hub_now > Time::from_millis(proposal.expires_ms) {
        let expired = Time::from_millis(proposal.expires_ms);
        return outcome(ProposalResult::Expired, None, format!("It was good until {expired}"));
    }
    if proposal.author.chars().count() > AUTHOR_MAX || has_invisible(&proposal.author) {
        return Err(Error::bad_request("author must be one line of at most 200 characters"));
    }
    let id: Id = proposal.id.parse().map_err(|_| Error::bad_request("id must be 24 hex characters"))?;
    let here = feed::find(tx, proposal.table, id)?;
    let rev = here.as_ref().map_or(0, |(rev, _)| *rev);
    let object = here.as_ref().map(|(_, v)| parse(&v.get())).transpose()?.unwrap_or_default();
    let actor = Actor::administrator(&proposal.author);
    let may = proposal.level.map_or(granted, |level| level.min(granted));
    check_may(tx, proposal.table, id, may)?;
    let is_as_it_was = proposal.base_rev.is_none_or(|base| base == rev);
    match (proposal.copy, &proposal.patch) {
        (Some(_), None) if !is_as_it_was => {
            let detail = json!({ "base_rev": proposal.base_rev, "rev": rev });
            outcome(ProposalResult::Conflict, None, detail.to_string())
        }
        (Some(Copy { from, to }), None) => {
            let config = copy_mobile_config::run(tx, &actor, from, to, |_| Ok(()))?.target();
            outcome(ProposalResult::Applied, Some(config.rev), String::new())
        }
        (None, Some(patch)) => {
            let patch = parse(patch.get())?;
            check_may_end(tx, proposal, id, &patch, &object, may)?;
            let base = proposal.base.as_deref().map(|base| parse(base.get())).transpose()?.unwrap_or_default();
            let differing = differing(&patch, &base, &object);
            if !is_as_it_was && !differing.is_empty() {
                return outcome(ProposalResult::Conflict, None, describe(differing));
            }
            let colleagues = here.is_none().then_some(new_colleagues);
            change(tx, &actor, proposal.table, id, colleagues, &patch)?;
            // Again: the change may have raised the level.
            check_may(tx, proposal.table, id, may)?;
            let now = feed::find(tx, proposal.table, id)?;
            let is = now.as_ref().map(|(_, v)| parse(&v.get())).transpose()?.unwrap_or_default();
            // What the table does not know is left out on the way: nobody is to believe that it was set.
            let is_unset = |value: &Value| value.is_null() || value == "";
            if let Some((name, _)) = patch.iter().find(|(name, value)| !is_unset(value) && !is.contains_key(*name)) {
                return Err(Error::bad_request(format!("unknown property {name}: nothing was changed")));
            }
            let new_rev = now.map(|(rev, _)| rev);
            outcome(ProposalResult::Applied, new_rev, String::new())
        }
        _ => Err(Error::bad_request("A proposal is either a patch or a copy")),
    }
}

/// Checks that the hub may change this row: below `administer` no employee above MANAGER, nor the
/// customer or the mobile config of one. A refusal is recorded.
fn check_may(tx: &mut WriteTx, table: Table, id: Id, may: HubLevel) -> Result<()> {
    let forbidden = |message: &'static str| Error::Forbidden { code: "access_denied", message: message.into() };
    if may == HubLevel::Read {
        return Err(forbidden("This server takes no changes from this operator of its hub: see its setting hub_may"));
    }
    if may == HubLevel::Administer {
        return Ok(());
    }
    let (is_above, subject) = match table {
        // A mobile config has the id of its employee.
        Table::Employee | Table::MobileConfig => match employee_rows::find(tx, id)? {
            Some(employee) => (employee.access_level > Level::Manager, employee_rows::subject(&employee)),
            None => return Ok(()),
        },
        // Blocking their customer would lock them out.
        Table::Customer => (administrators::has_any_above(tx, id, Level::Manager)?, customer_rows::subject(id)),
        Table::Queue | Table::PbxObject | Table::Other => return Ok(()),
    };
    if !is_above {
        return Ok(());
    }
    let error = forbidden(
        "An employee above MANAGER, or the customer of one, is changed by the hub only with the level administer there, and \
         hub_may here",
    );
    Err(tx.refuse(error, Action::Update, subject))
}

/// Checks that the hub may end what an employee has, by a delete or a move to another customer: only with `administer`. A
/// refusal is recorded.
fn check_may_end(
    tx: &mut WriteTx,
    proposal: &Proposal,
    id: Id,
    patch: &Map<String, Value>,
    object: &Map<String, Value>,
    may: HubLevel,
) -> Result<()> {
    let is_move = patch.get("customer").is_some_and(|to| !object.is_empty() && object.get("customer") != Some(to));
    if proposal.table != Table::Employee || may == HubLevel::Administer || !(employees::is_delete(patch) || is_move) {
        return Ok(());
    }
    let message = "An employee is deleted or moved to another customer by the hub only with the level administer there, and \
                   hub_may here";
    let error = Error::Forbidden { code: "access_denied", message: message.into() };
    let Some(employee) = employee_rows::find(tx, id)? else { return Err(error) };
    Err(tx.refuse(error, Action::Update, employee_rows::subject(&employee)))
}

fn parse(text: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|error| Error::bad_request(format!("Not an object: {error}")))
}

/// The properties to be patched that are not as they were: what they were, and what they are.
fn differing(patch: &Map<String, Value>, base: &Map<String, Value>, here: &Map<String, Value>) -> Map<String, Value> {
    let of = |object: &Map<String, Value>, name: &String| object.get(name).cloned().unwrap_or_default();
    let changed = patch.keys().filter(|name| of(base, name) != of(here, name));
    changed.map(|name| (name.clone(), json!({ "was": of(base, name), "is": of(here, name) }))).collect()
}

/// A conflict for a person: both values, or the names alone when the values are long.
fn describe(differing: Map<String, Value>) -> String {
    let names = Value::from_iter(differing.keys().cloned());
    let values = Value::Object(differing).to_string();
    if values.len() <= DETAIL_MAX_BYTES { values } else { json!({ "differing": names }).to_string() }
}

/// Makes the change by the rules that hold for everybody; the actor is the hub's administrator. `new`: the row is not there yet, and this is
/// what happens to mobile configs then.
fn change(
    tx: &mut WriteTx,
    actor: &Actor,
    table: Table,
    id: Id,
    new: Option<NewColleagues>,
    patch: &Map<String, Value>,
) -> Result<()> {
    if let Some(secret) = SECRETS.iter().find(|name| patch.contains_key(**name)) {
        return Err(Error::bad_request(format!("{secret} can only be set on the server")));
    }
    match table {
        Table::Customer if new.is_none() => customers::update(tx, actor, id, patch, |_| Ok(())).map(drop),
        Table::Customer => customers::create(tx, actor, Some(id), patch).map(drop),
        Table::Employee if new.is_none() => {
            employees::update(tx, actor, id, patch, GivenPassword::None, |_| Ok(())).map(drop)
        }
        Table::Employee => {
            let colleagues = new.unwrap_or_default();
            employees::create(tx, actor, Some(id), patch, GivenPassword::None, colleagues).map(drop)
        }
        Table::Queue => queues::write(tx, actor, id, patch, new.unwrap_or_default()).map(drop),
        Table::MobileConfig => write_config(tx, actor, id, patch),
        Table::PbxObject => Err(Error::bad_request("Objects of the PBX are changed on the server itself")),
        Table::Other => Err(Error::bad_request("This server does not know the table")),
    }
}

fn write_config(tx: &mut WriteTx, actor: &Actor, id: Id, patch: &Map<String, Value>) -> Result<()> {
    if patch.keys().any(|name| name != "configs") {
        return Err(Error::bad_request("Only configs of a mobile config can be changed"));
    }
    let configs = patch.get("configs").ok_or_else(|| Error::bad_request("configs is required"))?;
    mobile_configs::create(tx, actor, id, Content::read(configs).map(Some), |_| Ok(())).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_over_long_values_tells_their_names_alone() {
        let differing = |length: usize| Map::from_iter([("configs".to_owned(), json!({ "was": "x".repeat(length) }))]);
        assert!(describe(differing(10)).contains("xxxxxxxxxx"));
        assert_eq!(describe(differing(DETAIL_MAX_BYTES)), r#"{"differing":["configs"]}"#);
    }
}
