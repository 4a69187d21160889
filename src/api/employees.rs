//! `/employee`

use serde_json::{Map, Value, json};

use crate::auth::contexts::PLATFORM_PASSWORD;
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::Actor;
use crate::domain::employee::{Employee, password};
use crate::domain::fields::read_body;
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::employees::EmployeeFilter;
use crate::usecases::access_away;
use crate::usecases::employees::{self, Delete, GivenPassword};
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// The id in the path; 400 `employee` as the pages have it.
fn id_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    let malformed = Error::BadRequest { code: "employee", message: "Employee id not found in request URI".into() };
    call.context.segment("employee").parse().map_err(|_| malformed)
}

/// api:employee:list
pub async fn list(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = call.context.query();
    let window = query.window(100, 500)?;
    let (customer, full, include_deleted) = (query.id("customer")?, query.flag("full")?, query.flag("includeDeleted")?);
    let text = query.text("filter")?;
    call.read_list(move |tx, actor| {
        let filter = EmployeeFilter { customer: customer.unwrap_or(actor.customer), include_deleted, text };
        let page = employees::list(tx, actor, &filter, window)?;
        let rows: Vec<Value> = page.rows.iter().map(|row| if full { json!(row) } else { summary(row) }).collect();
        ApiResponse::json(&json!({
            "offset": window.offset, "limit": window.limit, "total": page.total, "employees": rows
        }))
    })
    .await
}

/// The employee as everybody sees it who may.
fn shown(employee: &Employee) -> Result<ApiResponse> {
    ApiResponse::object(employee, employee.rev)
}

fn summary(employee: &Employee) -> Value {
    let mut row = json!(employee);
    if let Some(row) = row.as_object_mut() {
        let kept = ["_id", "customer", "accessLevel", "state", "name", "title", "department", "emailAddress"];
        row.retain(|name, _| kept.contains(&name.as_str()));
    }
    row
}

/// api:employee:get. 400 `employee`, 403 `access_denied`, 404 `employee`.
pub async fn get(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.read(|tx, actor| {
        let employee = employees::get(tx, actor, id)?;
        shown(&employee)
    })
}

/// api:employee:create. `password` only with `noEmail`. 403 for a level above the caller's own, 404 `customer`,
/// 409 `emailAddress`.
pub async fn create(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let body = call.context.object()?;
    let password = hash_given_password(&call, &body, |tx, actor| employees::may_create(tx, actor, &body)).await?;
    let new_colleagues = call.context.state.new_colleagues;
    call.write(move |tx, actor| {
        let created = employees::create(tx, actor, None, &body, password, new_colleagues)?;
        shown(&created)
    })
    .await
}

/// api:employee:update. PERSONAL and VIEWER: the harmless properties of themselves. 403 for a level above the
/// caller's own, before or after; 404 `employee`, 409 `emailAddress`.
pub async fn update(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    let body = call.context.object()?;
    let preconditions = call.preconditions();
    let takes_access_away = access_away::of_employee(&call.context.state.db, id, &body)?;
    let password = hash_given_password(&call, &body, |tx, actor| employees::may_update(tx, actor, id, &body)).await?;
    let update = move |tx: &mut WriteTx, actor: &Actor| {
        let updated = employees::update(tx, actor, id, &body, password, |old| preconditions.check(|| shown(old)))?;
        shown(&updated)
    };
    if takes_access_away { call.take_access_away(update).await } else { call.write(update).await }
}

/// Hashes the password in a body before the write, because it takes tens of milliseconds. Only for those who may write it, or
/// anybody could keep the logins waiting; whether they still may is seen again in the write.
async fn hash_given_password(
    call: &AuthenticatedRequest,
    body: &Map<String, Value>,
    may_write: impl FnOnce(&ReadTx, &Actor) -> Result<bool>,
) -> Result<GivenPassword> {
    let Ok(Some(password)) = read_body(body, password) else { return Ok(GivenPassword::None) };
    if !call.context.state.db.read(|tx| may_write(tx, call.actor()))? {
        return Ok(GivenPassword::Unhashed);
    }
    let sealed = call.context.state.sealer.seal(PLATFORM_PASSWORD, password.as_bytes())?;
    let hash = call.context.state.passwords.hash(password).await?;
    Ok(GivenPassword::Hashed { hash, sealed })
}

