//! How an edge enrols with a hub, and keeps its token.

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::client::{Enrolled, HubClient};
use crate::auth::secrets::Sealer;
use crate::domain::mirror::{Position, replaced_by};
use crate::error::Result;
use crate::store::sync_state::Enrolment;

/// The purpose that the token is sealed for.
const TOKEN_CONTEXT: &str = "hub token";

/// Spends a code at `url`. A code that would replace another edge is refused, and so is a second enrolment at a hub that
/// still knows this edge. What another hub has of this edge does not matter.
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
            return Err(format!("this code replaces {origin}: spend it with restore --from-hub, for a new database"));
        }
        (None, Some(own)) if own.hub.trim_end_matches('/') == url.trim_end_matches('/') => {
            let is_unknown = token(own, sealer).is_some_and(|token| client.is_unknown(&own.origin, &token));
            if !is_unknown {
                return Err(format!(
                    "this server is enrolled there already, as {0}: to enrol it again, make a code with hub enroll --origin {0}",
                    own.origin
                ));
            }
        }
        _ => {}
    }
    client.enroll(code).map_err(|error| format!("not enrolled: {error}"))
}

/// The enrolment and the position to be stored.
pub fn sealed(url: &str, enrolled: &Enrolled, sealer: &Sealer) -> Result<(Enrolment, Position)> {
    let token = sealer.seal(TOKEN_CONTEXT, enrolled.token.as_bytes())?;
    let enrolment = Enrolment { hub: url.to_owned(), origin: enrolled.origin.clone(), token };
    Ok((enrolment, Position::new(Uuid::new_v4())))
}

/// The token for the hub; `None` when it was sealed with another key file.
pub fn token(enrolment: &Enrolment, sealer: &Sealer) -> Option<String> {
    sealer.unseal(TOKEN_CONTEXT, &enrolment.token).and_then(|token| String::from_utf8(token).ok())
}
