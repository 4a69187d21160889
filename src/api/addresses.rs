//! `/customer/ID/address`

use actix_web::http::Method;

use crate::domain::customer::Customer;
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::usecases::addresses;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// The ids in the path; 400 `customer`, 400 `address`.
fn customer_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    call.context.segment("customer").parse().map_err(|_| malformed(call, "customer", "Customer"))
}

fn address_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    call.context.segment("address").parse().map_err(|_| malformed(call, "address", "Address"))
}

/// The pages that read word it in another way than those that write.
fn malformed(call: &AuthenticatedRequest, code: &'static str, what: &str) -> Error {
    let place = if call.context.request.method() == Method::GET { "URI" } else { "request URI" };
    Error::BadRequest { code, message: format!("{what} id not found in {place}").into() }
}

/// All addresses of a customer, under the customer's version.
fn shown_list(customer: &Customer) -> Result<ApiResponse> {
    ApiResponse::object(&customer.addresses, customer.rev)
}

/// One of them.
fn shown(customer: &Customer, address: Id) -> Result<ApiResponse> {
    let found = customer.addresses.iter().find(|known| known.id == address);
    found.map_or_else(|| Ok(ApiResponse::success()), |address| ApiResponse::object(address, customer.rev))
}

/// api:customer:address-list
pub async fn list(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = customer_in_path(&call)?;
    call.read(|tx, actor| shown_list(&addresses::list(tx, actor, id)?))
}

/// api:customer:address-get
pub async fn get(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let (id, address) = (customer_in_path(&call)?, address_in_path(&call)?);
    call.read(|tx, actor| {
        let (address, rev) = addresses::get(tx, actor, id, address)?;
        ApiResponse::object(&address, rev)
    })
}

/// api:customer:address-create. Answers the new address.
pub async fn create(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = customer_in_path(&call)?;
    let body = call.context.object()?;
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        let (address, rev) = addresses::create(tx, actor, id, &body, |old| preconditions.check(|| shown_list(old)))?;
        ApiResponse::object(&address, rev)
    })
    .await
}

/// api:customer:address-update. Partial; an `_id` in the body is ignored.
pub async fn update(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let (id, address) = (customer_in_path(&call)?, address_in_path(&call)?);
    let body = call.context.object()?;
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        let accept = |old: &Customer| preconditions.check(|| shown(old, address));
        let (address, rev) = addresses::update(tx, actor, id, address, &body, accept)?;
        ApiResponse::object(&address, rev)
    })
    .await
}

/// api:customer:address-delete. 409 `address` while an employee has it; 422 `addresses` for the last one.
pub async fn delete(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let (id, address) = (customer_in_path(&call)?, address_in_path(&call)?);
    call.context.delete_query(&[])?;
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        addresses::delete(tx, actor, id, address, |old| preconditions.check(|| shown(old, address)))?;
        Ok(ApiResponse::success())
    })
    .await
}
