//! `/pbx/queue`: who answers the calls of a queue, and who may join and leave.

use serde_json::{Value, json};

use super::support::{Client, TestApp, assert_error, demo};

fn queue(id: &str) -> String {
    format!("/pbx/queue/{id}")
}

fn members(id: &str) -> String {
    format!("/pbx/queue/{id}/member")
}

fn member(queue: &str, id: &str) -> String {
    format!("/pbx/queue/{queue}/member/{id}")
}

fn names(caller: &Client, queue: &str) -> Vec<String> {
    let found = caller.get(&members(queue)).ok();
    found.as_array().unwrap().iter().map(|member| member["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_queue_is_answered_with_what_is_asked_for() {
    let app = TestApp::start();
    let manager = app.manager();
    let plain = manager.get(&queue(demo::ORDERS)).ok();
    let expected = json!({ "_id": demo::ORDERS, "type": "QUEUE", "customer": demo::BAKERY, "name": "Orders", "number": "801",
        "dynamic": true, "serviceLevel": 20, "serviceLevelCritical": 60, "priority": 0, "lockLastMember": false });
    assert_eq!(plain, expected);
    let whole = manager.get(&(queue(demo::ORDERS) + "?members=true&callers=true&expandGoto=true")).ok();
    assert_eq!((&whole["members"], &whole["callers"]), (&manager.get(&members(demo::ORDERS)).ok(), &json!([])));
    let first = json!({ "_id": demo::MANAGER_IN_ORDERS, "extension": demo::MANAGERS_EXTENSION, "number": null,
        "name": "Anna Manager", "priority": 1, "calls": 0, "seconds": 0, "lastCallEnded": null, "permanent": false });
    assert_eq!(whole["members"][0], first);
    assert_eq!(names(&manager, demo::ORDERS), ["Anna Manager", "Emma Counter"]);
}

#[test]
fn what_is_stored_as_given_is_answered_as_given_and_expanded_when_asked() {
    let app = TestApp::start();
    let given = json!({ "_id": demo::WHOLESALE, "customer": demo::BAKERY, "name": "Wholesale", "strategy": "RANDOM",
        "musicOnHold": { "any": 1.5 }, "whenTimeoutGoto": demo::SHOP, "whenNoMembersGoto": demo::WORKSHOPS_QUEUE,
        "whenAllMembersBusyGoto": demo::BAKEHOUSE, "redirect": demo::ORDERS });
    app.import(&json!({ "queues": [given] }));
    let manager = app.manager();
    let plain = manager.get(&queue(demo::WHOLESALE)).ok();
    for (name, value) in given.as_object().unwrap() {
        assert_eq!(&plain[name], value, "{name}");
    }
    let expanded = manager.get(&(queue(demo::WHOLESALE) + "?expandGoto=true")).ok();
    assert_eq!(
        expanded["whenTimeoutGoto"],
        json!({ "_id": demo::SHOP, "type": "GROUP", "name": "Shop", "number": "701" })
    );
    assert_eq!(expanded["whenAllMembersBusyGoto"]["type"], "EXTENSION");
    assert_eq!(expanded["redirect"]["name"], "Orders");
    assert_eq!(expanded["whenNoMembersGoto"], demo::WORKSHOPS_QUEUE, "what is another customer's is not shown");
}

#[test]
fn personal_sees_queues_that_it_answers_or_may() {
    let app = TestApp::start();
    let soeren = app.session_of(demo::SOEREN);
    let seen = |caller: &Client| -> Vec<String> {
        let found = caller.get("/pbx/app/queues").ok();
        found.as_array().unwrap().iter().map(|queue| queue["_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(seen(&soeren), [demo::DELIVERIES, demo::ORDERS]);
    for (id, status) in [(demo::DELIVERIES, 200), (demo::ORDERS, 200), (demo::WHOLESALE, 403), (demo::COMPLAINTS, 403)]
    {
        assert_eq!(soeren.get(&queue(id)).status, status, "{id}");
        assert_eq!(soeren.get(&members(id)).status, status, "{id}");
    }
    assert_eq!(seen(&app.viewer()).len(), 4);
    // Where nobody is a member of any queue, a PBX is not known, and everybody sees all.
    assert_eq!(seen(&app.session_of(demo::WORKSHOPS_PERSONAL)).len(), 2);
    app.session_of(demo::WORKSHOPS_PERSONAL).get(&queue(demo::WORKSHOPS_QUEUE)).ok();
}

#[test]
fn an_employee_joins_and_leaves_a_dynamic_queue_by_itself() {
    let app = TestApp::start();
    let personal = app.personal();
    let (joined, entries) = app.audited(|| {
        personal.post(&members(demo::ORDERS), json!({ "extension": demo::PERSONALS_EXTENSION, "priority": 3 })).ok()
    });
    assert_eq!(entries.iter().map(|entry| entry.section.as_str()).collect::<Vec<_>>(), ["PbxQueueMembers"]);
    assert_eq!(
        (&joined["name"], &joined["priority"], &joined["permanent"]),
        (&json!("Paul Personal"), &json!(3), &json!(false))
    );
    let mine = personal.get(&format!("/pbx/app/queues?queue={}", demo::ORDERS)).ok();
    assert_eq!((&mine[0]["member"], &mine[0]["members"]), (&json!(true), &json!(3)));
    let id = joined["_id"].as_str().unwrap();
    personal.delete(&member(demo::ORDERS, id)).ok();
    assert_error(&personal.delete(&member(demo::ORDERS, id)), 404, "member");
    assert_eq!(names(&personal, demo::ORDERS), ["Anna Manager", "Emma Counter"]);
}

#[test]
fn who_joins_twice_is_answered_as_it_is() {
    let app = TestApp::start();
    let personal = app.personal();
    let by_id =
        format!("{}/join?extension={}&priority=7", members(demo::ORDERS), demo::PERSONALS_EXTENSION.to_uppercase());
    let first = personal.get(&by_id).ok();
    assert_eq!(first["priority"], 7);
    let before = app.export();
    let by_number = format!("{}/join?number=404&priority=2", members(demo::ORDERS));
    assert_eq!(personal.get(&by_number).ok(), first, "the number of an extension is that extension");
    assert_eq!(personal.post(&members(demo::ORDERS), json!({ "extension": demo::PERSONALS_EXTENSION })).ok(), first);
    assert_eq!(app.export(), before);
}

#[test]
fn a_group_that_gives_queue_member_lets_its_controllers_join_others() {
    let app = TestApp::start();
    let emma = app.session_of(demo::EMMA);
    let joined = emma.post(&members(demo::ORDERS), json!({ "extension": demo::PERSONALS_EXTENSION })).ok();
    emma.post(&member(demo::ORDERS, joined["_id"].as_str().unwrap()), json!({ "priority": 9 })).ok();
    emma.delete(&member(demo::ORDERS, joined["_id"].as_str().unwrap())).ok();
    for extension in [demo::SOERENS_EXTENSION, demo::MANAGERS_EXTENSION, demo::BAKEHOUSE] {
        let answer = emma.post(&members(demo::ORDERS), json!({ "extension": extension }));
        assert_error(&answer, 403, "access_denied");
    }
    // The right is the controllers', not the members'.
    let personal = app.personal();
    assert_error(
        &personal.post(&members(demo::ORDERS), json!({ "extension": demo::EMMAS_EXTENSION })),
        403,
        "access_denied",
    );
}

#[test]
fn only_managers_have_numbers_outside_join_and_decide_what_is_permanent() {
    let app = TestApp::start();
    let (manager, personal) = (app.manager(), app.personal());
    let outside = json!({ "number": "+4570305050", "permanent": true });
    assert_error(&personal.post(&members(demo::ORDERS), outside.clone()), 403, "access_denied");
    let joined = manager.post(&members(demo::WHOLESALE), outside).ok();
    assert_eq!(
        (&joined["extension"], &joined["number"], &joined["permanent"]),
        (&Value::Null, &json!("+4570305050"), &json!(true))
    );
    let own = personal
        .post(&members(demo::ORDERS), json!({ "extension": demo::PERSONALS_EXTENSION, "permanent": true }))
        .ok();
    assert_eq!(own["permanent"], false, "ignored below MANAGER");
    let place = member(demo::ORDERS, own["_id"].as_str().unwrap());
    assert_eq!(manager.get(&(place.clone() + "?permanent=true")).ok()["permanent"], true);
    assert_eq!(personal.post(&place, json!({ "permanent": false, "priority": 20 })).ok()["permanent"], true);
    assert_error(&personal.delete(&place), 403, "access_denied");
    manager.delete(&place).ok();
}

#[test]
fn a_queue_that_is_not_dynamic_is_left_to_managers() {
    let app = TestApp::start();
    let soeren = app.session_of(demo::SOEREN);
    let place = member(demo::DELIVERIES, demo::SOEREN_IN_DELIVERIES);
    assert_error(&soeren.delete(&place), 403, "dynamic");
    assert_eq!(soeren.post(&place, json!({ "priority": 2 })).ok()["priority"], 2);
    assert_error(
        &soeren.post(&members(demo::WHOLESALE), json!({ "extension": demo::SOERENS_EXTENSION })),
        403,
        "dynamic",
    );
    app.manager().delete(&place).ok();
}

#[test]
fn the_last_member_stays_where_the_queue_says_so() {
    let app = TestApp::start();
    let manager = app.manager();
    let last = member(demo::COMPLAINTS, demo::MANAGER_IN_COMPLAINTS);
    assert_error(&manager.delete(&last), 403, "lockLastMember");
    manager.post(&members(demo::COMPLAINTS), json!({ "extension": demo::IDAS_EXTENSION })).ok();
    manager.delete(&last).ok();
    assert_eq!(names(&manager, demo::COMPLAINTS), ["Ida Newcomer"]);
}

#[test]
fn whoever_joins_is_an_extension_of_the_customer() {
    let app = TestApp::start();
    let foreign = json!({ "_id": "b00000000000000000000501", "kind": "EXTENSION", "customer": demo::WORKSHOP, "name": "Bench", "number": "501" });
    app.import(&json!({ "pbxObjects": [foreign] }));
    let admin = app.admin();
    let before = app.export();
    for (body, status, code) in [
        (json!({ "extension": "b00000000000000000000501" }), 404, "extension"),
        (json!({ "extension": demo::SHOP }), 404, "extension"),
        (json!({ "extension": demo::ABSENT }), 404, "extension"),
        (json!({ "extension": null }), 404, "extension"),
        (json!({ "extension": "" }), 422, "extension"),
        (json!({ "extension": 405 }), 422, "extension"),
        (json!({ "extension": [demo::BAKEHOUSE] }), 422, "extension"),
        (json!({ "number": "" }), 422, "number"),
        (json!({ "number": 405 }), 422, "number"),
        (json!({ "number": "1".repeat(51) }), 422, "number"),
        (json!({ "extension": demo::BAKEHOUSE, "number": "410" }), 422, "number"),
        (json!({ "extension": demo::BAKEHOUSE, "priority": 1.5 }), 422, "priority"),
        (json!({ "extension": demo::BAKEHOUSE, "priority": "1" }), 422, "priority"),
        (json!({ "extension": demo::BAKEHOUSE, "priority": null }), 404, "priority"),
        (json!({ "extension": demo::BAKEHOUSE, "permanent": "yes" }), 422, "permanent"),
        (json!({ "extension": 1, "priority": 0 }), 422, "multiple"),
    ] {
        assert_error(&admin.post(&members(demo::ORDERS), body), status, code);
    }
    for (query, status, code) in [
        ("", 404, "extension"),
        ("extension=", 422, "extension"),
        ("extension=x", 422, "extension"),
        ("number=", 422, "number"),
        ("number=%00", 422, "number"),
        ("number=405&priority=", 422, "priority"),
        ("number=405&priority=9223372036854775808", 422, "priority"),
        ("number=405&permanent=maybe", 422, "permanent"),
    ] {
        assert_error(&admin.get(&format!("{}/join?{query}", members(demo::ORDERS))), status, code);
    }
    assert_eq!(app.export(), before);
}

#[test]
fn a_member_is_changed_in_the_version_that_was_seen() {
    let app = TestApp::start();
    let manager = app.manager();
    let place = member(demo::ORDERS, demo::EMMA_IN_ORDERS);
    let seen = manager.get(&place);
    assert_eq!(seen.ok()["priority"], 2, "a GET without arguments changes nothing");
    let with = |method: &str, tag: &str| manager.request(method, &place).header("if-match", tag);
    assert_error(&with("POST", "\"999\"").json(json!({ "priority": 5 })).send(), 412, "precondition_failed");
    let changed = with("POST", seen.etag()).json(json!({ "priority": 5 })).send();
    assert_eq!(changed.ok()["priority"], 5);
    assert_error(&with("DELETE", seen.etag()).send(), 412, "precondition_failed");
    with("DELETE", changed.etag()).send().ok();
}

#[test]
fn a_repeated_join_is_answered_as_the_first() {
    let app = TestApp::start();
    let manager = app.manager();
    let join = || {
        let request = manager.request("POST", &members(demo::ORDERS)).header("idempotency-key", "join-1");
        request.json(json!({ "extension": demo::IDAS_EXTENSION })).send()
    };
    let first = join().ok();
    manager.delete(&member(demo::ORDERS, first["_id"].as_str().unwrap())).ok();
    let again = join();
    assert_eq!((again.ok(), again.header("idempotent-replayed")), (first, Some("true")));
    assert_eq!(names(&manager, demo::ORDERS).len(), 2);
}

#[test]
fn head_does_not_join_a_queue() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = app.export();
    let join = format!("{}/join?extension={}", members(demo::ORDERS), demo::BAKEHOUSE);
    assert_eq!(manager.request("HEAD", &join).send().status, 405);
    assert_eq!(app.export(), before);
}

#[test]
fn the_name_of_a_member_is_that_of_its_extension() {
    let app = TestApp::start();
    let renamed = json!({ "_id": demo::EMMAS_EXTENSION, "kind": "EXTENSION", "customer": demo::BAKERY, "name": "Counter", "number": "405", "employee": demo::EMMA });
    app.import(&json!({ "pbxObjects": [renamed] }));
    let manager = app.manager();
    assert_eq!(names(&manager, demo::ORDERS), ["Anna Manager", "Counter"]);
    let all = manager.get(&format!("/pbx/app/queues?all=true&queue={}", demo::ORDERS)).ok();
    assert_eq!(all[0]["members"], manager.get(&members(demo::ORDERS)).ok());
}
