//! A hub and a server enrolled with it, as real processes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::place::succeeds;
use crate::support::{Place, Server, world};

pub const OPERATOR: &str = "e00000000000000000000009";

/// The world with `employees` more, and somebody who may mirror.
pub fn world_with_operator(employees: usize) -> Value {
    let mut world = world::with_employees(employees);
    let operator = world::employee(OPERATOR, "Rosa", "RESELLER_ADMIN");
    world["employees"].as_array_mut().unwrap().push(operator);
    world
}

/// A hub's store in a folder of its own.
pub struct HubPlace {
    pub place: Place,
}

impl HubPlace {
    pub fn new() -> HubPlace {
        HubPlace { place: Place::new() }
    }

    pub fn store(&self) -> String {
        format!("sqlite:{}", self.place.path("hub.db").display())
    }

    pub fn start(&self) -> Hub {
        self.start_with(&[])
    }

    pub fn start_with(&self, arguments: &[&str]) -> Hub {
        self.start_at("127.0.0.1:0", arguments)
    }

    pub fn start_at(&self, listen: &str, arguments: &[&str]) -> Hub {
        let store = self.store();
        let mut command = self.place.command(&["hub", "--store", &store, "--listen", listen]);
        let server = Server::start(command.args(arguments), self.place.log());
        let admin = std::fs::read_to_string(self.place.path("hub.db.admin-token")).unwrap().trim().to_owned();
        Hub { server, admin }
    }

    /// A code for a new edge.
    pub fn code(&self, name: &str) -> String {
        let code = succeeds(&mut self.place.command(&["hub", "enroll", "--store", &self.store(), "--name", name]));
        code.trim().to_owned()
    }

    /// A code for a machine that takes the place of an edge.
    pub fn replacement_code(&self, origin: &str) -> String {
        let code = succeeds(&mut self.place.command(&["hub", "enroll", "--store", &self.store(), "--origin", origin]));
        code.trim().to_owned()
    }
}

/// A hub that runs, and its administrator.
pub struct Hub {
    pub server: Server,
    pub admin: String,
}

impl Hub {
    pub fn get(&self, path: &str) -> Value {
        let answer = self.server.get(path, &self.admin);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    /// Its line on the fleet page, for the only edge there is.
    pub fn only(&self) -> Value {
        let fleet = self.get("/sync/v1/fleet");
        assert_eq!(fleet["origins"].as_array().unwrap().len(), 1, "{fleet}");
        fleet["origins"][0].clone()
    }

    pub fn origin(&self) -> String {
        self.only()["origin"].as_str().unwrap().to_owned()
    }

    /// Path of a call on the only edge.
    pub fn path(&self, call: &str) -> String {
        format!("/sync/v1/origins/{}/{call}", self.origin())
    }

    /// Table and id of every mirrored row, with rev and content.
    pub fn rows(&self) -> BTreeMap<String, Value> {
        let mut rows = BTreeMap::new();
        for table in ["customer", "queue", "employee", "mobile_config"] {
            let page = self.get(&self.path(&format!("rows?table={table}")));
            for row in page["rows"].as_array().unwrap() {
                let id = row["id"].as_str().unwrap();
                rows.insert(format!("{table}/{id}"), json!({ "rev": row["rev"], "v": row["v"] }));
            }
        }
        rows
    }
}

/// Exchanges, and tells how the mirror stands then.
pub fn sync(edge: &Server, operator: &str) -> Value {
    let answer = edge.post("/sync", operator, &json!({}));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// Both sides hold the same.
pub fn is_proved(edge: &Server, operator: &str) {
    let proof = edge.post("/sync/verify", operator, &json!({}));
    assert_eq!((proof.status, &proof.body["equal"]), (200, &json!(true)), "{proof:?}");
}

/// A server with this world, mirrored to a hub and stopped; the hub, and what an operator of the server presents.
pub fn mirrored(world: &Value) -> (HubPlace, Hub, Place, String) {
    let (hub_place, place) = (HubPlace::new(), Place::holding(world));
    let hub = hub_place.start();
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let operator = place.token_of(OPERATOR);
    let edge = place.serve();
    sync(&edge, &operator);
    assert!(edge.stop().success());
    (hub_place, hub, place, operator)
}
