//! How a mock is put together: what it begins with, and its controls.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::web;

use super::listen::bind;
use crate::api::mock_rules::rules;
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{Begin, Control, Seed, Shared, seed_time};
use crate::db::{Author, Db};
use crate::domain::chance;
use crate::web::AppState;
use crate::web::mock::Mock;

/// What only a mock has; `None` for a server that is none. With a seed the clock stands still from here on.
pub fn of(config: &Config, clock: &Clock) -> Option<Arc<Mock>> {
    if !config.is_mock() {
        return None;
    }
    if config.seed.is_some() {
        clock.steer(seed_time(), false);
    }
    Some(Arc::new(Mock::new(rules(), config.strict.unwrap_or(false), config.seed)))
}

/// Ids, tokens and operations repeat from here on: those made by this thread, and by the writer.
pub async fn repeat_numbers(db: &Db, seed: u64) -> anyhow::Result<()> {
    chance::seed_thread(seed);
    let writer = move |_: &mut crate::db::WriteTx| {
        chance::seed_thread(seed);
        Ok(())
    };
    Ok(db.write(Author::system("control"), writer).await?)
}

/// Starts the controls. `seed`: of a workspace the one that it was begun with; else what the database holds now is saved, and
/// `workspaces` says how they are begun with it.
pub fn control(
    address: SocketAddr,
    state: &web::Data<AppState>,
    mock: Arc<Mock>,
    url: &str,
    seed: Option<&Seed>,
    workspaces: impl FnOnce(Seed) -> Begin,
) -> anyhow::Result<Control> {
    let listener = bind(address)?;
    let (seed, begin) = match seed {
        Some(seed) => (seed.clone(), None),
        None => {
            let seed = Seed::save(&state.db)?;
            (seed.clone(), Some(workspaces(seed)))
        }
    };
    Control::start(listener, Shared::new(state.clone(), mock, url.to_owned(), seed, begin))
}
