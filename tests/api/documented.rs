//! The documentation's own examples, and each row of the error tables of the pages that are served.

use serde_json::{Value, json};

use super::support::{Client, Response, TestApp, assert_error, demo};

/// Rows that this server never answers, and why.
#[allow(dead_code, reason = "read by people: so that what is left out can be seen")]
const NOT_HERE: &[(&str, &str, &str)] = &[
    ("every page", "500 internal_error", "only a fault of the server answers it"),
    ("auth:logout", "403 blacklisted", "there is no blacklist of addresses"),
    ("auth:logout", "400 bad request", "logout takes nothing that could be malformed"),
    ("pbx:app:mobileconfig:create", "404 group", "a property of dashboards"),
    ("pbx:app:mobileconfig:create", "409 items[x].variables", "a property of dashboards"),
    ("customer:delete", "409 voice_accounts", "there are no SIP or MVNO accounts here"),
    ("customer:delete", "409 dsl", "there are no DSL accounts here"),
    ("customer:delete", "409 fiber", "there are no fiber accounts here"),
    ("customer:delete", "409 currentinvoice", "there are no invoices here"),
    ("customer:delete", "409 customer (Only Mister Møller may delete a reseller)", "no person is named in this server"),
    ("customer:address-delete", "409 features", "a row of customer:delete; there is no IPTV here"),
    ("customer:address-delete", "409 parentReseller", "a row of customer:delete"),
    ("customer:security", "403 access_denied", "its access is ANY"),
    ("log:changelog:*, auth:login, auth:impersonate", "all", "their tables are not visible"),
];

const CUSTOMER: &str = "12345678901234567890AAAA";
const SOURCE: &str = "12345678901234567890ABCD";
const TARGET: &str = "12345678901234567890BBBB";

/// The example of the four mobile config pages, as valid JSON.
fn example_configs() -> Value {
    json!([
        { "type": "COLLEAGUES", "items": [{ "_id": "12345678901234567890EEEE", "name": "Joakim" }],
          "others": [{ "_id": "12345678901234567890FFFF", "name": "Per" }] },
        { "type": "QUEUES", "items": [{ "_id": "12345678901234567890EEEE", "name": "Support" }],
          "others": [{ "_id": "12345678901234567890FFFF", "name": "Vagt" }] }
    ])
}

fn example_world() -> Value {
    let address = json!({ "primary": true, "address": "Testvej 1", "zip": "8000", "city": "Aarhus C" });
    let employee = |id: &str, level: &str, name: &str| json!({ "_id": id, "customer": CUSTOMER, "accessLevel": level, "name": name });
    let queue = |id: &str, name: &str| json!({ "_id": id, "customer": CUSTOMER, "name": name, "number": "801" });
    json!({
        "customers": [{ "_id": CUSTOMER, "name": "Example", "addresses": [address] }],
        "queues": [queue("12345678901234567890EEEE", "Support"), queue("12345678901234567890FFFF", "Vagt")],
        "employees": [
            employee(SOURCE, "MANAGER", "Source"),
            employee(TARGET, "PERSONAL", "Target"),
            employee("12345678901234567890EEEE", "PERSONAL", "Joakim"),
            employee("12345678901234567890FFFF", "PERSONAL", "Per"),
        ],
        "mobileConfigs": [
            { "_id": SOURCE, "customer": CUSTOMER, "configs": example_configs() },
            { "_id": TARGET, "customer": CUSTOMER, "configs": [] },
        ],
    })
}

/// As everything is answered: ids in lower case.
fn answered(id: &str) -> Value {
    let mut configs = example_configs();
    for pointer in ["/0/items/0", "/0/others/0", "/1/items/0", "/1/others/0"] {
        let id = configs.pointer_mut(pointer).unwrap().get_mut("_id").unwrap();
        *id = json!(id.as_str().unwrap().to_lowercase());
    }
    json!({ "_id": id.to_lowercase(), "customer": CUSTOMER.to_lowercase(), "configs": configs })
}

