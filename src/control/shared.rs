//! What the handlers of the controls share.

use std::path::PathBuf;
use std::sync::Arc;

use actix_web::web;

use super::seed::Seed;
use super::workspaces::Workspaces;
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
