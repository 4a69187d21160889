//! How an edge enrols with a hub, and stores its token.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use uuid::Uuid;

use super::client::{CallError, Enrolled, HubClient};
use super::settings::HubSettings;
use crate::auth::contexts::HUB_TOKEN;
use crate::auth::secrets::Sealer;
use crate::db::{Author, Db, WriteTx};
use crate::domain::audit::{Action, digest};
use crate::domain::mirror::{Position, replaced_by};
use crate::error::{Error, Result};
use crate::store::sync_state::{self, Enrolment};
use crate::sync::http_agent::{HUB, check_url};
use crate::usecases::hub_enrolment::{self, is_same};

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
#[derive(Clone)]
pub struct Place {
    pub enrolled: Enrolled,
    enrolment: Enrolment,
    position: Position,
}

impl Place {
    /// Spends a code at the hub of `client`, whose address is `url`: store the place at once. Only the same `attempt` may
    /// spend it again.
    pub fn take(client: &HubClient, url: &str, code: &str, attempt: Uuid, sealer: &Sealer) -> Result<Place, CallError> {
        let enrolled = client.enroll(code, Some(attempt))?;
        let sealed = sealed(url, &enrolled, sealer);
        let (enrolment, position) = sealed.map_err(|error| CallError::Local(error.into()))?;
        Ok(Place { enrolled, enrolment, position })
    }

    /// Stores the place, to go on from `position`.
    pub fn store_at(&self, tx: &mut WriteTx, position: &Position) -> Result<()> {
        sync_state::enroll(tx, &self.enrolment, position)?;
        sync_state::set_position(tx, position, 0)
    }

    /// Stores the place in a database that begins with it, or leaves another hub for it.
    pub fn store(&self, tx: &mut WriteTx) -> Result<()> {
        sync_state::enroll(tx, &self.enrolment, &self.position)?;
        hub_enrolment::record(tx, Action::Enroll, &self.enrolment.hub, &self.enrolled.origin)
    }
}

/// Makes the attempt to spend `code` durable, before the hub hears of it.
pub fn attempt_for(code: &str) -> impl FnOnce(&mut WriteTx) -> Result<Uuid> + Send + 'static {
    let code_hash = digest(code.trim().as_bytes());
    move |tx| sync_state::enrolment_attempt(tx, &code_hash)
}

/// Enrols a server that has a database already, with the hub at `url`.
pub async fn enroll(
    db: &Db,
    sealer: Arc<Sealer>,
    author: Author,
    url: String,
    code: String,
    settings: HubSettings,
) -> Result<Enrolled, EnrolmentError> {
    let own = db.read(sync_state::enrolment).map_err(EnrolmentError::Unreadable)?;
    let attempt = db.write(Author::system("mirror"), attempt_for(&code)).await.map_err(EnrolmentError::Unreadable)?;
    let taking = move || take_place(own.as_ref(), &sealer, &url, &code, attempt, &settings);
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
    attempt: Uuid,
    settings: &HubSettings,
) -> anyhow::Result<Place> {
    check_url(url, HUB, settings.is_insecure)?;
    let client = HubClient::new(url, settings.ca.as_deref(), Arc::default())?;
    match (replaced_by(code), own) {
        (Some(origin), own) if own.is_none_or(|own| own.origin != origin) => bail!(
            "this code is for the place of {origin}: spend it with sync rejoin, for a database that was in that place before, \
             or with restore --from-hub, for a new database"
        ),
        (None, Some(own)) if is_same(&own.hub, url) => {
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
    Place::take(&client, url, code, attempt, sealer).map_err(|error| {
        let advice = if error.may_have_arrived() { ": try again with the same code, which still works" } else { "" };
        anyhow::Error::new(error).context(format!("not enrolled{advice}"))
    })
}

/// Continues with the same hub at another URL, after that hub has shown that it knows this server. Nothing is sent again.
pub async fn repoint(
    db: &Db,
    sealer: &Sealer,
    author: Author,
    url: &str,
    settings: &HubSettings,
) -> anyhow::Result<Enrolment> {
    check_url(url, HUB, settings.is_insecure)?;
    let own = db.read(sync_state::enrolment)?.context("this server has no hub: see sync enroll")?;
    let token = token(&own, sealer).ok_or(CallError::KeyLost)?;
    let client = HubClient::new(url, settings.ca.as_deref(), Arc::default())?;
    match client.check_token(&own.origin, &token) {
        Ok(_) => {}
        Err(CallError::Refused { status: 401 | 404, .. }) => {
            bail!(
                "the hub at {url} does not know this server: if it is another hub, enrol there with a code of its own"
            )
        }
        Err(error) => return Err(anyhow::Error::new(error).context("nothing was changed")),
    }
    let moved = Enrolment { hub: url.trim_end_matches('/').to_owned(), ..own };
    let stored = moved.clone();
    let work = move |tx: &mut WriteTx| {
        sync_state::set_hub(tx, &stored.hub)?;
        hub_enrolment::record(tx, Action::Repoint, &stored.hub, &stored.origin)
    };
    db.write(author, work).await.context("nothing was changed")?;
    Ok(moved)
}

/// The rows to be written for an enrolment.
pub fn sealed(url: &str, enrolled: &Enrolled, sealer: &Sealer) -> Result<(Enrolment, Position)> {
    let token = sealer.seal(HUB_TOKEN, enrolled.token.as_bytes())?;
    let enrolment = Enrolment { hub: url.to_owned(), origin: enrolled.origin.clone(), token };
    Ok((enrolment, Position::new(Uuid::new_v4())))
}

/// The token for the hub; `None` when the key file is another one.
pub fn token(enrolment: &Enrolment, sealer: &Sealer) -> Option<String> {
    sealer.unseal(HUB_TOKEN, &enrolment.token).and_then(|token| String::from_utf8(token).ok())
}
