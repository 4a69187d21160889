//! Who may do what: one row per endpoint, from the access rows of the documentation's pages, and our own decisions where
//! they are silent.

use serde_json::{Value, json};

use super::access::At;
use super::support::demo;

/// What a row acts on, when it must not be something that later rows need.
#[derive(Clone, Copy, PartialEq)]
pub enum Fresh {
    Nothing,
    Customer,
    Employee,
    Address,
    /// A contact of the employee's own.
    OwnContact,
    /// A contact that everybody of the customer reads.
    SharedContact,
    /// A member of a queue: another extension of the same employee.
    Member,
    /// The caller itself: for what ends its sessions.
    Caller,
}

pub struct Row {
    pub method: &'static str,
    pub path: &'static str,
    /// The levels that are let through, for an object that is one's own, a colleague's, a customer's, a
    /// sub-reseller's customer's, or anybody else's. One letter a level: nobody (no token), PERSONAL, VIEWER, MANAGER,
    /// OWNER, RESELLER, reseller admin, ADMIN. `-`: there is no such object.
    pub lets_through: [&'static str; 5],
    /// Answer to those who are let through.
    pub answer: u16,
    /// Whether an absent object can be asked for.
    pub may_be_absent: bool,
    pub query: fn(&At) -> String,
    pub body: Option<fn(&At) -> Value>,
    pub fresh: Fresh,
}

impl Row {
    fn query(self, query: fn(&At) -> String) -> Row {
        Row { query, may_be_absent: true, ..self }
    }

    fn body(self, body: fn(&At) -> Value) -> Row {
        Row { body: Some(body), ..self }
    }

    fn answer(self, answer: u16) -> Row {
        Row { answer, ..self }
    }

    fn fresh(self, fresh: Fresh) -> Row {
        Row { fresh, ..self }
    }

    fn names_an_object(self) -> Row {
        Row { may_be_absent: true, ..self }
    }

