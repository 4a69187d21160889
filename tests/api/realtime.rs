//! Realtime: who hears what (page realtime), and broadcasts (page tools:realtime:proxy).

use serde_json::{Value, json};

use super::support::listener::{Heard, Listener, listening, opened};
use super::support::{Client, TestApp, assert_error, code_of, demo};

/// Copies one config of the bakery onto another.
fn copy(client: &Client) {
    client.post("/pbx/app/mobileconfig/", json!({ "_id": demo::PERSONAL, "copyTo": demo::EMMA })).ok();
}

fn of_emma(employee: Option<&str>) -> Value {
    let mut event = json!({ "type": "MOBILE_CONFIG_CHANGED", "customer": demo::BAKERY, "id": demo::EMMA });
    if let Some(employee) = employee {
        event["employee"] = employee.into();
    }
    event["inferred"] = true.into();
    event
}

#[test]
fn a_copy_is_heard_by_whoever_listens_to_its_customer() {
    let app = TestApp::start();
    let manager = app.manager();
    for open in [Listener::polling, Listener::websocket] {
        let mut listener = open(&app.nobody());
        let personal = app.personal();
        listener
            .emit("authenticate", json!({ "token": personal.token(), "client": "test", "instanceId": "1", "ip": "" }));
        listener.hears("authenticated");
        listener.subscribe(json!({ "type": "CONFIG", "customer": demo::BAKERY }));
        copy(&manager);
        assert_eq!(listener.hears("CONFIG"), of_emma(Some(demo::MANAGER)));
        // Who it was is told to others than the customer's own employees only where it is one of these.
        copy(&app.reseller());
        assert_eq!(listener.hears("CONFIG"), of_emma(None));
    }
}

#[test]
fn a_subscription_is_for_those_who_may_hear_it() {
    let app = TestApp::start();
    let config = |customer: &str| json!({ "type": "CONFIG", "customer": customer });
    let mut stranger = Listener::polling(&app.nobody());
    stranger.emit("subscribe", config(demo::BAKERY));
    stranger.is_refused("subscribe", 401, "credentials_invalid");
    for (token, status, code) in [
        (json!({}), 404, "token"),
        (json!({ "token": 1 }), 422, "token"),
        (json!("x"), 400, "bad_request"),
        (json!({ "token": "nonsense" }), 401, "invalid_token"),
        (json!({ "token": "0".repeat(64) }), 401, "invalid_token"),
    ] {
        stranger.emit("authenticate", token);
        stranger.is_refused("authenticate", status, code);
    }
    let bound = app.admin().get(&format!("/auth/impersonate/{}?ip=192.0.2.1", demo::MANAGER)).ok();
    stranger.emit("authenticate", json!({ "token": bound["token"] }));
    stranger.is_refused("authenticate", 401, "invalid_token");

    let admin_channels = ["ADMIN", "ADMIN:CONFIG", "ADMIN:CALL", "ADMIN:REGISTER", "ADMIN:PBX", "ADMIN:REALTIME"];
    let (own, below, other) = (demo::BAKERY, demo::FLORIST, demo::LIBRARY);
    for (employee, heard, refused) in [
        (demo::PERSONAL, vec![own], vec![demo::WORKSHOP, other]),
        (demo::MANAGER, vec![own], vec![demo::RESELLER, other]),
        (demo::RESELLERS_CONSULTANT, vec![demo::RESELLER, own, below], vec![other]),
        (demo::RESELLER_ADMIN, vec![own, below, other], vec![]),
        (demo::ADMIN, vec![own, below, other], vec![]),
    ] {
        let mut listener = Listener::polling(&app.nobody());
        listener.authenticate(app.session_of(employee).token());
        for customer in heard {
            listener.subscribe(config(customer));
            listener.subscribe(json!({ "type": "PBX", "customer": customer, "events": ["CALL_START"] }));
        }
        for customer in refused {
            listener.emit("subscribe", config(customer));
            listener.is_refused("subscribe", 403, "access_denied");
        }
        for channel in admin_channels {
            match employee == demo::ADMIN {
                true => listener.subscribe(json!({ "type": channel })),
                false => {
                    listener.emit("subscribe", json!({ "type": channel }));
                    listener.is_refused("subscribe", 403, "access_denied");
                }
            }
        }
        listener.emit("subscribe", json!({ "type": "CONFIG", "customer": demo::ABSENT }));
        listener.is_refused("subscribe", 404, "customer");
        listener.emit("subscribe", json!({ "type": "CALL", "customer": demo::BAKERY }));
        listener.is_refused("subscribe", 422, "type");
    }
}

