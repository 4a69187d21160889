//! What a fault does to an answer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header;
use actix_web::web::Bytes;

/// What is done to one request.
pub enum Effect {
    /// This is answered, and the request is not done.
    Answer(Box<dyn Fn() -> HttpResponse>),
    /// It is done after a while.
    Delay(Duration),
    /// The connection breaks; with `after` when the request is done.
    Break { after: bool },
    /// The answer breaks off in the middle.
    Truncate,
    /// The answer is no JSON.
    Malform,
}

/// The answer of a request that was done, as the fault leaves it.
pub fn spoil(effect: &Effect, response: ServiceResponse<BoxBody>, answer: &Bytes) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let (request, _) = response.into_parts();
    let spoiled = match effect {
        Effect::Break { .. } => broken(Bytes::new(), 0),
        Effect::Truncate => {
            let half = answer.slice(..answer.len() / 2);
            let mut broken = broken(half, answer.len());
            *broken.status_mut() = status;
            broken
        }
        _ => {
            let text = String::from_utf8_lossy(answer);
            let half: String = text.chars().take(text.chars().count() / 2).collect();
            HttpResponse::build(status).content_type("application/json").body(format!("{half}<html>"))
        }
    };
    ServiceResponse::new(request, spoiled.map_into_boxed_body())
}

/// An answer whose connection breaks behind `part`. `length`: what it says its length is; 0: nothing of it arrives.
pub fn broken(part: Bytes, length: usize) -> HttpResponse {
    let body = Broken { part: Some(part).filter(|part| !part.is_empty()), length };
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(BoxBody::new(body))
}

struct Broken {
    part: Option<Bytes>,
    length: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("broken off on purpose")]
struct OnPurpose;

impl MessageBody for Broken {
    type Error = actix_web::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length.max(1) as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(Some(match self.part.take() {
            Some(part) => Ok(part),
            None => Err(actix_web::error::ErrorInternalServerError(OnPurpose)),
        }))
    }
}
