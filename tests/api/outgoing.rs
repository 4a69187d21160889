//! Actions of the app and text messages: what is taken is in the outbox.

use serde_json::{Value, json};
use telecomx_local::domain::outbox::OutboxEntry;
use telecomx_local::store::outbox;

use super::support::{Client, TestApp, assert_error, demo};

const PAUL: &str = "d00000000000000000000404";
const EMMA: &str = "d00000000000000000000405";
const SOEREN: &str = "d00000000000000000000406";
const PETER: &str = "d00000000000000000000503";
const SHOP: &str = "ba0000000000000000000401";
const ORDERS: &str = "a00000000000000000000401";

/// The bakery with extensions: Paul controls the group of Emma, with pickup and without steal, and is in the queue Orders.
fn bakery() -> TestApp {
    let app = TestApp::start();
    let extension = |id: &str, customer: &str, employee: &str, number: &str| json!({ "_id": id, "kind": "EXTENSION", "customer": customer, "employee": employee, "name": number, "number": number });
    app.import(&json!({ "pbxObjects": [
        extension(PAUL, demo::BAKERY, demo::PERSONAL, "104"),
        extension(EMMA, demo::BAKERY, demo::EMMA, "105"),
        extension(SOEREN, demo::BAKERY, demo::SOEREN, "106"),
        extension(PETER, demo::WORKSHOP, demo::WORKSHOPS_PERSONAL, "104"),
        { "_id": SHOP, "kind": "GROUP", "customer": demo::BAKERY, "name": "Shop", "members": [EMMA], "controllers": [PAUL], "pickup": true },
        { "_id": "f00000000000000000000401", "kind": "QUEUE_MEMBER", "customer": demo::BAKERY, "queue": ORDERS, "extension": PAUL, "name": "Paul" },
    ] }));
    app
}

fn outbox_of(app: &TestApp) -> Vec<OutboxEntry> {
    app.db.read(|tx| outbox::list(tx, None, 0, 1_000)).unwrap().1
}

fn act(caller: &Client, what: &str) -> super::support::Response {
    caller.get(&format!("/pbx/app/action/{what}"))
}

#[test]
fn an_action_on_ones_own_extension_is_taken_and_kept() {
    let app = bakery();
    let paul = app.session_of(demo::PERSONAL);
    let call = act(&paul, "call?device=104&target=%2B4570305050").ok();
    assert!(call["_id"].as_str().unwrap().starts_with("localhost:"), "{call}");
    for what in [
        format!("call?device={PAUL}&target={EMMA}"),
        "hangup?device=104".into(),
        "transfer?source=104&destination=*62%23".into(),
        "pickup?device=104&target=105".into(),
        format!("queuepickup?device=104&queue={ORDERS}"),
        "queuepickup?device=104&target=801".into(),
    ] {
        assert_eq!(act(&paul, &what).ok()["success"], true, "{what}");
    }
    let kept = outbox_of(&app);
    assert_eq!(kept.len(), 7);
    let first = serde_json::to_value(&kept[1]).unwrap();
    assert_eq!(first["content"], json!({ "action": "call", "device": PAUL, "target": "105" }));
    assert_eq!((&first["kind"], &first["employee"]), (&json!("action"), &json!(demo::PERSONAL)));
}

