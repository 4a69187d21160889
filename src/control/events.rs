//! The handler of events: any event of the platform's, sent to whoever listens.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::calls::{success, wrong};
use super::shared::Shared;
use crate::domain::id::Id;
use crate::domain::realtime::{Event, Kind};
use crate::error::Result;

/// An event to be sent.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// CONFIG, CALL, REGISTER, PBX or REALTIME.
    pub channel: String,
    /// Whose subscribers hear it, beside those of the channels of administrators; left out: only these.
    pub customer: Option<Id>,
    /// Its name, such as CALL_START: any.
    pub event: String,
    /// The object that it is about.
    pub id: Option<Id>,
    /// Who caused it.
    pub employee: Option<Id>,
    /// Whatever is to come along.
    pub data: Option<Value>,
}

pub async fn send_event(shared: Data<Shared>, body: Json<NewEvent>) -> Result<HttpResponse> {
    let NewEvent { channel, customer, event, id, employee, data } = body.into_inner();
    let names = Kind::NAMES.join(", ");
    let kind = Kind::parse(&channel).ok_or_else(|| wrong("channel", format!("channel must be one of {names}")))?;
    let event = Event { kind, name: event, customer, id, data, employee, hides_employee: false };
    shared.state.realtime.publish(event)?;
    success()
}
