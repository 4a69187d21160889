//! Which hub a server mirrors to, and who may decide it. Whoever does gives that hub every row, and lets it propose changes.

use crate::auth::authorization::caller;
use crate::db::{Subject, WriteTx};
use crate::domain::access::{Actor, Level};
use crate::domain::audit::{Action, HUB};
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::audit::{self, Change};
use crate::store::sync_state;

/// The hub as the audit trail names it: there is one at most, and it belongs to no customer.
const SUBJECT: Subject = Subject { section: HUB, object: Id::ZERO, customer: None };

/// Checks that `actor` may enrol this server: an ADMIN, in person. 403 `access_denied`, recorded.
pub fn allow(tx: &mut WriteTx, actor: &Actor) -> Result<()> {
    allow_to(tx, actor, Action::Enroll)
}

/// The same, for any action on the hub of this server.
pub fn allow_to(tx: &mut WriteTx, actor: &Actor, action: Action) -> Result<()> {
    allow_on(tx, actor, action, SUBJECT)
}

/// The same, for any action on a central side of this server.
pub fn allow_on(tx: &mut WriteTx, actor: &Actor, action: Action, subject: Subject) -> Result<()> {
    // The level may have changed since the session was read.
    let token = tx.author.token;
    let now = token.map(|token| caller(tx, &token)).transpose()?.flatten().map(|caller| caller.actor);
    if actor.impersonator.is_none() && now.is_some_and(|now| now.level >= Level::Admin) {
        return Ok(());
    }
    Err(tx.refuse(Error::access_denied(), action, subject))
}

/// Checks that a server which is enrolled already is meant to leave its hub for the one at `url`: `current` must name the
/// hub that it leaves. 409 `hub`, recorded.
pub fn check_leave(tx: &mut WriteTx, url: &str, current: Option<&str>) -> Result<()> {
    match sync_state::enrolment(tx)? {
        Some(own) if !is_same(&own.hub, url) && !current.is_some_and(|current| is_same(&own.hub, current)) => {
            let message = format!(
                "This server mirrors to {}: give that URL as currentHub to leave it, or run sync enroll on the machine",
                own.hub
            );
            Err(tx.refuse(Error::conflict("hub", message), Action::Enroll, SUBJECT))
        }
        _ => Ok(()),
    }
}

/// Whether two URLs name the same hub.
pub fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// Records that this server mirrors to the hub at `url` from now on, as `origin`.
pub fn record(tx: &mut WriteTx, action: Action, url: &str, origin: &str) -> Result<()> {
    let description = match action {
        Action::Enroll => format!("Enrolled with the hub at {url} as {origin}"),
        Action::RotateHubToken => format!("The token of {origin} for the hub at {url} was replaced"),
        _ => format!("The hub of {origin} is at {url} from now on"),
    };
    audit::append(tx, &Change { subject: SUBJECT, action, description: &description, before: None, after: None })
}
