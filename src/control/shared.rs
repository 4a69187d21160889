//! What the handlers of the controls share.

use std::path::PathBuf;
use std::sync::Arc;

use actix_web::web;

use super::seed::Seed;
use super::workspaces::{Begin, Workspaces};
use crate::files::folder_of;
use crate::web::AppState;
use crate::web::mock::Mock;

/// What the controls steer.
pub struct Shared {
    pub state: web::Data<AppState>,
    pub mock: Arc<Mock>,
    /// `http://ADDR:PORT` of the server.
    pub url: String,
    pub seed: Seed,
    /// Where snapshots are.
    pub folder: PathBuf,
    /// One reset or snapshot at a time.
    pub turn: tokio::sync::Mutex<()>,
    /// None of a workspace has workspaces itself.
    pub workspaces: Option<Workspaces>,
}

impl Shared {
    /// `begin`: how workspaces are begun.
    pub fn new(state: web::Data<AppState>, mock: Arc<Mock>, url: String, seed: Seed, begin: Option<Begin>) -> Shared {
        let folder = folder_of(state.db.path()).to_owned();
        let workspaces = begin.map(Workspaces::new);
        Shared { state, mock, url, seed, folder, turn: tokio::sync::Mutex::default(), workspaces }
    }
}
