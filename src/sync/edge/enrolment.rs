//! How an edge enrols with a hub, and stores its token.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use uuid::Uuid;

use super::client::{CallError, Enrolled, HubClient};
use crate::auth::secrets::Sealer;
use crate::db::{Author, Db, WriteTx};
use crate::domain::mirror::{Position, replaced_by};
use crate::error::{Error, Result};
use crate::store::sync_state::{self, Enrolment};

/// What the token of the hub is sealed for.
const TOKEN_CONTEXT: &str = "hub token";

/// Why a server is not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// The hub refuses the code or cannot be reached, or the code must not be spent here.
    #[error(transparent)]
    Refused(#[from] anyhow::Error),
    /// This database cannot be read.
    #[error(transparent)]
    Unreadable(Error),
    /// The code is spent, and its token is lost.
    #[error(
        "enrolled as {name}, but that cannot be stored: {cause}; make another code with hub enroll --origin {origin}"
    )]
    NotStored { name: String, origin: String, cause: Error },
}

/// An enrolment that a code was spent for, with the rows to be stored for it.
pub struct Place {
    pub enrolled: Enrolled,
    enrolment: Enrolment,
    position: Position,
}

impl Place {
    /// Spends a code at the hub of `client`, whose address is `url`. It cannot be spent again: store the place at once.
    pub fn take(client: &HubClient, url: &str, code: &str, sealer: &Sealer) -> Result<Place, CallError> {
        let enrolled = client.enroll(code, None)?;
        let sealed = sealed(url, &enrolled, sealer);
        let (enrolment, position) = sealed.map_err(|error| CallError::Local(error.into()))?;
        Ok(Place { enrolled, enrolment, position })
    }

    pub fn store(&self, tx: &mut WriteTx) -> Result<()> {
        sync_state::enroll(tx, &self.enrolment, &self.position)
    }
}

/// Enrols a server that has a database already. `ca`: certificates to trust in place of the usual ones, PEM.
pub async fn enroll(
    db: &Db,
    sealer: Arc<Sealer>,
    author: Author,
    url: String,
    code: String,
    ca: Option<PathBuf>,
) -> Result<Enrolled, EnrolmentError> {
    let own = db.read(sync_state::enrolment).map_err(EnrolmentError::Unreadable)?;
    let taking = move || take_place(own.as_ref(), &sealer, &url, &code, ca.as_deref());
    let place = Arc::new(tokio::task::spawn_blocking(taking).await.context("not enrolled")??);
    let stored = place.clone();
    db.write(author, move |tx| stored.store(tx)).await.map_err(|cause| EnrolmentError::NotStored {
        name: place.enrolled.name.clone(),
        origin: place.enrolled.origin.clone(),
        cause,
    })?;
    Ok(place.enrolled.clone())
}

/// Refuses a code that would replace another edge, and a second name at a hub that still knows this one. An
/// enrolment with another hub is left as it is there.
fn take_place(
    own: Option<&Enrolment>,
    sealer: &Sealer,
    url: &str,
    code: &str,
    ca: Option<&Path>,
) -> anyhow::Result<Place> {
    let client = HubClient::new(url, ca, Arc::default())?;
    match (replaced_by(code), own) {
        (Some(origin), own) if own.is_none_or(|own| own.origin != origin) => {
            bail!("this code replaces {origin}: spend it with restore --from-hub, for a new database");
        }
        (None, Some(own)) if own.hub.trim_end_matches('/') == url.trim_end_matches('/') => {
            let is_unknown = token(own, sealer).is_some_and(|token| client.is_unknown(&own.origin, &token));
            if !is_unknown {
                bail!(
                    "this server is enrolled there already, as {0}: to enrol it again, make a code with hub enroll --origin {0}",
                    own.origin
                );
            }
        }
        _ => {}
    }
    Place::take(&client, url, code, sealer).context("not enrolled")
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
