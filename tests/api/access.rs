//! The table of access, put to the test: every endpoint, every level, every relation.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use telecomx_local::api::routes::endpoints;

use super::access_table::{Fresh, Row, rows};
use super::access_world::{PbxIds, WORLD, id_of, new_employee};
use super::support::{Client, Response, TestApp, assert_error, code_of, demo};

/// Whose object a request is about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Relation {
    Own,
    Colleague,
    /// A customer of the caller's reseller.
    Customer,
    /// A customer of a sub-reseller of it.
    SubResellers,
    Elsewhere,
    Absent,
}
use Relation::*;

/// A level, and the employee who has it.
struct Level {
    letter: char,
    name: &'static str,
    employee: &'static str,
    customer: &'static str,
}

const LEVELS: [Level; 8] = [
    Level { letter: 'n', name: "", employee: demo::PERSONAL, customer: demo::BAKERY },
    Level { letter: 'P', name: "PERSONAL", employee: demo::PERSONAL, customer: demo::BAKERY },
    Level { letter: 'V', name: "VIEWER", employee: demo::VIEWER, customer: demo::BAKERY },
    Level { letter: 'M', name: "MANAGER", employee: demo::MANAGER, customer: demo::BAKERY },
    Level { letter: 'O', name: "OWNER", employee: demo::OWNER, customer: demo::BAKERY },
    Level { letter: 'R', name: "RESELLER", employee: demo::RESELLERS_CONSULTANT, customer: demo::RESELLER },
    Level { letter: 'r', name: "RESELLER_ADMIN", employee: demo::RESELLER_ADMIN, customer: demo::PLATFORM },
    Level { letter: 'A', name: "ADMIN", employee: demo::ADMIN, customer: demo::PLATFORM },
];

/// Ids for one request.
pub struct At {
    pub caller: String,
    pub employee: String,
    pub customer: String,
    address: String,
    contact: String,
    entry: String,
    /// Objects of the PBX that are the employee's.
    pub pbx: PbxIds,
    /// A token of somebody else's that is valid.
    pub stage_token: String,
}

/// A server on which one level tries everything.
struct Stage {
    app: TestApp,
    level: &'static Level,
    admin: Client,
}

impl Stage {
    fn set(level: &'static Level) -> Stage {
        let app = TestApp::on(&WORLD.saved);
        let admin = app.session_of(&WORLD.stagehand);
        Stage { app, level, admin }
    }

