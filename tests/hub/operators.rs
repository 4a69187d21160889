//! Operators, what each level may call, and the hub's audit trail.

use std::sync::Arc;

use serde_json::{Value, json};
use telecomx_local::auth::secrets::new_token;
use telecomx_local::domain::proposal::HubLevel;
use telecomx_local::sync::hub::admin_store::AdminStore;
use telecomx_local::sync::hub::audit::{AuditNote, AuditRecord, Caller, ChainCheck, HubAction};
use telecomx_local::sync::hub::operators::Operator;
use telecomx_local::sync::hub::origin::Phase;
use telecomx_local::sync::hub::store::HubStore;

use super::Place;
use super::edge::{NOW, TestEdge, block_on, by, code, new_hash, queue};
use super::proposals::patch;
use super::tenants::{Client, served};

const LEVELS: [HubLevel; 3] = HubLevel::ALL;

pub fn operators_are_added_rotated_and_removed(place: &impl Place) {
    let store = place.open();
    let (token, newer) = (new_hash(), new_hash());
    let later = NOW.plus_ms(5);
    block_on(store.add_operator("olga", HubLevel::Propose, token, by(NOW))).unwrap();
    assert_eq!(code(block_on(store.add_operator("olga", HubLevel::Read, new_hash(), by(NOW)))), "operator");
    let olga = Operator { name: "olga".into(), level: HubLevel::Propose, added_at: Some(NOW), rotated_at: None };
    assert_eq!(block_on(store.operator_of(token)).unwrap(), Some(olga.clone()));
    assert_eq!(block_on(store.operator_of(new_hash())).unwrap(), None);
    block_on(store.rotate_operator("olga", newer, by(later))).unwrap();
    assert_eq!(block_on(store.operator_of(token)).unwrap(), None, "the token before is revoked");
    let rotated = Operator { rotated_at: Some(later), ..olga };
    assert_eq!(block_on(store.operator_of(newer)).unwrap(), Some(rotated.clone()));
    block_on(store.add_operator("anna", HubLevel::Read, new_hash(), by(NOW))).unwrap();
    let names: Vec<String> = block_on(store.operators()).unwrap().into_iter().map(|operator| operator.name).collect();
    assert_eq!(names, ["anna", "olga"]);
    block_on(store.remove_operator("olga", by(NOW))).unwrap();
    assert_eq!(block_on(store.operator_of(newer)).unwrap(), None);
    assert_eq!(code(block_on(store.remove_operator("olga", by(NOW)))), "operator");
    assert_eq!(code(block_on(store.rotate_operator("olga", new_hash(), by(NOW)))), "operator");
}

pub fn the_administrator_has_the_token_that_was_set_last(place: &impl Place) {
    let store = place.open();
    let (first, second) = (new_hash(), new_hash());
    block_on(store.set_administrator(first, None)).unwrap();
    assert_eq!(block_on(store.operator_of(first)).unwrap(), Some(Operator::administrator()));
    block_on(store.set_administrator(second, Some(by(NOW)))).unwrap();
    assert_eq!(block_on(store.operator_of(first)).unwrap(), None);
    assert_eq!(block_on(store.operator_of(second)).unwrap(), Some(Operator::administrator()));
    assert_eq!(actions(&store), ["rotate-administrator"], "a start of the hub is no rotation");
    assert!(block_on(store.operators()).unwrap().is_empty());
}

fn trail(store: &impl HubStore) -> Vec<AuditRecord> {
    block_on(store.audit_after(0, 1_000)).unwrap()
}

fn actions(store: &impl HubStore) -> Vec<String> {
    trail(store).into_iter().map(|record| record.action).collect()
}

