//! `/pbx/phonebook`

use serde_json::json;

use crate::domain::id::Id;
use crate::domain::pbx::Contact;
use crate::error::{Error, Result};
use crate::usecases::pbx::phonebook;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// The id in the path; 400 `bad_request`.
fn id_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    call.context.segment("contact").parse().map_err(|_| Error::bad_request("Id not found in request URI"))
}

fn shown(contact: &Contact, rev: i64) -> Result<ApiResponse> {
    ApiResponse::object(contact, rev)
}

/// api:pbx:phonebook:list. Shared contacts, those of the caller, and those that a group lets it read.
pub async fn list(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = call.context.query();
    let window = query.window(50, 50_000)?;
    let (customer, text) = (query.id("customer")?, query.text("filter")?);
    call.read_list(move |tx, actor| {
        let page = phonebook::list(tx, actor, customer, text, window)?;
        ApiResponse::json(&json!({
            "offset": window.offset, "limit": window.limit, "total": page.total, "contacts": page.rows
        }))
    })
    .await
}

/// api:pbx:phonebook:get. 403 `access_denied`, 404 `id`.
pub async fn get(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.read(|tx, actor| {
        let (contact, rev) = phonebook::get(tx, actor, id)?;
        shown(&contact, rev)
    })
}

/// api:pbx:phonebook:create. A shared contact unless `personal` or `employee` says whose it is.
pub async fn create(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let body = call.context.object()?;
    call.write(move |tx, actor| {
        let (contact, rev) = phonebook::create(tx, actor, &body)?;
        shown(&contact, rev)
    })
    .await
}

/// api:pbx:phonebook:update. Partial; arrays are replaced as a whole.
pub async fn update(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    let body = call.context.object()?;
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        let accept = |old: &Contact, rev| preconditions.check(|| shown(old, rev));
        let (contact, rev) = phonebook::update(tx, actor, id, &body, accept)?;
        shown(&contact, rev)
    })
    .await
}

/// api:pbx:phonebook:delete. 403 `access_denied`, 404 `id`.
pub async fn delete(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.context.delete_query(&[])?;
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        phonebook::delete(tx, actor, id, |old, rev| preconditions.check(|| shown(old, rev)))?;
        Ok(ApiResponse::success())
    })
    .await
}
