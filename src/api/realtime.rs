//! `/tools/realtime`: events that a server of the platform broadcasts.

use serde_json::{Map, Value};

use crate::db::ReadTx;
use crate::domain::access::Actor;
use crate::domain::fields::read_body;
use crate::domain::id::Id;
use crate::domain::realtime::{Event, Kind};
use crate::error::{Check, Error, Result};
use crate::usecases::realtime;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// The longest name of an event.
const NAME_MAX: usize = 100;

fn event(name: String, customer: Id, id: Option<Id>, employee: Option<Id>, data: Option<Value>) -> Event {
    let customer = Some(customer);
    Event { kind: Kind::Config, name, customer, id, data, employee, hides_employee: false }
}

fn required(name: &str) -> Error {
    Error::invalid(name, Check::Required, format!("{name} is required"))
}

/// api:tools:realtime:proxy by GET. 403 `access_denied`, 404 `eventType` or `customer`, 422 `eventType`.
pub async fn broadcast_get(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = request.context.query();
    let (name, customer) = (query.given_text("eventType")?, query.id("customer")?);
    let (id, employee) = (query.id("id")?, query.id("employee")?);
    let given = || {
        let name = name.ok_or_else(|| required("eventType"))?;
        Ok(event(name, customer.ok_or_else(|| required("customer"))?, id, employee, None))
    };
    let given = given();
    let state = request.context.state.clone();
    request.read(|tx, actor| {
        state.realtime.publish(allowed(tx, actor, given)?)?;
        Ok(ApiResponse::success())
    })
}

/// api:tools:realtime:proxy by POST, which may have `data`. Errors as by GET.
pub async fn broadcast_post(request: AuthenticatedRequest) -> Result<ApiResponse> {
    let given = read(&request.context.object()?);
    let state = request.context.state.clone().into_inner();
    request
        .post_read(move |tx, actor| {
            state.realtime.publish(allowed(tx, actor, given)?)?;
            Ok(ApiResponse::success())
        })
        .await
}

fn read(body: &Map<String, Value>) -> Result<Event> {
    read_body(body, |fields| {
        let mut name = String::new();
        fields.require(&["eventType", "customer"]);
        fields.required_text("eventType", 1, NAME_MAX, &mut name);
        let customer = fields.id("customer").unwrap_or(Id::ZERO);
        let data = fields.value("data").cloned();
        event(name, customer, fields.id("id"), fields.id("employee"), data)
    })
}

/// The event, if the actor may broadcast it.
fn allowed(tx: &ReadTx, actor: &Actor, given: Result<Event>) -> Result<Event> {
    realtime::allow_broadcasts(actor)?;
    let event = given?;
    realtime::check_event(tx, &event)?;
    Ok(event)
}
