//! Uploads: a body of type multipart/form-data with a part called `file`.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_core::Stream;

use super::body::{UPLOAD_MAX_BYTES, read_long_body};
use super::request::AuthenticatedRequest;
use super::upload_places::Place;
use crate::error::{Error, Result};

/// A request of an authenticated caller whose body is an upload, which may be longer than other bodies, and is not read yet.
pub struct Upload {
    pub call: AuthenticatedRequest,
    payload: Payload,
}

impl FromRequest for Upload {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Upload>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { Ok(Upload { call: AuthenticatedRequest::without_body(request).await?, payload }) })
    }
}

impl Upload {
    /// Reads the body. 413 for a longer one; 503 `busy` while too many are under way, before anything is read.
    pub async fn receive(self) -> Result<Received> {
        let mut call = self.call;
        let place = call.context.state.uploads.take(call.actor().employee)?;
        let body = read_long_body(&call.context.request, self.payload, UPLOAD_MAX_BYTES).await?;
        call.context.set_body(body);
        Ok(Received { call, place })
    }
}

/// An upload with its body. It has its place until it is dropped.
pub struct Received {
    pub call: AuthenticatedRequest,
    pub place: Place,
}

impl Received {
    /// The one part called `file`. 404 `file` when there is none, or it is empty, or the body is of another type.
    pub async fn file(&self) -> Result<Bytes> {
        let context = &self.call.context;
        let kind = context.request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let file = read_file(kind.unwrap_or_default(), context.body()).await;
        file.filter(|file| !file.is_empty()).ok_or_else(|| Error::not_found("file", "The file was missing or invalid"))
    }
}

async fn read_file(kind: &str, body: Bytes) -> Option<Bytes> {
    let boundary = multer::parse_boundary(kind).ok()?;
    let mut parts = multer::Multipart::new(Whole(Some(body)), boundary);
    let mut found = None;
    while let Some(part) = parts.next_field().await.ok()? {
        let is_file = part.name() == Some("file");
        let content = part.bytes().await.ok()?;
        if is_file && found.replace(content).is_some() {
            return None;
        }
    }
    found
}

/// A body that is there already, as a stream.
struct Whole(Option<Bytes>);

impl Stream for Whole {
    type Item = std::result::Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}
