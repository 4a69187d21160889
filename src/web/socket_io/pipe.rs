//! The stream of one websocket, between the connection that actix has and the server of socket.io: two short buffers in memory.

use std::io::{ErrorKind, Result as IoResult};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// As much waits in one direction; then whoever writes waits too.
const WAITING_MAX: usize = 8 << 10;

/// One direction. Nothing is held while nothing waits.
#[derive(Default)]
struct Half {
    waiting: BytesMut,
    /// Nothing more will come.
    is_ended: bool,
    /// Nobody will read what comes.
    is_broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Half {
    fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }

    /// Adds to what waits, when there is room.
    fn poll_add(&mut self, cx: &Context<'_>, bytes: &[u8]) -> Poll<IoResult<usize>> {
        if self.is_broken || self.is_ended {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let room = WAITING_MAX.saturating_sub(self.waiting.len()).min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            self.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.waiting.extend_from_slice(&bytes[..room]);
        self.reader.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(room))
    }
}

#[derive(Default)]
pub struct Pipe {
    from_client: Mutex<Half>,
    to_client: Mutex<Half>,
}

fn lock(half: &Mutex<Half>) -> MutexGuard<'_, Half> {
    half.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pipe {
    /// Passes on what the client has sent; waits while too much of it waits. False when nobody reads it any more.
    pub async fn push(&self, bytes: &Bytes) -> bool {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let added = std::future::poll_fn(|cx| lock(&self.from_client).poll_add(cx, rest)).await;
            let Ok(added) = added else { return false };
            rest = &rest[added..];
        }
        true
    }

    /// Whether nothing goes through it any more.
    pub fn is_over(&self) -> bool {
        lock(&self.to_client).is_ended
    }

    /// The client sends nothing more: the server sends what waits, and ends the connection.
    pub fn end_input(&self) {
        let mut half = lock(&self.from_client);
        half.is_ended = true;
        half.wake();
    }

    /// Ends both directions at once; what waits is lost.
    pub fn abort(&self) {
        self.end_input();
        let mut half = lock(&self.to_client);
        half.waiting = BytesMut::new();
        (half.is_ended, half.is_broken) = (true, true);
        half.wake();
    }
}

/// The end that the server of socket.io has.
pub struct ServerEnd {
    pub pipe: Arc<Pipe>,
    /// Called when the server lets go of it.
    pub on_end: Option<Box<dyn FnOnce() + Send>>,
}

impl AsyncRead for ServerEnd {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<IoResult<()>> {
        let mut half = lock(&self.pipe.from_client);
        if half.waiting.is_empty() && !half.is_ended {
            half.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let length = half.waiting.len().min(buffer.remaining());
        buffer.put_slice(&half.waiting.split_to(length));
        if half.waiting.is_empty() {
            half.waiting = BytesMut::new();
        }
        half.writer.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ServerEnd {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<IoResult<usize>> {
        lock(&self.pipe.to_client).poll_add(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<IoResult<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<IoResult<()>> {
        let mut half = lock(&self.pipe.to_client);
        half.is_ended = true;
        half.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for ServerEnd {
    fn drop(&mut self) {
        {
            let mut half = lock(&self.pipe.to_client);
            half.is_ended = true;
            half.wake();
        }
        let mut half = lock(&self.pipe.from_client);
        half.is_broken = true;
        half.wake();
        drop(half);
        self.on_end.take().into_iter().for_each(|on_end| on_end());
    }
}

/// The end that the connection has: the body of the answer.
pub struct ClientEnd(pub Arc<Pipe>);

impl MessageBody for ClientEnd {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<IoResult<Bytes>>> {
        let mut half = lock(&self.0.to_client);
        if half.waiting.is_empty() {
            if half.is_ended {
                return Poll::Ready(None);
            }
            half.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let bytes = std::mem::take(&mut half.waiting).freeze();
        half.writer.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Some(Ok(bytes)))
    }
}

impl Drop for ClientEnd {
    /// The connection is gone.
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    fn ends() -> (ServerEnd, ClientEnd, Arc<Pipe>) {
        let pipe = Arc::new(Pipe::default());
        (ServerEnd { pipe: pipe.clone(), on_end: None }, ClientEnd(pipe.clone()), pipe)
    }

    async fn read(end: &mut ServerEnd) -> Vec<u8> {
        let mut space = [0; 1_024];
        let mut buffer = ReadBuf::new(&mut space);
        poll_fn(|cx| Pin::new(&mut *end).poll_read(cx, &mut buffer)).await.unwrap();
        buffer.filled().to_vec()
    }

    async fn write(end: &mut ServerEnd, bytes: &[u8]) -> IoResult<usize> {
        poll_fn(|cx| Pin::new(&mut *end).poll_write(cx, bytes)).await
    }

    async fn taken(end: &mut ClientEnd) -> Option<Bytes> {
        poll_fn(|cx| Pin::new(&mut *end).poll_next(cx)).await.map(Result::unwrap)
    }

    #[actix_web::test]
    async fn what_one_end_writes_the_other_reads() {
        let (mut server, mut client, pipe) = ends();
        assert!(pipe.push(&Bytes::from_static(b"hello")).await);
        assert_eq!(read(&mut server).await, b"hello");
        assert_eq!(write(&mut server, b"answer").await.unwrap(), 6);
        assert_eq!(taken(&mut client).await.unwrap(), "answer");
        pipe.end_input();
        assert_eq!(read(&mut server).await, b"", "the end");
        assert_eq!(write(&mut server, b"last").await.unwrap(), 4);
        drop(server);
        assert_eq!(taken(&mut client).await.unwrap(), "last", "what waits still arrives");
        assert_eq!(taken(&mut client).await, None);
        assert!(!pipe.push(&Bytes::from_static(b"x")).await);
    }

    #[actix_web::test]
    async fn only_so_much_waits_and_an_end_that_leaves_is_noticed() {
        let (mut server, client, _) = ends();
        let much = vec![7; 3 * WAITING_MAX];
        assert_eq!(write(&mut server, &much).await.unwrap(), WAITING_MAX);
        let pending = poll_fn(|cx| Poll::Ready(Pin::new(&mut server).poll_write(cx, &much).is_pending())).await;
        assert!(pending);
        drop(client);
        assert_eq!(write(&mut server, b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(read(&mut server).await, b"");
    }

    #[actix_web::test]
    async fn a_long_message_of_the_client_waits_for_room() {
        let (mut server, _client, pipe) = ends();
        let much = Bytes::from(vec![7; 3 * WAITING_MAX]);
        let length = much.len();
        let pushed = actix_web::rt::spawn(async move { pipe.push(&much).await });
        let mut received = 0;
        while received < length {
            received += read(&mut server).await.len();
        }
        assert!(pushed.await.unwrap());
    }
}
