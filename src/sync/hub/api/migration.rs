//! What `hub move` calls of the hub that an origin comes to, with the administrator's token.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::admin::{ROWS_MAX, RowsQuery};
use super::{Body, SharedState, for_admin, in_path, parse};
use crate::error::{Error, Result};
use crate::sync::hub::migration::{Delivery, FinishMove, RowVersion};
use crate::sync::hub::{HubStore, Origin};

/// The origin as it stands where it comes from → whether it is arriving, or has come already.
pub async fn arrive<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    let (origin, body) = body.of(for_admin(&request, &state).await).await?;
    let announced: Origin = parse(&body)?;
    check_named(origin, &announced)?;
    let arrival = state.store.arrive(&announced).await?;
    Ok(HttpResponse::Ok().json(json!({ "arrival": arrival })))
}

/// What is there of one table, `?table=&after=`, by id.
pub async fn arrived<S: HubStore>(
    request: HttpRequest,
    state: SharedState<S>,
    query: web::Query<RowsQuery>,
) -> Result<HttpResponse> {
    for_admin(&request, &state).await?;
    let (_, rows) = state.store.rows(in_path(&request), query.table, query.after(), ROWS_MAX).await?;
    Ok(HttpResponse::Ok().json(rows.iter().map(RowVersion::of).collect::<Vec<_>>()))
}

pub async fn deliver<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    let (origin, body) = body.of(for_admin(&request, &state).await).await?;
    let delivery: Delivery = parse(&body)?;
    state.store.deliver(origin, &delivery).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

pub async fn settle<S: HubStore>(request: HttpRequest, state: SharedState<S>, body: Body) -> Result<HttpResponse> {
    let (origin, body) = body.of(for_admin(&request, &state).await).await?;
    let settling: FinishMove = parse(&body)?;
    check_named(origin, &settling.origin)?;
    state.store.settle(&settling).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

fn check_named(origin: &str, announced: &Origin) -> Result<()> {
    if announced.origin == origin { Ok(()) } else { Err(Error::bad_request("The body is of another origin")) }
}