#[test]
fn the_copy_example_answers_the_target_with_the_sources_content() {
    let app = TestApp::with_world(&example_world());
    let caller = app.session_of(SOURCE);
    let copied = caller.post("/pbx/app/mobileconfig/", json!({ "_id": SOURCE, "copyTo": TARGET }));
    assert_eq!(copied.ok().to_string(), answered(TARGET).to_string());
    let stored = caller.get(&format!("/pbx/app/mobileconfig/{TARGET}"));
    assert_eq!(stored.text(), copied.text());
}

#[test]
fn the_copy_example_to_the_letter_names_one_config_twice() {
    let app = TestApp::with_world(&example_world());
    let answer = app.session_of(SOURCE).post("/pbx/app/mobileconfig/", json!({ "_id": SOURCE, "copyTo": SOURCE }));
    assert_eq!(answer.ok(), answered(SOURCE));
}

#[test]
fn the_get_and_list_examples_have_the_documented_shape() {
    let app = TestApp::with_world(&example_world());
    let caller = app.session_of(TARGET);
    assert_error(&caller.get(&format!("/pbx/app/mobileconfig/{SOURCE}")), 403, "access_denied");
    let caller = app.session_of(SOURCE);
    assert_eq!(caller.get(&format!("/pbx/app/mobileconfig/{SOURCE}")).ok(), answered(SOURCE));
    let list = format!("/pbx/app/mobileconfig?employee={TARGET}&customer={CUSTOMER}");
    assert_eq!(caller.get(&list).ok(), json!([answered(SOURCE)]));
}

/// Who calls, what, and the row of the page's table it must answer.
pub type Row = (&'static str, &'static str, String, Option<Value>, u16, &'static str, &'static str);

pub const NOT_AN_ID: &str = "1234567890ABCDEF1234578";

