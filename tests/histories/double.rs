//! The platform in memory, as far as its documentation says what it does.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value, json};
use telecomx_local::platform::transport::{Method, Request};

use crate::chance::Chance;

/// A change that the platform has made: the object, the field, what it was, and what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    pub id: String,
    pub field: String,
    pub was: Value,
    pub to: Value,
    /// From this server's account; else somebody at the platform.
    pub is_ours: bool,
}

pub struct World {
    pub customer: String,
    pub customers: BTreeMap<String, Value>,
    pub employees: BTreeMap<String, Value>,
    pub configs: BTreeMap<String, Value>,
    pub made: Vec<Made>,
    /// Ids and names with which employees were created.
    pub created: Vec<(String, String)>,
    pub refused: usize,
    next_id: u64,
    /// Out of a hundred requests so many go wrong.
    pub faults_percent: u64,
    pub chance: Chance,
    /// Done by somebody at the platform while a list is being read.
    pub between_pages: VecDeque<(String, Map<String, Value>)>,
    /// How often one went and another came while a list was read: nobody can see that in the pages.
    pub swaps: usize,
    pub page_size: usize,
    pub valid_token: u64,
}

impl World {
    pub fn new(customer: &str, seed: u64, employees: u64) -> World {
        let address = json!({ "_id": format!("ad{}", &customer[2..]), "primary": true, "address": "Gade 1", "zip": "8000", "city": "Aarhus C" });
        let mut world = World {
            customer: customer.to_owned(),
            customers: BTreeMap::new(),
            employees: BTreeMap::new(),
            configs: BTreeMap::new(),
            made: vec![],
            created: vec![],
            refused: 0,
            next_id: 1,
            faults_percent: 0,
            chance: Chance(seed ^ 0x706c_6174),
            between_pages: VecDeque::new(),
            swaps: 0,
            page_size: 2,
            valid_token: 0,
        };
        let own = json!({ "_id": customer, "name": "Customer", "state": "ACTIVE", "addresses": [address], "features": ["CUSTOMER"] });
        world.customers.insert(customer.to_owned(), own);
        for n in 0..employees {
            let id = world.new_id();
            let employee = json!({
                "_id": id, "customer": customer, "accessLevel": "PERSONAL", "state": "ENABLED", "name": format!("Employee {n}"),
                "emailAddress": format!("e{n}.{customer}@example.com")
            });
            world.employees.insert(id.clone(), employee);
            let config = json!({ "_id": id, "customer": customer, "configs": [
                { "type": "COLLEAGUES", "items": [{ "_id": format!("{n:024x}"), "name": "x" }], "others": [] }] });
            world.configs.insert(id, config);
        }
        world
    }

    fn new_id(&mut self) -> String {
        self.next_id += 1;
        // Of the same customer's history, so that no two histories share an id.
        format!("b{}{:07x}", &self.customer[8..], self.next_id)
    }

    /// Somebody at the platform changes fields of an object.
    pub fn change(&mut self, id: &str, fields: &Map<String, Value>, is_ours: bool) {
        let object = self.employees.get_mut(id).or_else(|| self.customers.get_mut(id));
        let Some(object) = object.and_then(Value::as_object_mut) else { return };
        for (name, to) in fields.iter().filter(|(name, _)| *name != "_id") {
            let was = object.get(name).cloned().unwrap_or_default();
            if was != *to {
                object.insert(name.clone(), to.clone());
                self.made.push(Made { id: id.into(), field: name.clone(), was, to: to.clone(), is_ours });
            }
        }
    }

    /// Somebody deletes an employee.
    pub fn delete(&mut self, id: &str, is_ours: bool) {
        if self.employees.remove(id).is_some() {
            self.configs.remove(id);
            let made =
                Made { id: id.into(), field: "state".into(), was: "ENABLED".into(), to: "DELETED".into(), is_ours };
            self.made.push(made);
        }
    }

    /// Puts the content of a config in the place of another's.
    pub fn set_config(&mut self, id: &str, configs: Value, is_ours: bool) {
        let Some(config) = self.configs.get_mut(id) else { return };
        if config["configs"] != configs {
            let was = std::mem::replace(&mut config["configs"], configs.clone());
            self.made.push(Made { id: id.into(), field: "configs".into(), was, to: configs, is_ours });
        }
    }

    pub fn create(&mut self, fields: &Map<String, Value>) -> Value {
        let id = self.new_id();
        let mut object = fields.clone();
        object.insert("_id".into(), id.clone().into());
        let object = Value::Object(object);
        self.created.push((id.clone(), object["name"].as_str().unwrap_or_default().to_owned()));
        self.employees.insert(id, object.clone());
        object
    }

    fn error(&mut self, status: u16, code: &str) -> (u16, Value) {
        self.refused += 1;
        (status, json!({ "error": { "message": format!("Refused: {code}"), "code": code, "status": status } }))
    }

