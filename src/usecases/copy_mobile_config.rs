//! The use case this product is named after: one employee's mobile config is copied onto another's, in one
//! transaction with its audit entry (api:pbx:app:mobileconfig:copy).

use crate::auth::authorization::{Owner, allow_change};
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::access::{Actor, MOBILE_CONFIG};
use crate::domain::audit::{Action, MOBILE_CONFIGS};
use crate::domain::id::Id;
use crate::domain::mobile_config::{ConfigHead, MobileConfig};
use crate::error::{Error, Result};
use crate::store::mobile_configs;
use crate::usecases::intents;

/// What a copy comes to.
#[derive(Debug, PartialEq)]
enum Plan {
    /// Source and target are one: nothing changes, and that is recorded.
    Nothing,
    /// The target's content is replaced by the source's, verbatim.
    Replace,
    /// Names and ids of one customer would be carried to another.
    Refuse,
}

fn plan(source: &MobileConfig, target: &ConfigHead) -> Plan {
    if source.id == target.id {
        Plan::Nothing
    } else if source.customer != target.customer {
        Plan::Refuse
    } else {
        Plan::Replace
    }
}

/// What was done.
#[derive(Debug)]
pub enum CopyOutcome {
    Copied(MobileConfig),
    Unchanged(MobileConfig),
}

impl CopyOutcome {
    /// The target's config as stored.
    pub fn target(self) -> MobileConfig {
        match self {
            CopyOutcome::Copied(config) | CopyOutcome::Unchanged(config) => config,
        }
    }
}

/// Copies the config of employee `from` onto that of `to`.
///
/// `accept` may refuse the target in its present state (`If-Match`); its content is read for that alone. Errors: 404 `not_found` when either is absent;
/// 403 `access_denied` unless the actor may read the source and write the target; 400 `bad_request` across customers.
pub fn run(
    tx: &mut WriteTx,
    actor: &Actor,
    from: Id,
    to: Id,
    accept: impl FnOnce(&ReadTx) -> Result<()>,
) -> Result<CopyOutcome> {
    let source = mobile_configs::get(tx, from)?;
    let target = mobile_configs::get_head(tx, to)?;
    let subject = Subject { section: MOBILE_CONFIGS, object: target.id, customer: Some(target.customer) };
    for (id, customer) in [(source.id, source.customer), (target.id, target.customer)] {
        let owner = Owner::to_employee(id, customer);
        allow_change(tx, actor, MOBILE_CONFIG, owner, Action::Copy, subject)?;
    }
    accept(tx)?;
    match plan(&source, &target) {
        Plan::Refuse => Err(tx.refuse(Error::bad_request("Request not valid"), Action::Copy, subject)),
        Plan::Nothing => {
            let description = "Copied onto itself: nothing changed";
            mobile_configs::record(tx, &source, Action::Copy, description)?;
            Ok(CopyOutcome::Unchanged(source))
        }
        Plan::Replace => overwrite(tx, &source, &target).map(CopyOutcome::Copied),
    }
}

/// Replaces the target's content by that of `source`. The caller has seen to access, and that both are of one customer.
pub fn overwrite(tx: &mut WriteTx, source: &MobileConfig, target: &ConfigHead) -> Result<MobileConfig> {
    intents::config_copied(tx, source, target)?;
    let description = format!("Copied from {}", source.id);
    mobile_configs::copy(tx, source, target, &description)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mobile_config::ContentKey;

    const CONTENT: ContentKey = ContentKey { id: 1, digest: [0; 32] };

    fn config(id: i64, customer: i64) -> MobileConfig {
        let (id, customer) = (Id::from_number(id), Id::from_number(customer));
        MobileConfig { id, customer, configs: "[]".into(), content: Some(CONTENT), rev: 1 }
    }

    fn head(id: i64, customer: i64) -> ConfigHead {
        ConfigHead { id: Id::from_number(id), customer: Id::from_number(customer), content: CONTENT, rev: 1 }
    }

    #[test]
    fn a_copy_is_planned_by_whose_the_two_are() {
        assert_eq!(plan(&config(1, 9), &head(2, 9)), Plan::Replace);
        assert_eq!(plan(&config(1, 9), &head(1, 9)), Plan::Nothing);
        assert_eq!(plan(&config(1, 8), &head(2, 9)), Plan::Refuse);
    }
}
