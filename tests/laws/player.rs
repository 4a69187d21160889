//! Plays the steps of a history against a server.

use proptest::sample::Index;
use serde_json::{Value, json};
use telecomx_local::domain::mirror::Table;

use crate::changes::{Change, Patch, body, resolve};
use crate::comes_back::enroll;
use crate::history::{Caller, Step};
use crate::hubs::on_sqlite;
use crate::support::{Client, Response, TestApp};
use crate::ways::{Verdict, import_into, propose, propose_copy};
use crate::world::{
    ADMIN, BAKERY, OWNER, PLATFORM, RESELLER, RESELLERS_OWN, client_of, document_of, object, outline_of,
};

const DAY_MS: i64 = 24 * 3_600_000;

/// Whatever may be refused, but not break.
fn is_sound(what: &str, verdict: &Verdict) -> Result<(), String> {
    let is_broken = verdict.0.iter().any(|(status, _)| *status >= 500);
    if is_broken { Err(format!("{what} is broken\n{verdict:?}")) } else { Ok(()) }
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
    let found = object(document, list, id).and_then(|object| object["customer"].as_str());
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
        // An import gives whole objects; everything else only names them.
        let document = if step.is_import() { document_of(self.app) } else { outline_of(self.app) };
        let answer = match step {
            Step::Propose(..) | Step::ProposeConfig(..) | Step::ProposeCopy(..) => {
                return self.propose(step, &document);
            }
            _ if step.is_import() => return self.import(step, &document),
            Step::Tomorrow => {
                self.app.clock.advance_ms(DAY_MS);
                self.app.run_housekeeping();
                return Ok(());
            }
            Step::Enroll if !self.is_enrolled => {
                self.is_enrolled = true;
                enroll(on_sqlite(), &self.admin);
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
            let addresses = object(document, "customers", &id).unwrap()["addresses"].as_array().unwrap();
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
        is_sound("a proposal", &verdict)
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
        is_sound("an import", &verdict)
    }
}