#[test]
fn every_accepted_change_is_told_and_a_refused_one_is_not() {
    let app = TestApp::start();
    let (owner, admin) = (app.owner(), app.admin());
    let mut listener = listening(&owner, demo::BAKERY);
    let mut everywhere = Listener::polling(&app.nobody());
    everywhere.authenticate(admin.token());
    everywhere.subscribe(json!({ "type": "ADMIN:CONFIG" }));

    let across = json!({ "_id": demo::PERSONAL, "copyTo": demo::WORKSHOPS_PERSONAL });
    assert_error(&admin.post("/pbx/app/mobileconfig/", across), 400, "bad_request");
    let viewer = app.viewer();
    assert_error(&viewer.post(&format!("/employee/{}", demo::EMMA), json!({ "title": "x" })), 403, "access_denied");
    owner.post(&format!("/customer/{}", demo::BAKERY), json!({ "faxNumber": "+4500000999" })).ok();
    assert_eq!(listener.config_event(), "CUSTOMER_CHANGED");
    let new = json!({ "customer": demo::BAKERY, "accessLevel": "PERSONAL", "name": "New" });
    let new = owner.post("/employee", new).ok()["_id"].as_str().unwrap().to_owned();
    let created = listener.hears("CONFIG");
    assert_eq!((&created["type"], &created["id"]), (&json!("EMPLOYEE_CREATED"), &json!(new)));
    owner.post(&format!("/employee/{new}"), json!({ "title": "Baker" })).ok();
    assert_eq!(listener.config_event(), "EMPLOYEE_CHANGED");
    owner.act(&format!("/pbx/app/mobileconfig/{new}")).ok();
    assert_eq!(listener.config_event(), "MOBILE_CONFIG_CREATED");
    owner.delete(&format!("/employee/{new}")).ok();
    let mut told = [listener.config_event(), listener.config_event()];
    told.sort();
    assert_eq!(told, ["EMPLOYEE_DELETED", "MOBILE_CONFIG_DELETED"]);
    for expected in ["CUSTOMER_CHANGED", "EMPLOYEE_CREATED", "EMPLOYEE_CHANGED", "MOBILE_CONFIG_CREATED"] {
        assert_eq!(everywhere.config_event(), expected);
    }
}

#[test]
fn of_an_import_of_many_rows_it_is_only_told_that_everything_is_to_be_read_again() {
    let app = TestApp::start();
    let mut listener = listening(&app.owner(), demo::BAKERY);
    let employee = |n: i64| json!({ "_id": format!("{n:024x}"), "customer": demo::BAKERY, "accessLevel": "NO_LOGIN", "name": format!("Number {n}") });
    let import = |range: std::ops::Range<i64>| {
        let employees: Vec<Value> = range.map(employee).collect();
        app.import(&json!({ "employees": employees }));
    };
    import(1_000..1_100);
    let told = listener.hears("CONFIG");
    assert_eq!(told, json!({ "type": "CONFIG_RELOAD", "customer": demo::BAKERY, "inferred": true }));
    import(2_000..4_000);
    let told = listener.hears("CONFIG");
    assert_eq!(told, json!({ "type": "CONFIG_RELOAD", "inferred": true }), "so many are not even told by customer");
    import(5_000..5_001);
    assert_eq!(listener.config_event(), "EMPLOYEE_CREATED");
}

