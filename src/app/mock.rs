//! How a mock is put together: what it begins with, its controls, and its workspaces.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::web;
use anyhow::Context as _;
use tokio::sync::oneshot;

use super::{App, bind};
use crate::api::mock_rules::rules;
use crate::auth::secrets::key_path;
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{Begin, Begun, Control, Seed, Steered, seed_time};
use crate::db::{Author, Db};
use crate::domain::chance;
use crate::ephemeral::Folder;
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

/// Starts the controls. `seed`: of a workspace the one that it was begun with; else what the database holds now is saved.
pub fn control(
    config: &Config,
    address: SocketAddr,
    state: &web::Data<AppState>,
    mock: Arc<Mock>,
    url: &str,
    seed: Option<&Seed>,
) -> anyhow::Result<Control> {
    let listener = bind(address)?;
    let folder = crate::control::folder_of(state.db.path());
    let (seed, begin) = match seed {
        Some(seed) => (seed.clone(), None),
        None => {
            let seed = Seed::save(&state.db, &folder)?;
            std::fs::copy(key_path(state.db.path()), key_path(seed.path())).context("the key cannot be copied")?;
            (seed.clone(), Some(begin(config, seed)))
        }
    };
    Control::start(listener, Steered { state: state.clone(), mock, url: url.to_owned(), seed, folder, begin })
}

/// How workspaces are begun: servers on free ports with the same settings, each with a clock of its own.
fn begin(config: &Config, seed: Seed) -> Begin {
    let localhost = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config {
        listen: Some(localhost),
        control: Some(localhost),
        demo: None,
        import: None,
        tls_cert: None,
        tls_key: None,
        ..config.clone()
    };
    Arc::new(move |number| {
        let config = Config { seed: number.or(config.seed), ..config.clone() };
        let seed = seed.clone();
        let begun = async move {
            let folder = Folder::make()?;
            let config = Config { ephemeral: None, db: Some(folder.path().join("telecomx.db")), ..config };
            let app = App::begin(&config, Clock::default(), Some(&seed)).await?;
            let (stop, stopping) = oneshot::channel();
            let (ended, stopped) = oneshot::channel();
            let mock = app.state.mock.clone().context("a workspace is a mock")?;
            let control_url = app.control_url().unwrap_or_default().to_owned();
            let url = app.url.clone();
            tokio::task::spawn_local(async move {
                let _ = stopping.await;
                app.stop().await;
                drop(folder);
                let _ = ended.send(());
            });
            Ok(Begun { url, control_url, mock, stop, stopped })
        };
        Box::pin(begun) as Pin<Box<dyn Future<Output = anyhow::Result<Begun>>>>
    })
}
