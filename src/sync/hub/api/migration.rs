//! The calls that `hub move` makes of the hub that an origin moves to, with the token of an operator of
//! level administer.

use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::admin::ROWS_MAX;
use super::query::Query;
use super::request::{Body, for_operator, in_path, parse};
use super::state::SharedState;
use crate::domain::proposal::HubLevel;
use crate::error::{Error, Result};
use crate::sync::hub::audit::Caller;
use crate::sync::hub::migration::{Delivery, FinishMove, RowVersion};
use crate::sync::hub::origin::Origin;
use crate::sync::hub::store::HubStore;

/// The origin as the hub that it leaves has it → whether it is arriving, or has arrived already.
pub async fn arrive<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    let ((origin, _), body) = body.of(for_operator(&request, &state, HubLevel::Administer).await).await?;
    let announced: Origin = parse(&body)?;
    check_named(origin, &announced)?;
    let arrival = state.store.arrive(&announced).await?;
    Ok(HttpResponse::Ok().json(json!({ "arrival": arrival })))
}

/// The versions of the rows of one table that have arrived, `?table=&after=`, by id.
pub async fn arrived<S: HubStore>(request: HttpRequest, state: SharedState<S>) -> Result<HttpResponse> {
    for_operator(&request, &state, HubLevel::Administer).await?;
    let query = Query::of(&request);
    let (table, after) = (query.table()?, query.text("after")?.unwrap_or_default());
    let (_, rows) = state.store.rows(in_path(&request), table, after, ROWS_MAX).await?;
    Ok(HttpResponse::Ok().json(rows.iter().map(RowVersion::of).collect::<Vec<_>>()))
}

/// A part of what the origin brings.
pub async fn deliver<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    let ((origin, _), body) = body.of(for_operator(&request, &state, HubLevel::Administer).await).await?;
    let delivery: Delivery = parse(&body)?;
    state.store.deliver(origin, &delivery).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

/// Ends the arrival.
pub async fn finish_move<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    let ((origin, operator), body) = body.of(for_operator(&request, &state, HubLevel::Administer).await).await?;
    let finish: FinishMove = parse(&body)?;
    check_named(origin, &finish.origin)?;
    state.store.finish_move(&finish, Caller::new(&operator.name, state.clock.now())).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

fn check_named(origin: &str, announced: &Origin) -> Result<()> {
    if announced.origin == origin { Ok(()) } else { Err(Error::bad_request("The body is of another origin")) }
}
