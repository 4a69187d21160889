//! Everything that a caller of the API can change, and what comes in by proposal and import besides.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use telecomx_local::domain::mirror::Table;

use crate::app::{Client, Response, TestApp};
use crate::changes::{Change, Patch, body, configs, patch, resolve};
use crate::values;
use crate::ways::{import_into, propose, propose_copy};
use crate::world::{ADMIN, BAKERY, OWNER, PLATFORM, RESELLER, RESELLERS_OWN, client_of, document_of};

const DAY_MS: i64 = 24 * 3_600_000;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Caller {
    Admin,
    Reseller,
    Owner,
}

#[derive(Clone, Debug)]
pub enum Step {
    CreateCustomer(Caller, Patch),
    UpdateCustomer(Caller, Index, Patch),
    DeleteCustomer(Caller, Index),
    CreateAddress(Caller, Index, Patch),
    UpdateAddress(Caller, Index, Index, Patch),
    DeleteAddress(Caller, Index, Index),
    CreateEmployee(Caller, Index, Patch),
    UpdateEmployee(Caller, Index, Patch),
    DeleteEmployee(Caller, Index),
    /// So many days ahead.
    PutOffDelete(Caller, Index, i64),
    /// A day passes, and what is due then is done.
    Tomorrow,
    CreateToken(Caller, Index),
    DeleteToken(Caller, Index),
    /// Of the caller's own.
    CreateAuthenticatorKey(Caller),
    ResetAuthenticatorKey(Caller, Index),
    DefaultConfig(Caller, Index),
    WriteConfig(Caller, Index, Value),
    CopyConfig(Caller, Index, Index),
    Impersonate(Caller, Index),
    /// Hashing takes its time.
    SetPassword(Index),
    Propose(Table, Index, Patch),
    ProposeConfig(Index, Value),
    ProposeCopy(Index, Index),
    ImportQueue(Index, Patch),
    ImportEmployee(Index, Patch),
    ImportCustomer(Index, Patch),
    /// With a hub, from here on.
    Enroll,
    Sync,
}

pub fn step() -> BoxedStrategy<Step> {
    use Step::*;
    let index = any::<Index>;
    let caller = || prop_oneof![8 => Just(Caller::Admin), 1 => Just(Caller::Reseller), 1 => Just(Caller::Owner)];
    let (customer, employee) = (|| patch(values::of_customer, 9), || patch(values::of_employee, 9));
    let (address, queue) = (|| patch(values::of_address, 9), || patch(values::of_queue, 9));
    let objects = prop_oneof![
        2 => (caller(), customer()).prop_map(|(by, patch)| CreateCustomer(by, patch)),
        5 => (caller(), index(), customer()).prop_map(|(by, at, patch)| UpdateCustomer(by, at, patch)),
        2 => (caller(), index()).prop_map(|(by, at)| DeleteCustomer(by, at)),
        2 => (caller(), index(), address()).prop_map(|(by, at, patch)| CreateAddress(by, at, patch)),
        2 => (caller(), index(), index(), address()).prop_map(|(by, at, of, patch)| UpdateAddress(by, at, of, patch)),
        4 => (caller(), index(), index()).prop_map(|(by, at, of)| DeleteAddress(by, at, of)),
        4 => (caller(), index(), employee()).prop_map(|(by, at, patch)| CreateEmployee(by, at, patch)),
        8 => (caller(), index(), employee()).prop_map(|(by, at, patch)| UpdateEmployee(by, at, patch)),
        4 => (caller(), index()).prop_map(|(by, at)| DeleteEmployee(by, at)),
        1 => (caller(), index(), 1..4_i64).prop_map(|(by, at, days)| PutOffDelete(by, at, days)),
        1 => Just(Tomorrow),
    ];
    let people = prop_oneof![
        10 => (caller(), index()).prop_map(|(by, at)| CreateToken(by, at)),
        5 => (caller(), index()).prop_map(|(by, at)| DeleteToken(by, at)),
        5 => caller().prop_map(CreateAuthenticatorKey),
        5 => (caller(), index()).prop_map(|(by, at)| ResetAuthenticatorKey(by, at)),
        5 => (caller(), index()).prop_map(|(by, at)| Impersonate(by, at)),
        1 => index().prop_map(SetPassword),
    ];
    let contents = prop_oneof![
        3 => (caller(), index()).prop_map(|(by, at)| DefaultConfig(by, at)),
        5 => (caller(), index(), configs()).prop_map(|(by, at, configs)| WriteConfig(by, at, configs)),
        3 => (caller(), index(), index()).prop_map(|(by, from, to)| CopyConfig(by, from, to)),
    ];
    let others = prop_oneof![
        3 => (index(), customer()).prop_map(|(at, patch)| Propose(Table::Customer, at, patch)),
        3 => (index(), employee()).prop_map(|(at, patch)| Propose(Table::Employee, at, patch)),
        2 => (index(), queue()).prop_map(|(at, patch)| Propose(Table::Queue, at, patch)),
        2 => (index(), configs()).prop_map(|(at, configs)| ProposeConfig(at, configs)),
        2 => (index(), index()).prop_map(|(from, to)| ProposeCopy(from, to)),
        2 => (index(), queue()).prop_map(|(at, patch)| ImportQueue(at, patch)),
        2 => (index(), employee()).prop_map(|(at, patch)| ImportEmployee(at, patch)),
        2 => (index(), customer()).prop_map(|(at, patch)| ImportCustomer(at, patch)),
    ];
    let mirror = prop_oneof![1 => Just(Enroll), 3 => Just(Sync)];
    prop_oneof![20 => objects, 2 => people, 6 => contents, 6 => others, 1 => mirror].boxed()
}

