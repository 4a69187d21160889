//! `/pbx/switch` and `/pbx/variable`

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::fields::read_body;
use crate::domain::id::Id;
use crate::domain::pbx::Kind;
use crate::error::Result;
use crate::usecases::pbx::named_values::{self, NamedValue, NewValue};
use crate::web::query::Query;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// A switch or a variable.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Shown<V> {
    /// What it is called: `SHARED:` or an employee's id stand in front of what is not the PBX's.
    #[schemars(example = "SHARED:night")]
    name: String,
    /// What it is set to.
    value: V,
    /// SYSTEM: of the PBX; SHARED: of everybody; PERSONAL: of an employee.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["SYSTEM", "SHARED", "PERSONAL"]), example = &"SHARED")]
    kind: &'static str,
    /// Whose it is, in a list; left out unless it is PERSONAL.
    #[serde(skip_serializing_if = "Option::is_none")]
    employee: Option<Whose>,
}

/// An employee.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NamedValueEmployee")]
struct Whose {
    #[serde(rename = "_id")]
    id: Id,
    /// Name.
    #[schemars(example = "Paul Personal")]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

fn shown(found: NamedValue, is_in_list: bool) -> Shown<Value> {
    let whose = found.scope.employee().filter(|_| is_in_list);
    Shown {
        name: found.name,
        value: found.value,
        kind: found.scope.name(),
        employee: whose.map(|id| Whose { id, name: found.employee_name }),
    }
}

async fn list(call: AuthenticatedRequest, kind: Kind) -> Result<ApiResponse> {
    let customer = call.context.query().id("customer")?;
    call.read_list(move |tx, actor| {
        let found = named_values::list(tx, actor, kind, customer)?.into_iter();
        ApiResponse::json(&found.map(|found| shown(found, true)).collect::<Vec<_>>())
    })
    .await
}

/// A GET with `value` sets it, as POST does.
async fn get(call: AuthenticatedRequest, kind: Kind) -> Result<ApiResponse> {
    let query = call.context.query();
    let customer = query.id("customer")?;
    let name = call.context.name_segment("name");
    if query.get("value").is_some() {
        let value = Some(value_of(&query, kind)?);
        return set(call, NewValue { kind, name, customer, value }).await;
    }
    call.read(|tx, actor| {
        let found = named_values::get(tx, actor, kind, &name, customer)?;
        ApiResponse::json(&shown(found, false))
    })
}

fn value_of(query: &Query, kind: Kind) -> Result<Value> {
    match kind {
        Kind::Switch => Ok(json!(query.flag("value")?)),
        _ => Ok(json!(query.get("value"))),
    }
}

async fn post(call: AuthenticatedRequest, kind: Kind) -> Result<ApiResponse> {
    let name = call.context.name_segment("name");
    let mut body = call.context.object()?;
    let customer = read_body(&body, |fields| fields.id("customer"))?;
    let value = body.shift_remove("value");
    set(call, NewValue { kind, name, customer, value }).await
}

async fn set(call: AuthenticatedRequest, new: NewValue) -> Result<ApiResponse> {
    call.write(move |tx, actor| {
        named_values::set(tx, actor, new)?;
        Ok(ApiResponse::success())
    })
    .await
}

/// api:pbx:switch:list
pub async fn list_switches(call: AuthenticatedRequest) -> Result<ApiResponse> {
    list(call, Kind::Switch).await
}

/// api:pbx:switch:get, and with `value` api:pbx:switch:set.
pub async fn get_switch(call: AuthenticatedRequest) -> Result<ApiResponse> {
    get(call, Kind::Switch).await
}

/// api:pbx:switch:set. 403 `name`, 404 `customer`, 422 `name`.
pub async fn set_switch(call: AuthenticatedRequest) -> Result<ApiResponse> {
    post(call, Kind::Switch).await
}

/// api:pbx:variable:list
pub async fn list_variables(call: AuthenticatedRequest) -> Result<ApiResponse> {
    list(call, Kind::Variable).await
}

/// One variable; with `value` api:pbx:variable:set.
pub async fn get_variable(call: AuthenticatedRequest) -> Result<ApiResponse> {
    get(call, Kind::Variable).await
}

/// api:pbx:variable:set. 403 `name`, 404 `customer`, 422 `name`, 422 `value`.
pub async fn set_variable(call: AuthenticatedRequest) -> Result<ApiResponse> {
    post(call, Kind::Variable).await
}
