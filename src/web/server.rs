//! The HTTP server: workers, TLS, the way it stops.

use std::future::Future;
use std::net::{IpAddr, TcpListener};
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::{App, HttpServer, web};
use rustls::ServerConfig;

use super::connections::Connections;
use super::middleware;
use super::mock_pass;
use super::pace::{InFlight, SLICE};

/// How long requests under way may still take when the server stops.
const DRAIN_S: u64 = 8;
/// Threads for lists, per worker: each keeps some memory of its own.
const BLOCKING_THREADS: usize = 2;

/// What one caller may take of a server.
pub struct Limits {
    /// Threads that answer; `None`: as many as there are processors.
    pub workers: Option<usize>,
    /// Requests pass through what only a mock does with them.
    pub is_mock: bool,
    pub connections_per_address: usize,
    /// Long bodies that are not shared, of all callers together.
    pub bytes_in_flight: Option<u64>,
    /// Many callers are behind them.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Limits {
    /// Of a server whose callers are people and their programs.
    pub fn for_callers(trusted_proxies: &[IpAddr]) -> Limits {
        Limits {
            workers: None,
            is_mock: false,
            connections_per_address: 512,
            bytes_in_flight: Some(32 << 20),
            trusted_proxies: trusted_proxies.to_vec(),
        }
    }

    /// Of a hub: its callers are servers, which may all be behind one address.
    pub fn for_edges() -> Limits {
        Limits {
            workers: None,
            is_mock: false,
            connections_per_address: 8_192,
            bytes_in_flight: None,
            trusted_proxies: vec![],
        }
    }
}

/// Starts serving what `configure` registers on `listener`. Runs until the handle stops it.
pub fn start(
    listener: TcpListener,
    tls: Option<ServerConfig>,
    cors_origins: Vec<String>,
    limits: Limits,
    configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> std::io::Result<ServerHandle> {
    let connections = Connections::of(limits.connections_per_address, &limits.trusted_proxies);
    let in_flight = limits.bytes_in_flight.map(InFlight::of);
    let configure = move |services: &mut web::ServiceConfig| {
        if let Some(in_flight) = in_flight.clone() {
            services.app_data(in_flight);
        }
        configure(services);
    };
    let is_mock = limits.is_mock;
    let server = HttpServer::new(move || application(&cors_origins, is_mock, configure.clone()))
        .on_connect(move |io, extensions| connections.accept(io, extensions))
        .h1_write_buffer_size(SLICE)
        .disable_signals()
        .shutdown_timeout(DRAIN_S)
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(2));
    let server = match limits.workers {
        Some(workers) => server.workers(workers),
        None => server,
    };
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    let running = server.run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    Ok(handle)
}

/// The application that each worker runs. `cors_origins`: origins of web pages that may call, such as
/// `https://app.example.com`, or with `*` in the place of the port.
pub fn application<C: FnOnce(&mut web::ServiceConfig)>(
    cors_origins: &[String],
    is_mock: bool,
    configure: C,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl actix_web::body::MessageBody + use<C>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<C>,
> {
    App::new()
        .wrap(Condition::new(is_mock, from_fn(mock_pass::pass)))
        .wrap(Compress::default())
        .wrap(from_fn(middleware::pass))
        // Outermost: a page must be able to read also what the others answer, such as a time limit.
        .wrap(Condition::new(!cors_origins.is_empty(), cors(cors_origins)))
        .wrap(from_fn(middleware::name_cors_refusal))
        .configure(configure)
}

fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "DELETE"])
        .allowed_headers([
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
            "X-Request-Id",
        ])
        .expose_headers(["ETag", "X-Request-Id", "Retry-After", "Idempotent-Replayed"])
        .supports_credentials()
        .max_age(3_600);
    origins.iter().fold(cors, |cors, origin| match origin.strip_suffix('*') {
        Some(prefix) => {
            let prefix = prefix.as_bytes().to_vec();
            cors.allowed_origin_fn(move |origin, _| is_any_port(origin.as_bytes(), &prefix))
        }
        None => cors.allowed_origin(origin),
    })
}

/// Whether an origin is `prefix`, which ends in a colon, with any port.
fn is_any_port(origin: &[u8], prefix: &[u8]) -> bool {
    let port = origin.strip_prefix(prefix);
    port.is_some_and(|port| !port.is_empty() && port.iter().all(u8::is_ascii_digit))
}

/// Runs a future on the server's runtime.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(future)
}
