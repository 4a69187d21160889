//! The server of socket.io, called in this process.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::web::Bytes;
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use socketioxide::SocketIo;
use socketioxide::extract::SocketRef;
use socketioxide::handler::ConnectHandler;
use socketioxide::service::SocketIoService;
use tokio::sync::watch;
use tower_service::Service;

use super::conversation::{enter, prepare};
use super::line::{Limits, Line, Lines};
use super::pipe::{Pipe, ServerEnd};
use crate::web::AppState;

/// The longest message of a client, and the longest answer to one that polls.
pub const MESSAGE_MAX: usize = 64 << 10;
/// As many messages wait for a client that does not take them.
const WAITING_MAX: usize = 64;
/// How often a client must show that it is there, and how long it may take to.
const PING_EVERY: Duration = Duration::from_secs(25);
/// What is read of a websocket at a time.
const READ_BYTES: usize = 1 << 10;
/// How long clients may take to hear that the server ends.
const GOODBYE: Duration = Duration::from_secs(1);

/// Would answer what is not for socket.io: nothing is, since every request that comes here has its path.
#[derive(Clone)]
struct Elsewhere;

impl Service<Request<Full<Bytes>>> for Elsewhere {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        ready(Ok(Response::default()))
    }
}

/// The way to the server of socket.io.
#[derive(Clone)]
pub struct Sockets {
    service: SocketIoService<Elsewhere>,
    io: SocketIo,
    pub lines: Arc<Lines>,
    stop: watch::Sender<bool>,
}

impl Sockets {
    /// `request_timeout`: a client that polls is answered within it.
    pub fn start(state: &Arc<AppState>, limits: Limits, request_timeout: Duration) -> Sockets {
        let (service, io) = SocketIo::builder()
            .ping_interval(PING_EVERY.min(request_timeout.mul_f64(0.8)))
            .connect_timeout(Duration::from_millis(limits.authenticate_ms.unsigned_abs()))
            .max_buffer_size(WAITING_MAX)
            .max_payload(MESSAGE_MAX as u64)
            .ws_read_buffer_size(READ_BYTES)
            .ws_max_message_size(MESSAGE_MAX)
            .ws_max_frame_size(MESSAGE_MAX)
            .build_with_inner_svc(Elsewhere);
        let (preparing, entering) = (Arc::downgrade(state), Arc::downgrade(state));
        // What is done is prepared before the client hears that it is connected: what it then sends finds it there.
        let prepared = async move |socket: SocketRef| -> Result<(), Infallible> {
            prepare(&socket, &preparing);
            Ok(())
        };
        let connected = async move |socket: SocketRef| {
            if let Some(state) = entering.upgrade() {
                enter(socket, &state);
            }
        };
        io.ns("/", connected.with(prepared));
        let (lines, polled) = (Lines::of(limits), service.clone());
        lines.on_end_polling(move |sid, after| end_polling(polled.clone(), sid, after));
        Sockets { service, io, lines, stop: watch::Sender::new(false) }
    }

    /// What the server of socket.io answers to a client that polls; `None` when the server ends meanwhile.
    pub async fn answer(&self, request: Request<Full<Bytes>>) -> Option<Response<Bytes>> {
        let mut stopping = self.stop.subscribe();
        tokio::select! {
            answer = poll(self.service.clone(), request) => Some(answer),
            _ = stopping.wait_for(|is_stopping| *is_stopping) => None,
        }
    }

    /// Gives a websocket to the server of socket.io: the pipe to it. `None` when it is none that it knows what to do with.
    pub fn accept(&self, line: &Arc<Line>, request: Request<()>) -> Option<Arc<Pipe>> {
        let pipe = Arc::new(Pipe::default());
        if !line.attach(pipe.clone()) {
            return None;
        }
        // A client that begins to change from polling to a websocket, and leaves, leaves nothing behind.
        let (lines, sid) = (self.lines.clone(), line.sid().map(str::to_owned));
        let on_end =
            sid.map(|sid| -> Box<dyn FnOnce() + Send> { Box::new(move || lines.end_polling(&sid, Duration::ZERO)) });
        let end = ServerEnd { pipe: pipe.clone(), on_end };
        let begun = Service::<(ServerEnd, Request<()>)>::call(&mut self.service.clone(), (end, request));
        begun.into_inner().is_ok().then_some(pipe)
    }

    /// Ends all connections.
    pub async fn stop(&self) {
        // A client that takes nothing does not hold up the end.
        let _ = tokio::time::timeout(GOODBYE, self.io.close()).await;
        self.stop.send_replace(true);
        for line in self.lines.open() {
            line.pipe().into_iter().for_each(|pipe| pipe.abort());
        }
    }
}

async fn poll(mut service: SocketIoService<Elsewhere>, request: Request<Full<Bytes>>) -> Response<Bytes> {
    let Ok(answer) = Service::<Request<Full<Bytes>>>::call(&mut service, request).await;
    let (head, body) = answer.into_parts();
    let Ok(body) = body.collect().await;
    Response::from_parts(head, body.to_bytes())
}

/// Ends the connection of a client that polls, as if the client had. One that is a websocket now stays.
fn end_polling(service: SocketIoService<Elsewhere>, sid: &str, after: Duration) {
    // Without a runtime the server is gone.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let Ok(uri) = Uri::try_from(format!("/socket.io/?EIO=4&transport=polling&sid={sid}")) else { return };
    runtime.spawn(async move {
        tokio::time::sleep(after).await;
        let mut request = Request::new(Full::new(Bytes::from_static(b"1")));
        (*request.method_mut(), *request.uri_mut()) = (Method::POST, uri);
        poll(service, request).await;
    });
}
