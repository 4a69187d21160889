//! One employee's mobile config copied onto those of many, in one transaction: all of them or none.

use super::config_targets::{self, Target, TargetChange, Targets};
use super::copy_mobile_config;
use crate::auth::authorization::{Owner, allow};
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::access::{Actor, MOBILE_CONFIG};
use crate::domain::audit::{Action, MOBILE_CONFIGS};
use crate::domain::id::Id;
use crate::domain::mobile_config::{MobileConfig, difference_to};
use crate::error::{Error, Result};
use crate::store::mobile_configs;

/// A copy onto many, before it is made.
pub struct BulkCopy {
    source: MobileConfig,
    pub changes: Vec<TargetChange>,
    /// Employees whom a selection meets, and who have no config to be copied onto.
    pub without_config: Vec<Id>,
}

/// Finds the targets and what would change. 404 `not_found` when the source is absent; 403 `access_denied` when the caller may not
/// read it; for the targets as [`config_targets::find`], at `copyTo`.
pub fn plan(tx: &ReadTx, actor: &Actor, from: Id, targets: &Targets) -> Result<BulkCopy> {
    let source = mobile_configs::get(tx, from)?;
    allow(tx, actor, MOBILE_CONFIG, Owner::to_employee(source.id, source.customer))?;
    let found = config_targets::find(tx, actor, source.customer, Some(source.id), targets, "copyTo")?;
    let to_source = difference_to(&source.configs);
    let change = |(employee, target): Target| {
        let is_other = target.configs != source.configs;
        let lists = if is_other { to_source(&target.configs) } else { vec![] };
        TargetChange::of(employee, is_other, lists)
    };
    let changes = found.targets.into_iter().map(change).collect();
    Ok(BulkCopy { changes, without_config: found.without_config, source })
}

/// Plans the copy and makes it. Targets that have the content already are left alone; a refusal is recorded. Errors as of [`plan`].
pub fn run(tx: &mut WriteTx, actor: &Actor, from: Id, targets: &Targets) -> Result<BulkCopy> {
    let copy = plan(tx, actor, from, targets).or_else(|error| refuse(tx, error, from))?;
    for target in copy.changes.iter().filter(|target| target.changes) {
        let head = mobile_configs::get_head(tx, target.id)?;
        copy_mobile_config::overwrite(tx, &copy.source, &head)?;
    }
    Ok(copy)
}

/// Records that somebody was not allowed to copy the config of `from`.
fn refuse(tx: &mut WriteTx, error: Error, from: Id) -> Result<BulkCopy> {
    if !matches!(error, Error::Forbidden { .. }) {
        return Err(error);
    }
    let customer = mobile_configs::get(tx, from)?.customer;
    let subject = Subject { section: MOBILE_CONFIGS, object: from, customer: Some(customer) };
    Err(tx.refuse(error, Action::Copy, subject))
}
