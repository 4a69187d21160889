//! The console of a hub: an operator's session in a cookie.

use std::sync::Arc;

use serde_json::{Value, json};
use telecomx_local::auth::secrets::new_token;
use telecomx_local::domain::proposal::HubLevel;
use telecomx_local::sync::hub::admin_store::AdminStore;

use super::Place;
use super::edge::{NOW, block_on, by, new_hash};
use super::tenants::{Client, served};

const SESSION: &str = "/local/session";

struct Answer {
    status: u16,
    cookie: String,
    body: Value,
}

fn asks(client: &Client, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", client.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = match method {
        "POST" => request.header("content-type", "application/json").body(body.to_string()).unwrap(),
        _ => request.body(String::new()).unwrap(),
    };
    let mut answer = client.agent().run(request).unwrap();
    let cookie = answer.headers().get("set-cookie").map_or("", |value| value.to_str().unwrap()).to_owned();
    let text = answer.body_mut().read_to_string().unwrap();
    Answer { status: answer.status().as_u16(), cookie, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["error"]["code"].as_str().unwrap_or_default())
}

pub fn an_operator_works_in_the_console_by_a_cookie(place: &impl Place) {
    let store = Arc::new(place.open());
    let ((anna, anna_hash), (rosa, rosa_hash)) = (new_token().unwrap(), new_token().unwrap());
    block_on(store.add_operator("anna", HubLevel::Administer, anna_hash, by(NOW))).unwrap();
    block_on(store.add_operator("rosa", HubLevel::Read, rosa_hash, by(NOW))).unwrap();
    served(store, new_hash(), move |client| {
        let page = asks(client, "GET", "/console/about.json", &[], &Value::Null);
        assert_eq!((page.status, &page.body["kind"]), (200, &json!("hub")));
        let wrong = asks(client, "POST", SESSION, &[], &json!({ "token": "0".repeat(64) }));
        assert_eq!((code(&wrong), &*wrong.cookie), ((401, "invalid_token"), ""));
        let opened = asks(client, "POST", SESSION, &[], &json!({ "token": anna }));
        assert_eq!((&opened.body["operator"], &opened.body["level"]), (&json!("anna"), &json!("administer")));
        for part in ["telecomx_hub_console=", "; HttpOnly", "; SameSite=Strict", "; Path=/"] {
            assert!(opened.cookie.contains(part), "{}", opened.cookie);
        }
        assert!(!opened.cookie.contains(&anna), "the operator's own token stays here");
        let cookie = opened.cookie.split(';').next().unwrap().to_owned();
        let csrf = opened.body["csrfToken"].as_str().unwrap().to_owned();
        let with = |more: &[(&'static str, &str)]| -> Vec<(String, String)> {
            let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            [("cookie".to_owned(), cookie.clone())].into_iter().chain(more).collect()
        };
        let call = |method: &str, path: &str, headers: Vec<(String, String)>, body: Value| {
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            asks(client, method, path, &headers, &body)
        };
        assert_eq!(call("GET", SESSION, with(&[]), Value::Null).body["operator"], "anna");
        assert_eq!(call("GET", "/sync/v1/fleet", with(&[]), Value::Null).status, 200);
        let code_for = || json!({ "name": "Bakery" });
        for headers in [with(&[]), with(&[("x-csrf-token", "")]), with(&[("x-csrf-token", &rosa)])] {
            assert_eq!(code(&call("POST", "/sync/v1/codes", headers, code_for())), (403, "csrf"));
        }
        let foreign = [("x-csrf-token", csrf.as_str()), ("sec-fetch-site", "cross-site")];
        let hostile = call("POST", "/sync/v1/codes", with(&foreign), code_for());
        assert_eq!(code(&hostile), (401, "credentials_invalid"));
        assert_eq!(code(&call("GET", "/sync/v1/fleet", with(&foreign), Value::Null)), (401, "credentials_invalid"));
        let foreign_login = [("origin".to_owned(), "https://evil.example".to_owned())].into();
        assert_eq!(code(&call("POST", SESSION, foreign_login, json!({ "token": anna }))), (403, "csrf"));
        let own = || with(&[("x-csrf-token", &csrf)]);
        assert!(call("POST", "/sync/v1/codes", own(), code_for()).body["code"].is_string());
        // The session of an operator who is removed is over.
        let second = asks(client, "POST", SESSION, &[], &json!({ "token": rosa }));
        let rosas = second.cookie.split(';').next().unwrap().to_owned();
        let rosas = || vec![("cookie".to_owned(), rosas.clone())];
        assert_eq!(call("GET", "/sync/v1/fleet", rosas(), Value::Null).status, 200);
        assert_eq!(call("DELETE", "/sync/v1/operators/rosa", own(), Value::Null).status, 200);
        assert_eq!(code(&call("GET", "/sync/v1/fleet", rosas(), Value::Null)), (401, "invalid_token"));
        assert_eq!(code(&call("DELETE", SESSION, with(&[]), Value::Null)), (403, "csrf"));
        let closed = call("DELETE", SESSION, own(), Value::Null);
        assert!(closed.status == 200 && closed.cookie.contains("Max-Age=0"), "{}", closed.cookie);
        assert_eq!(code(&call("GET", "/sync/v1/fleet", own(), Value::Null)), (401, "invalid_token"));
    });
}
