//! What a database must come back from: its export, a backup, and a hub.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use telecomx_local::auth::secrets::{Sealer, key_path};
use telecomx_local::clock::Clock;
use telecomx_local::db::{Exclusive, ReadOnly, ReadTx};
use telecomx_local::error::Result as DomainResult;
use telecomx_local::store::audit_chain::{self, ChainVerdict};
use telecomx_local::store::{health, sync_state};
use telecomx_local::sync::edge::client::HubClient;
use telecomx_local::sync::edge::enrolment;
use telecomx_local::sync::edge::restore::{fetch, rebuild};
use telecomx_local::usecases::{export, import};
use tempfile::TempDir;
use uuid::Uuid;

use crate::hubs::Hub;
use crate::support::{Client, TestApp};
use crate::world::export_of;

/// What `doctor` looks at in the file; the first fault it finds.
fn examine(tx: &ReadTx) -> DomainResult<Option<String>> {
    let wrong = health::examine(tx).into_iter().find_map(|check| check.wrong.map(|wrong| (check.what, wrong)));
    let chain = audit_chain::verify(tx, |_| {})?;
    let broken = (!matches!(chain, ChainVerdict::Intact { .. })).then(|| format!("audit: {chain:?}"));
    Ok(wrong.map(|(what, wrong)| format!("{what}: {wrong}")).or(broken))
}

/// Fails when `doctor` would find something.
fn is_healthy(what: &str, found: DomainResult<Option<String>>) -> Result<(), String> {
    match found.unwrap() {
        None => Ok(()),
        Some(wrong) => Err(format!("doctor of {what}: {wrong}")),
    }
}

fn exported(tx: &ReadTx, secrets: Option<&Sealer>) -> DomainResult<String> {
    let mut text = Vec::new();
    export::write(tx, secrets, &mut text)?;
    Ok(String::from_utf8(text).unwrap())
}

fn is_equal(what: &str, expected: &str, found: &str) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    let (a, b) = expected.lines().zip(found.lines()).find(|(a, b)| a != b).unwrap_or_default();
    Err(format!("{what} is not equal\n{a}\n{b}"))
}

/// A new and empty database in a folder of its own.
fn new_database(folder: &TempDir) -> (Exclusive, Sealer) {
    let path = folder.path().join("new.db");
    (Exclusive::open(&path, Clock::default()).unwrap(), Sealer::open(&path, None).unwrap())
}

pub fn doctor(app: &TestApp) -> Result<(), String> {
    is_healthy("the database", app.db.read(examine))
}

pub fn from_export(app: &TestApp) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let (database, sealer) = new_database(&folder);
    let document = app.export();
    let imported = database
        .write("import", |tx| import::run(tx, &sealer, document.as_bytes(), import::Options::default(), |_, _, _| {}));
    imported.map_err(|error| format!("import of the export: {error}"))?;
    is_equal("the export of the import", &document, &database.read(|tx| exported(tx, Some(&sealer))).unwrap())?;
    is_healthy("the import", database.read(examine))
}

pub fn from_backup(app: &TestApp) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy.db");
    let open = |path: &Path| ReadOnly::open(path, app.clock.clone()).unwrap();
    open(&app.path()).backup_to(&copy, |_, _| {}).unwrap();
    std::fs::copy(key_path(&app.path()), key_path(&copy)).unwrap();
    let sealer = Sealer::read(&copy).unwrap();
    is_equal("the backup", &app.export(), &open(&copy).read(|tx| exported(tx, sealer.as_ref())).unwrap())?;
    is_healthy("the backup", open(&copy).read(examine))
}

/// Enrols the server, in the place of the hub it has.
pub fn enroll(hub: &Hub, admin: &Client) {
    let current = admin.get("/sync/status").ok()["hub"].clone();
    let body = json!({ "url": hub.url, "code": hub.code(None), "currentHub": current });
    let status = admin.post("/sync/enroll", body).ok();
    assert!(status["lastError"].is_null(), "{status}");
}

/// Mirrors the server to the hub it is enrolled with, and restores it from there into a new database.
pub fn from_hub(name: &str, hub: &Hub, app: &TestApp, admin: &Client) -> Result<(), String> {
    let status = admin.act("/sync").ok();
    if status["consistent"] != true {
        return Err(format!("the mirror on {name} is not consistent\n{status}"));
    }
    let proof = admin.act("/sync/verify").ok();
    if proof["equal"] != true {
        return Err(format!("the mirror on {name} differs\n{proof}"));
    }
    let origin = app.db.read(sync_state::enrolment).unwrap().unwrap().origin;
    let folder = TempDir::new().unwrap();
    let (database, sealer) = new_database(&folder);
    let client = HubClient::new(&hub.url, None, Arc::default()).unwrap();
    let enrolled = client.enroll(&hub.code(Some(&origin)), None).unwrap();
    let fetched = fetch(&client, &enrolled, |_| {}).unwrap();
    let (enrolment, _) = enrolment::sealed(&hub.url, &enrolled, &sealer).unwrap();
    let rebuilt = database.write("restore", |tx| rebuild(tx, &enrolment, &fetched, Uuid::new_v4()));
    rebuilt.map_err(|error| format!("restore from {name}: {error}"))?;
    let restored = database.read(|tx| exported(tx, None)).unwrap();
    is_equal(&format!("what was restored from {name}"), &export_of(app), &restored)?;
    is_healthy(&format!("what was restored from {name}"), database.read(examine))
}
