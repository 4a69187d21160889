//! Bodies that are wrong, at every endpoint that takes one.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use telecomx_local::api::endpoint::Endpoint;
use telecomx_local::api::openapi;
use telecomx_local::api::routes::endpoints;

use super::support::{Client, Response, TestApp, assert_error, code_of, demo};

/// Those that take JSON.
fn taking_a_body() -> Vec<Endpoint> {
    endpoints().into_iter().filter(|endpoint| endpoint.body.is_some_and(|body| !body.is_upload)).collect()
}

fn path_of(endpoint: &Endpoint) -> String {
    let path = endpoint.path.replace("{customer}", demo::BAKERY).replace("{employee}", demo::EMMA);
    let path = path.replace("{address}", demo::SECOND_ADDRESS).replace("{contact}", demo::SHARED_CONTACT);
    let path = path.replace("{queue}", demo::ORDERS).replace("{member}", demo::EMMA_IN_ORDERS);
    path.replace("{name}", "SHARED:night")
}

fn send(caller: &Client, endpoint: &Endpoint, body: impl Into<Vec<u8>>) -> Response {
    let request = caller.request(endpoint.method, &path_of(endpoint));
    request.header("content-type", "application/json").bytes(body).send()
}

#[test]
fn what_is_not_a_json_object_is_a_bad_request() {
    let app = TestApp::start();
    let admin = app.admin();
    let before = app.export();
    let deep = "[".repeat(10_000);
    let deep_inside = format!("{{\"configs\":{}1{},\"name\":\"x\"}}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_objects = "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000);
    let bodies: Vec<&[u8]> = vec![
        b"{",
        b"nonsense",
        b"null",
        b"[]",
        b"1",
        b"\"text\"",
        b"{\"a\":1}{}",
        b"{'a':1}",
        b"{\"name\":\"\xff\xfe\"}",
        b"\xff\xfe{\0}\0",
        b"{\"a\":1,\"a\":2}",
        b"{\"a\":{\"b\":[{\"c\":1,\"\\u0063\":1}]}}",
        b"\xef\xbb\xbf{\"a\":1,\"a\":1}",
        b"\0",
        b"{\"name\":\"\\ud800\"}",
        deep.as_bytes(),
        deep_inside.as_bytes(),
        deep_objects.as_bytes(),
    ];
    for endpoint in taking_a_body() {
        for body in &bodies {
            // The pages have an array here.
            if *body == b"[]" && ["/pbx/app/employees", "/employee/{employee}/shortcuts"].contains(&endpoint.path) {
                continue;
            }
            let answer = send(&admin, &endpoint, *body);
            assert_error(&answer, 400, "bad_request");
        }
    }
    assert!(app.export() == before);
}

#[test]
fn no_body_at_all_is_refused_where_one_is_needed() {
    let app = TestApp::start();
    let admin = app.admin();
    for endpoint in taking_a_body() {
        let answer = admin.act(&path_of(&endpoint));
        match endpoint.body_name().as_str() {
            "MobileConfigWrite" | "AppEmployeesQuery" | "OverviewQuery" => drop(answer.ok()),
            "ShortcutsWrite" => assert_error(&answer, 400, "shortcuts"),
            "Undo" => assert_error(&answer, 404, "operation"),
            // No platform is connected.
            "PlatformDisconnect" => assert_error(&answer, 409, "platform"),
            _ => assert_error(&answer, 400, "bad_request"),
        }
    }
}

#[test]
fn a_body_of_another_type_is_refused() {
    let app = TestApp::start();
    let admin = app.admin();
    let before = app.export();
    for endpoint in taking_a_body() {
        for kind in ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "nonsense"] {
            let answer = admin
                .request("POST", &path_of(&endpoint))
                .header("content-type", kind)
                .bytes("{\"name\":\"x\"}")
                .send();
            // Its page has one answer for every malformed body.
            if endpoint.body_name() == "Copy" {
                assert_error(&answer, 400, "bad_request");
            } else {
                assert_error(&answer, 415, "unsupported_media_type");
            }
        }
    }
    assert!(app.export() == before);
}

