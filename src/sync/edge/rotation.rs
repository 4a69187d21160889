//! Gives this server another token for its hub.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::client::{CallError, Enrolled, HubClient};
use super::driver::SyncDriver;
use super::enrolment;
use crate::auth::secrets::Sealer;
use crate::db::{Author, Db, WriteTx};
use crate::domain::audit::Action;
use crate::store::sync_state;
use crate::usecases::hub_enrolment;

/// Replaces the token of this server; gives the id that it has at the hub. `ca`: certificates to trust instead of the system's.
///
/// Ended at any point, the server is not locked out: the hub accepts the token before until the new one is used, which
/// happens only once that is on disk here.
pub async fn rotate_token(db: &Db, sealer: &Sealer, ca: Option<&Path>, author: Author) -> Result<String> {
    let enrolment = db.read(sync_state::enrolment)?.context("this server is not enrolled with a hub")?;
    let token = enrolment::token(&enrolment, sealer).ok_or(CallError::KeyLost)?;
    let client = HubClient::new(&enrolment.hub, ca, Arc::default())?;
    let (origin, name) = (enrolment.origin.clone(), String::new());
    let path = |call: &str| format!("/sync/v1/origins/{}/{call}", enrolment.origin);
    let rotated: Result<Rotated, CallError> = client.ask(&path("token"), &token, &serde_json::json!({}));
    let new = rotated.map_err(described)?.token;
    let (renewed, _) = enrolment::sealed(&enrolment.hub, &Enrolled { origin, name, token: new.clone() }, sealer)?;
    let before = enrolment.clone();
    let store = move |tx: &mut WriteTx| {
        let is_stored = sync_state::set_token(tx, &before, &renewed.token)?;
        if is_stored {
            hub_enrolment::record(tx, Action::RotateHubToken, &before.hub, &before.origin)?;
        }
        Ok(is_stored)
    };
    let is_stored = db.write(author, store).await?;
    if !is_stored {
        bail!("this server was enrolled again meanwhile: its token is the one of that enrolment");
    }
    // The hub revokes the token before with the first use of the new one.
    let used = client.check_token(&enrolment.origin, &new);
    used.context("the new token is stored, and the hub revokes the one before at the next exchange")?;
    Ok(enrolment.origin)
}

impl SyncDriver {
    /// Replaces this server's token for its hub; gives the id that it has there.
    pub fn rotate_token(&mut self, author: Author) -> Result<String> {
        let runtime = self.runtime.as_ref().context("there is no runtime")?;
        runtime.block_on(rotate_token(&self.db, &self.sealer, self.settings.ca.as_deref(), author))
    }
}

/// The hub's answer.
#[derive(Deserialize)]
struct Rotated {
    token: String,
}

/// A hub of an older version has no such call.
fn described(error: CallError) -> anyhow::Error {
    match error {
        CallError::Refused { status: 404, .. } => {
            anyhow::anyhow!("the hub gives no new token: it does not know this server, or is of an older version")
        }
        CallError::Moved { .. } => {
            anyhow::Error::from(error).context("run sync run first, which follows to the new hub")
        }
        other => other.into(),
    }
}
