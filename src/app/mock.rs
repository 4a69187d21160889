//! How a mock is put together: what it begins with, and its controls.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use actix_web::web;
use anyhow::Context as _;

use super::listen::bind;
use crate::api::mock_rules::rules;
use crate::auth::secrets::key_path;
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{Begin, Control, Seed, Steered, seed_time};
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

/// Puts the database of a seed, and its key, at `path`.
pub fn copy(seed: &Seed, path: &Path) -> anyhow::Result<()> {
    let cannot = || format!("{} cannot be made", path.display());
    std::fs::copy(seed.path(), path).with_context(cannot)?;
    std::fs::copy(key_path(seed.path()), key_path(path)).with_context(cannot)?;
    Ok(())
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
    let folder = crate::control::folder_of(state.db.path());
    let (seed, begin) = match seed {
        Some(seed) => (seed.clone(), None),
        None => {
            let seed = Seed::save(&state.db, &folder)?;
            std::fs::copy(key_path(state.db.path()), key_path(seed.path())).context("the key cannot be copied")?;
            (seed.clone(), Some(workspaces(seed)))
        }
    };
    Control::start(listener, Steered { state: state.clone(), mock, url: url.to_owned(), seed, folder, begin })
}
