//! Rows that the hub cannot take: put aside and shown on both sides, while the rest flows.

use serde_json::json;
use telecomx_local::domain::audit::digest;

use super::mirror_pair::{HubPlace, OPERATOR, is_proved, sync, world_with_operator};
use crate::support::{Place, Server, world};

/// Spoils the configs of these employees in one write, as a bad disk or a hand might, past the triggers.
fn spoil(place: &Place, ids: &[String]) {
    let high: i64 = place.sqlite().query_row("select high from feed", [], |row| row.get(0)).unwrap();
    let mut conn = place.sqlite_as_program(high + 1);
    let tx = conn.transaction().unwrap();
    let text = "[{";
    let content = "insert into contents (digest, text) values (?1, ?2)";
    tx.execute(content, (digest(text.as_bytes()), text)).unwrap();
    for id in ids {
        let spoilt = "update mobile_configs set content = (select max(id) from contents), chg = ?2 where id = ?1";
        assert_eq!(tx.execute(spoilt, (id, high + 1)).unwrap(), 1);
        tx.execute("insert into mobile_config_feed (id, chg) values (?1, ?2)", (id, high + 1)).unwrap();
    }
    tx.commit().unwrap();
}

fn holding(employees: usize) -> Place {
    let mut world = world_with_operator(employees);
    let config = |n| world::config(&world::nth(n), json!([{ "type": "NUMBER", "n": n }]));
    world["mobileConfigs"].as_array_mut().unwrap().extend((0..employees).map(config));
    Place::holding(&world)
}

#[test]
fn a_poison_row_is_in_quarantine_on_both_sides_and_everything_else_flows() {
    let (hub_place, place) = (HubPlace::new(), holding(6));
    let hub = hub_place.start();
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let (writer, operator) = (place.token(), place.token_of(OPERATOR));
    place.run(&["sync", "run"]);
    spoil(&place, &[world::nth(1)]);
    let edge = place.serve();
    let body = json!({ "configs": [{ "type": "NUMBER", "n": 70 }] });
    assert_eq!(edge.post(&world::config_path(&world::nth(0)), &writer, &body).status, 200);
    let status = sync(&edge, &operator);
    assert_eq!((&status["consistent"], &status["quarantine"]), (&json!(false), &json!(1)), "{status}");
    assert_eq!((&status["lagChanges"], &status["lastError"]), (&json!(0), &json!(null)), "the queue moves: {status}");
    let here = edge.get("/sync/quarantine", &operator).body["quarantine"][0].clone();
    assert_eq!((&here["table"], &here["row"]), (&json!("mobile_config"), &json!(world::nth(1))));
    assert_eq!(here["code"], "unreadable");
    let there = hub.get(&hub.path("quarantine"))["quarantine"][0].clone();
    assert_eq!((&there["id"], &there["code"]), (&json!(world::nth(1)), &json!("unreadable")));
    assert_eq!((&hub.only()["quarantine"], &hub.only()["consistent"]), (&json!(1), &json!(false)));
    assert_eq!(hub.rows()[&format!("mobile_config/{}", world::nth(0))]["v"]["configs"][0]["n"], 70);

    // That it differs is known, and no other alarm.
    let proof = edge.post("/sync/verify", &operator, &json!({})).body;
    assert_eq!((&proof["equal"], &proof["differences"]), (&json!(false), &json!(1)), "{proof}");
    assert_eq!(edge.get("/sync/status", &operator).body["alarm"], json!(null));
    assert_eq!(hub.only()["differs"], false);

    // Tried again as it stands, it is refused again; mended, it is taken.
    let entry = here["id"].as_i64().unwrap();
    assert_eq!(edge.post(&format!("/sync/quarantine/{entry}/retry"), &operator, &json!({})).status, 200);
    sync(&edge, &operator);
    assert_eq!(edge.get("/sync/quarantine", &operator).body["quarantine"][0]["tries"], 2);
    assert_eq!(edge.post(&world::config_path(&world::nth(1)), &writer, &body).status, 200);
    let status = sync(&edge, &operator);
    assert_eq!((&status["consistent"], &status["quarantine"]), (&json!(true), &json!(0)), "{status}");
    is_proved(&edge, &operator);
    assert_eq!(edge.post(&format!("/sync/quarantine/{entry}/drop"), &operator, &json!({})).status, 404);
}

