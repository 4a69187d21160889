//! What the table of access is tried on.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::access_table::device_of;
use super::support::{Client, Saved, TestApp, demo};

/// The demo world, with a mobile config for everybody the table names and a change to be logged for every customer.
pub struct World {
    pub saved: Saved,
    /// A VIEWER at the platform.
    pub platforms_viewer: String,
    /// An ADMIN whom the table does not name: it prepares what the others try.
    pub stagehand: String,
}

pub static WORLD: LazyLock<World> = LazyLock::new(|| {
    let app = TestApp::start();
    let admin = app.admin();
    let platforms_viewer = new_employee(&admin, demo::PLATFORM, "VIEWER");
    let without_config = [
        demo::ADMIN,
        demo::RESELLER_ADMIN,
        demo::RESELLERS_CONSULTANT,
        demo::RESELLERS_VIEWER,
        demo::LIBRARYS_PERSONAL,
        &platforms_viewer,
    ];
    for employee in without_config {
        admin.act(&format!("/pbx/app/mobileconfig/{employee}")).ok();
    }
    for customer in [demo::WORKSHOP, demo::LIBRARY] {
        admin.post(&format!("/customer/{customer}"), json!({ "features": ["CUSTOMER", "CHANGELOG"] })).ok();
    }
    admin.post(&format!("/employee/{platforms_viewer}"), json!({ "emailAddress": "fresh@platform.example.com" })).ok();
    let with_extension = [
        (demo::PLATFORM, vec![demo::ADMIN, demo::RESELLER_ADMIN, &*platforms_viewer]),
        (demo::RESELLER, vec![demo::RESELLERS_CONSULTANT, demo::RESELLERS_VIEWER]),
        (demo::BAKERY, vec![demo::OWNER, demo::MANAGER, demo::VIEWER, demo::PERSONAL, demo::SOEREN]),
        (demo::WORKSHOP, vec![demo::WORKSHOPS_PERSONAL]),
        (demo::FLORIST, vec![demo::FLORISTS_PERSONAL]),
        (demo::LIBRARY, vec![demo::LIBRARYS_PERSONAL]),
    ];
    let extension = |customer: &str, employee: &str| json!({ "_id": device_of(employee), "kind": "EXTENSION", "customer": customer, "employee": employee, "name": "Phone", "number": &employee[21..] });
    let extensions: Vec<Value> = with_extension
        .into_iter()
        .flat_map(|(customer, employees)| employees.into_iter().map(move |employee| extension(customer, employee)))
        .collect();
    app.import(json!({ "pbxObjects": extensions }));
    let stagehand = new_employee(&admin, demo::PLATFORM, "ADMIN");
    World { saved: app.save(), platforms_viewer, stagehand }
});

pub fn new_employee(admin: &Client, customer: &str, level: &str) -> String {
    id_of(&admin.post("/employee", json!({ "customer": customer, "accessLevel": level, "name": "Fresh" })).ok())
}

pub fn id_of(object: &Value) -> String {
    object["_id"].as_str().unwrap().to_owned()
}
