//! The errors that the description names are those that are answered, all of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::described_book::rows_of_the_book;
use super::described_pbx::rows_of_the_pbx;
use super::documented::{self, NOT_AN_ID, Row};
use super::support::{TestApp, code_of, demo};

/// The rows that no table of a page has: what the server decides itself, and what pages leave out.
#[rustfmt::skip]
fn rows_of_this_server() -> Vec<Row> {
    let a = demo::ABSENT;
    let denied = "Insufficient access level";
    let login = |username: &str, password: &str| Some(json!({ "username": username, "password": password }));
    let customer = |id: &str| format!("/customer/{id}");
    let address = |customer: &str, address: &str| format!("/customer/{customer}/address/{address}");
    let employee = |id: &str| format!("/employee/{id}");
    let config = |id: &str| format!("/pbx/app/mobileconfig/{id}");
    let broadcast = |arguments: &str| format!("/tools/realtime?{arguments}");
    let action = |name: &str| format!("/pbx/app/action/{name}");
    let sms = |more: Value| {
        let mut body = json!({ "message": "The bread is ready", "to": "+4570305050" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Some(body)
    };
    let two_faults = || Some(json!({ "name": "", "phoneNumber": 5, "language": "xx" }));
    let faults_of_an_address = || Some(json!({ "address": "x", "zip": "1" }));
    let (no_id, no_config) = ("Customer id not found in request URI", "Request not valid");
    let (employee_id, changes) = ("Employee id not found in request URI", "/log/changelog");
    vec![
        (demo::OWNER, "POST", "/auth/login".into(), login("manager@bakery.example.com", "wrong"), 401, "credentials_invalid", ""),
        (demo::OWNER, "POST", "/auth/login".into(), login("disabled@bakery.example.com", demo::PASSWORD), 403, "account", ""),
        (demo::OWNER, "POST", "/auth/login".into(), Some(json!({ "password": "x" })), 404, "username", ""),
        (demo::OWNER, "POST", "/auth/login".into(), Some(json!({ "username": "x" })), 404, "password", ""),
        (demo::OWNER, "GET", "/auth/login?username=manager@bakery.example.com&password=wrong".into(), None, 401, "credentials_invalid", ""),
        (demo::OWNER, "GET", "/auth/login?username=x".into(), None, 404, "password", ""),
        (demo::OWNER, "GET", "/auth/login?password=x".into(), None, 404, "username", ""),
        (demo::OWNER, "GET", format!("/auth/login?username=disabled@bakery.example.com&password={}", demo::PASSWORD), None, 403, "account", ""),
        (demo::OWNER, "POST", "/auth/reset".into(), Some(json!({ "username": "disabled@bakery.example.com" })), 403, "account", ""),
        (demo::OWNER, "POST", "/auth/reset".into(), Some(json!({})), 404, "username", ""),
        (demo::OWNER, "GET", "/auth/reset".into(), None, 404, "username", ""),
        (demo::OWNER, "GET", "/auth/reset?username=x&method=PIGEON".into(), None, 422, "method", ""),
        (demo::OWNER, "POST", "/auth/setpassword".into(), Some(json!({ "password": demo::PASSWORD })), 404, "token", ""),
        (demo::OWNER, "POST", "/auth/setpassword".into(), Some(json!({ "token": "x", "password": demo::PASSWORD })), 422, "token", ""),
        (demo::OWNER, "GET", "/auth/setpassword?token=x&password=secret".into(), None, 422, "password", ""),
        (demo::OWNER, "GET", employee(NOT_AN_ID) + "/resetpassword", None, 400, "employee", employee_id),
        (demo::PERSONAL, "GET", employee(demo::EMMA) + "/resetpassword", None, 403, "employee", denied),
        (demo::OWNER, "GET", employee(a) + "/resetpassword", None, 404, "employee", ""),
        (demo::OWNER, "GET", employee(demo::NO_LOGIN) + "/resetpassword", None, 409, "employee", ""),
        (demo::OWNER, "POST", employee(NOT_AN_ID) + "/picture", None, 400, "bad_request", employee_id),
        (demo::VIEWER, "POST", employee(demo::EMMA) + "/picture", None, 403, "access_denied", denied),
        (demo::OWNER, "POST", employee(a) + "/picture", None, 404, "not_found", ""),
        (demo::OWNER, "POST", employee(demo::EMMA) + "/picture", Some(json!({})), 404, "file", ""),
        (demo::OWNER, "GET", employee(NOT_AN_ID) + "/picture", None, 400, "bad_request", employee_id),
        (demo::VIEWER, "GET", employee(demo::EMMA) + "/picture", None, 403, "access_denied", denied),
        (demo::OWNER, "GET", employee(a) + "/picture", None, 404, "not_found", ""),
        (demo::OWNER, "GET", employee(demo::EMMA) + "/picture", None, 404, "picture", ""),
        (demo::OWNER, "GET", action("call"), None, 422, "device", ""),
        (demo::OWNER, "GET", action("hangup"), None, 422, "device", ""),
        (demo::OWNER, "GET", action("pickup"), None, 422, "device", ""),
        (demo::OWNER, "GET", action("queuepickup"), None, 422, "device", ""),
        (demo::OWNER, "GET", action("steal"), None, 422, "device", ""),
        (demo::OWNER, "GET", action("transfer"), None, 422, "source", ""),
        (demo::VIEWER, "POST", "/sms".into(), sms(json!({ "from": "Bakery" })), 403, "access_denied", denied),
        (demo::OWNER, "POST", "/sms".into(), sms(json!({ "message": null })), 404, "message", ""),
        (demo::OWNER, "POST", "/sms".into(), sms(json!({ "to": null })), 404, "to", ""),
        (demo::OWNER, "POST", "/sms".into(), sms(json!({ "type": "FAX" })), 422, "type", ""),
        (demo::OWNER, "POST", "/sms".into(), sms(json!({ "message": "" })), 422, "message", ""),
        (demo::OWNER, "POST", "/sms".into(), sms(json!({ "to": "x" })), 422, "to", ""),
        (demo::OWNER, "POST", "/sms".into(), sms(json!({ "to": null, "group": a })), 422, "group", ""),
        (demo::OWNER, "GET", "/auth/validateToken?ip=nonsense&token=x".into(), None, 422, "ip", ""),
        (demo::ADMIN, "GET", format!("/auth/impersonate/{NOT_AN_ID}"), None, 400, "bad_request", employee_id),
        (demo::OWNER, "GET", format!("/auth/impersonate/{}", demo::EMMA), None, 403, "access_denied", denied),
        (demo::ADMIN, "GET", format!("/auth/impersonate/{a}"), None, 404, "employee", ""),
        (demo::OWNER, "GET", "/customer".into(), None, 403, "access_denied", denied),
        (demo::ADMIN, "POST", "/customer".into(), Some(json!("no object")), 400, "bad_request", ""),
        (demo::OWNER, "POST", "/customer".into(), Some(json!({ "name": "New", "addresses": [{ "address": "Testvej 1", "zip": "8000" }] })), 403, "access_denied", denied),
        (demo::ADMIN, "POST", "/customer".into(), Some(json!({ "addresses": [{ "address": "Testvej 1", "zip": "8000" }] })), 404, "name", ""),
        (demo::ADMIN, "POST", "/customer".into(), two_faults(), 422, "multiple", ""),
        (demo::ADMIN, "POST", customer("names/list"), Some(json!({})), 404, "customers", ""),
        (demo::ADMIN, "GET", customer(NOT_AN_ID), None, 400, "bad_request", no_id),
        (demo::OWNER, "GET", customer(demo::WORKSHOP), None, 403, "access_denied", denied),
        (demo::ADMIN, "GET", customer(a), None, 404, "customer", ""),
        (demo::ADMIN, "POST", customer(NOT_AN_ID), Some(json!({})), 400, "bad_request", no_id),
        (demo::OWNER, "POST", customer(demo::WORKSHOP), Some(json!({})), 403, "access_denied", denied),
        (demo::ADMIN, "POST", customer(a), Some(json!({})), 404, "customer", ""),
        (demo::OWNER, "POST", customer(demo::BAKERY), Some(json!({ "state": "BLOCKED" })), 409, "state", ""),
        (demo::OWNER, "POST", customer(demo::BAKERY), two_faults(), 422, "multiple", ""),
        (demo::ADMIN, "GET", customer(NOT_AN_ID) + "/name", None, 400, "bad_request", no_id),
        (demo::ADMIN, "GET", customer(NOT_AN_ID) + "/security", None, 400, "bad_request", no_id),
        (demo::ADMIN, "GET", customer(a) + "/security", None, 404, "customer", ""),
        (demo::OWNER, "POST", customer(NOT_AN_ID) + "/address", Some(json!({})), 400, "customer", no_id),
        (demo::OWNER, "POST", customer(demo::WORKSHOP) + "/address", Some(json!({ "address": "Testvej 1", "zip": "8000" })), 403, "access_denied", denied),
        (demo::OWNER, "POST", customer(a) + "/address", Some(json!({ "address": "Testvej 1", "zip": "8000" })), 404, "customer", ""),
        (demo::OWNER, "POST", customer(demo::BAKERY) + "/address", faults_of_an_address(), 422, "multiple", ""),
        (demo::OWNER, "POST", address(NOT_AN_ID, a), Some(json!({})), 400, "customer", no_id),
        (demo::OWNER, "POST", address(demo::BAKERY, NOT_AN_ID), Some(json!({})), 400, "address", "Address id not found in request URI"),
        (demo::OWNER, "POST", address(demo::WORKSHOP, a), Some(json!({})), 403, "access_denied", denied),
        (demo::OWNER, "POST", address(demo::BAKERY, a), Some(json!({})), 404, "address", ""),
        (demo::OWNER, "POST", address(demo::BAKERY, demo::SECOND_ADDRESS), faults_of_an_address(), 422, "multiple", ""),
        (demo::OWNER, "DELETE", address(NOT_AN_ID, a), None, 400, "customer", no_id),
        (demo::OWNER, "DELETE", address(demo::BAKERY, NOT_AN_ID), None, 400, "address", "Address id not found in request URI"),
        (demo::PERSONAL, "GET", "/employee".into(), None, 403, "access_denied", denied),
        (demo::ADMIN, "GET", format!("/employee?customer={a}"), None, 404, "customer", ""),
        (demo::OWNER, "POST", "/employee".into(), Some(json!("no object")), 400, "bad_request", ""),
        (demo::PERSONAL, "POST", "/employee".into(), Some(json!({ "customer": demo::BAKERY, "accessLevel": "PERSONAL", "name": "New" })), 403, "access_denied", denied),
        (demo::ADMIN, "POST", "/employee".into(), Some(json!({ "customer": a, "accessLevel": "PERSONAL", "name": "New" })), 404, "customer", ""),
        (demo::OWNER, "POST", "/employee".into(), Some(json!({ "customer": demo::BAKERY, "accessLevel": "PERSONAL", "name": "New", "emailAddress": "manager@bakery.example.com" })), 409, "emailAddress", ""),
        (demo::OWNER, "POST", "/employee".into(), two_faults(), 422, "multiple", ""),
        (demo::OWNER, "GET", employee(NOT_AN_ID), None, 400, "employee", employee_id),
        (demo::PERSONAL, "GET", employee(demo::EMMA), None, 403, "access_denied", denied),
        (demo::OWNER, "GET", employee(a), None, 404, "employee", ""),
        (demo::OWNER, "POST", employee(NOT_AN_ID), Some(json!({})), 400, "employee", employee_id),
        (demo::PERSONAL, "POST", employee(demo::EMMA), Some(json!({ "title": "x" })), 403, "access_denied", denied),
        (demo::OWNER, "POST", employee(a), Some(json!({})), 404, "employee", ""),
        (demo::OWNER, "POST", employee(demo::EMMA), Some(json!({ "emailAddress": "manager@bakery.example.com" })), 409, "emailAddress", ""),
        (demo::OWNER, "POST", employee(demo::EMMA), two_faults(), 422, "multiple", ""),
        (demo::PERSONAL, "GET", config("").trim_end_matches('/').into(), None, 403, "access_denied", denied),
        (demo::ADMIN, "GET", format!("/pbx/app/mobileconfig?customer={a}"), None, 404, "customer", ""),
        (demo::MANAGER, "POST", config(NOT_AN_ID), None, 400, "bad_request", no_config),
        (demo::MANAGER, "POST", config(a), None, 404, "not_found", ""),
        (demo::MANAGER, "POST", config(demo::EMMA), Some(json!({ "configs": [{ "type": "QUEUES", "items": 1, "others": 2 }] })), 422, "multiple", ""),
        (demo::MANAGER, "GET", "/pbx/app/employees?ids=x".into(), None, 422, "ids", ""),
        (demo::MANAGER, "POST", "/pbx/app/employees".into(), Some(json!({ "ids": "x" })), 422, "ids", ""),
        (demo::MANAGER, "GET", "/pbx/app/queues?queue=x".into(), None, 422, "queue", ""),
        (demo::MANAGER, "GET", format!("/pbx/app/queues?extension={}", demo::EMMAS_EXTENSION), None, 422, "extension", ""),
        (demo::MANAGER, "GET", format!("{changes}/customer/{NOT_AN_ID}"), None, 400, "bad_request", no_id),
        (demo::PERSONAL, "GET", format!("{changes}/customer/{}", demo::BAKERY), None, 403, "access_denied", denied),
        (demo::ADMIN, "GET", format!("{changes}/customer/{a}"), None, 404, "customer", ""),
        (demo::MANAGER, "GET", format!("{changes}/{NOT_AN_ID}"), None, 400, "bad_request", "Id not found in request URI"),
        (demo::MANAGER, "GET", format!("{changes}/{a}"), None, 404, "not_found", ""),
        (demo::PERSONAL, "GET", "/log/changeloglite".into(), None, 403, "access_denied", denied),
        (demo::ADMIN, "GET", format!("/log/changeloglite?customer={a}"), None, 404, "customer", ""),
        (demo::ADMIN, "GET", format!("/log/changeloglite?reseller={a}"), None, 404, "reseller", ""),
        (demo::RESELLER_ADMIN, "GET", broadcast(&format!("eventType=EMPLOYEE_CHANGED&customer={}", demo::BAKERY)), None, 403, "access_denied", denied),
        (demo::ADMIN, "GET", broadcast(&format!("customer={}", demo::BAKERY)), None, 404, "eventType", ""),
        (demo::ADMIN, "GET", broadcast("eventType=EMPLOYEE_CHANGED"), None, 404, "customer", ""),
        (demo::ADMIN, "GET", broadcast(&format!("eventType=EMPLOYEE_CHANGED&customer={a}")), None, 404, "customer", ""),
        (demo::ADMIN, "POST", broadcast(""), Some(json!({ "eventType": "OTHER", "customer": demo::BAKERY })), 422, "eventType", ""),
    ]
}

/// Rows that need more than one request; the tests of login and logout have them.
const TRIED_ELSEWHERE: [(&str, &str); 22] = [
    ("api:customer:delete", "customer"),
    ("api:auth:reset", "username"),
    ("api:auth:reset", "time"),
    ("api:auth:setpassword", "account"),
    ("api:auth:setpassword", "username"),
    ("api:employee:picture-upload", "file"),
    ("api:pbx:app:action:call", "target"),
    ("api:pbx:app:action:pickup", "access_denied"),
    ("api:pbx:app:action:pickup", "target"),
    ("api:pbx:app:action:queuepickup", "queue"),
    ("api:pbx:app:action:queuepickup", "target"),
    ("api:pbx:app:action:steal", "access_denied"),
    ("api:pbx:app:action:steal", "target"),
    ("api:pbx:app:action:transfer", "destination"),
    ("api:sms:send", "from"),
    ("api:auth:login", "invalid_token"),
    ("api:auth:login", "authenticatorToken"),
    ("api:auth:login", "too_many_requests"),
    ("api:auth:logout", "invalid_token"),
    ("api:auth:validatetoken", "token"),
    ("api:log:changelog:get", "access_denied"),
    ("api:log:changelog:list", "customer"),
];

/// The call of the description that serves a request: a path that is written out comes before one with a parameter.
fn described<'a>(description: &'a Value, method: &str, path: &str) -> &'a Value {
    let given: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
    let fits = |template: &str| {
        let template: Vec<&str> = template.split('/').collect();
        let same = |(wanted, given): (&&str, &&str)| wanted == given || (wanted.starts_with('{') && !given.is_empty());
        template.len() == given.len() && template.iter().zip(&given).all(same)
    };
    let paths = description["paths"].as_object().unwrap();
    let found = paths.iter().filter(|(template, _)| fits(template));
    let (_, calls) = found.min_by_key(|(template, _)| template.matches('{').count()).unwrap();
    &calls[method.to_lowercase()]
}