#[test]
fn a_row_that_the_hub_never_had_is_a_difference_too() {
    let (hub_place, place) = (HubPlace::new(), holding(6));
    let hub = hub_place.start();
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    spoil(&place, &[world::nth(1)]);
    let operator = place.token_of(OPERATOR);
    let edge = place.serve();
    let proof = edge.post("/sync/verify", &operator, &json!({})).body;
    assert_eq!((&proof["equal"], &proof["differences"]), (&json!(false), &json!(1)), "{proof}");
    assert_eq!(proof["named"], json!([format!("mobile_config/{}", world::nth(1))]));
    assert_eq!(edge.get("/sync/status", &operator).body["alarm"], json!(null), "it is in quarantine");
}

#[test]
fn a_poison_schema_stops_the_mirror_with_an_alarm_and_nothing_is_taken() {
    let (hub_place, place) = (HubPlace::new(), holding(40));
    let hub = hub_place.start();
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let (writer, operator) = (place.token(), place.token_of(OPERATOR));
    place.run(&["sync", "run"]);
    let held = hub.rows();
    spoil(&place, &(0..30).map(world::nth).collect::<Vec<_>>());
    let edge = place.serve();
    let status = sync(&edge, &operator);
    assert!(status["alarm"].as_str().unwrap().contains("30 of"), "{status}");
    assert_eq!((&status["consistent"], &status["quarantine"]), (&json!(false), &json!(0)));
    assert_eq!(hub.rows(), held);
    let body = json!({ "configs": [] });
    assert_eq!(edge.post(&world::config_path(&world::nth(39)), &writer, &body).status, 200, "the server works on");
    // Mended, it goes on by itself.
    for n in 0..30 {
        assert_eq!(edge.post(&world::config_path(&world::nth(n)), &writer, &body).status, 200);
    }
    let status = sync(&edge, &operator);
    assert_eq!((&status["consistent"], &status["alarm"]), (&json!(true), &json!(null)), "{status}");
    is_proved(&edge, &operator);
}

#[test]
fn a_trail_that_was_cut_off_disagrees_with_what_the_hub_was_told() {
    let (hub_place, place) = (HubPlace::new(), holding(1));
    let hub = hub_place.start();
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let operator = place.token_of(OPERATOR);
    place.run(&["sync", "run"]);
    place.run(&["sync", "run"]);
    assert_eq!(hub.only()["auditDiffers"], false);
    // The last entries, which changed nothing that is mirrored: the chain before them is whole.
    place
        .sqlite()
        .execute_batch("drop trigger audit_no_delete; delete from audit where seq = (select max(seq) from audit)")
        .unwrap();
    let edge = place.serve();
    let status = sync(&edge, &operator);
    assert!(status["alarm"].as_str().unwrap().contains("audit trail"), "{status}");
    assert_eq!(hub.only()["auditDiffers"], true);
}

#[test]
fn a_trail_that_was_cut_off_at_the_newest_copy_disagrees_too_and_what_is_written_then_is_mirrored() {
    let (hub_place, place) = (HubPlace::new(), holding(3));
    let hub = hub_place.start();
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let (writer, operator) = (place.token(), place.token_of(OPERATOR));
    let copy = |edge: &Server, from, to| {
        let body = json!({ "_id": world::nth(from), "copyTo": world::nth(to) });
        assert_eq!(edge.post("/pbx/app/mobileconfig/", &writer, &body).status, 200);
    };
    let edge = place.serve();
    // So many that no other entry leads to what was copied last.
    (0..130).for_each(|_| copy(&edge, 0, 2));
    copy(&edge, 0, 1);
    sync(&edge, &operator);
    sync(&edge, &operator);
    assert_eq!(hub.only()["auditDiffers"], false);
    assert!(edge.stop().success());
    let cut = "drop trigger audit_no_delete; delete from audit where seq >= (select max(seq) from audit where action = 'copy')";
    place.sqlite().execute_batch(cut).unwrap();
    let edge = place.serve();
    let status = sync(&edge, &operator);
    assert!(status["alarm"].as_str().unwrap().contains("audit trail"), "{status}");
    assert_eq!(hub.only()["auditDiffers"], true);
    copy(&edge, 1, 2);
    sync(&edge, &operator);
    is_proved(&edge, &operator);
}