pub fn steps() -> BoxedStrategy<Vec<Step>> {
    vec(step(), 15..=40).boxed()
}

/// A history under way.
pub struct Player<'a> {
    app: &'a TestApp,
    pub admin: Client,
    reseller: Client,
    owner: Client,
    /// Of whom, and which.
    tokens: Vec<(String, String)>,
    pub is_enrolled: bool,
}

fn ids(document: &Value, list: &str) -> Vec<String> {
    let ids = document[list].as_array().unwrap().iter().map(|object| object["_id"].as_str().unwrap().to_owned());
    // Who calls goes on calling.
    ids.filter(|id| ![ADMIN, PLATFORM].contains(&&id[..])).collect()
}

/// The customer of an object, if it is there.
fn customer_of(document: &Value, list: &str, id: &str) -> String {
    let found = crate::world::object(document, list, id).and_then(|object| object["customer"].as_str());
    found.unwrap_or(BAKERY).to_owned()
}

impl<'a> Player<'a> {
    pub fn new(app: &'a TestApp) -> Player<'a> {
        let [admin, reseller, owner] = [ADMIN, RESELLERS_OWN, OWNER].map(|id| client_of(app, id));
        Player { app, admin, reseller, owner, tokens: vec![], is_enrolled: false }
    }

    fn client(&self, caller: Caller) -> &Client {
        match caller {
            Caller::Admin => &self.admin,
            Caller::Reseller => &self.reseller,
            Caller::Owner => &self.owner,
        }
    }

    /// Plays a step. Whatever is refused is refused; what is broken is a fault.
    pub fn play(&mut self, step: &Step) -> Result<(), String> {
        let document = document_of(self.app);
        let answer = match step {
            Step::Propose(..) | Step::ProposeConfig(..) | Step::ProposeCopy(..) => {
                return self.propose(step, &document);
            }
            Step::ImportQueue(..) | Step::ImportEmployee(..) | Step::ImportCustomer(..) => {
                return self.import(step, &document);
            }
            Step::Tomorrow => {
                self.app.clock.advance_ms(DAY_MS);
                self.app.run_housekeeping();
                return Ok(());
            }
            Step::Enroll if !self.is_enrolled => {
                self.is_enrolled = true;
                crate::comes_back::enroll(crate::hubs::on_sqlite(), &self.admin);
                return Ok(());
            }
            Step::Enroll | Step::Sync if self.is_enrolled => self.admin.act("/sync"),
            Step::Enroll | Step::Sync => return Ok(()),
            _ => self.call(step, &document),
        };
        if answer.status >= 500 { Err(format!("a call is broken\n{answer}")) } else { Ok(()) }
    }

    fn call(&mut self, step: &Step, document: &Value) -> Response {
        let customer = |at: &Index| at.get(&ids(document, "customers")).clone();
        let employee = |at: &Index| at.get(&ids(document, "employees")).clone();
        let address_path = |at: &Index, which: &Index| {
            let id = customer(at);
            let addresses = crate::world::object(document, "customers", &id).unwrap()["addresses"].as_array().unwrap();
            format!("/customer/{id}/address/{}", which.get(addresses)["_id"].as_str().unwrap())
        };
        let of_employee =
            |patch: &Patch, customer: &str, base: Value| resolve(&body(base, patch).into(), document, customer, 1);
        match step {
            Step::CreateCustomer(by, patch) => {
                let address = json!({ "address": "Gade 9", "zip": "8000", "city": "Aarhus" });
                let base = json!({ "name": "New", "parentReseller": RESELLER, "addresses": [address] });
                self.client(*by).post("/customer", body(base, patch).into())
            }
            Step::UpdateCustomer(by, at, patch) => {
                self.client(*by).post(&format!("/customer/{}", customer(at)), body(json!({}), patch).into())
            }
            Step::DeleteCustomer(by, at) => self.client(*by).delete(&format!("/customer/{}", customer(at))),
            Step::CreateAddress(by, at, patch) => {
                let body = body(json!({ "address": "Gade 9", "zip": "8000", "city": "Aarhus" }), patch);
                self.client(*by).post(&format!("/customer/{}/address", customer(at)), body.into())
            }
            Step::UpdateAddress(by, at, which, patch) => {
                self.client(*by).post(&address_path(at, which), body(json!({}), patch).into())
            }
            Step::DeleteAddress(by, at, which) => self.client(*by).delete(&address_path(at, which)),
            Step::CreateEmployee(by, at, patch) => {
                let customer = customer(at);
                let base = json!({ "customer": customer, "accessLevel": "PERSONAL", "name": "New" });
                self.client(*by).post("/employee", of_employee(patch, &customer, base))
            }
            Step::UpdateEmployee(by, at, patch) => {
                let id = employee(at);
                let customer = customer_of(document, "employees", &id);
                self.client(*by).post(&format!("/employee/{id}"), of_employee(patch, &customer, json!({})))
            }
            Step::DeleteEmployee(by, at) => self.client(*by).delete(&format!("/employee/{}", employee(at))),
            Step::PutOffDelete(by, at, days) => {
                let date = self.app.clock.now().plus_ms(days * DAY_MS).to_string();
                self.client(*by).delete(&format!("/employee/{}?deleteDate={}", employee(at), &date[..10]))
            }
            Step::DefaultConfig(by, at) => self.client(*by).act(&format!("/pbx/app/mobileconfig/{}", employee(at))),
            Step::WriteConfig(by, at, configs) => {
                let id = employee(at);
                let configs = resolve(configs, document, &customer_of(document, "employees", &id), 0);
                self.client(*by).post(&format!("/pbx/app/mobileconfig/{id}"), json!({ "configs": configs }))
            }
            Step::CopyConfig(by, from, to) => {
                let body = json!({ "_id": employee(from), "copyTo": employee(to) });
                self.client(*by).post("/pbx/app/mobileconfig", body)
            }
            _ => self.call_for_access(step, &employee),
        }
    }

    /// Calls about how somebody gets in.
    fn call_for_access(&mut self, step: &Step, employee: &dyn Fn(&Index) -> String) -> Response {
        match step {
            Step::CreateToken(by, at) => {
                let id = employee(at);
                let answer = self.client(*by).act(&format!("/employee/{id}/token"));
                if let (200, Some(token)) = (answer.status, answer.json()["token"].as_str()) {
                    self.tokens.push((id, token.to_owned()));
                }
                answer
            }
            Step::DeleteToken(by, at) => {
                let none = (OWNER.to_owned(), "0".repeat(64));
                let (id, token) =
                    if self.tokens.is_empty() { none } else { self.tokens.remove(at.index(self.tokens.len())) };
                self.client(*by).delete(&format!("/employee/{id}/token/{token}"))
            }
            Step::CreateAuthenticatorKey(by) => {
                let id = [ADMIN, RESELLERS_OWN, OWNER][*by as usize];
                self.client(*by).act(&format!("/employee/{id}/authenticatorkey/create"))
            }
            Step::ResetAuthenticatorKey(by, at) => {
                self.client(*by).act(&format!("/employee/{}/authenticatorkey/reset", employee(at)))
            }
            Step::Impersonate(by, at) => self.client(*by).get(&format!("/auth/impersonate/{}", employee(at))),
            Step::SetPassword(at) => {
                let body = json!({ "noEmail": true, "password": "Passw0rd1234" });
                self.admin.post(&format!("/employee/{}", employee(at)), body)
            }
            other => unreachable!("{other:?} is no call"),
        }
    }

    fn propose(&self, step: &Step, document: &Value) -> Result<(), String> {
        let employees = ids(document, "employees");
        let nth = |at: &Index| at.get(&employees).clone();
        let verdict = match step {
            Step::ProposeCopy(from, to) => propose_copy(self.app, &nth(from), &nth(to)),
            Step::ProposeConfig(at, configs) => {
                let said = Change::WriteConfig(*at, configs.clone()).said(document);
                propose(self.app, Table::MobileConfig, &said.id.unwrap(), &said.patch)
            }
            Step::Propose(table, at, patch) => {
                let said = match table {
                    Table::Customer => Change::UpdateCustomer(*at, patch.clone()),
                    Table::Employee => Change::UpdateEmployee(*at, patch.clone()),
                    _ => Change::WriteQueue(*at, patch.clone()),
                };
                let said = said.said(document);
                propose(self.app, *table, &said.id.unwrap(), &said.patch)
            }
            other => unreachable!("{other:?} is no proposal"),
        };
        let is_broken = verdict.0.iter().any(|(status, _)| *status >= 500);
        if is_broken { Err(format!("a proposal is broken\n{verdict:?}")) } else { Ok(()) }
    }

    fn import(&self, step: &Step, document: &Value) -> Result<(), String> {
        let change = match step {
            Step::ImportQueue(at, patch) => Change::WriteQueue(*at, patch.clone()),
            Step::ImportEmployee(at, patch) => Change::UpdateEmployee(*at, patch.clone()),
            Step::ImportCustomer(at, patch) => Change::UpdateCustomer(*at, patch.clone()),
            other => unreachable!("{other:?} is no import"),
        };
        let said = change.said(document);
        let whole = said.whole(said.id.as_deref().unwrap());
        let verdict = import_into(self.app, &json!({ said.list: [whole] }));
        let is_broken = verdict.0.iter().any(|(status, _)| *status >= 500);
        if is_broken { Err(format!("an import is broken\n{verdict:?}")) } else { Ok(()) }
    }
}
