//! `/employee`

use serde_json::{Map, Value, json};

use crate::auth::authorization::{Owner, allow, allow_change, deny_impersonation, is_allowed};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{
    Actor, EMPLOYEE_CREATE, EMPLOYEE_GET, EMPLOYEE_LIST, EMPLOYEE_MANAGE, EMPLOYEE_UPDATE, EMPLOYEE_UPDATE_SELF, Level,
};
use crate::domain::audit::Action;
use crate::domain::employee::{Employee, only_harmless, password};
use crate::domain::fields::{Fields, read_body};
use crate::domain::id::Id;
use crate::domain::time::Time;
use crate::error::{Check, Error, Faults, Result};
use crate::store::employees::EmployeeFilter;
use crate::store::{credentials, customers, employees, sessions};
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// The furthest a delete may be put off.
const DELETE_AHEAD_MAX_MS: i64 = 366 * 24 * 3_600_000;

pub fn owner(employee: &Employee) -> Owner {
    Owner::to_employee(employee.id, employee.customer)
}

/// The id in the path; 400 `employee` as the pages have it.
fn id_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    let malformed = Error::BadRequest { code: "employee", message: "Employee id not found in request URI".into() };
    call.visit.segment("employee").parse().map_err(|_| malformed)
}

/// api:employee:list
pub async fn list(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = call.visit.query();
    let window = query.window(100, 500)?;
    let (customer, full, include_deleted) = (query.id("customer")?, query.flag("full")?, query.flag("includeDeleted")?);
    let text = query.text("filter")?;
    call.read_list(move |tx, actor| {
        let customer = customer.unwrap_or(actor.customer);
        customers::get(tx, customer)?;
        allow(tx, actor, EMPLOYEE_LIST, Owner::to_customer(customer))?;
        let page = employees::list(tx, &EmployeeFilter { customer, include_deleted, text }, window)?;
        let rows: Vec<Value> = page.rows.iter().map(|row| if full { json!(row) } else { summary(row) }).collect();
        ApiResponse::json(&json!({
            "offset": window.offset, "limit": window.limit, "total": page.total, "employees": rows
        }))
    })
    .await
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
        let employee = employees::get(tx, id)?;
        allow(tx, actor, EMPLOYEE_GET, owner(&employee))?;
        ApiResponse::object(&employee, employee.rev)
    })
}

/// api:employee:create. `password` only with `noEmail`. 403 for a level above the caller's own, 404 `customer`,
/// 409 `emailAddress`.
pub async fn create(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let body = call.visit.object()?;
    // Whose employee it is to be decides the access; everything else is looked at afterwards.
    let customer = Fields::new(&body, "", &mut Faults::default()).id("customer");
    let may_create = |tx: &ReadTx, actor: &Actor| match customer {
        Some(customer) => is_allowed(tx, actor, EMPLOYEE_CREATE, Owner::to_customer(customer)),
        None => Ok(false),
    };
    let password_hash = hash_given_password(&call, &body, may_create).await?;
    call.write(move |tx, actor| {
        if let Some(customer) = customer {
            customers::get(tx, customer)?;
            let subject = customers::subject(customer);
            allow_change(tx, actor, EMPLOYEE_CREATE, Owner::to_customer(customer), Action::Create, subject)?;
        } else if actor.level < Level::Viewer {
            return Err(Error::access_denied());
        }
        let new = read_body(&body, |fields| {
            fields.require(&["customer", "accessLevel", "name"]);
            let id = Id::new(tx.now);
            let mut employee = Employee::new(id, customer.unwrap_or(id));
            employee.apply(fields);
            employee.refuse_deleted(fields);
            if employee.no_email && !fields.is_given("emailAddress") {
                fields.require(&["emailAddress"]);
            }
            if password(fields).is_some() && !employee.no_email {
                fields.fault("password", Check::Format, "A password can only be given with noEmail: true");
            }
            employee
        })?;
        check_new_values(tx, actor, &new, None)?;
        let created = employees::upsert(tx, new, None)?;
        if let Some(hash) = password_hash.of_one_who_may()? {
            credentials::set_password(tx, created.id, &hash)?;
        }
        ApiResponse::object(&created, created.rev)
    })
    .await
}