    fn customer(&self, relation: Relation) -> &'static str {
        match relation {
            Own | Colleague => self.level.customer,
            Customer if self.level.customer == demo::BAKERY => demo::WORKSHOP,
            Customer => demo::BAKERY,
            SubResellers => demo::FLORIST,
            Elsewhere => demo::LIBRARY,
            Absent => demo::ABSENT,
        }
    }

    fn employee(&self, relation: Relation) -> &str {
        if relation == Own {
            return self.level.employee;
        }
        match self.customer(relation) {
            demo::PLATFORM => &WORLD.platforms_viewer,
            demo::RESELLER => demo::RESELLERS_VIEWER,
            demo::BAKERY => demo::SOEREN,
            demo::WORKSHOP => demo::WORKSHOPS_PERSONAL,
            demo::FLORIST => demo::FLORISTS_PERSONAL,
            demo::LIBRARY => demo::LIBRARYS_PERSONAL,
            _ => demo::ABSENT,
        }
    }

    fn ids(&self, relation: Relation) -> At {
        let customer = self.customer(relation);
        let entry = match relation {
            Absent => demo::ABSENT.to_owned(),
            _ => id_of(&self.admin.get(&format!("/log/changelog/customer/{customer}?limit=1")).ok()["changelogs"][0]),
        };
        At {
            caller: self.level.employee.into(),
            employee: self.employee(relation).into(),
            customer: customer.into(),
            // As the demo world numbers them.
            address: if relation == Absent {
                demo::ABSENT.into()
            } else {
                format!("ad{}{}01", "0".repeat(19), &customer[23..])
            },
            contact: demo::ABSENT.into(),
            entry,
            pbx: PbxIds::of(self.employee(relation)),
            stage_token: self.admin.token().into(),
        }
    }

    fn caller(&self, employee: &str) -> Client {
        if self.level.letter == 'n' { self.app.nobody() } else { self.app.session_of(employee) }
    }

    /// Puts something in the place of what the row would destroy; returns who is to call.
    fn freshen(&self, fresh: Fresh, relation: Relation, at: &mut At, caller: &Client) -> Client {
        match fresh {
            _ if relation == Absent => {}
            Fresh::Nothing => {}
            Fresh::Caller => return self.caller(self.level.employee),
            Fresh::Employee if relation == Own => {
                let level = if self.level.letter == 'n' { "PERSONAL" } else { self.level.name };
                at.employee = new_employee(&self.admin, &at.customer, level);
                return self.caller(&at.employee);
            }
            Fresh::Employee => at.employee = new_employee(&self.admin, &at.customer, "PERSONAL"),
            Fresh::Address => {
                let address = json!({ "address": "Testvej 2", "zip": "8000", "city": "Aarhus C" });
                at.address = id_of(&self.admin.post(&format!("/customer/{}/address", at.customer), address).ok());
            }
            Fresh::OwnContact => {
                let of_employee = self.app.session_of(&at.employee);
                at.contact = id_of(&of_employee.post("/pbx/phonebook", json!({ "personal": true })).ok());
            }
            Fresh::SharedContact => {
                at.contact = id_of(&self.admin.post("/pbx/phonebook", json!({ "customer": at.customer })).ok());
            }
            Fresh::Member => {
                let spare = json!({ "extension": at.pbx.spare });
                at.pbx.member = id_of(&self.admin.post(&format!("/pbx/queue/{}/member", at.pbx.queue), spare).ok());
            }
            Fresh::Customer => {
                let sibling = self.admin.get(&format!("/customer/{}", at.customer)).ok();
                let new = json!({ "name": "Fresh", "parentReseller": sibling["parentReseller"], "addresses": sibling["addresses"] });
                at.customer = id_of(&self.admin.post("/customer", new).ok());
            }
        }
        caller.clone()
    }

    fn attempt(&self, row: &Row, at: &At, caller: &Client) -> Response {
        let path = [
            ("{customer}", at.customer.as_str()),
            ("{employee}", &at.employee),
            ("{address}", &at.address),
            ("{contact}", &at.contact),
            ("{name}", "SHARED:night"),
            ("{token}", &"0".repeat(64)),
            ("{section}", "Employees"),
            ("{item}", &at.employee),
            ("{entry}", &at.entry),
            ("{queue}", &at.pbx.queue),
            ("{member}", &at.pbx.member),
            ("{extension}", &at.pbx.extension),
            ("{group}", &at.pbx.group),
        ]
        .into_iter()
        .fold(row.path.to_owned(), |path, (name, value)| path.replace(name, value));
        let request = caller.request(row.method, &format!("{path}?{}", (row.query)(at)));
        match row.body {
            Some(body) => request.json(body(at)).send(),
            None => request.send(),
        }
    }

    fn refusals(&self, customer: &str) -> Value {
        let log = self.admin.get(&format!("/log/changelog/customer/{customer}?limit=1&version=2&what=OTHER"));
        log.ok()["total"].clone()
    }

    /// An attempt that must be refused: it changes nothing, and when it is on an existing object it is recorded.
    fn expect_refusal(&self, row: &Row, at: &At, caller: &Client, expected: u16) {
        let what = format!("{} {} {}", self.level.name, row.method, row.path);
        let is_change = row.method != "GET" && row.path != "/customer" && row.path != "/customer/names/list";
        // Those are about no object of a customer.
        let is_change = is_change && !["/sync", "/tokens", "/tools"].iter().any(|start| row.path.starts_with(start));
        let is_change = is_change && !row.path.ends_with("/overview");
        let is_recorded = expected == 403 && (is_change || row.path.starts_with("/auth/impersonate"));
        let refusals = is_recorded.then(|| self.refusals(&at.customer).as_i64().unwrap());
        let before = self.app.export();
        let answer = self.attempt(row, at, caller);
        assert_eq!(answer.status, expected, "{what}: {answer}");
        match expected {
            401 => assert_error(&answer, 401, "credentials_invalid"),
            // api:employee:createtoken has a code of its own for administrators.
            403 if row.path == "/employee/{employee}/token" && at.employee == demo::ADMIN => {
                assert_error(&answer, 403, "id")
            }
            // These pages are old.
            403 if row.path == "/employee/{employee}/shortcuts" => assert_error(&answer, 403, "employee"),
            // These pages have codes of their own.
            403 if row.path.ends_with("/resetpassword") => assert_error(&answer, 403, "employee"),
            403 if row.path.ends_with("/queuepickup") => assert_error(&answer, 403, "queue"),
            403 => assert_error(&answer, 403, "access_denied"),
            _ => drop(code_of(&answer)),
        }
        assert!(self.app.export() == before, "a refused attempt changed something: {answer}");
        if let Some(refusals) = refusals {
            assert_eq!(self.refusals(&at.customer), refusals + 1, "not recorded once: {answer}");
        }
    }

    fn try_row(&self, row: &Row) {
        let caller = self.caller(self.level.employee);
        let columns = [Own, Colleague, Customer, SubResellers, Elsewhere].into_iter().zip(row.lets_through);
        for (relation, levels) in columns.filter(|(_, levels)| *levels != "-") {
            let mut at = self.ids(relation);
            let caller = self.freshen(row.fresh, relation, &mut at, &caller);
            if levels.contains(self.level.letter) {
                let answer = self.attempt(row, &at, &caller);
                assert_eq!(answer.status, row.answer, "{} {relation:?} is let through: {answer}", self.level.name);
            } else {
                self.expect_refusal(row, &at, &caller, if self.level.letter == 'n' { 401 } else { 403 });
            }
        }
        if row.may_be_absent {
            self.expect_refusal(row, &self.ids(Absent), &caller, if self.level.letter == 'n' { 401 } else { 404 });
        }
    }
}

fn try_everything(letter: char) {
    let level = LEVELS.iter().find(|level| level.letter == letter).unwrap();
    let stage = Stage::set(level);
    for row in rows() {
        stage.try_row(&row);
    }
}

#[test]
fn every_endpoint_has_a_row_and_every_row_an_endpoint() {
    let served: BTreeSet<_> = endpoints().iter().map(|endpoint| (endpoint.method, endpoint.path)).collect();
    let listed: BTreeSet<_> = rows().iter().map(|row| (row.method, row.path)).collect();
    assert_eq!(served, listed);
}

#[test]
fn nobody_may_do_anything_but_log_in() {
    try_everything('n');
}

#[test]
fn personal_may_do_what_the_table_says() {
    try_everything('P');
}

#[test]
fn viewer_may_do_what_the_table_says() {
    try_everything('V');
}

#[test]
fn manager_may_do_what_the_table_says() {
    try_everything('M');
}

#[test]
fn owner_may_do_what_the_table_says() {
    try_everything('O');
}

#[test]
fn reseller_may_do_what_the_table_says() {
    try_everything('R');
}

#[test]
fn reseller_admin_may_do_what_the_table_says() {
    try_everything('r');
}

#[test]
fn admin_may_do_what_the_table_says() {
    try_everything('A');
}
