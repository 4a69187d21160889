//! What a whole list has brought: what is gone is deleted, what is new or other is written.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::api::ApiError;
use super::driver::{Driver, Round};
use super::objects::id_of;
use super::paths::path;
use super::reader::{Listed, ReadError};
use super::rules::{Rule, is_broken};
use super::take::{remove, take, take_resellers};
use super::transport::{Request, Transport};
use crate::db::WriteTx;
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::error::Result;
use crate::store::platform::bases;
use crate::store::platform::stage::Stage;

/// Of a customer's objects this part may be gone at once; or so many.
const GONE_PART: usize = 5;
const GONE_MAX: usize = 10;

impl<T: Transport> Driver<T> {
    /// Known objects that the list does not hold, and that the platform, asked for each, does not have. Where very many are missing
    /// at once none is: somebody lost access.
    pub(super) fn gone(
        &mut self,
        kind: Table,
        known: &HashMap<Id, Hash>,
        listed: &Listed,
        guards: &mut Vec<String>,
    ) -> Result<Vec<Id>, ReadError> {
        let mut missing: Vec<Id> = known.keys().filter(|id| !listed.seen.contains(id)).copied().collect();
        missing.sort();
        if kind == Table::Queue || is_broken(Rule::AskBeforeDelete) {
            return Ok(missing);
        }
        let is_very_many = missing.len() > GONE_MAX && missing.len() * GONE_PART > known.len();
        if is_very_many && !self.accepts_deletes {
            let (count, of) = (missing.len(), known.len());
            guards.push(format!("{count} of {of} {} are missing at the platform, first {}", plural(kind), missing[0]));
            return Ok(vec![]);
        }
        let mut gone = vec![];
        for id in missing {
            let answer = match self.api.call(&Request::get(path(kind, id))) {
                Err(ApiError::Broken(_)) => continue,
                answer => answer?,
            };
            let is_deleted = answer.json().map(|body| body["state"] == "DELETED").unwrap_or_default();
            match answer.status {
                200 if is_deleted => gone.push(id),
                404 | 403 if !answer.is_in_its_words() => {}
                404 if kind == Table::Customer && !self.accepts_deletes => {
                    let objects = self.db.read(|tx| bases::count_of(tx, id))?;
                    if objects > GONE_MAX as i64 {
                        guards.push(format!("customer {id} with {objects} objects is missing at the platform"));
                    } else {
                        gone.push(id);
                    }
                }
                404 => gone.push(id),
                // The list was whole: it has moved to where the account does not reach.
                403 if kind == Table::Employee => gone.push(id),
                403 if kind == Table::Customer => guards.push(format!("customer {id} is out of the account's reach")),
                _ => {}
            }
        }
        Ok(gone)
    }

    /// Writes what a whole list has brought, in one transaction.
    pub(super) fn take_list(
        &mut self,
        kind: Table,
        customer: Id,
        listed: Listed,
        gone: Vec<Id>,
        round: &mut Round,
    ) -> Result<(), ReadError> {
        let stage = listed.stage;
        if stage.is_empty() && gone.is_empty() {
            return Ok(());
        }
        round.changed += stage.len();
        round.gone += gone.len();
        self.write(move |tx| {
            for id in gone {
                remove(tx, kind, id)?;
            }
            match kind {
                Table::Customer => take_customers(tx, &stage),
                _ => stage.each(|text| take(tx, kind, customer, text, None)),
            }
        })?;
        Ok(())
    }
}

/// Resellers before their customers, as far as they are in the list.
fn take_customers(tx: &mut WriteTx, stage: &Stage) -> Result<()> {
    let mut waiting = vec![];
    stage.each(|text| {
        waiting.push(text.to_owned());
        Ok(())
    })?;
    let parent = |text: &str| {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        value["parentReseller"].as_str().and_then(|id| id.parse::<Id>().ok())
    };
    let mut ids: HashSet<Id> = waiting.iter().map(|text| id_of(text)).collect();
    while !waiting.is_empty() {
        let (mut ready, mut others): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|text| parent(text).is_none_or(|parent| !ids.contains(&parent)));
        if ready.is_empty() {
            // A circle: they are taken as they come.
            ready = std::mem::take(&mut others);
        }
        for text in &ready {
            let id = id_of(text);
            take(tx, Table::Customer, id, text, None)?;
            ids.remove(&id);
        }
        waiting = others;
    }
    take_resellers(tx)
}

/// The objects of a kind, in words.
pub fn plural(kind: Table) -> &'static str {
    match kind {
        Table::Customer => "customers",
        Table::Queue => "queues",
        Table::Employee => "employees",
        Table::MobileConfig | Table::PbxObject | Table::Other => "mobile configs",
    }
}
