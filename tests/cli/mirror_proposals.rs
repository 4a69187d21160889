//! What the centre wants changed: applied or refused by the edge, once, and told.

use serde_json::{Value, json};

use super::mirror_pair::{Hub, HubPlace, OPERATOR, is_proved, sync, world_with_operator};
use crate::support::{Place, Server, world};

struct Pair {
    _hub_place: HubPlace,
    place: Place,
    hub: Hub,
    edge: Server,
    operator: String,
    writer: String,
}

impl Pair {
    fn new() -> Pair {
        let (hub_place, place) = (HubPlace::new(), Place::holding(&world_with_operator(2)));
        let hub = hub_place.start();
        place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
        let (writer, operator) = (place.token(), place.token_of(OPERATOR));
        let edge = place.serve();
        assert_eq!(sync(&edge, &operator)["consistent"], true);
        Pair { _hub_place: hub_place, place, hub, edge, operator, writer }
    }

    fn propose(&self, body: &Value) -> Value {
        let answer = self.hub.server.post(&self.hub.path("proposals"), &self.hub.admin, body);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    /// What became of the proposals, in their order.
    fn results(&self) -> Vec<String> {
        sync(&self.edge, &self.operator);
        let listed = self.hub.get(&self.hub.path("proposals"));
        let result = |proposal: &Value| proposal["result"].as_str().unwrap_or("open").to_owned();
        listed["proposals"].as_array().unwrap().iter().map(result).collect()
    }

    fn config(&self, id: &str) -> Value {
        self.edge.get(&world::config_path(id), &self.writer).body["configs"].clone()
    }
}

#[test]
fn a_patch_and_a_copy_are_applied_by_the_edge_and_come_back_in_the_mirror() {
    let pair = Pair::new();
    let configs = json!([{ "type": "NUMBER", "n": 7 }]);
    let filed = pair.propose(&json!({ "table": "mobile_config", "id": world::ANNA, "patch": { "configs": configs },
        "author": "Head office" }));
    assert_eq!((&filed["seq"], &filed["result"]), (&json!(1), &json!(null)));
    pair.propose(&json!({ "copy": { "_id": world::ANNA, "copyTo": world::BO }, "author": "Head office" }));
    pair.propose(&json!({ "table": "employee", "id": world::BO, "patch": { "title": "Baker" } }));
    assert_eq!(pair.results(), ["applied", "applied", "applied"]);
    assert_eq!(pair.config(world::ANNA), configs);
    assert_eq!(pair.config(world::BO), configs, "the copy is of what the proposal before it has made");
    is_proved(&pair.edge, &pair.operator);
    assert_eq!(pair.hub.rows()[&format!("employee/{}", world::BO)]["v"]["title"], "Baker");
    let path = format!(
        "/log/changelog/customer/{}/PbxAppMobileConfigs?version=2&orderBy=DESC&limit=1&includeEmployees=true",
        world::CUSTOMER
    );
    let log = pair.edge.get(&path, &pair.writer).body.to_string();
    assert!(log.contains("Head office"), "{log}");
}

#[test]
fn what_has_changed_meanwhile_conflicts_and_what_breaks_the_rules_is_rejected() {
    let pair = Pair::new();
    let mine = json!([{ "type": "NUMBER", "n": 1 }]);
    let answer = pair.edge.post(&world::config_path(world::ANNA), &pair.writer, &json!({ "configs": mine }));
    assert_eq!(answer.status, 200);
    // Until the edge is asked, the hub may not know; the proposal says what it was made for.
    let theirs = json!({ "configs": [{ "type": "NUMBER", "n": 2 }] });
    sync(&pair.edge, &pair.operator);
    let uuid = "7d0c8f54-2f53-4b5e-9a37-0a4d6f3b8e21";
    pair.propose(&json!({ "uuid": uuid, "table": "mobile_config", "id": world::ANNA, "patch": theirs }));
    let newer = json!({ "configs": [{ "type": "NUMBER", "n": 3 }] });
    assert_eq!(pair.edge.post(&world::config_path(world::ANNA), &pair.writer, &newer).status, 200);
    let nobody = "e0000000000000000000ffff";
    pair.propose(&json!({ "copy": { "_id": nobody, "copyTo": world::BO } }));
    pair.propose(&json!({ "table": "employee", "id": world::BO, "patch": { "accessLevel": "EMPEROR" } }));
    // A secret is refused by the hub already: nobody is to read it there.
    for secret in ["password", "passwordHash", "authenticatorKey"] {
        let body = json!({ "table": "employee", "id": world::BO, "patch": { "title": "T", secret: "Passw0rd1234" } });
        let refused = pair.hub.server.post(&pair.hub.path("proposals"), &pair.hub.admin, &body);
        assert_eq!((refused.status, &refused.body["error"]["path"]), (422, &json!("patch")), "{refused:?}");
    }
    pair.propose(&json!({ "table": "queue", "id": world::SALES, "patch": { "nme": "Slip" } }));
    let results = pair.results();
    assert!(matches!(&results[0][..], "conflict" | "applied"), "{results:?}");
    assert_eq!(results[1..], ["rejected", "rejected", "rejected"]);
    is_proved(&pair.edge, &pair.operator);
    // The same uuid is the same proposal, and its answer stands.
    let again = pair.propose(&json!({ "uuid": uuid, "table": "mobile_config", "id": world::ANNA, "patch": theirs }));
    assert_eq!((&again["seq"], &again["result"]), (&json!(1), &json!(results[0])));
    let other = json!({ "uuid": uuid, "table": "mobile_config", "id": world::ANNA, "patch": newer });
    assert_eq!(pair.hub.server.post(&pair.hub.path("proposals"), &pair.hub.admin, &other).status, 409);
}

#[test]
fn what_is_deleted_is_not_found_and_what_is_no_property_spoils_the_whole_patch() {
    let pair = Pair::new();
    assert_eq!(pair.edge.delete(&format!("/employee/{}", world::BO), &pair.operator).status, 200);
    sync(&pair.edge, &pair.operator);
    for patch in [json!({ "state": "ENABLED" }), json!({ "title": "Baker" })] {
        pair.propose(&json!({ "table": "employee", "id": world::BO, "patch": patch }));
    }
    pair.propose(&json!({ "table": "employee", "id": world::ANNA, "patch": { "title": "Baker", "colour": "red" } }));
    pair.propose(&json!({ "table": "employee", "id": world::ANNA, "patch": { "title": "Baker", "deleteDate": null } }));
    assert_eq!(pair.results(), ["rejected", "rejected", "rejected", "applied"]);
    let listed = pair.hub.get(&pair.hub.path("proposals"));
    assert_eq!(listed["proposals"][0]["detail"], "Employee not found");
    assert!(listed["proposals"][2]["detail"].as_str().unwrap().starts_with("unknown property colour"), "{listed}");
    is_proved(&pair.edge, &pair.operator);
    let rows = pair.hub.rows();
    assert_eq!(rows[&format!("employee/{}", world::BO)]["v"]["state"], "DELETED");
    assert_eq!(rows[&format!("employee/{}", world::ANNA)]["v"]["title"], "Baker");
}

#[test]
fn a_proposal_that_fails_inside_the_edge_does_not_hold_up_those_behind_it() {
    let pair = Pair::new();
    // Whoever damages the database by hand: a trigger that fails as nothing of the program's own does.
    let sabotage = "create trigger sabotage before update on employees begin select 1 from nowhere; end";
    pair.place.sqlite().execute_batch(sabotage).unwrap();
    for table in ["employee", "queue"] {
        let id = if table == "employee" { world::ANNA } else { world::SALES };
        pair.propose(&json!({ "table": table, "id": id, "patch": { "name": "Mia" } }));
    }
    assert_eq!(pair.results(), ["rejected", "applied"]);
    let listed = pair.hub.get(&pair.hub.path("proposals"));
    assert_eq!(listed["proposals"][0]["detail"], "internal error on the server: see its log");
}

#[test]
fn what_is_no_proposal_is_refused_with_its_fault() {
    let pair = Pair::new();
    let path = pair.hub.path("proposals");
    let refused = |body: Value| {
        let answer = pair.hub.server.post(&path, &pair.hub.admin, &body);
        (answer.status, answer.body["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let told = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(refused(json!({ "table": "queue", "id": world::SALES })), told(404, "patch"));
    assert_eq!(refused(json!({ "table": "chair", "id": world::SALES, "patch": { "a": 1 } })), told(422, "table"));
    assert_eq!(refused(json!({ "copy": { "_id": "x" } })), told(422, "copy"));
    let slip = json!({ "table": "queue", "id": world::SALES, "patch": { "name": "a" }, "expire": "2027-01-01" });
    assert_eq!(refused(slip), told(422, "expire"));
    let late = json!({ "table": "queue", "id": world::SALES, "patch": { "name": "a" }, "expires": "2026-01-01" });
    assert_eq!(refused(late), told(422, "expires"));
    assert_eq!(
        refused(json!({ "table": "queue", "id": world::SALES, "patch": { "name": "a" }, "base_rev": 99 })),
        told(409, "base_rev")
    );
    let answer = pair.hub.server.post(&path, &pair.operator, &json!({}));
    assert_eq!(answer.status, 401, "for the hub's administrator only");
    let nowhere = "/sync/v1/origins/00000000000000000000000000000000/proposals";
    let answer = pair.hub.server.post(
        nowhere,
        &pair.hub.admin,
        &json!({ "table": "queue", "id": world::SALES, "patch": { "name": "a" } }),
    );
    assert_eq!(answer.status, 404);
}
