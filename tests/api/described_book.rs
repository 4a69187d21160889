//! Rows of [`super::described_errors`]: the phone book, switches and variables, and what is asked about customers and employees.

use serde_json::json;

use super::documented::{NOT_AN_ID, Row};
use super::support::demo;

/// The same of the phone book, of switches and variables, and of what is asked about customers and employees.
#[rustfmt::skip]
pub fn rows_of_the_book() -> Vec<Row> {
    let a = demo::ABSENT;
    let denied = "Insufficient access level";
    let (no_id, employee_id) = ("Customer id not found in request URI", "Employee id not found in request URI");
    let customer = |id: &str, what: &str| format!("/customer/{id}/{what}");
    let shortcuts = |id: &str| format!("/employee/{id}/shortcuts");
    let contact = |id: &str| format!("/pbx/phonebook/{id}");
    let switch = |rest: &str| format!("/pbx/switch/{rest}");
    let variable = |rest: &str| format!("/pbx/variable/{rest}");
    let on = |customer: &str| Some(json!({ "value": true, "customer": customer }));
    let text = |customer: &str| Some(json!({ "value": "x", "customer": customer }));
    let two_faults = || Some(json!({ "type": "ROBOT", "notes": 5 }));
    let shared = demo::SHARED_CONTACT;
    let mut rows = vec![
        (demo::ADMIN, "GET", customer(NOT_AN_ID, "overview"), None, 400, "bad_request", no_id),
        (demo::OWNER, "GET", customer(demo::WORKSHOP, "overview"), None, 403, "access_denied", denied),
        (demo::PERSONAL, "POST", "/customer/overview".into(), None, 403, "access_denied", denied),
        (demo::ADMIN, "GET", format!("/customer/overview?customer={a}"), None, 404, "customer", ""),
        (demo::ADMIN, "POST", "/customer/overview".into(), Some(json!({ "customer": "x" })), 422, "customer", ""),
        (demo::ADMIN, "GET", customer(NOT_AN_ID, "callnotify"), None, 400, "bad_request", no_id),
        (demo::PERSONAL, "GET", customer(demo::BAKERY, "callnotify"), None, 403, "access_denied", denied),
        (demo::ADMIN, "GET", customer(a, "callnotify"), None, 404, "customer", ""),
        (demo::OWNER, "GET", shortcuts(NOT_AN_ID), None, 400, "employee", employee_id),
        (demo::PERSONAL, "GET", shortcuts(demo::PERSONAL), None, 403, "employee", denied),
        (demo::OWNER, "GET", shortcuts(a), None, 404, "employee", ""),
        (demo::OWNER, "POST", shortcuts(NOT_AN_ID), Some(json!([])), 400, "employee", employee_id),
        (demo::OWNER, "POST", shortcuts(demo::EMMA), Some(json!({})), 400, "shortcuts", ""),
        (demo::PERSONAL, "POST", shortcuts(demo::EMMA), Some(json!([])), 403, "employee", denied),
        (demo::OWNER, "POST", shortcuts(a), Some(json!([])), 404, "employee", ""),
        (demo::OWNER, "POST", shortcuts(demo::EMMA), Some(json!([{ "label": 5 }])), 422, "multiple", ""),
        (demo::OWNER, "GET", format!("/pbx/phonebook?customer={}", demo::WORKSHOP), None, 403, "access_denied", denied),
        (demo::ADMIN, "GET", format!("/pbx/phonebook?customer={a}"), None, 404, "customer", ""),
        (demo::OWNER, "POST", "/pbx/phonebook".into(), Some(json!("no object")), 400, "bad_request", ""),
        (demo::PERSONAL, "POST", "/pbx/phonebook".into(), Some(json!({ "company": "x" })), 403, "access_denied", denied),
        (demo::ADMIN, "POST", "/pbx/phonebook".into(), Some(json!({ "customer": a })), 404, "customer", ""),
        (demo::RESELLERS_CONSULTANT, "POST", "/pbx/phonebook".into(), Some(json!({ "customer": demo::BAKERY, "personal": true })), 404, "employee", ""),
        (demo::PERSONAL, "POST", "/pbx/phonebook".into(), Some(json!({ "personal": true, "shortNumber": "1" })), 422, "shortNumber", ""),
        (demo::OWNER, "POST", "/pbx/phonebook".into(), two_faults(), 422, "multiple", ""),
        (demo::OWNER, "GET", contact(NOT_AN_ID), None, 400, "bad_request", "Id not found in request URI"),
        (demo::WORKSHOPS_MANAGER, "GET", contact(shared), None, 403, "access_denied", denied),
        (demo::OWNER, "GET", contact(a), None, 404, "id", "Contact not found"),
        (demo::OWNER, "POST", contact(NOT_AN_ID), Some(json!({})), 400, "bad_request", ""),
        (demo::PERSONAL, "POST", contact(shared), Some(json!({})), 403, "access_denied", denied),
        (demo::OWNER, "POST", contact(a), Some(json!({})), 404, "id", ""),
        (demo::OWNER, "POST", contact(shared), two_faults(), 422, "multiple", ""),
        (demo::OWNER, "DELETE", contact(NOT_AN_ID), None, 400, "bad_request", ""),
        (demo::PERSONAL, "DELETE", contact(shared), None, 403, "access_denied", denied),
        (demo::OWNER, "DELETE", contact(a), None, 404, "id", ""),
        (demo::OWNER, "GET", switch("x?value=maybe"), None, 422, "value", ""),
        (demo::OWNER, "POST", switch("SHARED:x"), Some(json!({ "value": "maybe" })), 422, "value", ""),
        (demo::OWNER, "POST", variable("SHARED:x"), Some(json!({ "value": 5 })), 422, "value", ""),
        (demo::PERSONAL, "POST", switch("night"), on(demo::BAKERY), 403, "name", ""),
        (demo::PERSONAL, "POST", variable("night"), text(demo::BAKERY), 403, "name", ""),
        (demo::PERSONAL, "GET", switch("night?value=1"), None, 403, "name", ""),
        (demo::OWNER, "POST", switch("SHARED:"), on(demo::BAKERY), 422, "name", ""),
        (demo::OWNER, "POST", variable("SHARED:"), text(demo::BAKERY), 422, "name", ""),
        (demo::OWNER, "GET", switch("SHARED:?value=1"), None, 422, "name", ""),
        (demo::OWNER, "GET", variable("SHARED:?value=1"), None, 422, "name", ""),
    ];
    for (list, value) in [("switch", json!(true)), ("variable", json!("x"))] {
        let one = format!("/pbx/{list}/SHARED:x");
        let with = |customer: &str| Some(json!({ "value": value, "customer": customer }));
        rows.extend([
            (demo::OWNER, "GET", format!("/pbx/{list}?customer={}", demo::WORKSHOP), None, 403, "access_denied", denied),
            (demo::ADMIN, "GET", format!("/pbx/{list}?customer={a}"), None, 404, "customer", ""),
            (demo::OWNER, "GET", format!("{one}?customer={}", demo::WORKSHOP), None, 403, "access_denied", denied),
            (demo::ADMIN, "GET", format!("{one}?customer={a}"), None, 404, "customer", ""),
            (demo::OWNER, "GET", format!("{one}y"), None, 404, "name", ""),
            (demo::OWNER, "POST", one.clone(), with(demo::WORKSHOP), 403, "access_denied", denied),
            (demo::ADMIN, "POST", one.clone(), with(a), 404, "customer", ""),
            (demo::OWNER, "POST", one, Some(json!({})), 404, "value", ""),
        ]);
    }
    rows
}