#[test]
fn an_administrator_broadcasts_events() {
    let app = TestApp::start();
    let mut listener = listening(&app.viewer(), demo::BAKERY);
    let mut elsewhere = listening(&app.session_of(demo::WORKSHOPS_MANAGER), demo::WORKSHOP);
    let admin = app.admin();
    let event = json!({ "eventType": "EMPLOYEE_PRESENCE_CHANGED", "customer": demo::BAKERY, "id": demo::EMMA,
        "data": { "presence": "AWAY", "since": 1.5 }, "employee": demo::EMMA });
    assert_eq!(admin.post("/tools/realtime", event).ok(), json!({ "success": true }));
    assert_eq!(
        listener.hears("CONFIG"),
        json!({ "type": "EMPLOYEE_PRESENCE_CHANGED", "customer": demo::BAKERY, "id": demo::EMMA,
            "employee": demo::EMMA, "data": { "presence": "AWAY", "since": 1.5 }, "inferred": true })
    );
    let by_get = format!("/tools/realtime?eventType=QUEUE_CHANGED&customer={}", demo::WORKSHOP);
    admin.get(&by_get).ok();
    assert_eq!(elsewhere.config_event(), "QUEUE_CHANGED", "and nothing of another customer");
    assert_error(&app.reseller_admin().get(&by_get), 403, "access_denied");
}

#[test]
fn only_named_events_are_heard_where_some_are_named() {
    let app = TestApp::start();
    let owner = app.owner();
    let mut listener = Listener::polling(&app.nobody());
    listener.authenticate(owner.token());
    listener.subscribe(json!({ "type": "CONFIG", "customer": demo::BAKERY, "events": ["MOBILE_CONFIG_CHANGED"] }));
    owner.post(&format!("/employee/{}", demo::EMMA), json!({ "title": "Baker" })).ok();
    copy(&owner);
    assert_eq!(listener.config_event(), "MOBILE_CONFIG_CHANGED");
}

#[test]
fn an_address_has_only_so_many_connections_and_so_has_the_server() {
    let app = TestApp::start_with(|config| {
        config.realtime_connections_per_address = Some(2);
        config.realtime_connections = Some(3);
    });
    let nobody = app.nobody();
    let _open = [Listener::polling(&nobody), Listener::websocket(&nobody)];
    let refused = opened(&nobody);
    assert_error(&refused, 429, "too_many_connections");
    assert_eq!(refused.header("retry-after"), Some("10"));
    let websocket = nobody
        .request("GET", "/socket.io/?EIO=4&transport=websocket")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .send();
    assert_error(&websocket, 429, "too_many_connections");
    // Behind a proxy the address is the caller's.
    let other = |address: &str| {
        nobody.request("GET", "/socket.io/?EIO=4&transport=polling").header("x-forwarded-for", address).send()
    };
    assert_eq!(other("192.0.2.1").status, 200);
    assert_error(&other("192.0.2.2"), 503, "busy");
}

#[test]
fn what_is_no_request_of_a_client_is_refused() {
    let app = TestApp::start();
    let nobody = app.nobody();
    for path in ["", "?EIO=4", "?EIO=9&transport=polling", "?EIO=4&transport=x", "?EIO=4&transport=polling&sid=unknown"]
    {
        assert_eq!(nobody.get(&format!("/socket.io/{path}")).status, 400, "{path}");
    }
    let unknown = nobody.get("/socket.io/?EIO=4&transport=polling&sid=unknown").json();
    assert_eq!(unknown["error"]["message"], "Session ID unknown");
    let script = nobody.get("/socket.io/socket.io.js");
    assert_eq!((script.status, script.header("content-type")), (200, Some("text/javascript; charset=utf-8")));
    assert!(script.text().contains("Socket.IO"));
    let without_key = nobody.request("GET", "/socket.io/?EIO=4&transport=websocket").header("upgrade", "websocket");
    assert_eq!(code_of(&without_key.header("connection", "upgrade").send()), "bad_request");
    let mut listener = Listener::polling(&nobody);
    listener.emit("nothing", json!({}));
    listener.authenticate(app.manager().token());
}

#[test]
fn the_server_ends_while_somebody_listens() {
    let app = TestApp::start();
    let mut listeners = [Listener::polling(&app.nobody()), Listener::websocket(&app.nobody())];
    for listener in &mut listeners {
        listener.authenticate(app.manager().token());
    }
    let begun = std::time::Instant::now();
    drop(app);
    assert!(begun.elapsed().as_secs() < 5, "a listener holds up the end");
    let [polling, websocket] = &mut listeners;
    assert_eq!(websocket.next(), Heard::End);
    let _ = polling;
}
