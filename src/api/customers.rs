//! `/customer`

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::auth::authorization::{Owner, allow, allow_change, is_allowed};
use crate::db::{ReadTx, WriteTx};
use crate::domain::access::{
    Actor, CUSTOMER_CREATE, CUSTOMER_DELETE, CUSTOMER_GET, CUSTOMER_LIST, CUSTOMER_UPDATE, Level,
};
use crate::domain::audit::Action;
use crate::domain::customer::{Customer, CustomerState};
use crate::domain::fields::{element_id, read_body};
use crate::domain::id::Id;
use crate::error::{Check, Error, Result};
use crate::store::customers::CustomerFilter;
use crate::store::{Window, customers, employees};
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// More than any list of a mock or an appliance holds.
const EVERYTHING: Window = Window { offset: 0, limit: 100_000 };

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
    let parent = query.id("parentReseller")?;
    let filter = CustomerFilter {
        reseller: None,
        include_subresellers: query.flag("includeSubresellers")?,
        include_deleted: query.flag("includeDeleted")?,
        text: query.text("filter")?,
        feature: query.flag("flexcare")?.then_some("FLEXCARE"),
        only_resellers: query.flag("resellers")?,
        ids: query.ids("customerIds")?,
    };
    call.read_list(move |tx, actor| {
        allow(tx, actor, CUSTOMER_LIST, Owner::to_customer(actor.customer))?;
        let sees_all = actor.level >= Level::ResellerAdmin;
        let reseller = if sees_all && (all || filter.ids.is_some() && parent.is_none()) {
            None
        } else {
            Some(parent.filter(|_| sees_all).unwrap_or(actor.customer))
        };
        // A list of ids reaches as far as the caller does.
        let include_subresellers = filter.include_subresellers || filter.ids.is_some();
        let filter = CustomerFilter { reseller, include_subresellers, ..filter };
        let page = customers::list(tx, &filter, window)?;
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

/// A customer the caller may see. 404 `customer`, 403.
fn visible(tx: &ReadTx, actor: &Actor, id: Id) -> Result<Customer> {
    let customer = customers::get(tx, id)?;
    allow(tx, actor, CUSTOMER_GET, Owner::to_customer(id))?;
    Ok(customer)
}

/// api:customer:get
pub async fn get(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.read(|tx, actor| {
        let customer = visible(tx, actor, id)?;
        let rev = customer.rev;
        ApiResponse::object(&customer.shown_to(actor.level), rev)
    })
}

/// api:customer:get-name
pub async fn name(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.read(|tx, actor| {
        let customer = visible(tx, actor, id)?;
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
        allow(tx, actor, CUSTOMER_LIST, Owner::to_customer(actor.customer))?;
        let mut names = Map::new();
        for id in ids? {
            if let Some(customer) = customers::find(tx, id)?
                && customer.state != CustomerState::Deleted
                && is_allowed(tx, actor, CUSTOMER_GET, Owner::to_customer(id))?
            {
                names.insert(id.to_string(), json!(customer.name));
            }
        }
        ApiResponse::json(&names)
    })
    .await
}

/// api:customer:security. For anybody who is logged in.
pub async fn security(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.read(|tx, _| {
        let customer = customers::get(tx, id)?;
        ApiResponse::json(&json!({ "authenticationSecurity": customer.authentication_security }))
    })
}

/// api:customer:resellers. The caller's own reseller and those below it; RESELLER_ADMIN and up: all. Of the feature
/// flags only the first true one counts.
pub async fn resellers(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let query = call.context.query();
    let mut feature = None;
    for (flag, name) in [("iptv", "TV"), ("iptvprivate", "IPTVPRIVATE"), ("flexcare", "FLEXCARE"), ("voip", "SIP")] {
        if query.flag(flag)? && feature.is_none() {
            feature = Some(name);
        }
    }
    call.read_list(move |tx, actor| {
        allow(tx, actor, CUSTOMER_LIST, Owner::to_customer(actor.customer))?;
        let reseller = (actor.level < Level::ResellerAdmin).then_some(actor.customer);
        let filter = CustomerFilter {
            reseller,
            include_subresellers: true,
            feature,
            only_resellers: true,
            ..CustomerFilter::default()
        };
        let mut found = customers::list(tx, &filter, EVERYTHING)?.rows;
        if reseller.is_some() {
            let own = customers::get(tx, actor.customer)?;
            if feature.is_none_or(|feature| own.has_feature(feature)) {
                found.insert(0, own);
            }
        }
        let rows: Vec<Value> = found
            .into_iter()
            .map(|row| {
                let enabled = row.integrations.billing.economic.enabled;
                let integrations = json!({ "billing": { "economic": { "enabled": enabled } } });
                json!({ "_id": row.id, "name": row.name, "integrations": integrations })
            })
            .collect();
        ApiResponse::json(&rows)
    })
    .await
}

/// api:customer:create. The parent is the caller's reseller unless another in reach is named.
pub async fn create(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let body = call.context.object()?;
    call.write(move |tx, actor| {
        allow(tx, actor, CUSTOMER_CREATE, Owner::to_customer(actor.customer))?;
        let new = read_body(&body, |fields| {
            fields.require(&["name", "addresses"]);
            let mut customer = Customer::new(Id::new(tx.now));
            customer.parent_reseller = Some(actor.customer);
            customer.apply(fields, actor.level, tx.now);
            customer.refuse_deleted(fields);
            customer
        })?;
        check_new_values(tx, actor, &new, None)?;
        let created = customers::upsert(tx, new, None)?;
        let rev = created.rev;
        ApiResponse::object(&created.shown_to(actor.level), rev)
    })
    .await
}

/// api:customer:update. 403, 404 `customer`.
pub async fn update(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    let body = call.context.object()?;
    let preconditions = call.preconditions();
    call.write(move |tx, actor| {
        let old = customers::get(tx, id)?;
        let (action, subject) = (Action::Update, customers::subject(id));
        allow_change(tx, actor, CUSTOMER_UPDATE, Owner::to_customer(id), action, subject)?;
        preconditions.check(old.rev)?;
        let new = read_body(&body, |fields| {
            let mut customer = old.clone();
            customer.apply(fields, actor.level, tx.now);
            customer.refuse_deleted(fields);
            customer
        })?;
        let kept: HashSet<Id> = new.addresses.iter().map(|address| address.id).collect();
        let mut gone = old.addresses.iter().map(|address| address.id).filter(|id| !kept.contains(id)).peekable();
        if gone.peek().is_some() && customers::are_addresses_used(tx, id, gone)? {
            let message = "Addresses in use, cannot be deleted";
            return Err(tx.refuse(Error::conflict("address", message), action, subject));
        }
        check_new_values(tx, actor, &new, Some(&old))?;
        let updated = customers::upsert(tx, new, Some(&old))?;
        let rev = updated.rev;
        ApiResponse::object(&updated.shown_to(actor.level), rev)
    })
    .await
}

/// What cannot be told from the body alone: the reseller named, and the features given.
fn check_new_values(tx: &ReadTx, actor: &Actor, new: &Customer, old: Option<&Customer>) -> Result<()> {
    if old.is_none_or(|old| old.parent_reseller != new.parent_reseller) {
        check_parent(tx, actor, new)?;
    }
    if actor.level == Level::Reseller && old.is_none_or(|old| old.features != new.features) {
        let own = customers::get(tx, actor.customer)?;
        let had = |feature: &str| old.is_some_and(|old| old.has_feature(feature)) || feature == "CUSTOMER";
        if let Some(i) = new.features.iter().position(|feature| !own.has_feature(feature) && !had(feature)) {
            let message = "A reseller can only give features it has";
            return Err(Error::invalid(&format!("features[{i}]"), Check::Enum, message));
        }
    }
    Ok(())
}

fn check_parent(tx: &ReadTx, actor: &Actor, new: &Customer) -> Result<()> {
    let fault = |check, message: &str| Error::invalid("parentReseller", check, message);
    let Some(parent) = new.parent_reseller else {
        return if actor.level == Level::Admin { Ok(()) } else { Err(Error::access_denied()) };
    };
    let is_live = customers::find(tx, parent)?.is_some_and(|found| found.state != CustomerState::Deleted);
    if !is_live {
        return Err(fault(Check::Exists, "Reseller not found"));
    }
    allow(tx, actor, CUSTOMER_CREATE, Owner::to_customer(parent))?;
    if parent == new.id || customers::is_below(tx, parent, new.id)? {
        return Err(fault(Check::Enum, "A customer cannot be below itself"));
    }
    Ok(())
}

/// api:customer:delete. Deletes the employees too. 400, 403, 404 `customer`, 409 `parentReseller`, 409 `customer`.
pub async fn delete(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    let preconditions = call.preconditions();
    call.write(move |tx: &mut WriteTx, actor| {
        let customer = customers::get(tx, id)?;
        let (action, subject) = (Action::Delete, customers::subject(id));
        allow_change(tx, actor, CUSTOMER_DELETE, Owner::to_customer(id), action, subject)?;
        preconditions.check(customer.rev)?;
        if customers::has_customers(tx, id)? {
            let error = Error::conflict("parentReseller", "Reseller has customers that must be deleted first");
            return Err(tx.refuse(error, action, subject));
        }
        if id == actor.customer {
            let error = Error::conflict("customer", "Customer cannot be deleted");
            return Err(tx.refuse(error, action, subject));
        }
        employees::delete_of_customer(tx, id)?;
        customers::upsert(tx, Customer { state: CustomerState::Deleted, ..customer.clone() }, Some(&customer))?;
        Ok(ApiResponse::success())
    })
    .await
}
