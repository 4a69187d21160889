//! `/pbx/extension`, `/pbx/group`, and what the controllers of groups may do.

use serde_json::{Value, json};

use super::pbx_expand::{expand_goto, extension};
use super::pbx_queues::id_in_path;
use super::schemas::pbx::{ExtensionView, GroupView, Permissions};
use crate::db::ReadTx;
use crate::domain::pbx::Group;
use crate::error::{Check, Error, Result};
use crate::store::pbx::{Order, rev};
use crate::usecases::pbx::extensions::{self, Sight};
use crate::usecases::pbx::groups;
use crate::web::query::Query;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// The default of `limit`, and its maximum.
const LIMITS: (i64, i64) = (50, 1_000);

/// The argument `sort`; 422 for another name. Without it lists are by name.
fn order(query: &Query) -> Result<Order> {
    match query.get("sort") {
        None | Some("name") => Ok(Order::Name),
        Some("number") => Ok(Order::Number),
        Some("redirect") => Ok(Order::Redirect),
        Some("direct") => Ok(Order::Direct),
        Some("employee") => Ok(Order::Employee),
        Some(_) => {
            let message = "sort must be one of number, name, redirect, direct, employee";
            Err(Error::invalid("sort", Check::Enum, message))
        }
    }
}

/// api:pbx:extension:list. 403 `access_denied`, 404 `customer`, 404 `employee`.
pub async fn list(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = call.context.query();
    let window = query.window(LIMITS.0, LIMITS.1)?;
    query.flag("full")?;
    query.flag("includePhones")?;
    let asked = extensions::Query {
        customer: query.id("customer")?,
        employee: query.id("employee")?,
        text: query.text("filter")?,
        order: order(&query)?,
    };
    call.read_list(move |tx, actor| {
        let page = extensions::list(tx, actor, asked, window)?;
        let rows: Vec<_> = page.rows.into_iter().map(|found| ExtensionView::of(found, Sight::Whole)).collect();
        ApiResponse::json(&json!({
            "offset": window.offset, "limit": window.limit, "total": page.total, "extensions": rows
        }))
    })
    .await
}

/// api:pbx:extension:get. 403 `access_denied`, 404 `id`.
pub async fn get(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call, "extension")?;
    call.read(|tx, actor| {
        let (found, sight) = extensions::get(tx, actor, id)?;
        ApiResponse::object(&ExtensionView::of(found, sight), rev(tx, id)?)
    })
}

/// api:pbx:group:list. 403 `access_denied`, 404 `customer`.
pub async fn list_groups(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = call.context.query();
    let window = query.window(LIMITS.0, LIMITS.1)?;
    query.flag("full")?;
    let (customer, text, order) = (query.id("customer")?, query.text("filter")?, order(&query)?);
    call.read_list(move |tx, actor| {
        let page = groups::list(tx, actor, customer, text, order, window)?;
        let rows: Vec<_> = page.rows.into_iter().map(|group| GroupView::of(group, |id| json!(id))).collect();
        ApiResponse::json(&json!({
            "offset": window.offset, "limit": window.limit, "total": page.total, "groups": rows
        }))
    })
    .await
}

/// api:pbx:group:get. 403 `access_denied`, 404 `id`.
pub async fn get_group(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call, "group")?;
    let query = call.context.query();
    let (expands_extensions, expands_goto) = (query.flag("expandExtension")?, query.flag("expandGoto")?);
    call.read(|tx, actor| {
        let mut group = groups::get(tx, actor, id)?;
        if expands_goto {
            expand_goto(tx, group.customer, &mut group.more)?;
        }
        let group = if expands_extensions { expanded(tx, group)? } else { GroupView::of(group, |id| json!(id)) };
        ApiResponse::object(&group, rev(tx, id)?)
    })
}

/// A group with objects in the place of the ids of extensions.
fn expanded(tx: &ReadTx, group: Group) -> Result<GroupView> {
    let ids = group.members.iter().chain(&group.controllers);
    let found = ids.map(|id| Ok((*id, extension(tx, *id)?))).collect::<Result<Vec<_>>>()?;
    let render = |id| found.iter().find(|(known, _)| *known == id).map_or(Value::Null, |(_, value)| value.clone());
    Ok(GroupView::of(group, render))
}

/// api:pbx:app:permissions
pub async fn permissions(call: AuthenticatedRequest) -> Result<ApiResponse> {
    call.read_list(|tx, actor| {
        let found = groups::permissions(tx, actor)?;
        ApiResponse::json(&Permissions(found.into_iter().map(|(id, rights)| (id.to_string(), rights)).collect()))
    })
    .await
}

/// api:pbx:app:grouppermissions. 422 `target`.
pub async fn group_permissions(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let target = call.context.query().id("target")?;
    call.read_list(move |tx, actor| ApiResponse::json(&groups::permissions_on(tx, actor, target)?)).await
}