pub fn what_is_done_is_in_the_audit_trail_in_a_chain(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![queue(1, "q1")]);
    block_on(store.file_proposal(&edge.origin, patch("q1", r#"{"name":"n"}"#), NOW)).unwrap();
    block_on(store.unlock(&edge.origin, by(NOW))).unwrap();
    block_on(store.set_tags(&edge.origin, &["berlin".into()], by(NOW))).unwrap();
    block_on(store.add_operator("rosa", HubLevel::Read, new_hash(), by(NOW))).unwrap();
    block_on(store.rotate_operator("rosa", new_hash(), by(NOW))).unwrap();
    block_on(store.remove_operator("rosa", by(NOW))).unwrap();
    let hub = || "https://hub.example.com".to_owned();
    block_on(store.change_phase(&edge.origin, &Phase::Leaving(hub()), by(NOW))).unwrap();
    block_on(store.change_phase(&edge.origin, &Phase::Moved(hub()), by(NOW))).unwrap();
    block_on(store.remove(&edge.origin, by(NOW))).unwrap();
    let trail = trail(&store);
    let found: Vec<(&str, &str)> = trail.iter().map(|record| (&*record.who, &*record.action)).collect();
    let expected = [
        ("olga", "make-code"),
        ("server", "enroll"),
        ("Olga", "propose"),
        ("olga", "unlock"),
        ("olga", "tag"),
        ("olga", "add-operator"),
        ("olga", "rotate-operator"),
        ("olga", "remove-operator"),
        ("olga", "move"),
        ("olga", "move"),
        ("olga", "remove"),
    ];
    assert_eq!(found, expected);
    assert!(trail.iter().all(|record| record.at == NOW && record.outcome == "done"));
    assert!(trail[1..5].iter().all(|record| record.origin == edge.origin));
    assert!(trail[9].detail.contains("moved to https://hub.example.com") && trail[10].detail.contains("0 proposals"));
    let mut check = ChainCheck::default();
    trail.iter().for_each(|record| check.check(record).unwrap());
    check.finish(block_on(store.audit_head()).unwrap()).unwrap();
    let newest: Vec<i64> = block_on(store.audit_before(11, 3)).unwrap().into_iter().map(|record| record.seq).collect();
    assert_eq!(newest, [10, 9, 8]);
}

pub fn a_change_that_is_refused_leaves_no_entry(place: &impl Place) {
    let store = place.open();
    let edge = TestEdge::enrolled(&store, "Bakery");
    let before = block_on(store.audit_head()).unwrap();
    let gone = by(NOW);
    assert!(block_on(store.unlock("nobody", gone)).is_err());
    assert!(block_on(store.set_tags(&edge.origin, &["two words".into()], gone)).is_err());
    assert!(block_on(store.change_phase(&edge.origin, &Phase::Here, gone)).is_err());
    assert!(block_on(store.remove_operator("nobody", gone)).is_err());
    assert_eq!(block_on(store.audit_head()).unwrap(), before);
}

pub fn what_is_noted_once_is_not_noted_again(place: &impl Place) {
    let store = place.open();
    let note = |at| AuditNote::new(Caller::new("olga", at), HubAction::ReadRows, "o1", "customer");
    let noted = |at| {
        let note = note(at);
        let key = note.once_an_hour();
        block_on(store.note(note, Some(&key))).unwrap();
        trail(&store).len()
    };
    assert_eq!((noted(NOW), noted(NOW.plus_ms(1)), noted(NOW.plus_ms(3_600_000))), (1, 1, 2));
    block_on(store.note(note(NOW), None)).unwrap();
    block_on(store.note(note(NOW), None)).unwrap();
    assert_eq!(trail(&store).len(), 4, "what has no key is noted each time");
}

/// The calls of operators: method, path, body, and the lowest level that may make it.
fn calls(origin: &str) -> Vec<(&'static str, String, String, HubLevel)> {
    let of = |call: &str| format!("/sync/v1/origins/{origin}/{call}");
    let proposal = json!({ "table": "employee", "id": "e00000000000000000000001", "patch": { "name": "Wished" } });
    let none = String::new;
    vec![
        ("GET", "/sync/v1/fleet".into(), none(), HubLevel::Read),
        ("GET", "/metrics".into(), none(), HubLevel::Read),
        ("GET", "/sync/v1/audit".into(), none(), HubLevel::Read),
        ("GET", of("rows?table=queue"), none(), HubLevel::Read),
        ("GET", of("quarantine"), none(), HubLevel::Read),
        ("GET", of("proposals"), none(), HubLevel::Read),
        ("POST", of("proposals"), proposal.to_string(), HubLevel::Propose),
        ("POST", of("unlock"), none(), HubLevel::Administer),
        ("PUT", of("tags"), json!({ "tags": [] }).to_string(), HubLevel::Administer),
        ("POST", of("acknowledge"), json!({ "alarm": "clock", "why": "x" }).to_string(), HubLevel::Administer),
        ("POST", of("arrive"), none(), HubLevel::Administer),
        ("GET", of("arrived?table=queue"), none(), HubLevel::Administer),
        ("POST", of("deliver"), none(), HubLevel::Administer),
        ("POST", of("settle"), none(), HubLevel::Administer),
        ("POST", "/sync/v1/codes".into(), json!({ "name": "New" }).to_string(), HubLevel::Administer),
        ("GET", "/sync/v1/operators".into(), none(), HubLevel::Administer),
        (
            "POST",
            "/sync/v1/operators".into(),
            json!({ "name": "nina", "level": "read" }).to_string(),
            HubLevel::Administer,
        ),
        ("POST", "/sync/v1/operators/nina/token".into(), none(), HubLevel::Administer),
        ("DELETE", "/sync/v1/operators/nina".into(), none(), HubLevel::Administer),
    ]
}

/// An operator of each level, and their tokens.
fn operators(store: &impl HubStore) -> Vec<(HubLevel, String)> {
    let added = LEVELS.into_iter().map(|level| {
        let (token, hash) = new_token().unwrap();
        block_on(store.add_operator(&format!("of-{}", level.name()), level, hash, by(NOW))).unwrap();
        (level, token)
    });
    added.collect()
}

fn body((_, _, text): &(u16, std::collections::BTreeSet<String>, String)) -> Value {
    serde_json::from_str(text).unwrap()
}

pub fn each_call_needs_its_level_and_no_more(place: &impl Place) {
    let (store, (admin, admin_hash)) = (Arc::new(place.open()), new_token().unwrap());
    served(store.clone(), admin_hash, move |client: &Client| {
        let mut edge = TestEdge::enrolled(&*store, "Bakery");
        edge.pushes(vec![queue(1, "q1")]);
        let operators = operators(&*store);
        for (method, path, text, needed) in calls(&edge.origin) {
            for (level, token) in &operators {
                let answer = client.asks(method, &path, Some(&format!("Bearer {token}")), &text);
                if *level >= needed {
                    assert!(!matches!(answer.0, 401 | 403), "{method} {path} with {level:?}: {answer:?}");
                    continue;
                }
                assert_eq!(answer.0, 403, "{method} {path} with {level:?}");
                let error = &body(&answer)["error"];
                assert_eq!(error["code"], "level");
                let sentence = format!("needs the level {}, and of-{} has", needed.name(), level.name());
                assert!(error["message"].as_str().unwrap().contains(&sentence), "{error}");
            }
            let stranger = client.asks(method, &path, Some(&format!("Bearer {}", "0".repeat(64))), &text);
            assert_eq!(stranger.0, 401, "{method} {path}");
            let administrator = client.asks(method, &path, Some(&format!("Bearer {admin}")), &text);
            assert!(!matches!(administrator.0, 401 | 403), "{method} {path}: {administrator:?}");
        }
        // Each refused call is in the trail once, however often it was made.
        let refused = |path: &str| {
            let of_call = |record: &&AuditRecord| record.outcome == "refused" && record.detail.ends_with(path);
            trail(&*store).iter().filter(of_call).count()
        };
        for _ in 0..3 {
            client.asks("GET", "/sync/v1/operators", Some(&format!("Bearer {}", operators[0].1)), "");
        }
        assert_eq!(refused("GET /sync/v1/operators"), 2, "by the operators of two levels");
    });
}

pub fn a_proposal_has_its_operator_as_the_author(place: &impl Place) {
    let (store, (admin, admin_hash)) = (Arc::new(place.open()), new_token().unwrap());
    served(store.clone(), admin_hash, move |client: &Client| {
        let mut edge = TestEdge::enrolled(&*store, "Bakery");
        let (olga, hash) = new_token().unwrap();
        block_on(store.add_operator("olga", HubLevel::Propose, hash, by(NOW))).unwrap();
        let path = format!("/sync/v1/origins/{}/proposals", edge.origin);
        let file = |token: &str, author: Option<&str>| {
            let mut text =
                json!({ "table": "employee", "id": "e00000000000000000000001", "patch": { "name": "Wished" } });
            if let Some(author) = author {
                text["author"] = json!(author);
            }
            client.asks("POST", &path, Some(&format!("Bearer {token}")), &text.to_string())
        };
        let filed = |token: &str, author| {
            let answer = file(token, author);
            assert_eq!(answer.0, 200, "{answer:?}");
            let found = body(&answer);
            (found["author"].as_str().unwrap().to_owned(), found["level"].as_str().unwrap().to_owned())
        };
        let pair = |author: &str, level: &str| (author.to_owned(), level.to_owned());
        assert_eq!(filed(&olga, None), pair("olga", "propose"));
        assert_eq!(filed(&olga, Some("olga")), pair("olga", "propose"));
        let pretended = file(&olga, Some("Rosa"));
        assert_eq!(pretended.0, 422, "{pretended:?}");
        assert_eq!(filed(&admin, None), pair("administrator", "administer"));
        assert_eq!(filed(&admin, Some("Rosa")), pair("administrator for Rosa", "administer"));
        let idle = edge.batch(vec![]);
        let offered = edge.push(&idle).proposals;
        let levels: Vec<_> = offered.iter().map(|proposal| (proposal.author.as_str(), proposal.level)).collect();
        assert_eq!(levels[0], ("olga", Some(HubLevel::Propose)));
        assert_eq!(levels[3], ("administrator for Rosa", Some(HubLevel::Administer)));
    });
}

pub fn that_an_operator_reads_rows_is_noted_once_an_hour(place: &impl Place) {
    let (store, (admin, admin_hash)) = (Arc::new(place.open()), new_token().unwrap());
    served(store.clone(), admin_hash, move |client: &Client| {
        let mut edge = TestEdge::enrolled(&*store, "Bakery");
        edge.pushes(vec![queue(1, "q1")]);
        let before = trail(&*store).len();
        let path = format!("/sync/v1/origins/{}/rows?table=queue", edge.origin);
        for _ in 0..3 {
            assert_eq!(client.asks("GET", &path, Some(&format!("Bearer {admin}")), "").0, 200);
        }
        let noted = &trail(&*store)[before..];
        // An hour may begin between two of the calls.
        assert!((1..=2).contains(&noted.len()), "{noted:?}");
        assert_eq!((&*noted[0].who, &*noted[0].action), ("administrator", "read-rows"));
        assert_eq!((&noted[0].origin, &*noted[0].detail), (&edge.origin, "queue"));
    });
}
