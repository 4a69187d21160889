//! Hubs in this process, on a port of their own, one for each kind of store: all cases of a run share them.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};

use serde_json::json;
use telecomx_local::auth::secrets::{new_token, token_hash};
use telecomx_local::clock::Clock;
use telecomx_local::sync::hub::api::{routes::start, state::HubState};
use telecomx_local::sync::hub::postgres::{Address, PostgresHub};
use telecomx_local::sync::hub::sqlite::SqliteHub;
use telecomx_local::sync::hub::store::HubStore;
use telecomx_local::web::server::block_on;
use tempfile::TempDir;
use uuid::Uuid;

use crate::play::work_in_memory;
use crate::postgres_server::shared;
use crate::support::Client;

pub struct Hub {
    pub url: String,
    admin: Client,
}

static SQLITE: LazyLock<Hub> = LazyLock::new(|| {
    let folder = TempDir::new().unwrap().keep();
    remove_at_the_end(&folder);
    Hub::serving(async move |serve| serve.with(SqliteHub::open(&folder.join("hub.db")).unwrap()).await)
});

/// Has the folder removed when this process ends, however it ends: what is static is never dropped.
fn remove_at_the_end(folder: &Path) {
    let script = "trap '' INT TERM HUP; read -r _; rm -rf \"$0\"";
    let mut command = Command::new("sh");
    let waiting = command.args(["-c", script]).arg(folder).stdin(Stdio::piped()).spawn().unwrap();
    std::mem::forget(waiting);
}

static POSTGRES: LazyLock<Hub> = LazyLock::new(|| {
    let url = shared().database();
    Hub::serving(async move |serve| serve.with(PostgresHub::open(&Address { url, ca: None }).await.unwrap()).await)
});

pub fn on_sqlite() -> &'static Hub {
    work_in_memory();
    &SQLITE
}

pub fn on_postgres() -> &'static Hub {
    work_in_memory();
    &POSTGRES
}

/// What a hub is to listen on, and its administrator's token.
struct Serve {
    listener: TcpListener,
    token: String,
}

impl Serve {
    /// For as long as the process lives.
    async fn with(self, store: impl HubStore) {
        store.set_administrator(token_hash(&self.token).unwrap(), None).await.unwrap();
        let state = HubState::new(Arc::new(store), Clock::default());
        let _running = start(self.listener, None, state).unwrap();
        std::future::pending::<()>().await;
    }
}

impl Hub {
    fn serving(work: impl AsyncFnOnce(Serve) + Send + 'static) -> Hub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (token, _) = new_token().unwrap();
        let admin = Client::new(&url, Some(&token));
        std::thread::spawn(move || block_on(work(Serve { listener, token })));
        Hub { url, admin }
    }

    /// A one-time code: for a new edge, or for the machine that takes the place of `origin`.
    pub fn code(&self, origin: Option<&str>) -> String {
        // Names are unique in a fleet, and all cases share it.
        let name = || format!("Bakery {}", Uuid::new_v4());
        let body = origin.map_or_else(|| json!({ "name": name() }), |origin| json!({ "origin": origin }));
        self.admin.post("/sync/v1/codes", body).ok()["code"].as_str().unwrap().to_owned()
    }
}