/// Values of every JSON type, and some that are at the edge of theirs.
fn odd_values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        serde_json::from_str("1e400").unwrap(),
        serde_json::from_str("123456789012345678901234567890").unwrap(),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("\u{202e}æøå🙂"),
        json!("x".repeat(100_000)),
        json!([]),
        json!([null]),
        json!([1, "x", {}]),
        json!({}),
        json!({ "_id": 1 }),
        json!([{ "_id": [], "type": {}, "address": 1 }]),
    ]
}

#[test]
fn every_property_takes_every_value_without_a_failure_of_the_server() {
    let app = TestApp::start();
    let admin = app.session_of(demo::ADMIN);
    let schemas = openapi::build(&endpoints())["components"]["schemas"].take();
    let mut tried = 0;
    for endpoint in taking_a_body().iter().filter(|it| !["Login", "ConsoleLogin"].contains(&&*it.body_name())) {
        let Some(properties) = schemas[endpoint.body_name()]["properties"].as_object() else { continue };
        for property in properties.keys() {
            for value in odd_values() {
                let before = app.export();
                let answer = send(&admin, endpoint, json!({ property: value }).to_string());
                tried += 1;
                if answer.status != 200 {
                    code_of(&answer);
                    assert!((400..500).contains(&answer.status), "{property} = {value}: {answer}");
                    assert!(app.export() == before, "{property} = {value}: a refused request changed something");
                }
            }
        }
    }
    assert!(tried > 500, "{tried} values");
}

#[test]
fn a_login_takes_every_value_without_a_failure_of_the_server() {
    let app = TestApp::start_with(|config| {
        config.login_failures_per_address = Some(1_000);
        config.login_failures_per_name = Some(1_000);
    });
    for property in ["username", "password", "authenticatorToken", "smsKey", "cookie", "persist"] {
        for value in odd_values() {
            let mut body = json!({ "username": "nobody@example.com", "password": "x" });
            body[property] = value;
            let answer = app.nobody().post("/auth/login", body);
            code_of(&answer);
            assert!((400..429).contains(&answer.status), "{answer}");
        }
    }
}

#[test]
fn a_missing_property_is_not_found_and_several_are_one_error_with_inner_ones() {
    let app = TestApp::start();
    let admin = app.admin();
    let one = admin.post("/employee", json!({ "customer": demo::BAKERY, "accessLevel": "VIEWER" }));
    assert_error(&one, 404, "name");
    assert_eq!((&one.json()["error"]["path"], &one.json()["error"]["check"]), (&json!("name"), &json!("required")));
    let several = admin.post("/employee", json!({ "customer": demo::BAKERY }));
    assert_error(&several, 422, "multiple");
    let error = &several.json()["error"];
    let inner: Vec<_> =
        error["inner"].as_array().unwrap().iter().map(|e| (e["status"].clone(), e["code"].clone())).collect();
    assert_eq!(inner, [(json!(404), json!("accessLevel")), (json!(404), json!("name"))]);
    assert_error(&app.nobody().post("/auth/login", json!({ "username": "x" })), 404, "password");
    assert_error(&admin.post("/customer/names/list", json!({})), 404, "customers");
}

