//! A server that takes its place at the hub again, after its database was put back to a backup from before its enrolment.

use anyhow::{Context as _, bail};
use uuid::Uuid;

use super::client::HubClient;
use super::enrolment::{Place, attempt_for};
use super::restore::{continue_after, fetch};
use crate::auth::secrets::Sealer;
use crate::db::{Author, Db, WriteTx};
use crate::domain::audit::Action;
use crate::domain::mirror::replaced_by;
use crate::store::restore::{RestoreReport, merge};
use crate::usecases::hub_enrolment;

/// What a server found when it took its place again.
pub struct Rejoined {
    pub name: String,
    pub origin: String,
    /// The rows that were newer at the hub.
    pub report: RestoreReport,
}

/// Spends a code for the place, stores the token, fetches what the hub holds, and writes what is newer there. Everything is
/// sent again afterwards; the hub sets aside as orphaned rows what it had and this database has not.
pub async fn run(
    db: &Db,
    client: &HubClient,
    sealer: &Sealer,
    url: &str,
    code: &str,
    progress: impl FnMut(usize),
) -> anyhow::Result<Rejoined> {
    if replaced_by(code).is_none() {
        bail!("this code is for a new server: make one with hub enroll --origin, with the id of the place");
    }
    let author = Author::system("command line");
    let attempt = db.write(author.clone(), attempt_for(code)).await.context("nothing was changed")?;
    let place = Place::take(client, url, code, attempt, sealer).context("nothing was changed")?;
    let (enrolled, stored) = (place.enrolled.clone(), place.clone());
    let is_stored = db.write(author.clone(), move |tx| stored.store(tx)).await;
    is_stored.context("the code is spent, but the place could not be stored: make another code")?;
    let fetched = fetch(client, &enrolled, progress);
    let fetched = fetched.context("nothing was brought back yet: run the same command again")?;
    let (origin, hub) = (enrolled.origin.clone(), url.to_owned());
    let work = move |tx: &mut WriteTx| {
        let report = merge(tx, &fetched.rows)?;
        if let Some(position) = continue_after(&fetched.head, Uuid::new_v4()) {
            place.store_at(tx, &position)?;
        }
        hub_enrolment::record(tx, Action::Rejoin, &hub, &origin)?;
        Ok(report)
    };
    let report = db.write(author, work).await.context("nothing was brought back")?;
    Ok(Rejoined { name: enrolled.name, origin: enrolled.origin, report })
}
