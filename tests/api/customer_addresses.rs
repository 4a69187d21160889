//! `/customer/ID/address`

use serde_json::{Value, json};

use super::support::{Client, TestApp, assert_error, demo};

fn list() -> String {
    format!("/customer/{}/address", demo::BAKERY)
}

fn primaries(caller: &Client) -> Vec<bool> {
    let addresses = caller.get(&list()).ok();
    addresses.as_array().unwrap().iter().map(|address| address["primary"].as_bool().unwrap()).collect()
}

fn id_of(address: &Value) -> String {
    address["_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_new_address_is_answered_and_listed() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let new = json!({ "address": "Testvej 1", "zip": "8000", "city": "Aarhus C", "country": "dk", "fixedNumber": "+4500000001" });
    let created = viewer.post(&list(), new).ok();
    assert_eq!((&created["country"], &created["primary"]), (&json!("DK"), &json!(false)));
    assert_eq!(viewer.get(&format!("{}/{}", list(), id_of(&created))).ok(), created);
    assert_eq!(viewer.get(&list()).ok()[2], created);
    assert_eq!(viewer.get(&format!("/customer/{}", demo::BAKERY)).ok()["addresses"][2], created);
}

#[test]
fn an_update_leaves_alone_what_is_not_given_and_ignores_an_id() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let path = format!("{}/{}", list(), demo::SECOND_ADDRESS);
    let mut expected = viewer.get(&path).ok();
    expected["zip"] = json!("8210");
    expected["city"] = json!("Aarhus V");
    assert_eq!(viewer.post(&path, json!({ "zip": "8210", "_id": demo::ABSENT })).ok(), expected);
    assert_eq!(viewer.get(&path).ok(), expected);
}

#[test]
fn exactly_one_address_is_the_primary() {
    let app = TestApp::start();
    let owner = app.owner();
    assert_eq!(primaries(&owner), [true, false]);
    let second = format!("{}/{}", list(), demo::SECOND_ADDRESS);
    owner.post(&second, json!({ "primary": true })).ok();
    assert_eq!(primaries(&owner), [false, true]);
    owner.post(&second, json!({ "primary": false })).ok();
    assert_eq!(primaries(&owner).iter().filter(|primary| **primary).count(), 1);
    let third =
        owner.post(&list(), json!({ "address": "Testvej 1", "zip": "8000", "city": "Aarhus C", "primary": true })).ok();
    assert_eq!(primaries(&owner), [false, false, true]);
    owner.delete(&format!("{}/{}", list(), id_of(&third))).ok();
    assert_eq!(primaries(&owner).iter().filter(|primary| **primary).count(), 1);
}

#[test]
fn an_address_in_use_and_the_last_one_stay() {
    let app = TestApp::start();
    let owner = app.owner();
    let second = format!("{}/{}", list(), demo::SECOND_ADDRESS);
    assert_error(&owner.delete(&second), 409, "address");
    let first = owner.get(&list()).ok()[0].clone();
    let without_second = json!({ "addresses": [first] });
    assert_error(&owner.post(&format!("/customer/{}", demo::BAKERY), without_second), 409, "address");
    owner.post(&format!("/employee/{}", demo::EMMA), json!({ "address": null })).ok();
    owner.delete(&second).ok();
    assert_error(&owner.delete(&format!("{}/{}", list(), id_of(&first))), 422, "addresses");
    assert_eq!(owner.get(&list()).ok(), json!([first]));
}

#[test]
fn an_address_is_checked_by_its_country() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let before = app.export();
    let with = |name: &str, value: Value| {
        let mut address = json!({ "address": "Testvej 1", "zip": "8000", "city": "Aarhus C" });
        address[name] = value;
        viewer.post(&list(), address)
    };
    assert_error(&with("zip", json!("800")), 422, "zip");
    assert_error(&with("zip", json!(8000)), 422, "zip");
    assert_error(&with("address", json!("Vej")), 422, "address");
    assert_error(&with("city", json!(8000)), 422, "city");
    assert_error(&with("country", json!("DNK")), 422, "country");
    assert_eq!(app.export(), before);
    let british = json!({ "address": "Main street 1", "zip": "SW1A 1AA", "city": "London", "country": "GB" });
    viewer.post(&list(), british.clone()).ok();
    let nowhere = json!({ "address": "Main street 1", "zip": "SW1A 1AA", "country": "GB" });
    assert_error(&viewer.post(&list(), nowhere), 404, "city");
    let made = viewer.post(&list(), json!({ "address": "Testvej 1", "zip": "8000" })).ok();
    assert_eq!(made["city"], "Aarhus C", "in Denmark the zip decides");
    let path = format!("{}/{}", list(), made["_id"].as_str().unwrap());
    assert_eq!(viewer.post(&path, json!({ "city": "Byen" })).ok()["city"], "Aarhus C");
    assert_eq!(viewer.post(&path, json!({ "zip": "9998", "city": "Byen" })).ok()["city"], "Byen");
    assert_eq!(viewer.post(&path, json!({ "zip": "1402" })).ok()["city"], "København K");
    assert_error(&viewer.post(&path, json!({ "country": "GB", "city": null })), 404, "city");
}

#[test]
fn a_customer_has_at_most_a_thousand_addresses() {
    let app = TestApp::start();
    let admin = app.admin();
    let address = json!({ "address": "Testvej 1", "zip": "8000", "city": "Aarhus C" });
    let many = |count: usize| json!({ "name": "Many", "addresses": vec![address.clone(); count] });
    assert_error(&admin.post("/customer", many(1_001)), 422, "addresses");
    let created = admin.post("/customer", many(1_000)).ok();
    let path = format!("/customer/{}", created["_id"].as_str().unwrap());
    assert_error(&admin.post(&path, many(1_001)), 422, "addresses");
    let answer = admin.post(&format!("{path}/address"), address.clone());
    assert_error(&answer, 422, "addresses");
    assert_eq!(answer.json()["error"]["check"], "max");
    let addresses = created["addresses"].as_array().unwrap();
    assert_eq!(addresses.iter().filter(|address| address["primary"] == true).count(), 1);
}

#[test]
fn an_address_in_use_is_not_lost_among_others_that_are_left_out() {
    let app = TestApp::start();
    let manager = app.manager();
    let (first, second) = ("Testvej 1", "Testvej 2");
    let add =
        |street: &str| manager.post(&list(), json!({ "address": street, "zip": "8000", "city": "Aarhus C" })).ok();
    let (unused, used) = (add(first), add(second));
    manager.post(&format!("/employee/{}", demo::IDA), json!({ "address": used["_id"] })).ok();
    let mut kept = manager.get(&list()).ok();
    kept.as_array_mut().unwrap().retain(|address| ![&unused["_id"], &used["_id"]].contains(&&address["_id"]));
    let answer = manager.post(&format!("/customer/{}", demo::BAKERY), json!({ "addresses": kept }));
    assert_error(&answer, 409, "address");
}