    /// Does a request as the documentation says.
    pub fn answer(&mut self, request: &Request) -> (u16, Value) {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let arguments: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let body = request.body.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
        match (request.method, &segments[..]) {
            (Method::Post, ["auth", "login"]) => {
                self.valid_token += 1;
                (200, json!({ "token": format!("token{}", self.valid_token) }))
            }
            (Method::Get, ["auth", "validateToken"]) => (
                200,
                json!({ "success": true, "employee": "f00000000000000000000001", "customer": self.customer, "accessLevel": "MANAGER" }),
            ),
            (Method::Get, ["customer", id]) => match self.customers.get(*id) {
                Some(found) => (200, found.clone()),
                None => self.error(404, "customer"),
            },
            (Method::Post, ["customer", id]) => {
                self.change(id, &body, true);
                (200, self.customers[*id].clone())
            }
            (Method::Get, ["employee"]) => self.list(&arguments),
            (Method::Post, ["employee"]) => {
                if body.get("name").and_then(Value::as_str).is_some_and(|name| name.contains("refused")) {
                    return self.error(422, "name");
                }
                let address = body.get("emailAddress").filter(|address| address.is_string());
                if address.is_some() && self.employees.values().any(|other| other.get("emailAddress") == address) {
                    return self.error(409, "emailAddress");
                }
                (200, self.create(&body))
            }
            (Method::Get, ["employee", id]) => match self.employees.get(*id) {
                Some(found) => (200, found.clone()),
                None => self.error(404, "employee"),
            },
            (Method::Post, ["employee", id]) => {
                if !self.employees.contains_key(*id) {
                    return self.error(404, "employee");
                }
                if body.get("title").and_then(Value::as_str).is_some_and(|title| title.contains("refused")) {
                    return self.error(422, "title");
                }
                self.change(id, &body, true);
                (200, self.employees[*id].clone())
            }
            (Method::Delete, ["employee", id]) => {
                if !self.employees.contains_key(*id) {
                    return self.error(404, "employee");
                }
                self.delete(id, true);
                (200, json!({ "success": true }))
            }
            (Method::Get, ["pbx", "app", "mobileconfig"]) => (200, self.configs.values().cloned().collect()),
            (Method::Get, ["pbx", "app", "mobileconfig", id]) => match self.configs.get(*id) {
                Some(found) => (200, found.clone()),
                None => self.error(404, "not_found"),
            },
            (Method::Post, ["pbx", "app", "mobileconfig"]) => {
                let id = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let (from, to) = (id("_id"), id("copyTo"));
                let Some(source) = self.configs.get(&from).map(|source| source["configs"].clone()) else {
                    return self.error(404, "not_found");
                };
                if !self.configs.contains_key(&to) {
                    return self.error(404, "not_found");
                }
                self.set_config(&to, source, true);
                (200, self.configs[&to].clone())
            }
            (Method::Post, ["pbx", "app", "mobileconfig", id]) => {
                if !self.employees.contains_key(*id) {
                    return self.error(404, "not_found");
                }
                let customer = self.customer.clone();
                let made = json!({ "_id": id, "customer": customer, "configs": [{ "type": "COLLEAGUES", "items": [], "others": [] }] });
                (200, self.configs.entry((*id).to_owned()).or_insert(made).clone())
            }
            (Method::Get, ["pbx", "dialplan"]) => {
                (200, json!({ "offset": 0, "limit": 100, "total": 0, "dialplanItems": [] }))
            }
            _ => self.error(404, "not_found"),
        }
    }

    fn list(&mut self, arguments: &BTreeMap<String, String>) -> (u16, Value) {
        let number = |name: &str, default| arguments.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let (offset, limit): (usize, usize) = (number("offset", 0), number("limit", 100).min(self.page_size));
        if offset > 0
            && let Some((id, fields)) = self.between_pages.pop_front()
        {
            self.swaps += usize::from(fields.contains_key("create"));
            // One goes and another comes: the list is as long as before, and what comes next stands one place further ahead.
            self.delete(&id, false);
            if let Some(create) = fields.get("create").and_then(Value::as_object) {
                self.create(create);
            }
        }
        let filter = arguments.get("filter").map(|text| text.to_lowercase());
        let is_listed = |employee: &&Value| {
            let text = |name: &str| employee[name].as_str().unwrap_or_default().to_lowercase();
            filter.as_ref().is_none_or(|filter| text("name").contains(filter) || text("emailAddress").contains(filter))
        };
        let listed: Vec<&Value> = self.employees.values().filter(is_listed).collect();
        let page: Vec<&Value> =
            listed.iter().skip(offset).take(if filter.is_some() { 500 } else { limit }).copied().collect();
        (200, json!({ "offset": offset, "limit": limit, "total": listed.len(), "employees": page }))
    }
}
