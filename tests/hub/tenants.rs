//! Two tenants, over HTTP: every call that names an origin, made by the other one and by nobody.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;

use serde_json::json;
use telecomx_local::auth::secrets::new_token;
use telecomx_local::clock::Clock;
use telecomx_local::domain::audit::digest;
use telecomx_local::domain::mirror::{Epoch, Head};
use telecomx_local::sync::hub::api::admission::AdmissionLimits;
use telecomx_local::sync::hub::api::routes::{origin_calls, start};
use telecomx_local::sync::hub::api::state::{CALLS_PER_SECOND, HubState};
use telecomx_local::sync::hub::migration::{Checksum, Delivery, FinishMove};
use telecomx_local::sync::hub::origin::EnrolmentKind;
use telecomx_local::sync::hub::store::{HubStore, add_code};
use telecomx_local::sync::protocol::wire::Part;
use telecomx_local::web::server;
use uuid::Uuid;

use super::Place;
use super::edge::{NOW, Rows, TestEdge, block_on, by, queue};

/// An answer: its status, its headers but for those of this one request, its body.
pub type Answer = (u16, BTreeSet<String>, String);

const OF_ONE_REQUEST: [&str; 3] = ["date", "x-request-id", "connection"];

pub struct Client {
    url: String,
    agent: ureq::Agent,
}

impl Client {
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn agent(&self) -> &ureq::Agent {
        &self.agent
    }

    pub fn asks(&self, method: &str, path: &str, authorization: Option<&str>, body: &str) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let mut answer = self.agent.run(request.body(body.to_owned()).unwrap()).unwrap();
        let headers = answer.headers().iter().filter(|(name, _)| !OF_ONE_REQUEST.contains(&name.as_str()));
        let headers = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
        (answer.status().as_u16(), headers, answer.body_mut().read_to_string().unwrap())
    }
}

/// Runs `work` while a hub serves `store`.
pub fn served<S: HubStore>(store: Arc<S>, admin: [u8; 32], work: impl FnOnce(&Client) + Send + 'static) {
    served_within(store, admin, (AdmissionLimits::DEFAULT, CALLS_PER_SECOND), work);
}

/// The same, with these bounds on what the hub takes in.
pub fn served_within<S: HubStore>(
    store: Arc<S>,
    admin: [u8; 32],
    (admission, calls_per_second): (AdmissionLimits, u32),
    work: impl FnOnce(&Client) + Send + 'static,
) {
    server::block_on(async {
        store.set_administrator(admin, None).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = HubState::new(store, Clock::default()).with_bounds(admission, calls_per_second);
        let running = start(listener, None, state).unwrap();
        // A connection for each: the hub ends one when it does not care for what else is sent.
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_idle_connections(0);
        let agent = agent.allow_non_standard_methods(true).build().new_agent();
        let client = Client { url, agent };
        tokio::task::spawn_blocking(move || work(&client)).await.unwrap();
        running.stop(false).await;
    });
}

/// An edge of this store that has pushed something, and its token.
pub fn tenant<'s, S: HubStore>(store: &'s S, name: &str) -> (TestEdge<'s, S>, String) {
    let code = block_on(add_code(store, &EnrolmentKind::New(name.into()), by(NOW))).unwrap();
    let ((token, hash), origin) = (new_token().unwrap(), Uuid::new_v4().simple().to_string());
    block_on(store.enroll(digest(code.as_bytes()), hash, &origin, None, NOW)).unwrap().unwrap();
    let mut edge = TestEdge { store, origin, token: hash, epoch: Epoch(1, Uuid::new_v4()), head: Head::EMPTY };
    edge.pushes(vec![queue(1, &format!("of{name}"))]);
    (edge, token)
}

