//! Members of queues: the platform has calls for them that are not in the queue of operations.

use serde_json::json;

use crate::api::{assert_error, demo};
use crate::servers::Pair;

#[test]
fn members_of_queues_are_changed_at_the_platform_alone() {
    let pair = Pair::start();
    let manager = pair.here.log_in("manager@bakery.example.com");
    let members = format!("/pbx/queue/{}/member", demo::ORDERS);
    let of = |extension: &str| json!({ "extension": extension });
    assert_error(&manager.post(&members, of(demo::IDAS_EXTENSION)), 409, "platform");
    let place = format!("{members}/{}", demo::EMMA_IN_ORDERS);
    assert_error(&manager.post(&place, json!({ "priority": 9 })), 409, "platform");
    assert_error(&manager.delete(&place), 409, "platform");
    // What changes nothing is answered.
    manager.post(&members, of(demo::EMMAS_EXTENSION)).ok();
    assert_eq!(manager.get(&place).ok()["priority"], 2);
}
