//! Long bodies leave in slices, as fast as their reader takes them: a reader who takes nothing costs little, and not for long.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, ResponseError};
use tokio::time::Instant;

use crate::error::Error;

/// What is copied into a connection's buffer at a time.
pub const SLICE: usize = 8 << 10;
/// A body of which nothing was taken for so long is given up, and so is its connection.
pub const STALLED: Duration = Duration::from_secs(20);

/// Marks a response whose body is shared by all that are sent.
struct Shared;

/// A response whose body is one piece of memory for all that are sent: another one takes none.
pub fn shared(mut response: HttpResponse) -> HttpResponse {
    response.extensions_mut().insert(Shared);
    response
}

/// A response whose body comes from somewhere else as it is taken: only a little of it is ever here.
pub fn streamed(response: HttpResponse) -> HttpResponse {
    shared(response)
}

/// The bytes of bodies under way that are not shared, of one server.
#[derive(Clone)]
pub struct InFlight {
    used: Arc<AtomicU64>,
    most: u64,
}

impl InFlight {
    pub fn of(most: u64) -> InFlight {
        InFlight { used: Arc::default(), most }
    }

    /// Room for one more body; `None` while too much is under way. A body of any length has room when nothing else is.
    fn take(&self, length: u64) -> Option<Permit> {
        let fits = |used| (used == 0 || used + length <= self.most).then_some(used + length);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Permit { used: self.used.clone(), length })
    }
}

struct Permit {
    used: Arc<AtomicU64>,
    length: u64,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.used.fetch_sub(self.length, Ordering::Relaxed);
    }
}

/// Has a long body leave in slices. 503 when too much is under way already. Short ones, and streams, stay as they are.
pub fn pace<B: MessageBody + 'static>(
    response: HttpResponse<B>,
    in_flight: Option<&InFlight>,
) -> HttpResponse<EitherBody<B>> {
    let BodySize::Sized(length) = response.body().size() else { return response.map_into_left_body() };
    if length <= SLICE as u64 {
        return response.map_into_left_body();
    }
    let is_shared = response.extensions().contains::<Shared>();
    let permit = match in_flight.filter(|_| !is_shared).map(|in_flight| in_flight.take(length)) {
        Some(None) => return Error::Busy.error_response().map_into_right_body(),
        permit => permit.flatten(),
    };
    response.map_body(|_, body| match body.try_into_bytes() {
        Ok(bytes) => EitherBody::right(BoxBody::new(Paced::new(bytes, permit, STALLED))),
        Err(body) => EitherBody::left(body),
    })
}

/// What is left of a body.
struct Rest {
    bytes: Bytes,
    taken_at: Instant,
    is_given_up: bool,
    _permit: Option<Permit>,
}

impl Rest {
    fn give_up(&mut self) {
        *self = Rest { bytes: Bytes::new(), taken_at: self.taken_at, is_given_up: true, _permit: None };
    }
}

/// A body in slices.
struct Paced {
    length: u64,
    rest: Rc<RefCell<Rest>>,
    watch: actix_web::rt::task::JoinHandle<()>,
}

impl Paced {
    fn new(bytes: Bytes, permit: Option<Permit>, patience: Duration) -> Paced {
        let length = bytes.len() as u64;
        let rest = Rest { bytes, taken_at: Instant::now(), is_given_up: false, _permit: permit };
        let rest = Rc::new(RefCell::new(rest));
        Paced { length, watch: actix_web::rt::spawn(give_up_when_stalled(rest.clone(), patience)), rest }
    }
}

/// Frees what is left of a body once nobody takes it.
async fn give_up_when_stalled(rest: Rc<RefCell<Rest>>, patience: Duration) {
    loop {
        let stalled_at = rest.borrow().taken_at + patience;
        if stalled_at <= Instant::now() {
            break;
        }
        tokio::time::sleep_until(stalled_at).await;
    }
    rest.borrow_mut().give_up();
}

impl MessageBody for Paced {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, std::io::Error>>> {
        let mut rest = self.rest.borrow_mut();
        if rest.is_given_up {
            return Poll::Ready(Some(Err(std::io::ErrorKind::TimedOut.into())));
        }
        if rest.bytes.is_empty() {
            return Poll::Ready(None);
        }
        rest.taken_at = Instant::now();
        let length = rest.bytes.len().min(SLICE);
        Poll::Ready(Some(Ok(rest.bytes.split_to(length))))
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.watch.abort();
        // The task that was aborted lets go of it later only.
        self.rest.borrow_mut().give_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    fn page(length: usize) -> HttpResponse {
        HttpResponse::Ok().body(vec![7; length])
    }

    /// Takes one slice.
    async fn next<B: MessageBody>(body: Pin<&mut B>) -> Option<Result<Bytes, B::Error>> {
        let mut body = body;
        std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await
    }

    #[actix_web::test]
    async fn a_long_body_arrives_whole_and_in_slices() {
        for length in [0, 1, SLICE, SLICE + 1, 3 * SLICE, 1_000_003] {
            let response = pace(page(length), None);
            assert_eq!(response.body().size(), BodySize::Sized(length as u64));
            let mut body = std::pin::pin!(response.into_body());
            let mut sum = 0;
            while let Some(slice) = next(body.as_mut()).await {
                let slice = slice.map_err(|_| ()).unwrap();
                assert!(slice.len() <= SLICE.max(1));
                sum += slice.len();
            }
            assert_eq!(sum, length);
        }
    }

    #[actix_web::test]
    async fn only_so_much_is_under_way_unless_it_is_shared() {
        let in_flight = InFlight::of(100_000);
        let first = pace(page(90_000), Some(&in_flight));
        assert_eq!(pace(page(20_000), Some(&in_flight)).status().as_u16(), 503);
        assert_eq!(pace(page(1_000), Some(&in_flight)).status().as_u16(), 200, "a short one is sent at once");
        assert_eq!(pace(shared(page(1_000_000)), Some(&in_flight)).status().as_u16(), 200);
        drop(first);
        let long = pace(page(200_000), Some(&in_flight));
        assert_eq!(
            to_bytes(long.into_body()).await.map_err(|_| ()).unwrap().len(),
            200_000,
            "alone it may be of any length"
        );
        assert_eq!(pace(page(90_000), Some(&in_flight)).status().as_u16(), 200);
    }

    #[actix_web::test]
    async fn what_nobody_takes_is_given_up() {
        let in_flight = InFlight::of(100_000);
        let body = || Paced::new(vec![7; 90_000].into(), in_flight.take(90_000), Duration::ZERO);
        let mut body = std::pin::pin!(body());
        assert!(next(body.as_mut()).await.unwrap().is_ok());
        while in_flight.used.load(Ordering::Relaxed) > 0 {
            tokio::task::yield_now().await;
        }
        assert!(next(body.as_mut()).await.unwrap().is_err(), "the connection ends");
        assert_eq!(pace(page(90_000), Some(&in_flight)).status().as_u16(), 200, "its room is free again");
    }
}