#[test]
fn an_action_needs_an_extension_within_reach_and_the_right_of_a_group() {
    let app = bakery();
    let paul = app.session_of(demo::PERSONAL);
    for (what, status, code) in [
        ("call?target=105", 422, "device"),
        ("call?device=&target=105", 422, "device"),
        ("call?device=999&target=105", 422, "device"),
        ("call?device=a00000000000000000000401&target=105", 422, "device"),
        ("call?device=105&target=104", 403, "access_denied"),
        ("call?device=d00000000000000000000503&target=104", 403, "access_denied"),
        ("call?device=104", 422, "target"),
        ("call?device=104&target=anna", 422, "target"),
        ("call?device=104&target=d00000000000000000000503", 422, "target"),
        ("call?device=104&target=0123456789012345678901234567890", 422, "target"),
        ("transfer?destination=105", 422, "source"),
        ("transfer?source=104&destination=%00", 422, "destination"),
        ("pickup?device=104", 422, "target"),
        ("pickup?device=104&target=d00000000000000000000503", 422, "target"),
        ("pickup?device=104&target=106", 403, "access_denied"),
        ("steal?device=104", 422, "target"),
        ("steal?device=104&target=105", 403, "access_denied"),
        ("queuepickup?device=104", 422, "target"),
        ("queuepickup?device=104&queue=802", 403, "queue"),
        ("queuepickup?device=104&queue=a00000000000000000000501", 403, "queue"),
    ] {
        assert_error(&act(&paul, what), status, code);
    }
    assert!(outbox_of(&app).is_empty());
    act(&app.session_of(demo::MANAGER), "steal?device=104&target=106").ok();
    act(&app.session_of(demo::MANAGER), "queuepickup?device=104&queue=802").ok();
    assert_eq!(paul.request("HEAD", "/pbx/app/action/hangup?device=104").send().status, 405);
    let of_another_page = app.nobody().request("GET", "/pbx/app/action/hangup?device=104");
    let of_another_page = of_another_page.header("cookie", &format!("token={}", paul.token()));
    let of_another_page = of_another_page.header("sec-fetch-site", "cross-site").send();
    assert_error(&of_another_page, 401, "credentials_invalid");
}

fn sms(caller: &Client, more: Value) -> super::support::Response {
    let mut body = json!({ "message": "The bread is ready", "to": "+45 70 30 50 50" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    caller.post("/sms", body)
}

#[test]
fn a_text_message_goes_to_numbers_or_to_a_group() {
    let app = bakery();
    let manager = app.session_of(demo::MANAGER);
    assert_eq!(sms(&manager, json!({ "from": "Bakery" })).ok(), json!({ "success": true, "recipients": 1 }));
    let twice = json!({ "to": ["+4570305050", "+45 70305050", "112"], "type": "SMSFLASH" });
    assert_eq!(sms(&manager, twice).ok()["recipients"], 2);
    assert_error(&sms(&manager, json!({ "to": null, "group": SHOP })), 422, "group");
    manager.post(&format!("/employee/{}", demo::EMMA), json!({ "smsNumber": "+4520202020" })).ok();
    assert_eq!(sms(&app.session_of(demo::PERSONAL), json!({ "to": null, "group": SHOP })).ok()["recipients"], 1);
    let kept = serde_json::to_value(outbox_of(&app)).unwrap();
    assert_eq!(kept[0]["content"]["from"], "Bakery");
    assert_eq!(kept[2]["content"]["to"], json!(["+4520202020"]));
}

#[test]
fn an_odd_text_message_is_refused() {
    let app = bakery();
    let manager = app.session_of(demo::MANAGER);
    for (more, status, code) in [
        (json!({ "from": "Twelve chars" }), 422, "from"),
        (json!({ "message": "x".repeat(2_001) }), 422, "message"),
        (json!({ "message": 5 }), 422, "message"),
        (json!({ "to": [] }), 422, "to"),
        (json!({ "to": ["+4570305050", 5] }), 422, "to"),
        (json!({ "to": { "number": "1" } }), 422, "to"),
        (json!({ "to": vec!["+4570305050"; 1_001] }), 422, "to"),
        (json!({ "group": SHOP }), 422, "group"),
        (json!({ "to": null, "group": "x" }), 422, "group"),
        (json!({ "to": null, "group": EMMA }), 422, "group"),
        (json!({ "type": "FAX", "message": "" }), 422, "multiple"),
    ] {
        assert_error(&sms(&manager, more), status, code);
    }
    let of_others = json!({ "to": null, "group": SHOP });
    assert_error(&sms(&app.session_of(demo::WORKSHOPS_MANAGER), of_others.clone()), 422, "group");
    assert_error(&sms(&app.session_of(demo::EMMA), of_others), 422, "group");
    assert!(outbox_of(&app).is_empty());
}