#[rustfmt::skip]
pub fn rows() -> Vec<Row> {
    let a = demo::ABSENT;
    let config = |id: &str| format!("/pbx/app/mobileconfig/{id}");
    let copy = |from: &str, to: &str| Some(json!({ "_id": from, "copyTo": to }));
    let of = |kind: &str, id: &str| Some(json!({ "configs": [{ "type": kind, "items": [{ "_id": id, "name": "?" }], "others": [] }] }));
    let customer = |id: &str| format!("/customer/{id}");
    let address = |customer: &str, address: &str| format!("/customer/{customer}/address/{address}");
    let employee = |id: &str| format!("/employee/{id}");
    let token = |id: &str| format!("/employee/{id}/token/{}", "0".repeat(64));
    let key = |id: &str, what: &str| format!("/employee/{id}/authenticatorkey/{what}");
    let denied = "Insufficient access level";
    vec![
        // pbx:app:mobileconfig:get
        (demo::MANAGER, "GET", config(NOT_AN_ID), None, 400, "bad_request", "Request not valid"),
        (demo::PERSONAL, "GET", config(demo::EMMA), None, 403, "access_denied", denied),
        (demo::MANAGER, "GET", config(a), None, 404, "not_found", "Object not found"),
        // pbx:app:mobileconfig:create
        (demo::PERSONAL, "POST", config(demo::EMMA), None, 403, "access_denied", denied),
        (demo::MANAGER, "POST", config(demo::EMMA), of("QUEUES", a), 404, "configs[0].items[0]._id", "Queue not found"),
        (demo::MANAGER, "POST", config(demo::EMMA), of("COLLEAGUES", a), 404, "configs[0].items[0]._id", "One or more employees or extensions were not found"),
        // pbx:app:mobileconfig:copy
        (demo::MANAGER, "POST", config(""), Some(json!({ "_id": demo::EMMA })), 400, "bad_request", "Request not valid"),
        (demo::PERSONAL, "POST", config(""), copy(demo::EMMA, demo::PERSONAL), 403, "access_denied", denied),
        (demo::MANAGER, "POST", config(""), copy(a, demo::EMMA), 404, "not_found", "Object not found"),
        (demo::MANAGER, "POST", config(""), copy(demo::EMMA, a), 404, "not_found", "Object not found"),
        // customer:delete
        (demo::ADMIN, "DELETE", customer(NOT_AN_ID), None, 400, "bad_request", "Customer id not found in request URI"),
        (demo::OWNER, "DELETE", customer(demo::BAKERY), None, 403, "access_denied", denied),
        (demo::ADMIN, "DELETE", customer(a), None, 404, "customer", "Customer not found"),
        (demo::RESELLERS_CONSULTANT, "DELETE", customer(demo::SUB_RESELLER), None, 409, "parentReseller", "Reseller has customers that must be deleted first"),
        // customer:get-name, :get-names, :resellers
        (demo::ADMIN, "GET", customer(a) + "/name", None, 404, "customer", "Customer not found"),
        (demo::OWNER, "GET", customer(demo::WORKSHOP) + "/name", None, 403, "access_denied", denied),
        (demo::OWNER, "POST", customer("names/list"), Some(json!({ "customers": [] })), 403, "access_denied", denied),
        (demo::OWNER, "GET", customer("resellers/list"), None, 403, "access_denied", denied),
        // customer:address-list, -get, -delete
        (demo::OWNER, "GET", customer(NOT_AN_ID) + "/address", None, 400, "customer", "Customer id not found in URI"),
        (demo::OWNER, "GET", customer(demo::WORKSHOP) + "/address", None, 403, "access_denied", denied),
        (demo::OWNER, "GET", customer(a) + "/address", None, 404, "customer", "Customer not found"),
        (demo::OWNER, "GET", address(NOT_AN_ID, a), None, 400, "customer", ""),
        (demo::OWNER, "GET", address(demo::BAKERY, NOT_AN_ID), None, 400, "address", "Address id not found in URI"),
        (demo::OWNER, "GET", address(demo::WORKSHOP, a), None, 403, "access_denied", denied),
        (demo::OWNER, "GET", address(demo::BAKERY, a), None, 404, "address", "Addresss not found"),
        (demo::OWNER, "DELETE", address(NOT_AN_ID, a), None, 400, "customer", ""),
        (demo::OWNER, "DELETE", address(demo::BAKERY, NOT_AN_ID), None, 400, "address", ""),
        (demo::VIEWER, "DELETE", address(demo::BAKERY, a), None, 403, "access_denied", denied),
        (demo::OWNER, "DELETE", address(a, a), None, 404, "customer", "Customer not found"),
        (demo::OWNER, "DELETE", address(demo::BAKERY, a), None, 404, "address", "Address not found"),
        (demo::OWNER, "DELETE", address(demo::BAKERY, demo::SECOND_ADDRESS), None, 409, "address", "Addresses in use, cannot be deleted"),
        // employee:delete
        (demo::MANAGER, "DELETE", employee(NOT_AN_ID), None, 400, "employee", "Employee id not found in request URI"),
        (demo::VIEWER, "DELETE", employee(demo::EMMA), None, 403, "access_denied", denied),
        (demo::MANAGER, "DELETE", employee(a), None, 404, "employee", ""),
        (demo::MANAGER, "DELETE", employee(demo::EMMA) + "?deleteDate=2999-01-01", None, 422, "deleteDate", "Delete date is too far in the future"),
        // employee:createtoken, :deletetoken
        (demo::MANAGER, "POST", employee(a) + "/token", None, 404, "id", ""),
        (demo::ADMIN, "POST", employee(demo::ADMIN) + "/token", None, 403, "id", "Tokens are not allowed for admins"),
        (demo::VIEWER, "POST", employee(demo::EMMA) + "/token", None, 403, "access_denied", denied),
        (demo::MANAGER, "DELETE", token(a), None, 404, "id", ""),
        (demo::MANAGER, "DELETE", token(demo::EMMA), None, 404, "token", "Token not found"),
        (demo::VIEWER, "DELETE", token(demo::EMMA), None, 403, "access_denied", denied),
        // employee:createauthenticatorkey, :resetauthenticatorkey
        (demo::MANAGER, "POST", key(a, "create"), None, 404, "id", ""),
        (demo::PERSONAL, "POST", key(demo::PERSONAL, "create"), None, 409, "id", "Key cannot be created when authenticator validation is not enabled"),
        (demo::OWNER, "POST", key(demo::PERSONAL, "create"), None, 403, "access_denied", denied),
        (demo::MANAGER, "POST", key(a, "reset"), None, 404, "id", ""),
        (demo::VIEWER, "POST", key(demo::VIEWER, "reset"), None, 403, "access_denied", denied),
        // tools:changelog
        (demo::PERSONAL, "GET", "/tools/changelog".into(), None, 403, "access_denied", "Access denied"),
        (demo::WORKSHOPS_MANAGER, "GET", "/tools/changelog".into(), None, 403, "access_denied", "Access denied"),
        (demo::ADMIN, "GET", format!("/tools/changelog?customer={a}"), None, 404, "customer", ""),
        (demo::ADMIN, "GET", format!("/tools/changelog?reseller={a}"), None, 404, "reseller", ""),
    ]
}

