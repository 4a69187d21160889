//! `GET /pbx/app/mobileconfig`: whose configs a list holds.

use super::support::{Client, TestApp, assert_error, demo};

fn listed(caller: &Client, query: &str) -> Vec<String> {
    let list = caller.get(&format!("/pbx/app/mobileconfig{query}")).ok();
    let configs = list.as_array().expect("a plain array").iter();
    configs.map(|config| config["_id"].as_str().unwrap().to_owned()).collect()
}

/// Everybody at the bakery with a config, by name.
const BAKERS: [&str; 7] =
    [demo::MANAGER, demo::DISABLED, demo::EMMA, demo::OWNER, demo::PERSONAL, demo::SOEREN, demo::VIEWER];

fn bakers_but(left_out: &str) -> Vec<&'static str> {
    BAKERS.into_iter().filter(|id| *id != left_out).collect()
}

#[test]
fn the_list_leaves_out_the_caller() {
    let app = TestApp::start();
    assert_eq!(listed(&app.manager(), ""), bakers_but(demo::MANAGER));
    assert_eq!(listed(&app.viewer(), "/"), bakers_but(demo::VIEWER));
}

#[test]
fn the_list_leaves_out_whoever_is_named() {
    let app = TestApp::start();
    let expected = bakers_but(demo::EMMA);
    assert_eq!(listed(&app.viewer(), &format!("?employee={}", demo::EMMA)), expected);
    let both = format!("?employee={}&customer={}", demo::EMMA.to_uppercase(), demo::BAKERY);
    assert_eq!(listed(&app.manager(), &both), expected);
}

#[test]
fn the_list_of_a_customer_is_complete_from_manager_up() {
    let app = TestApp::start();
    let of_bakery = format!("?customer={}", demo::BAKERY);
    for caller in [app.manager(), app.owner(), app.reseller(), app.admin()] {
        assert_eq!(listed(&caller, &of_bakery), BAKERS);
    }
    assert_eq!(listed(&app.viewer(), &of_bakery), bakers_but(demo::VIEWER));
}

#[test]
fn a_customer_out_of_reach_is_not_listed() {
    let app = TestApp::start();
    let query = |customer| format!("/pbx/app/mobileconfig?customer={customer}");
    assert_error(&app.owner().get(&query(demo::WORKSHOP)), 403, "access_denied");
    assert_error(&app.reseller().get(&query(demo::LIBRARY)), 403, "access_denied");
    assert_error(&app.owner().get(&query(demo::ABSENT)), 404, "customer");
    assert_error(&app.personal().get(&query(demo::BAKERY)), 403, "access_denied");
    assert_error(&app.owner().get("/pbx/app/mobileconfig?customer=12"), 422, "customer");
}
