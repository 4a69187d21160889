//! `/employee/ID/picture`

use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use tokio::sync::Semaphore;

use super::forward;
use crate::domain::id::Id;
use crate::domain::picture::{self, PictureFault};
use crate::error::{Check, Error, Result};
use crate::usecases::{intents, pictures};
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;
use crate::web::upload::Upload;

/// One picture is decoded at a time: it may take 200 MB.
static TURN: Semaphore = Semaphore::const_new(1);
/// So many may wait for their turn, each with its file in memory.
const WAITING_MAX: usize = 16;
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// One of those that wait, until it is dropped.
struct Waiting;

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Works on a picture on the blocking pool, when its turn comes. 503 `busy` when too many wait.
async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let others = WAITING.fetch_add(1, Ordering::AcqRel);
    let _waiting = Waiting;
    if others >= WAITING_MAX {
        return Err(Error::Busy);
    }
    let turn = TURN.acquire().await.map_err(|_| Error::Busy)?;
    let done = web::block(move || {
        // Kept while it works, also when its caller has left.
        let _turn = turn;
        work()
    });
    done.await.map_err(|error| Error::Internal(Box::new(error)))
}

fn id_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    let malformed = |_| Error::bad_request("Employee id not found in request URI");
    call.context.segment("employee").parse().map_err(malformed)
}

/// Whether the platform has the employee, and so its picture.
fn is_there(request: &HttpRequest) -> impl FnOnce(&crate::db::ReadTx) -> Result<bool> + use<> {
    let id: Option<Id> = request.match_info().get("employee").and_then(|id| id.parse().ok());
    move |tx| id.map_or(Ok(false), |id| intents::is_of_platform(tx, id))
}

/// api:employee:picture-upload. 400 `bad_request`, 403 `access_denied`, 404 `not_found`, 404 `file`, 422 `file`.
pub async fn upload(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let is_there = is_there(&request);
    let here = async |upload: Upload| store(upload).await;
    forward::unless_here(request, payload, "api:employee:picture-upload", is_there, here).await
}

async fn store(upload: Upload) -> Result<ApiResponse> {
    let id = id_in_path(&upload.0)?;
    // Whoever may not is refused, and that recorded, by the write, whatever the file is.
    let may = upload.0.context.state.db.read(|tx| pictures::may_upload(tx, upload.0.actor(), id))?;
    let png = match may {
        true => {
            let file = upload.file().await?;
            in_turn(move || picture::stored(&file)).await?.map_err(refused)?
        }
        false => vec![],
    };
    let stored = upload.0.write(move |tx, actor| {
        let picture = pictures::upload(tx, actor, id, &png)?;
        ApiResponse::json(&json!({ "success": true, "picture": picture }))
    });
    stored.await
}

fn refused(fault: PictureFault) -> Error {
    match fault {
        PictureFault::NoPicture => Error::invalid("file", Check::Format, "Filetype must be PNG or JPG"),
        PictureFault::TooLarge => Error::invalid("file", Check::Max, "The picture has too many pixels"),
    }
}

/// api:employee:picture-download. 400 `bad_request`, 403 `access_denied`, 404 `not_found`, 404 `picture`.
pub async fn download(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let is_there = is_there(&request);
    let here = async |call: AuthenticatedRequest| answer(call).await;
    forward::unless_here(request, payload, "api:employee:picture-download", is_there, here).await
}

async fn answer(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    let stored = call.context.state.db.read(|tx| pictures::download(tx, call.actor(), id))?;
    let png = in_turn(move || picture::answered(&stored)).await?.map_err(|_| pictures::no_picture())?;
    call.read(|_, _| Ok(ApiResponse::png(png)))
}
