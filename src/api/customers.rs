//! `/customer`

use serde_json::{Map, Value, json};

use crate::db::WriteTx;
use crate::domain::access::Actor;
use crate::domain::customer::Customer;
use crate::domain::fields::{element_id, read_body};
use crate::domain::id::Id;
use crate::error::{Error, Result};
use crate::store::customers::CustomerFilter;
use crate::usecases::access_away;
use crate::usecases::customers;
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// The id in the path; 400 `bad_request`.
fn id_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    let malformed = || Error::bad_request("Customer id not found in request URI");
    call.context.segment("customer").parse().map_err(|_| malformed())
}

/// api:customer:list. Customers of the caller's reseller; `all` and `parentReseller` are for RESELLER_ADMIN and up.
pub async fn list(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = call.context.query();
    let window = query.window(100, 500)?;
    let (full, all) = (query.flag("full")?, query.flag("all")?);
    let features = [("flexcare", "FLEXCARE"), ("iptvproviders", "TV"), ("iptvprivate", "IPTVPRIVATE")];
    let features =
        features.iter().filter_map(|(name, feature)| query.flag(name).map(|is| is.then_some(*feature)).transpose());
    let filter = CustomerFilter {
        reseller: query.id("parentReseller")?,
        include_subresellers: query.flag("includeSubresellers")?,
        include_deleted: query.flag("includeDeleted")?,
        text: query.text("filter")?,
        features: features.collect::<Result<_>>()?,
        only_resellers: query.flag("resellers")?,
        ids: query.ids("customerIds")?,
    };
    call.read_list(move |tx, actor| {
        let page = customers::list(tx, actor, filter, all, window)?;
        let rows: Vec<Value> = page.rows.into_iter().map(|row| if full { json!(row) } else { summary(&row) }).collect();
        ApiResponse::json(&json!({
            "offset": window.offset, "limit": window.limit, "total": page.total, "customers": rows
        }))
    })
    .await
}

fn summary(customer: &Customer) -> Value {
    let mut row = json!(customer);
    if let Some(row) = row.as_object_mut() {
        let kept = ["_id", "name", "state", "parentReseller", "phoneNumber", "emailAddress", "features"];
        row.retain(|name, _| kept.contains(&name.as_str()));
    }
    row
}

/// api:customer:get
pub async fn get(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.read(|tx, actor| shown(customers::get(tx, actor, id)?, actor))
}

/// The customer as the caller may see it.
fn shown(customer: Customer, actor: &Actor) -> Result<ApiResponse> {
    let rev = customer.rev;
    ApiResponse::object(&customer.shown_to(actor.level), rev)
}

/// api:customer:get-name
pub async fn name(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.read(|tx, actor| {
        let customer = customers::get(tx, actor, id)?;
        let mut answer = json!({ "_id": id, "name": customer.name, "features": customer.features });
        if let Some(parent) = customer.parent_reseller {
            answer["parentReseller"] = json!(parent);
        }
        answer["integrations"] = json!(customer.integrations);
        ApiResponse::json(&answer)
    })
}

/// api:customer:get-names. Ids that are absent or out of reach are left out: the page has no 404.
pub async fn names(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let ids = read_body(&call.context.object()?, |fields| {
        fields.require(&["customers"]);
        fields.each("customers", element_id).unwrap_or_default()
    });
    call.post_read(move |tx, actor| {
        // A fault counts only for those who may ask.
        let found = customers::reachable(tx, actor, ids)?;
        let names: Map<String, Value> =
            found.into_iter().map(|customer| (customer.id.to_string(), json!(customer.name))).collect();
        ApiResponse::json(&names)
    })
    .await
}

/// api:customer:security. For anybody who is logged in.
pub async fn security(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.read(|tx, _| {
        let security = customers::security(tx, id)?;
        ApiResponse::json(&json!({ "authenticationSecurity": security }))
    })
}

/// api:customer:resellers. The caller's own reseller and those below it; RESELLER_ADMIN and up: all. Of the feature
/// flags, which are for RESELLER_ADMIN and up, only the first true one counts.
pub async fn resellers(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = call.context.query();
    let mut feature = None;
    for (flag, name) in [("iptv", "TV"), ("iptvprivate", "IPTVPRIVATE"), ("flexcare", "FLEXCARE"), ("voip", "SIP")] {
        if query.flag(flag)? && feature.is_none() {
            feature = Some(name);
        }
    }
    call.read_list(move |tx, actor| {
        let row = |found: Customer| {
            let enabled = found.integrations.billing.economic.enabled;
            let integrations = json!({ "billing": { "economic": { "enabled": enabled } } });
            json!({ "_id": found.id, "name": found.name, "integrations": integrations })
        };
        let rows: Vec<Value> = customers::resellers(tx, actor, feature)?.into_iter().map(row).collect();
        ApiResponse::json(&rows)
    })
    .await
}

/// api:customer:create. The parent is the caller's reseller unless another in reach is named.
pub async fn create(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let body = call.context.object()?;
    call.write(move |tx, actor| shown(customers::create(tx, actor, None, &body)?, actor)).await
}

/// api:customer:update. 403, 404 `customer`.
pub async fn update(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    let body = call.context.object()?;
    let preconditions = call.preconditions();
    let takes_access_away = access_away::of_customer(&body);
    let update = move |tx: &mut WriteTx, actor: &Actor| {
        let accept = |old: &Customer| preconditions.check(|| shown(old.clone(), actor));
        shown(customers::update(tx, actor, id, &body, accept)?, actor)
    };
    if takes_access_away { call.take_access_away(update).await } else { call.write(update).await }
}

/// api:customer:delete. Deletes the employees too. 400, 403, 404 `customer`, 409 `parentReseller`, 409 `customer`.
pub async fn delete(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.context.delete_query(&[])?;
    let preconditions = call.preconditions();
    call.take_access_away(move |tx, actor| {
        customers::delete(tx, actor, id, |old| preconditions.check(|| shown(old.clone(), actor)))?;
        Ok(ApiResponse::success())
    })
    .await
}