/// Page, status, and the line of the description for one error.
type Line = (String, String, String);

fn page(call: &Value) -> String {
    let description = call["description"].as_str().unwrap();
    description.trim_start_matches("Documentation page ").trim_matches('`').to_owned()
}

fn every_row() -> impl Iterator<Item = Row> {
    documented::rows().into_iter().chain(rows_of_this_server()).chain(rows_of_the_pbx()).chain(rows_of_the_book())
}

#[test]
fn what_the_description_says_of_errors_is_what_is_answered() {
    let app = TestApp::start();
    let description = app.nobody().get("/openapi.json").ok();
    let mut answered: BTreeSet<Line> = BTreeSet::new();
    let mut wrong = vec![];
    for (who, method, path, body, status, code, _) in every_row() {
        let answer = documented::attempt(&app.session_of(who), method, &path, body);
        if (answer.status, code_of(&answer).as_str()) != (status, code) {
            wrong.push(format!("{method} {path}: {status} {code} expected: {answer}"));
        }
        let code = code.replacen("[0]", "[i]", 1).replacen("[0]", "[j]", 1);
        let line = format!("- `{code}`: {}", answer.message());
        answered.insert((page(described(&description, method, &path)), status.to_string(), line));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut promised: BTreeSet<Line> = BTreeSet::new();
    for call in description["paths"].as_object().unwrap().values().flat_map(|calls| calls.as_object().unwrap().values())
    {
        for (status, answer) in call["responses"].as_object().unwrap() {
            for line in answer["description"].as_str().unwrap().lines().filter(|line| line.starts_with("- ")) {
                promised.insert((page(call), status.clone(), line.to_owned()));
            }
        }
    }
    let unheard_of: Vec<&Line> = answered.difference(&promised).collect();
    assert!(unheard_of.is_empty(), "answered and not described: {unheard_of:#?}");
    let is_tried_elsewhere = |line: &&Line| {
        line.1 == "401"
            || TRIED_ELSEWHERE.iter().any(|(page, code)| *page == line.0 && line.2.contains(&format!("`{code}`")))
    };
    let never: Vec<&Line> = promised.difference(&answered).filter(|line| !is_tried_elsewhere(line)).collect();
    assert!(never.is_empty(), "described and not answered: {never:#?}");
}
