//! Rows of [`super::described_errors`]: queues, extensions and groups.

use serde_json::json;

use super::documented::{NOT_AN_ID, Row};
use super::support::demo;

/// The same of what `/pbx/queue`, `/pbx/extension` and `/pbx/group` answer.
#[rustfmt::skip]
pub fn rows_of_the_pbx() -> Vec<Row> {
    let a = demo::ABSENT;
    let denied = "Insufficient access level";
    let no_id = "Id not found in request URI";
    let queue = |id: &str| format!("/pbx/queue/{id}");
    let members = |id: &str| format!("/pbx/queue/{id}/member");
    let join = |id: &str, extension: &str| format!("/pbx/queue/{id}/member/join?extension={extension}");
    let member = |queue: &str, id: &str| format!("/pbx/queue/{queue}/member/{id}");
    let of = |extension: &str| Some(json!({ "extension": extension }));
    let priority = |number: i64| Some(json!({ "priority": number }));
    let (own, emmas, soerens) = (demo::PERSONALS_EXTENSION, demo::EMMAS_EXTENSION, demo::SOERENS_EXTENSION);
    vec![
        (demo::MANAGER, "GET", "/pbx/app/grouppermissions".into(), None, 422, "target", ""),
        (demo::MANAGER, "GET", queue(NOT_AN_ID), None, 400, "bad_request", no_id),
        (demo::PERSONAL, "GET", queue(demo::DELIVERIES), None, 403, "access_denied", denied),
        (demo::MANAGER, "GET", queue(demo::EMMA), None, 404, "id", "Queue not found"),
        (demo::MANAGER, "GET", members(NOT_AN_ID), None, 400, "bad_request", no_id),
        (demo::MANAGER, "GET", members(demo::WORKSHOPS_QUEUE), None, 403, "access_denied", denied),
        (demo::MANAGER, "GET", members(a), None, 404, "id", "Queue not found"),
        (demo::MANAGER, "POST", members(NOT_AN_ID), of(own), 400, "bad_request", no_id),
        (demo::MANAGER, "POST", members(demo::ORDERS), None, 400, "bad_request", ""),
        (demo::PERSONAL, "POST", members(demo::ORDERS), of(emmas), 403, "access_denied", denied),
        (demo::PERSONAL, "POST", members(demo::WHOLESALE), of(own), 403, "dynamic", ""),
        (demo::MANAGER, "POST", members(a), of(own), 404, "id", "Queue not found"),
        (demo::MANAGER, "POST", members(demo::ORDERS), Some(json!({})), 404, "extension", ""),
        (demo::MANAGER, "POST", members(demo::ORDERS), of(demo::EMMA), 404, "extension", "Extension not found"),
        (demo::MANAGER, "POST", members(demo::ORDERS), Some(json!({ "extension": own, "priority": 21 })), 422, "priority", ""),
        (demo::MANAGER, "GET", join(NOT_AN_ID, own), None, 400, "bad_request", no_id),
        (demo::PERSONAL, "GET", join(demo::WORKSHOPS_QUEUE, own), None, 403, "access_denied", denied),
        (demo::PERSONAL, "GET", join(demo::WHOLESALE, own), None, 403, "dynamic", ""),
        (demo::MANAGER, "GET", join(a, own), None, 404, "id", "Queue not found"),
        (demo::MANAGER, "GET", join(demo::ORDERS, a), None, 404, "extension", "Extension not found"),
        (demo::MANAGER, "GET", join(demo::ORDERS, own) + "&priority=0", None, 422, "priority", ""),
        (demo::MANAGER, "POST", member(NOT_AN_ID, a), priority(1), 400, "bad_request", no_id),
        (demo::MANAGER, "POST", member(demo::ORDERS, NOT_AN_ID), priority(1), 400, "bad_request", no_id),
        (demo::MANAGER, "POST", member(demo::ORDERS, demo::EMMA_IN_ORDERS), None, 400, "bad_request", ""),
        (demo::PERSONAL, "POST", member(demo::ORDERS, demo::EMMA_IN_ORDERS), priority(1), 403, "access_denied", denied),
        (demo::MANAGER, "POST", member(a, demo::EMMA_IN_ORDERS), priority(1), 404, "id", "Queue not found"),
        (demo::MANAGER, "POST", member(demo::ORDERS, demo::SOEREN_IN_DELIVERIES), priority(1), 404, "member", "Member not found"),
        (demo::MANAGER, "POST", member(demo::ORDERS, demo::EMMA_IN_ORDERS), priority(0), 422, "priority", ""),
        (demo::MANAGER, "GET", member(demo::ORDERS, demo::EMMA_IN_ORDERS) + "?priority=21", None, 422, "priority", ""),
        (demo::MANAGER, "DELETE", member(demo::ORDERS, NOT_AN_ID), None, 400, "bad_request", no_id),
        (demo::PERSONAL, "DELETE", member(demo::ORDERS, demo::EMMA_IN_ORDERS), None, 403, "access_denied", denied),
        (demo::SOEREN, "DELETE", member(demo::DELIVERIES, demo::SOEREN_IN_DELIVERIES), None, 403, "dynamic", ""),
        (demo::MANAGER, "DELETE", member(demo::COMPLAINTS, demo::MANAGER_IN_COMPLAINTS), None, 403, "lockLastMember", ""),
        (demo::MANAGER, "DELETE", member(a, demo::EMMA_IN_ORDERS), None, 404, "id", "Queue not found"),
        (demo::MANAGER, "DELETE", member(demo::ORDERS, soerens), None, 404, "member", "Member not found"),
        (demo::PERSONAL, "GET", "/pbx/extension".into(), None, 403, "access_denied", denied),
        (demo::ADMIN, "GET", format!("/pbx/extension?customer={a}"), None, 404, "customer", ""),
        (demo::ADMIN, "GET", format!("/pbx/extension?employee={a}"), None, 404, "employee", ""),
        (demo::MANAGER, "GET", format!("/pbx/extension/{NOT_AN_ID}"), None, 400, "bad_request", no_id),
        (demo::WORKSHOPS_MANAGER, "GET", format!("/pbx/extension/{own}"), None, 403, "access_denied", denied),
        (demo::MANAGER, "GET", format!("/pbx/extension/{}", demo::SHOP), None, 404, "id", "Extension not found"),
        (demo::MANAGER, "GET", format!("/pbx/group?customer={}", demo::WORKSHOP), None, 403, "access_denied", denied),
        (demo::ADMIN, "GET", format!("/pbx/group?customer={a}"), None, 404, "customer", ""),
        (demo::MANAGER, "GET", format!("/pbx/group/{NOT_AN_ID}"), None, 400, "bad_request", no_id),
        (demo::PERSONAL, "GET", format!("/pbx/group/{}", demo::SHOP), None, 403, "access_denied", denied),
        (demo::MANAGER, "GET", format!("/pbx/group/{own}"), None, 404, "id", "Group not found"),
    ]
}
