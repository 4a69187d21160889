//! How an edge comes to a hub, and keeps its token.

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::client::{Enrolled, HubClient};
use crate::auth::secrets::Sealer;
use crate::domain::mirror::{Position, replaced_by};
use crate::error::Result;
use crate::store::sync_state::Enrolment;

/// What the token of the hub is sealed for.
const TOKEN_CONTEXT: &str = "hub token";

/// Spends a code at `url`. One that gives the place of another edge is refused, and so is a second name at a hub that still
/// knows this one; what another hub had of this edge is its own affair.
pub fn enroll(
    own: Option<&Enrolment>,
    sealer: &Sealer,
    url: &str,
    code: &str,
    ca: Option<&Path>,
) -> Result<Enrolled, String> {
    let client = HubClient::new(url, ca, Arc::default())?;
    match (replaced_by(code), own) {
        (Some(origin), own) if own.is_none_or(|own| own.origin != origin) => {
            return Err(format!(
                "this code gives the place of {origin}: spend it with restore --from-hub, for a new database"
            ));
        }
        (None, Some(own)) if own.hub.trim_end_matches('/') == url.trim_end_matches('/') => {
            let is_unknown = token(own, sealer).is_some_and(|token| client.is_unknown(&own.origin, &token));
            if !is_unknown {
                return Err(format!(
                    "this server is enrolled there already, as {0}: to enrol it anew, make a code with hub enroll --origin {0}",
                    own.origin
                ));
            }
        }
        _ => {}
    }
    client.enroll(code).map_err(|error| format!("not enrolled: {error}"))
}

/// The rows to be written for an enrolment.
pub fn sealed(url: &str, enrolled: &Enrolled, sealer: &Sealer) -> Result<(Enrolment, Position)> {
    let token = sealer.seal(TOKEN_CONTEXT, enrolled.token.as_bytes())?;
    let enrolment = Enrolment { hub: url.to_owned(), origin: enrolled.origin.clone(), token };
    Ok((enrolment, Position::new(Uuid::new_v4())))
}

/// The token for the hub; `None` when the key file is another one.
pub fn token(enrolment: &Enrolment, sealer: &Sealer) -> Option<String> {
    sealer.unseal(TOKEN_CONTEXT, &enrolment.token).and_then(|token| String::from_utf8(token).ok())
}