#[test]
fn a_null_where_something_is_required_is_one_fault() {
    let app = TestApp::start();
    let manager = app.manager();
    let before = app.export();
    let employee = json!({ "customer": demo::BAKERY, "accessLevel": "VIEWER", "name": "New" });
    let with_null = |body: &Value, path: &str| {
        let mut body = body.clone();
        *body.pointer_mut(path).unwrap() = Value::Null;
        body
    };
    let section = json!({ "configs": [{ "type": "QUEUES", "items": [], "others": [] }] });
    let config = format!("/pbx/app/mobileconfig/{}", demo::EMMA);
    for (path, body, property) in [
        ("/employee", with_null(&employee, "/name"), "name"),
        ("/employee", with_null(&employee, "/accessLevel"), "accessLevel"),
        (&config, with_null(&section, "/configs/0/items"), "configs[0].items"),
        (&config, with_null(&section, "/configs/0/others"), "configs[0].others"),
    ] {
        let answer = manager.post(path, body);
        let error = &answer.json()["error"];
        assert_eq!(
            (&error["path"], &error["check"], error.get("inner")),
            (&json!(property), &json!("required"), None),
            "{answer}"
        );
    }
    assert_eq!(app.export(), before);
}

#[test]
fn an_unknown_property_is_ignored() {
    let app = TestApp::start();
    let manager = app.manager();
    let path = format!("/employee/{}", demo::EMMA);
    let answer = manager.post(&path, json!({ "title": "Chief", "shoeSize": 43, "__proto__": {} })).ok();
    assert_eq!((&answer["title"], answer.get("shoeSize")), (&json!("Chief"), None));
    let copy = json!({ "_id": demo::EMMA, "copyTo": demo::EMMA, "more": [] });
    manager.post("/pbx/app/mobileconfig/", copy).ok();
}

#[test]
fn the_wrong_value_of_a_property_is_told_by_its_name_and_check() {
    let app = TestApp::start();
    let manager = app.manager();
    let emma = format!("/employee/{}", demo::EMMA);
    let bakery = format!("/customer/{}", demo::BAKERY);
    let before = app.export();
    #[rustfmt::skip]
    let cases = [
        (&emma, json!({ "emailAddress": "manager@bakery.example.com" }), 409, "emailAddress", "unique"),
        (&emma, json!({ "emailAddress": "MANAGER@Bakery.example.com" }), 409, "emailAddress", "unique"),
        (&emma, json!({ "accessLevel": "KING" }), 422, "accessLevel", "enum"),
        (&emma, json!({ "accessLevel": "viewer" }), 422, "accessLevel", "enum"),
        (&emma, json!({ "language": "sv" }), 422, "language", "enum"),
        (&emma, json!({ "name": "" }), 422, "name", "min"),
        (&emma, json!({ "name": null }), 404, "name", "required"),
        (&emma, json!({ "primaryContact": "yes" }), 422, "primaryContact", "type"),
        (&emma, json!({ "ipRestriction": "here" }), 422, "ipRestriction", "format"),
        (&emma, json!({ "noEmail": true, "emailAddress": "short" }), 422, "emailAddress", "min"),
        (&bakery, json!({ "addresses": [] }), 422, "addresses", "min"),
        (&bakery, json!({ "addresses": [{ "address": "Abc", "zip": "8000", "city": "Aarhus C" }] }), 422, "addresses[0].address", "min"),
        (&bakery, json!({ "state": "DELETED" }), 422, "state", "enum"),
    ];
    for (path, body, status, code, check) in cases {
        let answer = manager.post(path, body);
        assert_error(&answer, status, code);
        assert_eq!(answer.json()["error"]["check"], check, "{answer}");
    }
    assert_eq!(app.export(), before);
}

#[test]
fn a_body_that_is_too_long_is_refused_and_the_connection_goes_on() {
    let app = TestApp::start();
    let admin = app.admin();
    let before = app.export();
    let long = vec![b' '; 2 << 20];
    for endpoint in taking_a_body() {
        assert_error(&send(&admin, &endpoint, long.clone()), 413, "payload_too_large");
    }
    assert!(app.export() == before);
    let mut stream = TcpStream::connect(app.url.trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /employee HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        admin.token(),
        long.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&long).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert!(answers.starts_with("HTTP/1.1 413") && answers.contains("HTTP/1.1 200 OK"), "{answers}");
}
