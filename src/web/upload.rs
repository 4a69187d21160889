//! Uploads: a body of type multipart/form-data with a part called `file`.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_core::Stream;

use super::body::UPLOAD_MAX_BYTES;
use super::request::AuthenticatedRequest;
use crate::error::{Error, Result};

/// A request of an authenticated caller whose body is an upload, which may be longer than other bodies.
pub struct Upload(pub AuthenticatedRequest);

impl FromRequest for Upload {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Upload>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { AuthenticatedRequest::receive(request, payload, UPLOAD_MAX_BYTES).await.map(Upload) })
    }
}

impl Upload {
    /// The one part called `file`. 404 `file` when there is none, or it is empty, or the body is of another type.
    pub async fn file(&self) -> Result<Bytes> {
        let context = &self.0.context;
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
