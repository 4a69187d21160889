//! Somebody who changes one thing after another at random, on one side. Each change writes a value of its own.

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::chance::Chance;

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A field, which has the value from then on.
    Field(&'static str),
    Create,
    Delete,
    Copy,
    CreateConfig,
    Address,
}

/// A change that was answered with 200.
#[derive(Clone, Debug)]
pub struct Made {
    pub what: What,
    pub value: String,
    /// The object as its side knew it.
    pub target: String,
    /// Of a copy.
    pub from: String,
}

pub struct Hand {
    pub token: String,
    pub customers: Vec<String>,
    pub chance: Chance,
    /// What its values begin with.
    pub side: char,
    pub made: Vec<Made>,
    tried: usize,
}

impl Hand {
    pub fn new(side: char, token: String, customers: Vec<String>, seed: u64) -> Hand {
        Hand { token, customers, chance: Chance(seed), side, made: vec![], tried: 0 }
    }

    fn pick<'l, T>(&mut self, list: &'l [T]) -> Option<&'l T> {
        list.get(self.chance.below(list.len().max(1) as u64) as usize)
    }

    /// Tries one change.
    pub fn change(&mut self, server: &Server) {
        self.tried += 1;
        let value = format!("{}{:05}", self.side, self.tried);
        let customer = self.customers.clone();
        let customer = self.pick(&customer).unwrap().clone();
        let path = format!("/employee?customer={customer}&limit=500&full=true");
        let listed = server.get(&path, &self.token).body["employees"].as_array().cloned().unwrap_or_default();
        let ids: Vec<String> = listed.iter().map(|it| it["_id"].as_str().unwrap().to_owned()).collect();
        let Some(employee) = self.pick(&ids).cloned() else { return };
        let path = format!("/employee/{employee}");
        match self.chance.below(100) {
            0..40 => self.post(server, What::Field("title"), &path, &employee, &value, json!({ "title": value })),
            40..50 => {
                self.post(server, What::Field("department"), &path, &employee, &value, json!({ "department": value }))
            }
            50..54 => self.post(server, What::Field("name"), &path, &employee, &value, json!({ "name": value })),
            54..68 => {
                let mut body = json!({ "customer": customer, "accessLevel": "PERSONAL", "name": value });
                if self.chance.below(2) == 0 {
                    body["emailAddress"] = json!(format!("{value}@example.com"));
                }
                self.post(server, What::Create, "/employee", &customer, &value, body);
            }
            68..75 => {
                if server.delete(&path, &self.token).status == 200 {
                    self.note(What::Delete, &value, &employee, "");
                }
            }
            75..88 => self.copy(server, &customer, &value),
            88..93 => {
                let path = format!("/pbx/app/mobileconfig/{employee}");
                self.post(server, What::CreateConfig, &path, &employee, &value, Value::Null);
            }
            93..97 => {
                let path = format!("/customer/{customer}");
                self.post(server, What::Field("website"), &path, &customer, &value, json!({ "website": value }));
            }
            _ => {
                let path = format!("/customer/{customer}/address");
                let body = json!({ "address": format!("Gade {value}"), "zip": "8000", "country": "DK" });
                self.post(server, What::Address, &path, &customer, &value, body);
            }
        }
    }

    fn copy(&mut self, server: &Server, customer: &str, value: &str) {
        let listed = server.get(&format!("/pbx/app/mobileconfig?customer={customer}"), &self.token).body;
        let id = |config: &Value| config["_id"].as_str().unwrap().to_owned();
        let ids: Vec<String> = listed.as_array().into_iter().flatten().map(id).collect();
        let (Some(from), Some(to)) = (self.pick(&ids).cloned(), self.pick(&ids).cloned()) else { return };
        let body = json!({ "_id": from, "copyTo": to });
        if from != to && server.post("/pbx/app/mobileconfig/", &self.token, &body).status == 200 {
            self.note(What::Copy, value, &to, &from);
        }
    }

    fn post(&mut self, server: &Server, what: What, path: &str, target: &str, value: &str, body: Value) {
        let answer = server.post(path, &self.token, &body);
        if answer.status == 200 {
            let made = if what == What::Create { answer.body["_id"].as_str().unwrap() } else { target };
            self.note(what, value, made, "");
        }
    }

    fn note(&mut self, what: What, value: &str, target: &str, from: &str) {
        self.made.push(Made { what, value: value.into(), target: target.into(), from: from.into() });
    }
}
