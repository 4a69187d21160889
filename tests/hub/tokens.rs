//! Tokens of servers that rotate, and enrolments whose answer is lost.

use std::sync::Arc;

use serde_json::{Value, json};
use telecomx_local::auth::secrets::{new_token, token_hash};
use telecomx_local::domain::audit::digest;
use telecomx_local::sync::hub::admin_store::AdminStore;
use telecomx_local::sync::hub::migration::{Delivery, FinishMove};
use telecomx_local::sync::hub::origin::{EnrolmentKind, Phase};
use telecomx_local::sync::hub::store::{HubStore, add_code};
use uuid::Uuid;

use super::Place;
use super::edge::{DAY_MS, NOW, TestEdge, block_on, by, code, new_hash, queue};
use super::tenants::{Client, served, tenant};

pub fn both_tokens_are_good_until_the_new_one_is_used(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1")]);
    let (old, lost, new) = (edge.token, new_hash(), new_hash());
    block_on(store.rotate_token(&edge.origin, lost)).unwrap();
    block_on(store.rotate_token(&edge.origin, new)).unwrap();
    assert!(block_on(store.origin_of(lost)).unwrap().is_none(), "the answer was lost, and it was asked for again");
    for token in [old, new, old] {
        let found = block_on(store.origin_of(token)).unwrap().unwrap();
        assert_eq!((&found.origin, found.is_next_token(&token)), (&edge.origin, token == new));
        edge.token = token;
        let idle = edge.batch(vec![]);
        edge.push(&idle);
    }
    block_on(store.confirm_token(&edge.origin, old)).unwrap();
    block_on(store.confirm_token(&edge.origin, new_hash())).unwrap();
    assert!(block_on(store.origin_of(old)).unwrap().is_some(), "only the new one counts as used");
    block_on(store.confirm_token(&edge.origin, new)).unwrap();
    assert!(block_on(store.origin_of(old)).unwrap().is_none());
    let found = block_on(store.origin_of(new)).unwrap().unwrap();
    assert_eq!((found.token, found.next_token), (new, None));
    edge.token = old;
    assert_eq!(code(edge.try_push(&edge.batch(vec![]))), "origin");
    assert_eq!(code(block_on(store.rotate_token("nobody", new_hash()))), "origin");
}

pub fn a_replacement_revokes_both_tokens(place: &impl Place) {
    let store = place.open();
    let edge = TestEdge::enrolled(&store, "Bakery");
    let next = new_hash();
    block_on(store.rotate_token(&edge.origin, next)).unwrap();
    let made = block_on(add_code(&store, &EnrolmentKind::Replacement(edge.origin.clone()), by(NOW))).unwrap();
    block_on(store.enroll(digest(made.as_bytes()), new_hash(), "unused", None, NOW)).unwrap().unwrap();
    for token in [edge.token, next] {
        assert!(block_on(store.origin_of(token)).unwrap().is_none());
    }
}

pub fn a_move_takes_both_tokens_and_the_tags_along(place: &impl Place) {
    let store = place.open();
    let edge = TestEdge::enrolled(&store, "Bakery");
    let next = new_hash();
    block_on(store.rotate_token(&edge.origin, next)).unwrap();
    block_on(store.set_tags(&edge.origin, &["berlin".into()], by(NOW))).unwrap();
    let announced = edge.found();
    let checksum = Default::default();
    block_on(store.remove(&edge.origin, by(NOW))).unwrap();
    block_on(store.arrive(&announced)).unwrap();
    block_on(store.deliver(&edge.origin, &Delivery::default())).unwrap();
    block_on(store.finish_move(&FinishMove { origin: announced.clone(), checksum }, by(NOW))).unwrap();
    let found = block_on(store.origin_of(next)).unwrap().unwrap();
    assert_eq!((found.token, found.next_token, &found.tags), (edge.token, Some(next), &announced.tags));
    assert_eq!(found.phase, Phase::Here);
}

pub fn a_code_is_spent_again_by_the_same_attempt_only(place: &impl Place) {
    let store = place.open();
    let made = block_on(add_code(&store, &EnrolmentKind::New("Bakery".into()), by(NOW))).unwrap();
    let (hash, attempt) = (digest(made.as_bytes()), Uuid::new_v4());
    let spend = |token, origin: &str, attempt, at| block_on(store.enroll(hash, token, origin, attempt, at)).unwrap();
    let (lost, again) = (new_hash(), new_hash());
    assert_eq!(spend(lost, "first", Some(attempt), NOW).unwrap().origin, "first");
    assert!(spend(new_hash(), "other", Some(Uuid::new_v4()), NOW).is_none(), "another machine");
    assert!(spend(new_hash(), "other", None, NOW).is_none(), "one that sends no attempt");
    let found = spend(again, "second", Some(attempt), NOW.plus_ms(5)).unwrap();
    assert_eq!((&*found.origin, &*found.name, found.token), ("first", "Bakery", again));
    assert_eq!(block_on(store.origins()).unwrap().len(), 1, "no ghost");
    assert!(block_on(store.origin_of(lost)).unwrap().is_none());
    assert!(spend(new_hash(), "third", Some(attempt), NOW.plus_ms(8 * DAY_MS)).is_none(), "its life is over");
    // Once the origin has another token, the answer was not lost.
    block_on(store.rotate_token("first", new_hash())).unwrap();
    let next = block_on(store.origin_of(again)).unwrap().unwrap().next_token.unwrap();
    block_on(store.confirm_token("first", next)).unwrap();
    assert!(spend(new_hash(), "fourth", Some(attempt), NOW).is_none());
    assert!(block_on(store.origin_of(next)).unwrap().is_some());
}