pub fn attempt(caller: &Client, method: &str, path: &str, body: Option<Value>) -> Response {
    let request = caller.request(method, path);
    match body {
        Some(body) => request.json(body).send(),
        None => request.send(),
    }
}

#[test]
fn every_row_of_the_error_tables_is_answered_and_changes_nothing() {
    let app = TestApp::start();
    let before = app.export();
    for (who, method, path, body, status, code, message) in rows() {
        let answer = attempt(&app.session_of(who), method, &path, body);
        assert_error(&answer, status, code);
        assert!(message.is_empty() || answer.message() == message, "{answer}");
    }
    assert_eq!(app.export(), before);
}

#[test]
fn a_customer_cannot_delete_itself() {
    let app = TestApp::start();
    let admin = app.session_of(demo::ADMIN);
    let reseller =
        json!({ "name": "Reseller", "addresses": [{ "address": "Testvej 1", "zip": "8000", "city": "Aarhus C" }] });
    let customer = admin.post("/customer", reseller).ok()["_id"].as_str().unwrap().to_owned();
    let employee = json!({ "customer": customer, "accessLevel": "RESELLER", "name": "Alone" });
    let employee = admin.post("/employee", employee).ok()["_id"].as_str().unwrap().to_owned();
    let answer = app.session_of(&employee).delete(&format!("/customer/{customer}"));
    assert_error(&answer, 409, "customer");
    assert_eq!(answer.message(), "Customer cannot be deleted");
}

#[test]
fn the_general_errors_have_the_documented_texts() {
    let app = TestApp::start();
    let ask = |client: &Client| client.get("/employee");
    let expired = app.manager();
    app.clock.advance_ms(16 * 60_000);
    let malformed = app.nobody().request("GET", "/employee").header("authorization", "Basic abc").send();
    let cases = [
        (ask(&expired), "expired", "Session has expired, please login"),
        (ask(&app.nobody()), "credentials_invalid", "Authorization required, please login"),
        (malformed, "format_error", "Authorization header format is Authorization: Bearer <token>"),
        (ask(&app.with_token("nonsense")), "invalid_token", "Undecipherable"),
        (ask(&app.with_token(&"0".repeat(64))), "invalid_token", "Please login"),
    ];
    for (answer, code, message) in cases {
        assert_error(&answer, 401, code);
        assert_eq!(answer.message(), message);
    }
}

#[test]
fn logout_refuses_as_its_page_says() {
    let app = TestApp::start();
    assert_error(&app.nobody().get("/auth/logout"), 401, "credentials_invalid");
    let bound = app.admin().get(&format!("/auth/impersonate/{}?ip=192.0.2.1", demo::MANAGER)).ok();
    let elsewhere = app.with_token(bound["token"].as_str().unwrap()).get("/auth/logout");
    assert_error(&elsewhere, 401, "invalid_token");
    assert_eq!(elsewhere.message(), "IP address not authenticated");
    let late = app.manager();
    app.clock.advance_ms(16 * 60_000);
    assert_error(&late.get("/auth/logout"), 401, "expired");
}