#[test]
fn a_config_whose_place_in_the_feed_was_taken_away_is_mirrored_once_it_is_adopted() {
    let (hub_place, place) = (HubPlace::new(), holding(4));
    let hub = hub_place.start();
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    place.run(&["sync", "run"]);
    let address = hub.server.address().to_owned();
    assert!(hub.server.stop().success());
    let (writer, operator) = (place.token(), place.token_of(OPERATOR));
    let edge = place.serve();
    let copy = |from, to| {
        let body = json!({ "_id": world::nth(from), "copyTo": world::nth(to) });
        assert_eq!(edge.post("/pbx/app/mobileconfig/", &writer, &body).status, 200);
    };
    copy(0, 1);
    // Until no entry of the audit trail leads to it any more.
    (0..130).for_each(|_| copy(2, 3));
    assert!(edge.stop().success());
    let lost = format!("delete from mobile_config_feed where id = '{}'", world::nth(1));
    assert!(place.sqlite().execute(&lost, []).is_err(), "not by another program");
    assert!(place.sqlite_as_program(0).execute(&lost, []).unwrap() > 0);
    let _hub = hub_place.start_at(&address, &[]);
    let said = String::from_utf8(place.on_db(&["doctor"]).output().unwrap().stdout).unwrap();
    assert!(said.contains("1 mobile configs are not found by their last write, so they are not mirrored"), "{said}");
    let edge = place.serve();
    sync(&edge, &operator);
    let proof = edge.post("/sync/verify", &operator, &json!({}));
    assert_eq!((&proof.body["equal"], &proof.body["differences"]), (&json!(false), &json!(1)), "{proof:?}");
    assert!(edge.stop().success());
    let said = String::from_utf8(place.on_db(&["doctor", "--adopt"]).output().unwrap().stdout).unwrap();
    assert!(said.contains(&format!("adopted: mobile_configs {} was not found", world::nth(1))), "{said}");
    let edge = place.serve();
    sync(&edge, &operator);
    is_proved(&edge, &operator);
}

#[test]
fn a_comparison_that_fails_is_an_alarm_on_both_sides_until_one_that_does_not() {
    let (hub_place, place) = (HubPlace::new(), holding(2));
    let hub = hub_place.start();
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    let operator = place.token_of(OPERATOR);
    place.run(&["sync", "run"]);
    let store = rusqlite::Connection::open(hub_place.place.path("hub.db")).unwrap();
    let replace = |old: &str, new: &str| {
        for table in ["texts", "contents"] {
            store.execute(&format!("update {table} set v = replace(v, ?1, ?2)"), [old, new]).unwrap();
        }
    };
    replace("Sales", "Sails");
    let edge = place.serve();
    let proof = edge.post("/sync/verify", &operator, &json!({})).body;
    // Its name stands in a mobile config too.
    assert_eq!((&proof["equal"], &proof["differences"]), (&json!(false), &json!(2)), "{proof}");
    let status = sync(&edge, &operator);
    assert_eq!(status["consistent"], false);
    assert!(status["alarm"].as_str().unwrap().contains(world::SALES), "{status}");
    assert_eq!((&hub.only()["differs"], &hub.only()["consistent"]), (&json!(true), &json!(false)));
    let page = || hub.get(&hub.path("rows?table=queue"))["consistent"].clone();
    assert_eq!(page(), false);
    replace("Sails", "Sales");
    is_proved(&edge, &operator);
    let status = sync(&edge, &operator);
    assert_eq!((&status["consistent"], &status["alarm"]), (&json!(true), &json!(null)));
    assert_eq!(page(), true);
}

#[test]
fn what_a_hub_holds_already_is_told_as_it_stands_even_if_nobody_can_read_it() {
    let (hub_place, place) = (HubPlace::new(), holding(2));
    let hub = hub_place.start();
    place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
    place.run(&["sync", "run"]);
    let wish = json!({ "table": "queue", "id": world::SALES, "patch": { "name": "Sales" } });
    assert_eq!(hub.server.post(&hub.path("proposals"), &hub.admin, &wish).status, 200);
    let store = rusqlite::Connection::open(hub_place.place.path("hub.db")).unwrap();
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for unreadable in [r#""\ud800""#, &deep] {
        let spoilt = ["update texts set v = replace(v, ?1, ?2)", "update proposals set patch = replace(patch, ?1, ?2)"];
        for sql in spoilt {
            assert!(store.execute(sql, [r#""Sales""#, unreadable]).unwrap() > 0);
        }
        for path in ["rows?table=queue", "rows?table=mobile_config", "proposals"] {
            assert_eq!(hub.server.get(&hub.path(path), &hub.admin).status, 200, "{path}");
        }
        for sql in spoilt {
            store.execute(sql, [unreadable, r#""Sales""#]).unwrap();
        }
    }
}
