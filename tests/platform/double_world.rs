//! What the scripted platform holds, and how it answers the documented calls.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::double::{Ask, Reply};
use crate::support::world;

pub const USERNAME: &str = "account@example.com";
pub const PASSWORD: &str = "Passw0rd1234";
/// The account's own customer, which is a reseller, and the account's employee.
pub const OWN: &str = "c00000000000000000000001";
pub const ACCOUNT: &str = "e00000000000000000000001";

/// At most so many objects stand on a page, whatever the limit that is asked for.
const PAGE: usize = 3;

/// What the platform holds, by id.
#[derive(Default)]
pub struct World {
    pub customers: BTreeMap<String, Value>,
    pub employees: BTreeMap<String, Value>,
    pub queues: BTreeMap<String, Value>,
    pub configs: BTreeMap<String, Value>,
    /// Of the account.
    pub level: String,
    pub sessions: BTreeSet<String>,
    pub logins: usize,
    /// Method and path of everything that was asked, with the token.
    pub asked: Vec<(String, String, Option<String>)>,
}

impl World {
    pub fn add_customer(&mut self, id: &str, name: &str, reseller: Option<&str>) {
        self.customers.insert(id.to_lowercase(), world::customer(id, name, reseller));
    }

    pub fn add_employee(&mut self, id: &str, customer: &str, name: &str) {
        let employee = json!({
            "_id": id, "customer": customer, "accessLevel": "PERSONAL", "name": name, "state": "ENABLED",
            "emailAddress": format!("{}@example.com", name.to_lowercase().replace(' ', ".")), "somethingNew": { "kept": true },
        });
        self.employees.insert(id.to_lowercase(), employee);
    }

    pub fn add_queue(&mut self, id: &str, customer: &str, name: &str) {
        self.queues.insert(id.to_lowercase(), json!({ "_id": id, "customer": customer, "name": name }));
    }

    /// A config that names queues.
    pub fn add_config(&mut self, employee: &str, customer: &str, queues: &[(&str, &str)]) {
        let section = world::section("QUEUES", queues);
        let config = json!({ "_id": employee, "customer": customer, "configs": [section] });
        self.configs.insert(employee.to_lowercase(), config);
    }

    pub fn answer(&mut self, ask: &Ask) -> Reply {
        self.asked.push((ask.method.clone(), ask.path.clone(), ask.token.clone()));
        if ask.path == "/auth/login" {
            return self.log_in(&ask.body);
        }
        if !ask.token.as_ref().is_some_and(|token| self.sessions.contains(token)) {
            return Reply::error(401, "expired");
        }
        let parts: Vec<&str> = ask.path.trim_matches('/').split('/').collect();
        let of_customer =
            |object: &Value| object["customer"].as_str().is_some_and(|id| ask.has(&format!("customer={id}")));
        let wanted = ask.text("filter").unwrap_or_default().to_lowercase();
        let fits = |object: &Value| wanted.is_empty() || object.to_string().to_lowercase().contains(&wanted);
        match (ask.method.as_str(), &parts[..]) {
            ("GET", ["auth", "validateToken"]) => Reply::json(
                &json!({ "success": true, "employee": ACCOUNT, "customer": OWN, "accessLevel": self.level }),
            ),
            ("GET", ["customer"]) => {
                let listed = self.customers.values().filter(|it| it["parentReseller"].is_string() && fits(it));
                page(ask, "customers", listed)
            }
            ("GET", ["employee"]) => {
                page(ask, "employees", self.employees.values().filter(|it| of_customer(it) && fits(it)))
            }
            ("GET", ["pbx", "dialplan"]) => {
                page(ask, "dialplanItems", self.queues.values().filter(|it| of_customer(it)))
            }
            ("GET", ["pbx", "app", "mobileconfig"]) => {
                Reply::json(&self.configs.values().filter(|it| of_customer(it)).cloned().collect())
            }
            ("POST", ["pbx", "app", "mobileconfig"]) => {
                let text = |name: &str| ask.body[name].as_str().unwrap_or_default().to_lowercase();
                let source = self.configs.get(&text("_id")).map(|source| source["configs"].clone());
                match (source, self.configs.get_mut(&text("copyTo"))) {
                    (Some(source), Some(target)) => {
                        target["configs"] = source;
                        Reply::json(target)
                    }
                    _ => Reply::error(404, "not_found"),
                }
            }
            ("POST", ["customer" | "employee"]) => self.create(parts[0], &ask.body),
            (method, [kind, id]) => change(method, kind, self.list(kind), id, &ask.body),
            (method, ["pbx", kind, id] | ["pbx", "app", kind, id]) => {
                change(method, kind, self.list(kind), id, &ask.body)
            }
            _ => Reply::error(501, "not_implemented"),
        }
    }

    fn create(&mut self, kind: &str, body: &Value) -> Reply {
        let id = format!("f{:023}", self.asked.len());
        let mut object = body.clone();
        object["_id"] = json!(id);
        self.list(kind).insert(id, object.clone());
        Reply::json(&object)
    }

    fn list(&mut self, kind: &str) -> &mut BTreeMap<String, Value> {
        match kind {
            "customer" => &mut self.customers,
            "employee" => &mut self.employees,
            "queue" => &mut self.queues,
            _ => &mut self.configs,
        }
    }

    fn log_in(&mut self, body: &Value) -> Reply {
        self.logins += 1;
        if (&body["username"], &body["password"]) != (&json!(USERNAME), &json!(PASSWORD)) {
            return Reply::error(401, "credentials_invalid");
        }
        let token = format!("token-{}", self.logins);
        self.sessions.insert(token.clone());
        Reply::json(&json!({ "token": token, "expiresInMinutes": 15 }))
    }
}

/// One object: read, changed or deleted.
fn change(method: &str, kind: &str, list: &mut BTreeMap<String, Value>, id: &str, body: &Value) -> Reply {
    let Some(object) = list.get_mut(&id.to_lowercase()) else { return Reply::error(404, kind) };
    if method == "DELETE" {
        list.remove(&id.to_lowercase());
        return Reply::json(&json!({ "success": true }));
    }
    if method == "POST" {
        for (name, value) in body.as_object().into_iter().flatten() {
            object[name] = value.clone();
        }
    }
    Reply::json(object)
}

/// A page of a list, as its documentation says.
fn page<'v>(ask: &Ask, list: &str, objects: impl Iterator<Item = &'v Value>) -> Reply {
    let objects: Vec<&Value> = objects.collect();
    let (offset, limit) = (ask.number("offset").unwrap_or(0), ask.number("limit").unwrap_or(100).min(PAGE));
    let page: Vec<&Value> = objects.iter().skip(offset).take(limit).copied().collect();
    Reply::json(&json!({ "offset": offset, "limit": limit, "total": objects.len(), list: page }))
}
