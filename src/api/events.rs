//! `/local/events`: what happens, to the pages of the console as it does.

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ContentEncoding};

use crate::error::Result;
use crate::web::event_stream;
use crate::web::request::AuthenticatedRequest;

/// Server-sent events until the caller's session ends: `change`, `reload`, `sync`, `end`. 503 when too many listen.
pub async fn listen(request: AuthenticatedRequest) -> Result<HttpResponse> {
    if request.context.request.method() == Method::HEAD {
        return Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/event-stream")).finish());
    }
    let state = request.context.state.clone().into_inner();
    let events = event_stream::listen(&state, request.identity.clone(), request.context.address())?;
    let mut response = HttpResponse::Ok();
    // Compression would hold back an event until there are more of them.
    response.insert_header(ContentEncoding::Identity).insert_header((CONTENT_TYPE, "text/event-stream"));
    response.insert_header((CACHE_CONTROL, "no-store")).insert_header(("x-accel-buffering", "no"));
    Ok(response.streaming(events))
}
