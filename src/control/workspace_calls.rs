//! The handlers of workspaces.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path as InPath};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calls::{answer, success};
use super::shared::Shared;
use super::workspaces::{Workspace, Workspaces};
use crate::error::{Error, Result, in_one_line};

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewWorkspace {
    /// Ids, tokens and times repeat, as with `--seed`.
    pub seed: Option<u64>,
}

fn workspaces_of(shared: &Shared) -> Result<&Workspaces> {
    shared.workspaces.as_ref().ok_or_else(|| {
        Error::not_found("workspaces", "A workspace has no workspaces of its own: call the controls of the server")
    })
}

pub async fn add_workspace(shared: Data<Shared>, body: Option<Json<NewWorkspace>>) -> Result<HttpResponse> {
    let seed = body.map(Json::into_inner).unwrap_or_default().seed;
    let begun = workspaces_of(&shared)?.add(seed).await;
    let begun = begun.map_err(|error| {
        tracing::error!("a workspace could not be begun: {}", in_one_line(error.as_ref()));
        Error::Unavailable("The workspace could not be begun: the log says why")
    })?;
    let full = || Error::Unavailable("There are 1,000 workspaces: drop some with DELETE /_ctl/workspaces/NAME");
    answer(begun.ok_or_else(full)?)
}

#[derive(Serialize, JsonSchema)]
pub struct WorkspaceList {
    workspaces: Vec<Workspace>,
}

pub async fn list_workspaces(shared: Data<Shared>) -> Result<HttpResponse> {
    answer(WorkspaceList { workspaces: workspaces_of(&shared)?.list() })
}

pub async fn remove_workspace(shared: Data<Shared>, name: InPath<String>) -> Result<HttpResponse> {
    match workspaces_of(&shared)?.remove(&name).await {
        true => success(),
        false => Err(Error::not_found("workspace", "There is no such workspace: GET /_ctl/workspaces lists them")),
    }
}