/// api:employee:update. PERSONAL and VIEWER: the harmless properties of themselves. 403 for a level above the
/// caller's own, before or after; 404 `employee`, 409 `emailAddress`.
pub async fn update(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    let body = call.visit.object()?;
    let preconditions = call.preconditions();
    let is_harmless = only_harmless(&Fields::new(&body, "", &mut Faults::default()));
    let permission = if is_harmless { EMPLOYEE_UPDATE_SELF } else { EMPLOYEE_UPDATE };
    // One may not touch somebody above oneself either: a new password would be a way up.
    let may_update = move |tx: &ReadTx, actor: &Actor, old: &Employee| -> Result<bool> {
        Ok(old.access_level <= actor.level && is_allowed(tx, actor, permission, owner(old))?)
    };
    let may_update_now = |tx: &ReadTx, actor: &Actor| match employees::find_live(tx, id)? {
        Some(old) => may_update(tx, actor, &old),
        None => Ok(false),
    };
    let password_hash = hash_given_password(&call, &body, may_update_now).await?;
    call.write(move |tx, actor| {
        let old = employees::get(tx, id)?;
        let subject = employees::subject(&old);
        if !may_update(tx, actor, &old)? {
            return Err(tx.refuse(Error::access_denied(), Action::Update, subject));
        }
        if actor.employee == id && body.contains_key("password") {
            deny_impersonation(tx, actor, Action::Update, subject)?;
        }
        preconditions.check(old.rev)?;
        let new = read_body(&body, |fields| {
            let mut employee = old.clone();
            employee.apply(fields);
            employee.refuse_deleted(fields);
            if fields.id("customer").is_some_and(|customer| customer != old.customer) {
                fields.fault("customer", Check::Enum, "An employee cannot move to another customer");
            }
            if password(fields).is_some() && !employee.no_email && actor.employee != old.id {
                fields.fault("password", Check::Format, "Only the employee, or noEmail, may be given a password");
            }
            employee
        })?;
        if let Err(error) = check_new_values(tx, actor, &new, Some(&old)) {
            return Err(match error {
                Error::Forbidden { .. } => tx.refuse(error, Action::Update, subject),
                other => other,
            });
        }
        if let Some(hash) = password_hash.of_one_who_may()? {
            // Whoever knew the old password is out.
            sessions::delete_of(tx, id)?;
            credentials::set_password(tx, id, &hash)?;
        }
        let updated = employees::upsert(tx, new, Some(&old))?;
        ApiResponse::object(&updated, updated.rev)
    })
    .await
}

/// What cannot be told from the body alone.
fn check_new_values(tx: &ReadTx, actor: &Actor, new: &Employee, old: Option<&Employee>) -> Result<()> {
    if new.access_level > actor.level {
        return Err(Error::access_denied());
    }
    if old.is_none_or(|old| old.organization_resellers != new.organization_resellers)
        && !new.organization_resellers.is_empty()
    {
        if actor.level < Level::ResellerAdmin {
            return Err(Error::access_denied());
        }
        if !customers::get(tx, new.customer)?.has_feature("ORGANIZATION") {
            let message = "The customer does not have the ORGANIZATION feature";
            return Err(Error::invalid("organizationResellers", Check::Enum, message));
        }
    }
    if let Some(address) = new.address
        && old.is_none_or(|old| old.address != new.address)
        && !customers::get(tx, new.customer)?.addresses.iter().any(|known| known.id == address)
    {
        return Err(Error::invalid("address", Check::Exists, "Address not found"));
    }
    Ok(())
}

/// What became of the password in a body before the writer was asked.
enum GivenPassword {
    /// There is none, or none that is acceptable: that is reported with the body's other faults.
    None,
    Hashed(String),
    /// The caller might not write at that moment.
    Unhashed,
}

impl GivenPassword {
    /// The hash, when it has turned out that the caller may write.
    fn of_one_who_may(self) -> Result<Option<String>> {
        match self {
            GivenPassword::None => Ok(None),
            GivenPassword::Hashed(hash) => Ok(Some(hash)),
            // Allowed only in between: to be tried again.
            GivenPassword::Unhashed => Err(Error::Busy),
        }
    }
}

/// Hashes the password in a body before the writer is asked: it takes its time. Only for those who may write it, or
/// anybody could keep the logins waiting; whether they still may is seen again in the write.
async fn hash_given_password(
    call: &AuthenticatedRequest,
    body: &Map<String, Value>,
    may_write: impl FnOnce(&ReadTx, &Actor) -> Result<bool>,
) -> Result<GivenPassword> {
    let Ok(Some(password)) = read_body(body, password) else { return Ok(GivenPassword::None) };
    if !call.visit.state.db.read(|tx| may_write(tx, call.actor()))? {
        return Ok(GivenPassword::Unhashed);
    }
    call.visit.state.passwords.hash(password).await.map(GivenPassword::Hashed)
}