/// A query and a body with which the call succeeds for those who may make it.
fn question<S: HubStore>(edge: &TestEdge<'_, S>, method: &str, call: &str) -> (&'static str, String) {
    let body = match (method, call) {
        ("POST", "exchange") => serde_json::to_string(&edge.batch(vec![queue(2, "made")])).unwrap(),
        ("POST", "stage") => {
            let part = Part { stage: Uuid::new_v4(), part: 0, context: None, rows: vec![queue(2, "staged")].into() };
            serde_json::to_string(&part).unwrap()
        }
        ("POST", "digest") => json!({ "head": edge.head }).to_string(),
        ("POST", "proposals") => {
            json!({ "table": "employee", "id": "e00000000000000000000001", "patch": { "name": "Wished" } }).to_string()
        }
        ("POST", "arrive") => serde_json::to_string(&edge.found()).unwrap(),
        ("POST", "deliver") => serde_json::to_string(&Delivery::default()).unwrap(),
        ("POST", "settle") => {
            serde_json::to_string(&FinishMove { origin: edge.found(), checksum: Checksum::default() }).unwrap()
        }
        ("GET", "rows" | "arrived") => return ("?table=queue", String::new()),
        ("PUT", "tags") => json!({ "tags": ["berlin"] }).to_string(),
        ("POST", "acknowledge") => json!({ "alarm": "clock", "why": "known" }).to_string(),
        ("GET", "stage" | "snapshot" | "quarantine" | "proposals") | ("POST", "unlock" | "token") => String::new(),
        other => panic!("say what there is to ask with: {other:?}"),
    };
    ("", body)
}

/// All that could have been changed.
fn state<S: HubStore>(edge: &TestEdge<'_, S>) -> (String, Rows) {
    let proposals = block_on(edge.store.proposals(&edge.origin, 0, i64::MAX)).unwrap();
    (format!("{:?} {proposals:?}", edge.found()), edge.rows())
}

fn is_refused<S: HubStore>(client: &Client, mine: &TestEdge<'_, S>, method: &str, call: &str, theirs: &str) {
    let (query, body) = question(mine, method, call);
    let bearer = |token: &str| format!("Bearer {token}");
    let nobodys = [None, Some(bearer(&"0".repeat(64))), Some(bearer("x")), Some("Basic eDp5".into())];
    let strangers = nobodys.iter().map(|nobodys| (401, nobodys.clone()));
    for (status, authorization) in strangers.chain([(404, Some(bearer(theirs)))]) {
        for body in [&*body, "", "{", r#"{"proto":9}"#] {
            let asked = |origin: &str| {
                let path = format!("/sync/v1/origins/{origin}/{call}{query}");
                client.asks(method, &path, authorization.as_deref(), body)
            };
            let answer = asked(&mine.origin);
            assert_eq!(answer.0, status, "{method} {call} by {authorization:?} with {body}: {answer:?}");
            assert_eq!(answer, asked("nobody"), "{method} {call} by {authorization:?} with {body}: something is said");
        }
    }
}

pub fn whatever_names_an_origin_is_for_that_origin_alone(place: &impl Place) {
    let (store, (admin, admin_hash)) = (Arc::new(place.open()), new_token().unwrap());
    served(store.clone(), admin_hash, move |client| {
        let (mine, token) = tenant(&*store, "One");
        let (other, theirs) = tenant(&*store, "Other");
        let before = (state(&mine), state(&other));
        let calls = calls_of(&*store);
        for (method, call) in &calls {
            is_refused(client, &mine, method, call, &theirs);
        }
        assert_eq!((state(&mine), state(&other)), before);
        // Each of them was refused for whose it was, and for nothing else.
        for (method, call) in &calls {
            let (query, body) = question(&mine, method, call);
            let path = format!("/sync/v1/origins/{}/{call}{query}", mine.origin);
            let by = |token: &str| client.asks(method, &path, Some(&format!("Bearer {token}")), &body).0;
            let statuses = (by(&token), by(&admin));
            // An origin that is served here cannot arrive here once more; one without an alarm needs no acknowledgement.
            assert!(matches!(statuses, (200, _) | (401, 200 | 409)), "{method} {call}: {statuses:?}");
        }
        assert_ne!(state(&mine), before.0);
        assert_eq!(state(&other), before.1);
    });
}

fn calls_of<S: HubStore>(_: &S) -> Vec<(String, &'static str)> {
    origin_calls::<S>()
}
