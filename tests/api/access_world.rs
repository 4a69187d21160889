//! What the table of access is tried on.

use std::sync::LazyLock;

use serde_json::{Value, json};

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
    for customer in [
        demo::PLATFORM,
        demo::RESELLER,
        demo::BAKERY,
        demo::WORKSHOP,
        demo::FLORIST,
        demo::OTHER_RESELLER,
        demo::LIBRARY,
    ] {
        for (list, value) in [("switch", json!(true)), ("variable", json!("x"))] {
            admin.post(&format!("/pbx/{list}/SHARED:night"), json!({ "value": value, "customer": customer })).ok();
        }
    }
    let stagehand = new_employee(&admin, demo::PLATFORM, "ADMIN");
    World { saved: app.save(), platforms_viewer, stagehand }
});

pub fn new_employee(admin: &Client, customer: &str, level: &str) -> String {
    id_of(&admin.post("/employee", json!({ "customer": customer, "accessLevel": level, "name": "Fresh" })).ok())
}

pub fn id_of(object: &Value) -> String {
    object["_id"].as_str().unwrap().to_owned()
}