/// api:employee:delete. `deleteDate` puts it off. 400 `employee`, 403 `access_denied`, 404 `employee`,
/// 422 `deleteDate`.
pub async fn delete(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    let query = call.visit.query();
    // Given but empty is a fault: to take it for "now" would delete somebody by mistake.
    let date = query.get("deleteDate").map(str::to_owned);
    query.flag("deleteExtensions")?;
    query.flag("deleteMvnoAccounts")?;
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        let employee = employees::get(tx, id)?;
        let subject = employees::subject(&employee);
        allow_change(tx, actor, EMPLOYEE_MANAGE, owner(&employee), Action::Delete, subject)?;
        if employee.access_level > actor.level {
            return Err(tx.refuse(Error::access_denied(), Action::Delete, subject));
        }
        preconditions.check(employee.rev)?;
        let Some(at) = date.as_deref().map(|date| read_delete_date(date, tx.now)).transpose()?.flatten() else {
            employees::delete(tx, employee)?;
            return Ok(ApiResponse::success());
        };
        put_off_delete(tx, employee, at)
    })
    .await
}

fn put_off_delete(tx: &mut WriteTx, employee: Employee, at: Time) -> Result<ApiResponse> {
    let put_off = Employee { delete_date: Some(at), ..employee.clone() };
    employees::upsert(tx, put_off, Some(&employee))?;
    ApiResponse::json(&json!({ "success": true, "deleteDate": at }))
}

/// When the delete falls due; `None`: today, which is now.
fn read_delete_date(text: &str, now: Time) -> Result<Option<Time>> {
    let fault = |check, message: &str| Error::invalid("deleteDate", check, message);
    let date = Time::parse_date(text).ok_or_else(|| fault(Check::Format, "Delete date must be YYYY-MM-DD"))?;
    let day_ms = 24 * 3_600_000;
    if date.plus_ms(day_ms) <= now {
        return Err(fault(Check::Min, "Delete date is in the past"));
    }
    if date > now.plus_ms(DELETE_AHEAD_MAX_MS) {
        return Err(fault(Check::Max, "Delete date is too far in the future"));
    }
    Ok((date > now).then_some(date))
}

/// Whether the caller may manage this employee, for the endpoints on its secrets.
pub fn may_manage(tx: &ReadTx, actor: &Actor, employee: &Employee) -> Result<bool> {
    Ok(is_allowed(tx, actor, EMPLOYEE_MANAGE, owner(employee))? && employee.access_level <= actor.level)
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
    use crate::db::{Author, Db};
    use crate::store;
    use crate::sync::edge::worker::Worker;
    use crate::usecases::import;
    use crate::web::AppState;
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
        let sealer = Arc::new(Sealer::open(&path).unwrap());
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
            import::run(tx, &into, document.as_bytes(), |_, _, _| {})?;
            let mut tokens = [OWNER, MANAGER, PERSONAL].map(str::to_owned);
            for token in &mut tokens {
                let (made, hash) = new_token()?;
                store::tokens::insert(tx, &hash, token.parse().unwrap())?;
                *token = made;
            }
            Ok(tokens)
        };
        let tokens = db.write(Author::system("test"), load).await.unwrap();
        let mirror = Worker::start(db.clone(), sealer.clone(), None).unwrap();
        let state = AppState {
            db,
            sealer,
            mirror,
            hub_ca: None,
            identities: SessionCache::default(),
            passwords: Passwords::closed(),
            attempts: LoginThrottle::new(Limits { per_name: 1, per_address: 1, window_s: 1 }),
            under_way: Arc::default(),
            request_timeout: Duration::from_secs(30),
            is_tls: false,
        };
        (state, tokens)
    }

    #[actix_web::test]
    async fn a_password_is_hashed_only_for_those_who_may_write_it() {
        let folder = tempfile::tempdir().unwrap();
        let (state, [owner, manager, personal]) = without_hashing(folder.path()).await;
        let server =
            init_service(application(&[], |services| routes::configure(&web::Data::new(state), services))).await;
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

    #[test]
    fn a_delete_may_be_put_off_by_a_year() {
        let now = Time::parse("2026-03-01T12:00:00Z").unwrap();
        let read = |text| read_delete_date(text, now).map(|at| at.map(|at| at.to_string())).ok();
        assert_eq!(read("2026-03-02"), Some(Some("2026-03-02T00:00:00.000Z".into())));
        assert_eq!(read("2026-03-01"), Some(None));
        for refused in ["", "2026-02-28", "2027-03-03", "2026-3-2", "soon"] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }
}
