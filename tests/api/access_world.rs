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
    admin.post(&format!("/employee/{platforms_viewer}"), json!({ "emailAddress": "fresh@platform.example.com" })).ok();
    let stagehand = new_employee(&admin, demo::PLATFORM, "ADMIN");
    app.import(&pbx_of_everybody(&platforms_viewer));
    World { saved: app.save(), platforms_viewer, stagehand }
});

pub fn new_employee(admin: &Client, customer: &str, level: &str) -> String {
    id_of(&admin.post("/employee", json!({ "customer": customer, "accessLevel": level, "name": "Fresh" })).ok())
}

pub fn id_of(object: &Value) -> String {
    object["_id"].as_str().unwrap().to_owned()
}

/// Ids of what an employee has at the PBX: a queue whose calls it answers, as which member, two extensions, and a group that the
/// first of them controls.
pub struct PbxIds {
    pub queue: String,
    pub member: String,
    pub extension: String,
    pub spare: String,
    pub group: String,
}

impl PbxIds {
    pub fn of(employee: &str) -> PbxIds {
        let id = |kind: char| format!("{kind}{}", &employee[1..]);
        PbxIds { queue: id('1'), member: id('2'), extension: id('3'), spare: id('4'), group: id('5') }
    }
}

/// What each employee that the table names has at the PBX. The queues of callers are dynamic; those of their colleagues are not.
fn pbx_of_everybody(platforms_viewer: &str) -> Value {
    let (mut queues, mut objects) = (vec![], vec![]);
    for (employee, customer, dynamic) in [
        (demo::PERSONAL, demo::BAKERY, true),
        (demo::VIEWER, demo::BAKERY, true),
        (demo::MANAGER, demo::BAKERY, true),
        (demo::OWNER, demo::BAKERY, true),
        (demo::RESELLERS_CONSULTANT, demo::RESELLER, true),
        (demo::RESELLER_ADMIN, demo::PLATFORM, true),
        (demo::ADMIN, demo::PLATFORM, true),
        (platforms_viewer, demo::PLATFORM, false),
        (demo::RESELLERS_VIEWER, demo::RESELLER, false),
        (demo::SOEREN, demo::BAKERY, false),
        (demo::WORKSHOPS_PERSONAL, demo::WORKSHOP, false),
        (demo::FLORISTS_PERSONAL, demo::FLORIST, false),
        (demo::LIBRARYS_PERSONAL, demo::LIBRARY, false),
    ] {
        let ids = PbxIds::of(employee);
        queues.push(json!({ "_id": ids.queue, "customer": customer, "name": employee, "dynamic": dynamic }));
        for id in [&ids.extension, &ids.spare] {
            let number = format!("9{id}");
            objects.push(json!({ "_id": id, "kind": "EXTENSION", "customer": customer, "name": "Phone", "number": number, "employee": employee }));
        }
        objects.push(json!({ "_id": ids.member, "kind": "QUEUE_MEMBER", "customer": customer, "queue": ids.queue, "extension": ids.extension }));
        objects.push(json!({ "_id": ids.group, "kind": "GROUP", "customer": customer, "name": "Group", "members": [ids.spare], "controllers": [ids.extension] }));
    }
    json!({ "queues": queues, "pbxObjects": objects })
}
