//! `/employee/ID/picture`

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
use crate::web::upload::{Received, Upload};

/// One upload is decoded at a time: it may take 200 MB. How many wait is bounded by the places of uploads.
static DECODING: Semaphore = Semaphore::const_new(1);
/// So many stored pictures are prepared at a time, whatever is uploaded meanwhile: they are small.
static ANSWERING: Semaphore = Semaphore::const_new(2);

/// Works on a picture on the blocking pool, when its turn comes.
async fn in_turn<T: Send + 'static>(turns: &'static Semaphore, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let turn = turns.acquire().await.map_err(|_| Error::Busy)?;
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

/// api:employee:picture-upload. 400 `bad_request`, 403 `access_denied`, 404 `not_found`, 404 `file`, 413, 422 `file`,
/// 503 `busy`.
pub async fn upload(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let is_there = is_there(&request);
    let here = async |upload: Upload| store(upload).await;
    forward::unless_here(request, payload, "api:employee:picture-upload", is_there, here).await
}

async fn store(upload: Upload) -> Result<ApiResponse> {
    let id = id_in_path(&upload.call)?;
    // Whoever may not is refused, and that recorded, by the write, whatever the file is: none of it is read.
    let may = upload.call.context.state.db.read(|tx| pictures::may_upload(tx, upload.call.actor(), id))?;
    if !may {
        return write(upload.call, id, vec![]).await;
    }
    let received = upload.receive().await?;
    let file = received.file().await?;
    let png = in_turn(&DECODING, move || picture::stored(&file)).await?.map_err(refused)?;
    let Received { call, place: _place } = received;
    write(call, id, png).await
}

async fn write(call: AuthenticatedRequest, id: Id, png: Vec<u8>) -> Result<ApiResponse> {
    let stored = call.write(move |tx, actor| {
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
    let png = in_turn(&ANSWERING, move || picture::answered(&stored)).await?.map_err(|_| pictures::no_picture())?;
    call.read(|_, _| Ok(ApiResponse::png(png)))
}
