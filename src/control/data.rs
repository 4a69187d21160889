//! The handlers of reset and snapshots.

use std::path::{Path, PathBuf};

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path as InPath};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calls::{answer, success, wrong};
use super::seed::{begin_clock, go_back, save};
use super::shared::Shared;
use crate::db::Author;
use crate::domain::chance;
use crate::error::{Error, Result};

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResetTo {
    /// To this snapshot in the place of the seed.
    pub snapshot: Option<String>,
}

/// Back to the seed: data, clock, faults and journal.
pub async fn reset(shared: Data<Shared>, body: Option<Json<ResetTo>>) -> Result<HttpResponse> {
    let _turn = shared.turn.lock().await;
    let to = body.map(Json::into_inner).unwrap_or_default();
    let (file, numbers) = match &to.snapshot {
        Some(name) => {
            let file = existing(&shared, name)?;
            let numbers = numbers_of(&file);
            (file, numbers)
        }
        None => (shared.seed.path().to_owned(), shared.mock.seed()),
    };
    shared.mock.reset();
    begin_clock(shared.state.db.clock(), shared.mock.seed().is_some());
    go_back(&shared.state.db, &file, numbers).await?;
    shared.state.login_throttle.clear();
    shared.state.outgoing.reset_requests.clear();
    success()
}

fn file_of(shared: &Shared, name: &str) -> Result<PathBuf> {
    let is_fit =
        (1..=64).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c));
    match is_fit {
        true => Ok(shared.folder.join(format!("snapshot-{name}.db"))),
        false => Err(wrong("name", "the name of a snapshot has 1 to 64 letters, digits, - and _")),
    }
}

fn existing(shared: &Shared, name: &str) -> Result<PathBuf> {
    let file = file_of(shared, name)?;
    match file.exists() {
        true => Ok(file),
        false => Err(Error::NotFound {
            code: "snapshot",
            message: "There is no snapshot of that name: GET /_ctl/snapshots lists them, PUT saves one",
        }),
    }
}

/// Beside a snapshot: where the numbers of a seed stood. They go on from there, because those before are in the snapshot, and
/// the same id or token cannot be given twice.
fn numbers_file(snapshot: &Path) -> PathBuf {
    snapshot.with_extension("numbers")
}

fn numbers_of(snapshot: &Path) -> Option<u64> {
    std::fs::read_to_string(numbers_file(snapshot)).ok()?.parse().ok()
}

pub async fn save_snapshot(shared: Data<Shared>, name: InPath<String>) -> Result<HttpResponse> {
    let _turn = shared.turn.lock().await;
    let file = file_of(&shared, &name)?;
    let part = file.with_extension("part");
    let _ = std::fs::remove_file(&part);
    save(&shared.state.db, &part).map_err(|error| Error::Internal(error.into()))?;
    // Behind the copy: what was numbered while it was made is not numbered so again.
    let position = shared.state.db.write(Author::system("control"), |_| Ok(chance::position())).await?;
    let numbers = position.map(|position| position.to_string()).unwrap_or_default();
    std::fs::write(numbers_file(&file), numbers).map_err(|error| Error::Internal(error.into()))?;
    std::fs::rename(&part, &file).map_err(|error| Error::Internal(error.into()))?;
    success()
}

pub async fn restore_snapshot(shared: Data<Shared>, name: InPath<String>) -> Result<HttpResponse> {
    let _turn = shared.turn.lock().await;
    let file = existing(&shared, &name)?;
    go_back(&shared.state.db, &file, numbers_of(&file)).await?;
    success()
}

#[derive(Serialize, JsonSchema)]
pub struct Snapshots {
    snapshots: Vec<String>,
}

pub async fn list_snapshots(shared: Data<Shared>) -> Result<HttpResponse> {
    let names = std::fs::read_dir(&shared.folder).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        Some(name.strip_prefix("snapshot-")?.strip_suffix(".db")?.to_owned())
    });
    let mut snapshots: Vec<String> = names.collect();
    snapshots.sort();
    answer(Snapshots { snapshots })
}

pub async fn delete_snapshot(shared: Data<Shared>, name: InPath<String>) -> Result<HttpResponse> {
    let _turn = shared.turn.lock().await;
    std::fs::remove_file(existing(&shared, &name)?).map_err(|error| Error::Internal(error.into()))?;
    success()
}
