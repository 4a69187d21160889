//! Contents of mobile configs: kept once for each origin, whichever way the rows were sent.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use telecomx_local::auth::secrets::new_token;
use telecomx_local::domain::mirror::{Content, Row, RowText, Table};
use telecomx_local::domain::row_text::around_configs;
use telecomx_local::sync::hub::api::admission::AdmissionLimits;
use telecomx_local::sync::hub::limits::OriginLimits;
use telecomx_local::sync::hub::migration::Delivery;
use telecomx_local::sync::hub::store::HubStore;
use telecomx_local::sync::protocol::rows::Rows as SentRows;
use telecomx_local::sync::protocol::wire::Push;
use uuid::Uuid;

use super::Place;
use super::edge::{DAY_MS, NOW, TestEdge, block_on, code, deleted, grows_old, row};
use super::orphaned_rows::orphaned;
use super::tenants::{served_within, tenant};

const ONE: &str = r#"[{"type":"COLLEAGUES", "items":[]}]"#;
const OTHER: &str = r#"[{"type":"QUEUES"}]"#;

/// A mobile config that was sent whole.
fn config(chg: i64, id: &str, content: &str) -> Row {
    let v = format!(r#"{{"_id":"{id}","customer":"c","configs":{content},"future":[1]}}"#);
    Row { t: Table::MobileConfig, ..row(chg, id, &v) }
}

/// The same rows as a server sends them that has contents apart, received again.
fn apart(rows: Vec<Row>) -> Vec<Row> {
    let mut contents: HashMap<String, Arc<Content>> = HashMap::new();
    let rows = rows.into_iter().map(|row| {
        let text = row.v.as_ref().unwrap().get().into_owned();
        let (head, configs, tail) = around_configs(&text).unwrap();
        let known = contents.entry(configs.into());
        let content =
            known.or_insert_with(|| Arc::new(Content::new(RawValue::from_string(configs.into()).unwrap()))).clone();
        Row { v: Some(RowText::Shared { head: head.into(), content, tail: tail.into() }), ..row }
    });
    let sent = serde_json::to_string(&SentRows::from(rows.collect::<Vec<_>>())).unwrap();
    serde_json::from_str::<SentRows>(&sent).unwrap().to_vec()
}

fn contents(place: &impl Place, origin: &str) -> i64 {
    place.count(&format!("select count(*) from contents where origin = '{origin}'"))
}

fn text_of<S: HubStore>(edge: &TestEdge<'_, S>, id: &str) -> String {
    edge.rows()[&(Table::MobileConfig, id.to_owned())].2.clone()
}

pub fn a_content_is_kept_once_for_its_origin_and_every_row_reads_as_it_was_sent(place: &impl Place) {
    let store = place.open();
    let (mut edge, mut other) = (TestEdge::enrolled(&store, "Bakery"), TestEdge::enrolled(&store, "Other"));
    let rows = vec![config(1, "a", ONE), config(2, "b", ONE), config(3, "c", OTHER)];
    let sent: Vec<String> = rows.iter().map(|row| row.v.as_ref().unwrap().get().into_owned()).collect();
    edge.pushes(apart(rows));
    assert_eq!(["a", "b", "c"].map(|id| text_of(&edge, id)).to_vec(), sent);
    assert_eq!(contents(place, &edge.origin), 2);
    // A server of an older version sends whole rows: they refer to the same contents.
    edge.pushes(vec![config(4, "c", ONE), config(4, "d", ONE)]);
    assert_eq!(text_of(&edge, "c"), sent[0].replace(r#""_id":"a""#, r#""_id":"c""#));
    assert_eq!(contents(place, &edge.origin), 2);
    other.pushes(apart(vec![config(1, "a", ONE)]));
    assert_eq!(contents(place, &other.origin), 1, "an origin refers to no content of another");
}

pub fn contents_that_nothing_refers_to_are_removed_and_no_others(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let content = |n: i64| format!(r#"[{{"type":"MARK","n":{n}}}]"#);
    edge.pushes(apart((1..=6).map(|n| config(n, &format!("e{n}"), &content(n))).collect()));
    // 1, 5 and 6 are replaced or deleted; 2 goes to the orphaned rows, 3 to a quarantined row; 4 stays, and 7 is staged.
    edge.pushes(vec![config(7, "e1", &content(4)), deleted_config(8, "e5"), config(9, "e6", &content(4))]);
    let kept = vec![
        config(10, "e1", &content(4)),
        config(10, "e4", &content(4)),
        Row { rev: 0, ..config(11, "e3", &content(3)) },
    ];
    edge.push(&edge.reset(2, 1, kept));
    edge.stage(Uuid::new_v4(), 0, vec![config(12, "e7", &content(7))]);
    let before = edge.rows();
    block_on(store.prune(NOW)).unwrap();
    let left = |n: i64| {
        let (origin, text) = (&edge.origin, content(n));
        place.count(&format!("select count(*) from contents where origin = '{origin}' and v = '{text}'"))
    };
    assert_eq!((1..=7).map(left).collect::<Vec<_>>(), [0, 1, 1, 1, 0, 0, 1]);
    assert_eq!(edge.rows(), before);
    let lost: Vec<String> = orphaned(&edge, 10).iter().map(|row| row.v.get().to_owned()).collect();
    assert!(
        lost.iter().any(|text| text.contains(&content(2))) && lost.iter().all(|text| text.starts_with("{\"_id\"")),
        "{lost:?}"
    );
    // What was lost and staged is past its retention at last.
    grows_old(&store, NOW.plus_ms(100 * DAY_MS));
    assert_eq!((1..=7).map(left).collect::<Vec<_>>(), [0, 0, 1, 1, 0, 0, 0]);
}

fn deleted_config(chg: i64, id: &str) -> Row {
    Row { t: Table::MobileConfig, ..deleted(chg, id) }
}

pub fn a_reset_that_brings_the_same_configs_again_loses_none(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let rows = || vec![config(1, "a", ONE), config(2, "b", ONE)];
    edge.pushes(rows());
    let stage = Uuid::new_v4();
    edge.stage(stage, 0, apart(rows()));
    let named = edge.staged(stage, 1, 2, vec![]);
    let reset = Push { staged: named.staged, to: 2, snap: 2, ..edge.reset(2, 1, vec![]) };
    edge.push(&reset);
    assert_eq!((edge.rows().len(), orphaned(&edge, 10).len(), contents(place, &edge.origin)), (2, 0, 1));
}

pub fn a_quarantined_write_comes_out_with_its_content(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let bad = Row { t: Table::MobileConfig, ..row(5, "bad", r#"{"_id":"bad","customer":"c","configs":7}"#) };
    edge.pushes([apart(vec![config(5, "a", ONE)]), vec![bad]].concat());
    assert!(edge.rows().is_empty());
    edge.pushes(vec![config(6, "bad", OTHER)]);
    assert!(text_of(&edge, "a").contains(ONE) && text_of(&edge, "bad").contains(OTHER));
}

pub fn a_content_that_was_damaged_is_mended_by_the_next_row_that_has_it(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(vec![config(1, "a", ONE), config(1, "b", ONE)]);
    let damage = format!("update contents set v = '[7]' where origin = '{}' returning cast(1 as bigint)", edge.origin);
    assert_eq!(place.count(&damage), 1);
    assert!(text_of(&edge, "a").contains("[7]"));
    edge.pushes(vec![config(2, "b", ONE)]);
    assert!(text_of(&edge, "a").contains(ONE) && text_of(&edge, "b").contains(ONE));
}

pub fn a_content_counts_once_in_what_an_origin_stores(place: &impl Place) {
    let store = place.open().with_limits(OriginLimits { rows: 0, bytes: 200_000, stage_bytes: 200_000 });
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    let large = format!(r#"[{{"type":"X","text":"{}"}}]"#, "x".repeat(50_000));
    let rows = |first: i64| apart((first..first + 20).map(|n| config(n, &format!("e{n}"), &large)).collect());
    edge.pushes(rows(1));
    let stage = Uuid::new_v4();
    edge.stage(stage, 0, rows(21));
    edge.push(&edge.staged(stage, 1, 40, vec![]));
    let used = edge.found().used.unwrap();
    assert!(used.rows == 40 && used.bytes < 200_000, "{used:?}");
    let others = (41..45).map(|n| config(n, &format!("e{n}"), &large.replace("\"X\"", &format!("\"{n}\"")))).collect();
    assert_eq!(code(edge.try_push(&edge.batch(apart(others)))), "bytes");
}

pub fn a_move_takes_contents_along_and_a_removal_leaves_none(place: &impl Place) {
    let store = place.open();
    let mut edge = TestEdge::enrolled(&store, "Bakery");
    edge.pushes(apart(vec![config(1, "a", ONE), config(2, "b", ONE)]));
    let mut announced = edge.found();
    announced.origin = Uuid::new_v4().simple().to_string();
    announced.token = super::edge::new_hash();
    announced.name = "Bakery elsewhere".into();
    block_on(store.arrive(&announced)).unwrap();
    let rows = block_on(store.rows(&edge.origin, Table::MobileConfig, "", 10)).unwrap().1;
    block_on(store.deliver(&announced.origin, &Delivery { rows, ..Delivery::default() })).unwrap();
    let arrived = TestEdge { store: &store, origin: announced.origin.clone(), token: announced.token, ..edge };
    assert_eq!(contents(place, &arrived.origin), 1);
    assert!(text_of(&arrived, "b").contains(ONE));
    block_on(store.remove(&arrived.origin, super::edge::by(NOW))).unwrap();
    assert_eq!(contents(place, &arrived.origin), 0);
}

pub fn over_http_contents_and_rows_that_do_not_belong_together_are_refused_whole(place: &impl Place) {
    let (store, (_, admin_hash)) = (Arc::new(place.open()), new_token().unwrap());
    served_within(store.clone(), admin_hash, (AdmissionLimits::DEFAULT, 0), move |client| {
        let (edge, token) = tenant(&*store, "One");
        let bearer = format!("Bearer {token}");
        let mut push: Value =
            serde_json::to_value(edge.batch(apart(vec![config(2, "a", OTHER), config(2, "b", OTHER)]))).unwrap();
        let ask = |call: &str, body: &Value| {
            let path = format!("/sync/v1/origins/{}/{call}", edge.origin);
            client.asks("POST", &path, Some(&bearer), &body.to_string())
        };
        let digest = push["rows"]["rows"][0]["content"].as_str().unwrap().to_owned();
        let before = edge.rows();
        let sound = push["rows"].clone();
        for (at, wrong, says) in [
            ("/contents", json!({}), "is not in the message"),
            ("/contents", json!({ digest.clone(): [] }), "is not the SHA-256"),
            ("/rows/1/content", json!("0".repeat(64)), "is not in the message"),
            ("/rows/1/v", json!({ "_id": "b" }), "no configs"),
        ] {
            let mut rows = sound.clone();
            *rows.pointer_mut(at).unwrap() = wrong;
            push["rows"] = rows.clone();
            let part = json!({ "stage": Uuid::new_v4(), "part": 0, "rows": rows });
            for answer in [ask("exchange", &push), ask("stage", &part)] {
                assert!(answer.0 == 400 && answer.2.contains(says), "{at}: {answer:?}");
            }
        }
        assert_eq!(edge.rows(), before);
        push["rows"] = sound;
        let taken = ask("exchange", &push);
        assert!(taken.0 == 200 && taken.2.contains(r#""contents":true"#), "{taken:?}");
        assert!(text_of(&edge, "b").contains(OTHER));
        let known = client.asks("GET", "/.well-known/telecomx-local", None, "");
        assert!(known.2.contains(r#""contents":true"#), "{known:?}");
    });
}