/// api:employee:delete. `deleteDate` schedules it; `deleteExtensions` deletes its extensions too. 400 `employee`, 403 `access_denied`, 404 `employee`,
/// 422 `deleteDate`.
pub async fn delete(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    let query = call.context.delete_query(&["deleteDate", "deleteExtensions", "deleteMvnoAccounts"])?;
    // Given but empty is a fault: read as "now" it would delete an employee by mistake.
    let date = query.get("deleteDate").map(str::to_owned);
    let delete = Delete { date, with_extensions: query.flag("deleteExtensions")? };
    query.flag("deleteMvnoAccounts")?;
    let preconditions = call.preconditions();
    call.take_access_away(move |tx, actor| {
        match employees::delete(tx, actor, id, &delete, |old| preconditions.check(|| shown(old)))? {
            None => Ok(ApiResponse::success()),
            Some(at) => ApiResponse::json(&json!({ "success": true, "deleteDate": at })),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::routes;
    use crate::auth::login_throttle::{Limits, LoginThrottle};
    use crate::auth::passwords::Passwords;
    use crate::auth::secrets::{Sealer, new_token};
    use crate::auth::session_cache::SessionCache;
    use crate::clock::Clock;
    use crate::db::{Author, Db, WriteTx};
    use crate::platform::gate::PlatformGate;
    use crate::platform::settings::PlatformSettings;
    use crate::platform::worker::PlatformWorker;
    use crate::store::sessions::{self, Session};
    use crate::sync::edge::settings::HubSettings;
    use crate::sync::edge::worker::Worker;
    use crate::usecases::import;
    use crate::web::AppState;
    use crate::web::aliases::Aliases;
    use crate::web::browser::Hosts;
    use crate::web::server::application;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::web;
    use std::sync::Arc;
    use std::time::Duration;

    const CUSTOMER: &str = "c00000000000000000000001";
    const OWNER: &str = "e00000000000000000000001";
    const MANAGER: &str = "e00000000000000000000002";
    const PERSONAL: &str = "e00000000000000000000003";

    /// A server that hashes no password, on a world of three, and a token of each of them.
    async fn without_hashing(folder: &std::path::Path) -> (AppState, [String; 3]) {
        let path = folder.join("telecomx.db");
        let db = Arc::new(Db::open(&path, Clock::default()).unwrap());
        let sealer = Arc::new(Sealer::open(&path, None).unwrap());
        let address = json!({ "address": "Gade 1", "zip": "8000", "city": "Aarhus" });
        let employee = |(id, level): (&str, &str)| {
            let address = format!("{id}@example.com");
            json!({ "_id": id, "customer": CUSTOMER, "accessLevel": level, "name": level, "emailAddress": address })
        };
        let employees = [(OWNER, "OWNER"), (MANAGER, "MANAGER"), (PERSONAL, "PERSONAL")].map(employee);
        let world = json!({
            "customers": [{ "_id": CUSTOMER, "name": "Bakery", "addresses": [address] }],
            "employees": employees,
        });
        let (document, into) = (world.to_string(), sealer.clone());
        let load = move |tx: &mut WriteTx| {
            import::run(tx, &into, document.as_bytes(), import::Options::default(), |_, _, _| {})?;
            let mut tokens = [OWNER, MANAGER, PERSONAL].map(str::to_owned);
            for token in &mut tokens {
                let (made, hash) = new_token()?;
                let session = Session {
                    employee: token.parse().unwrap(),
                    impersonator: None,
                    parent: None,
                    ip: None,
                    login_ip: String::new(),
                    persist: true,
                    last_used_at: tx.now,
                };
                sessions::insert(tx, &hash, &session)?;
                *token = made;
            }
            Ok(tokens)
        };
        let tokens = db.write(Author::system("test"), load).await.unwrap();
        let mirror = Worker::start(db.clone(), sealer.clone(), HubSettings::default()).unwrap();
        let platform_worker = PlatformWorker::start(db.clone(), sealer.clone(), PlatformSettings::default()).unwrap();
        let platform = PlatformGate::new(PlatformSettings::default(), db.clock().clone()).unwrap();
        let (realtime, _) = crate::realtime::Realtime::start(&db);
        let config = crate::config::Config::default();
        let state = AppState {
            platform: Arc::new(platform),
            db: db.clone(),
            sealer,
            mirror,
            hub: HubSettings::default(),
            platform_worker,
            hosts: Hosts::any(),
            metrics_token: None,
            trusted_proxies: vec![],
            aliases: Aliases::default(),
            session_cache: SessionCache::default(),
            passwords: Passwords::closed(),
            login_throttle: LoginThrottle::new(Limits { per_name: 1, per_address: 1, window_s: 1 }),
            outgoing: crate::web::outgoing::Outgoing {
                mailer: crate::mail::Mailer::start(db.clone(), None).unwrap(),
                reset_requests: crate::auth::reset_requests::ResetRequests::new(1),
                page: String::new(),
                logs_links: false,
            },
            in_flight: Arc::default(),
            uploads: Default::default(),
            event_streams: crate::web::stream_places::EventStreams::of(config.realtime_limits()),
            lag_history: Default::default(),
            audit_proofs: Default::default(),
            surroundings: config.surroundings(),
            has_console: true,
            mock: None,
            request_timeout: Duration::from_secs(30),
            realtime,
            backups: None,
            new_colleagues: Default::default(),
            app_versions: Default::default(),
            requests: crate::web::figures::Requests::default(),
            is_tls: false,
            certificate_file: None,
        };
        (state, tokens)
    }

    #[actix_web::test]
    async fn a_password_is_hashed_only_for_those_who_may_write_it() {
        let folder = tempfile::tempdir().unwrap();
        let (state, [owner, manager, personal]) = without_hashing(folder.path()).await;
        let server =
            init_service(application(&[], false, |services| routes::configure(&web::Data::new(state), services))).await;
        let new = json!({
            "customer": CUSTOMER, "accessLevel": "PERSONAL", "name": "x", "noEmail": true, "emailAddress": "reception",
            "password": "Passw0rd",
        });
        let (update, password) = (format!("/employee/{OWNER}"), json!({ "password": "Passw0rd" }));
        let refused = [
            (&personal, "/employee", &new),
            (&personal, update.as_str(), &password),
            (&manager, update.as_str(), &password),
        ];
        let busy = [(&manager, "/employee", &new), (&owner, update.as_str(), &password)];
        let expected = [(&refused[..], 403), (&busy[..], 503)];
        for ((token, path, body), status) in expected.iter().flat_map(|(calls, status)| calls.iter().zip([*status; 3]))
        {
            let request = TestRequest::post().uri(path).set_json(body);
            let request = request.insert_header(("authorization", format!("Bearer {token}")));
            let answer = call_service(&server, request.to_request()).await;
            assert_eq!(answer.status().as_u16(), status, "{path} {body}");
        }
    }
}