pub fn a_code_that_replaces_is_spent_again_until_another_machine_has_the_place(place: &impl Place) {
    let store = place.open();
    let edge = TestEdge::enrolled(&store, "Bakery");
    let make = || {
        let made = block_on(add_code(&store, &EnrolmentKind::Replacement(edge.origin.clone()), by(NOW))).unwrap();
        digest(made.as_bytes())
    };
    let (hash, later, attempt) = (make(), make(), Uuid::new_v4());
    let spend = |hash, token, attempt| block_on(store.enroll(hash, token, "unused", Some(attempt), NOW)).unwrap();
    let (first, second, third) = (new_hash(), new_hash(), new_hash());
    assert!(spend(hash, first, attempt).is_some());
    assert_eq!(spend(hash, second, attempt).unwrap().origin, edge.origin);
    assert!(block_on(store.origin_of(first)).unwrap().is_none());
    assert!(spend(later, third, Uuid::new_v4()).is_some());
    assert!(spend(hash, new_hash(), attempt).is_none(), "the place is another machine's");
    assert!(block_on(store.origin_of(third)).unwrap().is_some());
}

pub fn a_name_is_of_one_server(place: &impl Place) {
    let store = place.open();
    let make = |name: &str| block_on(add_code(&store, &EnrolmentKind::New(name.into()), by(NOW)));
    let (first, second) = (digest(make("Bakery").unwrap().as_bytes()), digest(make("Bakery").unwrap().as_bytes()));
    block_on(store.enroll(first, new_hash(), "first", None, NOW)).unwrap().unwrap();
    assert_eq!(code(make("Bakery")), "name");
    assert_eq!(code(block_on(store.enroll(second, new_hash(), "second", None, NOW))), "name");
    make("Bakery 2").unwrap();
    assert_eq!(block_on(store.origins()).unwrap().len(), 1);
    let again = block_on(add_code(&store, &EnrolmentKind::Replacement("first".into()), by(NOW)));
    assert!(again.is_ok(), "a machine that replaces it has its name");
}

pub fn over_http_a_token_is_revoked_with_the_first_use_of_the_next(place: &impl Place) {
    let (store, (_, admin_hash)) = (Arc::new(place.open()), new_token().unwrap());
    served(store.clone(), admin_hash, move |client: &Client| {
        let (edge, old) = tenant(&*store, "Bakery");
        let path = |call: &str| format!("/sync/v1/origins/{}/{call}", edge.origin);
        let ask = |method: &str, call: &str, token: &str, text: &str| {
            client.asks(method, &path(call), Some(&format!("Bearer {token}")), text)
        };
        let rotate = |token: &str| -> String {
            let answer = ask("POST", "token", token, "{}");
            assert_eq!(answer.0, 200, "{answer:?}");
            let body: Value = serde_json::from_str(&answer.2).unwrap();
            body["token"].as_str().unwrap().to_owned()
        };
        // One is asked for and lost, and once more.
        rotate(&old);
        let new = rotate(&old);
        assert_eq!(ask("GET", "quarantine", &old, "").0, 200);
        assert_eq!(ask("GET", "quarantine", &new, "").0, 200);
        assert_eq!(ask("GET", "quarantine", &old, "").0, 401, "the new one was used");
        // An exchange is a use too.
        let newest = rotate(&new);
        let push = serde_json::to_string(&edge.batch(vec![])).unwrap();
        assert_eq!(ask("POST", "exchange", &newest, &push).0, 200);
        assert_eq!(ask("POST", "exchange", &new, &push).0, 401);
        assert_eq!(block_on(store.origin_of(token_hash(&newest).unwrap())).unwrap().unwrap().next_token, None);
    });
}

pub fn over_http_a_code_is_spent_again_by_the_same_attempt(place: &impl Place) {
    let (store, (_, admin_hash)) = (Arc::new(place.open()), new_token().unwrap());
    served(store.clone(), admin_hash, move |client: &Client| {
        let made = block_on(add_code(&*store, &EnrolmentKind::New("Bakery".into()), by(later()))).unwrap();
        let spend = |body: Value| client.asks("POST", "/sync/v1/enroll", None, &body.to_string());
        let attempt = Uuid::new_v4();
        let [first, second] = [(); 2].map(|()| spend(json!({ "code": made, "attempt": attempt })));
        assert_eq!((first.0, second.0), (200, 200), "{first:?} {second:?}");
        let read = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
        let (first, second) = (read(&first.2), read(&second.2));
        assert_eq!(first["origin"], second["origin"]);
        assert_ne!(first["token"], second["token"]);
        assert_eq!(spend(json!({ "code": made })).0, 404);
    });
}

/// A time that a real clock has not passed by more than the life of a code.
fn later() -> telecomx_local::domain::time::Time {
    telecomx_local::clock::Clock::default().now()
}
