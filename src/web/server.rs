//! The HTTP server: workers, TLS, the way it stops.

use std::future::Future;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{HttpServer, web};
use anyhow::{Context as _, ensure};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::application;

/// How long requests under way may still take when the server stops.
const DRAIN_S: u64 = 8;
/// Threads for lists and hashing, per worker: each keeps some memory of its own.
const BLOCKING_THREADS: usize = 2;

/// Starts serving what `configure` registers on `listener`. Runs until the handle stops it.
pub fn start(
    listener: TcpListener,
    tls: Option<ServerConfig>,
    cors_origins: Vec<String>,
    configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> std::io::Result<ServerHandle> {
    let server = HttpServer::new(move || application(&cors_origins, configure.clone()))
        .disable_signals()
        .shutdown_timeout(DRAIN_S)
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(2));
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    let running = server.run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    Ok(handle)
}

/// Runs a future on the server's runtime.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(future)
}

/// The server's side of TLS, from PEM files; `None` without them. The error says what is wrong with which file.
pub fn tls(cert: Option<&Path>, key: Option<&Path>) -> anyhow::Result<Option<ServerConfig>> {
    let (Some(cert), Some(key)) = (cert, key) else { return Ok(None) };
    let cannot_be_used = |path: &Path| format!("{} cannot be used for TLS", path.display());
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| cannot_be_used(cert))?;
    ensure!(!chain.is_empty(), "{}: it holds no certificate", cannot_be_used(cert));
    let private = PrivateKeyDer::from_pem_file(key).with_context(|| cannot_be_used(key))?;
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map(Some)
        .with_context(|| cannot_be_used(cert))
}
