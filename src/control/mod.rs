//! What only a mock offers: reset, snapshots, the clock, faults, the journal, workspaces. A listener of its own, on loopback.

mod calls;
mod data;
mod events;
mod guard;
mod openapi;
mod outbox;
mod routes;
mod seed;
mod shared;
mod workspace_calls;
mod workspaces;

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use anyhow::{Context as _, Result as AnyResult};

pub use seed::{Seed, seed_time};
pub use shared::Shared;
pub use workspaces::{Begin, Begun};

/// How long a connection may wait for its request. Workspaces are begun on the thread that reads requests, so on a
/// busy machine one that has arrived is read late: it must not be answered 408, or cut off, as if it had never come.
const PATIENCE: Duration = Duration::from_secs(60);

/// The listener of the controls.
pub struct Control {
    /// `http://ADDR:PORT`
    pub url: String,
    shared: web::Data<Shared>,
    server: ServerHandle,
}

impl Control {
    pub fn start(listener: TcpListener, shared: Shared) -> AnyResult<Control> {
        let address = listener.local_addr().context("the address of the controls is not known")?;
        let shared = web::Data::new(shared);
        let served = shared.clone();
        let server = HttpServer::new(move || {
            App::new().wrap(from_fn(guard::pass)).app_data(served.clone()).configure(routes::configure)
        });
        // One thread is enough, and workspaces live on it.
        let server = server.workers(1).disable_signals().shutdown_timeout(1);
        let server = server.client_request_timeout(PATIENCE).keep_alive(PATIENCE).listen(listener)?.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Ok(Control { url: format!("http://{address}"), shared, server: handle })
    }

    /// Drops all workspaces, and ends the listener.
    pub async fn stop(self) {
        if let Some(workspaces) = &self.shared.workspaces {
            workspaces.drop_all().await;
        }
        self.server.stop(true).await;
    }
}