    /// What the path names is nobody's: who may not call is told that, whether it is there or not.
    fn names_nobody_s(self) -> Row {
        Row { may_be_absent: false, ..self }
    }
}

fn row(method: &'static str, path: &'static str, lets_through: [&'static str; 5]) -> Row {
    Row {
        method,
        path,
        lets_through,
        answer: 200,
        may_be_absent: path.contains('{'),
        query: |_| String::new(),
        body: None,
        fresh: Fresh::Nothing,
    }
}

/// Needs no token.
const PUBLIC: [&str; 5] = ["nPVMORrA", "-", "-", "-", "-"];
/// For whoever is logged in.
const ANY: [&str; 5] = ["PVMORrA", "-", "-", "-", "-"];

const fn own_only(levels: &'static str) -> [&'static str; 5] {
    [levels, "-", "-", "-", "-"]
}

/// By whose extension it is.
const DEVICE: [&str; 5] = ["PVMORrA", "MORrA", "RrA", "RrA", "rA"];

fn with_device(at: &At, more: &str) -> String {
    format!("device={}{more}", at.pbx.extension)
}

fn new_address(_: &At) -> Value {
    json!({ "address": "Testvej 1", "zip": "8000", "city": "Aarhus C", "country": "DK" })
}

fn of_customer(at: &At) -> String {
    format!("customer={}", at.customer)
}

fn broadcast(at: &At) -> String {
    format!("eventType=EMPLOYEE_PRESENCE_CHANGED&customer={}", at.customer)
}

#[rustfmt::skip]
pub fn rows() -> Vec<Row> {
    vec![
        row("POST", "/auth/login", PUBLIC).body(|_| demo::credentials("viewer@bakery.example.com")),
        Row { query: |_| format!("username=viewer@bakery.example.com&password={}", demo::PASSWORD), ..row("GET", "/auth/login", PUBLIC) },
        row("GET", "/auth/logout", ANY).fresh(Fresh::Caller),
        row("POST", "/auth/reset", PUBLIC).body(|_| json!({ "username": "nobody@bakery.example.com" })),
        Row { query: |_| "username=somebody@bakery.example.com".into(), ..row("GET", "/auth/reset", PUBLIC) },
        row("POST", "/auth/setpassword", PUBLIC).body(|_| json!({ "token": "none", "password": demo::PASSWORD })).answer(422),
        Row { query: |_| format!("token=none&password={}", demo::PASSWORD), ..row("GET", "/auth/setpassword", PUBLIC) }.answer(422),
        Row { query: |at| format!("token={}", at.stage_token), ..row("GET", "/auth/validateToken", PUBLIC) },
        row("GET", "/auth/impersonate/{employee}", ["RrA", "RrA", "RrA", "RrA", "rA"]),

        row("GET", "/customer", own_only("RrA")),
        row("POST", "/customer", own_only("RrA")).body(|at| json!({ "name": "New", "addresses": [new_address(at)] })),
        row("POST", "/customer/names/list", own_only("RrA")).body(|at| json!({ "customers": [at.customer] })),
        row("GET", "/customer/resellers/list", own_only("RrA")),
        row("GET", "/customer/{customer}", ["VMORrA", "-", "RrA", "RrA", "rA"]),
        row("POST", "/customer/{customer}", ["MORrA", "-", "RrA", "RrA", "rA"]).body(|_| json!({ "faxNumber": "+4500000999" })),
        row("DELETE", "/customer/{customer}", ["-", "-", "RrA", "RrA", "rA"]).fresh(Fresh::Customer),
        row("DELETE", "/customer/{customer}", own_only("RrA")).answer(409),
        row("GET", "/customer/{customer}/name", ["VMORrA", "-", "RrA", "RrA", "rA"]),
        row("GET", "/customer/{customer}/security", ["PVMORrA", "-", "PVMORrA", "PVMORrA", "PVMORrA"]),
        row("GET", "/customer/overview", own_only("VMORrA")),
        row("GET", "/customer/overview", ["VMORrA", "-", "RrA", "RrA", "rA"]).query(of_customer),
        row("POST", "/customer/overview", ["VMORrA", "-", "RrA", "RrA", "rA"]).body(|at| json!({ "customer": at.customer })).names_an_object(),
        row("GET", "/customer/{customer}/overview", ["VMORrA", "-", "RrA", "RrA", "rA"]),
        row("POST", "/customer/{customer}/overview", ["VMORrA", "-", "RrA", "RrA", "rA"]),
        row("GET", "/customer/{customer}/callnotify", ["VMORrA", "-", "RrA", "RrA", "rA"]),
        row("GET", "/customer/{customer}/address", ["VMORrA", "-", "RrA", "RrA", "rA"]),
        row("POST", "/customer/{customer}/address", ["VMORrA", "-", "RrA", "RrA", "rA"]).body(new_address),
        row("GET", "/customer/{customer}/address/{address}", ["VMORrA", "-", "RrA", "RrA", "rA"]),
        row("POST", "/customer/{customer}/address/{address}", ["VMORrA", "-", "RrA", "RrA", "rA"]).body(|_| json!({ "city": "Byen" })),
        row("DELETE", "/customer/{customer}/address/{address}", ["MORrA", "-", "RrA", "RrA", "rA"]).fresh(Fresh::Address),

        row("GET", "/employee", ["VMORrA", "-", "RrA", "RrA", "rA"]).query(of_customer),
        row("POST", "/employee", ["VMORrA", "-", "RrA", "RrA", "rA"]).body(new_employee).names_an_object(),
        row("GET", "/employee/{employee}", ["PVMORrA", "VMORrA", "RrA", "RrA", "rA"]),
        row("POST", "/employee/{employee}", ["MORrA", "MORrA", "RrA", "RrA", "rA"]).body(|_| json!({ "department": "Sales" })),
        row("POST", "/employee/{employee}", ["PVMORrA", "MORrA", "RrA", "RrA", "rA"]).body(|_| json!({ "title": "Chief", "language": "da" })),
        row("DELETE", "/employee/{employee}", ["MORrA", "MORrA", "RrA", "RrA", "rA"]).fresh(Fresh::Employee),
        row("POST", "/employee/{employee}/token", ["MORr", "MORrA", "RrA", "RrA", "rA"]),
        row("DELETE", "/employee/{employee}/token/{token}", ["MORrA", "MORrA", "RrA", "RrA", "rA"]).answer(404),
        row("GET", "/employee/{employee}/resetpassword", ["MORrA", "MORrA", "RrA", "RrA", "rA"]),
        row("GET", "/employee/{employee}/picture", ["PVMORrA", "MORrA", "RrA", "RrA", "rA"]).answer(404),
        row("POST", "/employee/{employee}/picture", ["PVMORrA", "MORrA", "RrA", "RrA", "rA"]).body(|_| json!({})).answer(404),
        row("POST", "/employee/{employee}/authenticatorkey/create", ["PVMORrA", "", "", "", ""]).answer(409),
        row("POST", "/employee/{employee}/authenticatorkey/reset", ["MORrA", "MORrA", "RrA", "RrA", "rA"]),
        row("GET", "/employee/{employee}/shortcuts", ["VMORrA", "VMORrA", "RrA", "RrA", "rA"]),
        row("POST", "/employee/{employee}/shortcuts", ["VMORrA", "VMORrA", "RrA", "RrA", "rA"]).body(|_| json!([{ "index": 0, "label": "Help" }])),

        row("GET", "/pbx/app/mobileconfig", own_only("VMORrA")),
        row("GET", "/pbx/app/mobileconfig", ["VMORrA", "-", "RrA", "RrA", "rA"]).query(of_customer),
        row("POST", "/pbx/app/mobileconfig", ["PVMORrA", "VMORrA", "RrA", "RrA", "rA"]).body(|at| copy(&at.employee, &at.employee)).names_an_object(),
        row("POST", "/pbx/app/mobileconfig", ["-", "VMORrA", "-", "-", "-"]).body(|at| copy(&at.caller, &at.employee)).names_an_object(),
        row("POST", "/pbx/app/mobileconfig", ["-", "VMORrA", "-", "-", "-"]).body(|at| copy(&at.employee, &at.caller)).names_an_object(),
        row("POST", "/local/copies", ["PVMORrA", "VMORrA", "RrA", "RrA", "rA"]).body(|at| copy_to(&at.employee, &at.employee)).names_an_object(),
        row("POST", "/local/copies", ["-", "VMORrA", "-", "-", "-"]).body(|at| copy_to(&at.caller, &at.employee)).names_an_object(),
        row("POST", "/local/offers", ["VMORrA", "VMORrA", "RrA", "RrA", "rA"]).body(|at| offer(&at.customer, &at.employee)).names_an_object(),
        row("POST", "/local/operations/{operation}/undo", ANY).names_nobody_s().answer(404),
        row("POST", "/local/session", PUBLIC).body(|_| demo::credentials("viewer@bakery.example.com")),
        // By its cookie alone: a token is none.
        row("GET", "/local/session", PUBLIC).answer(401),
        row("DELETE", "/local/session", PUBLIC).answer(401),
        row("GET", "/local/audit/verify", own_only("A")),
        row("GET", "/local/status", own_only("A")),
        row("GET", "/local/sync/history", own_only("A")),
        row("GET", "/local/sync/proposals", own_only("rA")),
        row("GET", "/local/audit", own_only("VMORrA")),
        row("GET", "/local/audit", ["VMORrA", "-", "RrA", "RrA", "rA"]).query(of_customer),
        row("GET", "/pbx/app/mobileconfig/{employee}", ["PVMORrA", "VMORrA", "RrA", "RrA", "rA"]),
        row("POST", "/pbx/app/mobileconfig/{employee}", ["PVMORrA", "VMORrA", "RrA", "RrA", "rA"]),
        row("POST", "/pbx/app/mobileconfig/{employee}", ["PVMORrA", "VMORrA", "RrA", "RrA", "rA"]).body(|_| json!({ "configs": [] })),
        row("GET", "/pbx/app/employees", ANY),
        row("POST", "/pbx/app/employees", ANY),
        row("GET", "/pbx/app/queues", ANY),
        row("POST", "/pbx/app/reseller", ANY),
        row("GET", "/pbx/app/version", ANY),

        row("GET", "/pbx/phonebook", own_only("PVMORrA")),
        row("GET", "/pbx/phonebook", ["PVMORrA", "-", "RrA", "RrA", "rA"]).query(of_customer),
        row("POST", "/pbx/phonebook", own_only("PVMORrA")).body(|_| json!({ "givenName": "Mette", "personal": true })),
        row("POST", "/pbx/phonebook", ["PVMORrA", "", "", "", ""]).body(|at| json!({ "customer": at.customer, "employee": at.employee })).names_an_object(),
        row("POST", "/pbx/phonebook", ["MORrA", "-", "RrA", "RrA", "rA"]).body(|at| json!({ "customer": at.customer })).names_an_object(),
        row("GET", "/pbx/phonebook/{contact}", ["PVMORrA", "", "", "", ""]).fresh(Fresh::OwnContact),
        row("GET", "/pbx/phonebook/{contact}", ["PVMORrA", "-", "RrA", "RrA", "rA"]).fresh(Fresh::SharedContact),
        row("POST", "/pbx/phonebook/{contact}", ["PVMORrA", "", "", "", ""]).body(|_| json!({ "title": "Miller" })).fresh(Fresh::OwnContact),
        row("POST", "/pbx/phonebook/{contact}", ["MORrA", "-", "RrA", "RrA", "rA"]).body(|_| json!({ "title": "Miller" })).fresh(Fresh::SharedContact),
        row("DELETE", "/pbx/phonebook/{contact}", ["PVMORrA", "", "", "", ""]).fresh(Fresh::OwnContact),
        row("DELETE", "/pbx/phonebook/{contact}", ["MORrA", "-", "RrA", "RrA", "rA"]).fresh(Fresh::SharedContact),
        row("GET", "/pbx/switch", ["PVMORrA", "-", "RrA", "RrA", "rA"]).query(of_customer),
        row("GET", "/pbx/switch/{name}", ["PVMORrA", "-", "RrA", "RrA", "rA"]).query(of_customer),
        row("GET", "/pbx/switch/{name}", ["PVMORrA", "-", "RrA", "RrA", "rA"]).query(|at| of_customer(at) + "&value=true"),
        row("POST", "/pbx/switch/{name}", ["PVMORrA", "-", "RrA", "RrA", "rA"]).body(|at| json!({ "value": true, "customer": at.customer })),
        row("GET", "/pbx/variable", ["PVMORrA", "-", "RrA", "RrA", "rA"]).query(of_customer),
        row("GET", "/pbx/variable/{name}", ["PVMORrA", "-", "RrA", "RrA", "rA"]).query(of_customer),
        row("GET", "/pbx/variable/{name}", ["PVMORrA", "-", "RrA", "RrA", "rA"]).query(|at| of_customer(at) + "&value=text"),
        row("POST", "/pbx/variable/{name}", ["PVMORrA", "-", "RrA", "RrA", "rA"]).body(|at| json!({ "value": "text", "customer": at.customer })),
        row("GET", "/pbx/app/permissions", ANY),
        Row { query: |at| format!("target={}", at.pbx.extension), ..row("GET", "/pbx/app/grouppermissions", ANY) },

        // Of the own customer: a queue whose calls the caller answers, and one that is not dynamic, whose calls a colleague answers.
        row("GET", "/pbx/queue/{queue}", ["PVMORrA", "VMORrA", "RrA", "RrA", "rA"]),
        row("GET", "/pbx/queue/{queue}/member", ["PVMORrA", "VMORrA", "RrA", "RrA", "rA"]),
        row("POST", "/pbx/queue/{queue}/member", ["PVMORrA", "MORrA", "RrA", "RrA", "rA"]).body(|at| json!({ "extension": at.pbx.extension })),
        Row { query: |at| format!("extension={}", at.pbx.extension), ..row("GET", "/pbx/queue/{queue}/member/join", ["PVMORrA", "MORrA", "RrA", "RrA", "rA"]) },
        row("POST", "/pbx/queue/{queue}/member/{member}", ["PVMORrA", "MORrA", "RrA", "RrA", "rA"]).body(|_| json!({ "priority": 3 })),
        Row { query: |_| "priority=4".into(), ..row("GET", "/pbx/queue/{queue}/member/{member}", ["PVMORrA", "MORrA", "RrA", "RrA", "rA"]) },
        row("DELETE", "/pbx/queue/{queue}/member/{member}", ["PVMORrA", "MORrA", "RrA", "RrA", "rA"]).fresh(Fresh::Member),
        row("GET", "/pbx/extension", ["VMORrA", "-", "RrA", "RrA", "rA"]).query(of_customer),
        row("GET", "/pbx/extension", ["PVMORrA", "VMORrA", "RrA", "RrA", "rA"]).query(|at| format!("employee={}", at.employee)),
        // PERSONAL is shown five properties of a colleague's.
        row("GET", "/pbx/extension/{extension}", ["PVMORrA", "PVMORrA", "RrA", "RrA", "rA"]),
        row("GET", "/pbx/group", ["PVMORrA", "-", "RrA", "RrA", "rA"]).query(of_customer),
        row("GET", "/pbx/group/{group}", ["VMORrA", "VMORrA", "RrA", "RrA", "rA"]),

        row("GET", "/pbx/app/action/call", DEVICE).query(|at| with_device(at, "&target=%2B4570305050")).names_nobody_s(),
        row("GET", "/pbx/app/action/hangup", DEVICE).query(|at| with_device(at, "")).names_nobody_s(),
        row("GET", "/pbx/app/action/pickup", DEVICE).query(|at| with_device(at, &format!("&target={}", at.pbx.extension))).names_nobody_s(),
        row("GET", "/pbx/app/action/steal", DEVICE).query(|at| with_device(at, &format!("&target={}", at.pbx.extension))).names_nobody_s(),
        row("GET", "/pbx/app/action/transfer", DEVICE).query(|at| format!("source={}&destination=112", at.pbx.extension)).names_nobody_s(),
        // No queue has that number.
        row("GET", "/pbx/app/action/queuepickup", own_only("")).query(|at| with_device(at, "&queue=999")).names_nobody_s(),
        row("POST", "/sms", ANY).body(|_| json!({ "message": "Hello", "to": ["+4570305050"] })),

        row("GET", "/log/changelog/customer", own_only("VMORrA")),
        row("GET", "/log/changelog/customer/{customer}", ["VMORrA", "-", "RrA", "RrA", "rA"]),
        row("GET", "/log/changelog/customer/{customer}/{section}", ["VMORrA", "-", "RrA", "RrA", "rA"]),
        row("GET", "/log/changelog/customer/{customer}/{section}/{item}", ["VMORrA", "VMORrA", "RrA", "RrA", "rA"]),
        row("GET", "/log/changelog/{entry}", ["VMORrA", "-", "RrA", "RrA", "rA"]),
        row("GET", "/log/changeloglite", own_only("VMORrA")),
        row("GET", "/log/changeloglite", ["VMORrA", "-", "RrA", "RrA", "rA"]).query(of_customer),
        row("GET", "/log/changeloglite", ["RrA", "-", "RrA", "RrA", "rA"]).query(|at| format!("reseller={}", at.customer)),
        row("GET", "/tools/changelog", own_only("VMORrA")),
        row("GET", "/tools/changelog", ["VMORrA", "-", "RrA", "RrA", "rA"]).query(of_customer),

        Row { query: broadcast, ..row("GET", "/tools/realtime", own_only("A")) },
        row("POST", "/tools/realtime", own_only("A")).body(|at| json!({ "eventType": "EMPLOYEE_PRESENCE_CHANGED", "customer": at.customer })),

        row("GET", "/openapi.json", PUBLIC),
        row("POST", "/sync", own_only("rA")).answer(409),
        row("GET", "/sync/status", own_only("rA")),
        row("POST", "/sync/verify", own_only("rA")).answer(409),
        row("GET", "/sync/quarantine", own_only("rA")),
        row("POST", "/sync/quarantine/{entry}/retry", own_only("rA")).names_nobody_s().answer(404),
        row("POST", "/sync/quarantine/{entry}/drop", own_only("rA")).names_nobody_s().answer(404),
        row("GET", "/sync/operations", own_only("rA")),
        row("POST", "/sync/operations/{entry}/retry", own_only("rA")).names_nobody_s().answer(404),
        row("POST", "/sync/operations/{entry}/drop", own_only("rA")).names_nobody_s().answer(404),
        row("GET", "/sync/conflicts", own_only("rA")),
        row("POST", "/sync/conflicts/{entry}/mine", own_only("rA")).names_nobody_s().answer(404),
        row("POST", "/sync/conflicts/{entry}/theirs", own_only("rA")).names_nobody_s().answer(404),
        row("POST", "/sync/platform/connect", own_only("A"))
            .body(|_| json!({ "url": "http://127.0.0.1:1", "token": "none" }))
            .answer(409),
        row("POST", "/sync/platform/disconnect", own_only("A")).answer(409),
        row("GET", "/metrics", own_only("rA")),
        row("POST", "/sync/enroll", own_only("A"))
            .body(|_| json!({ "url": "http://127.0.0.1:1", "code": "none" }))
            .answer(409),
        row("POST", "/sync/rotate-token", own_only("A")).answer(409),
        row("GET", "/tokens", own_only("A")),
        row("DELETE", "/tokens/{entry}", own_only("A")).names_nobody_s().answer(404),
        row("GET", "/healthz", PUBLIC),
        row("GET", "/readyz", PUBLIC),
    ]
}

fn new_employee(at: &At) -> Value {
    json!({ "customer": at.customer, "accessLevel": "PERSONAL", "name": "New" })
}

fn copy_to(from: &str, to: &str) -> Value {
    json!({ "_id": from, "copyTo": [to] })
}

fn offer(customer: &str, to: &str) -> Value {
    json!({ "customer": customer, "employees": "all", "offerTo": [to] })
}

fn copy(from: &str, to: &str) -> Value {
    json!({ "_id": from, "copyTo": to })
}
