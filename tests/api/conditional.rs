//! ETag, If-None-Match, If-Match

use serde_json::{Value, json};

use super::support::{Client, Response, TestApp, assert_error, demo};

/// Objects with a version, and a change of each.
fn objects() -> Vec<(String, Value)> {
    vec![
        (format!("/pbx/app/mobileconfig/{}", demo::EMMA), json!({ "configs": [] })),
        (format!("/employee/{}", demo::EMMA), json!({ "title": "Changed" })),
        (format!("/customer/{}", demo::BAKERY), json!({ "phoneNumber": "+4511111111" })),
        (
            format!("/customer/{}/address/{}", demo::BAKERY, demo::SECOND_ADDRESS),
            json!({ "alternativeName": "Changed" }),
        ),
    ]
}

fn with(caller: &Client, method: &str, path: &str, header: (&str, &str), body: Option<&Value>) -> Response {
    let request = caller.request(method, path).header(header.0, header.1);
    match body {
        Some(body) => request.json(body.clone()).send(),
        None => request.send(),
    }
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let app = TestApp::start();
    let manager = app.manager();
    for (path, change) in objects() {
        let tag = manager.get(&path).etag().to_owned();
        for tags in [tag.clone(), format!("\"0\", {tag}"), format!("W/{tag}"), "*".into()] {
            let answer = with(&manager, "GET", &path, ("if-none-match", &tags), None);
            assert_eq!((answer.status, answer.body.len(), answer.etag()), (304, 0, tag.as_str()), "{answer}");
        }
        let changed = manager.post(&path, change);
        changed.ok();
        let answer = with(&manager, "GET", &path, ("if-none-match", &tag), None);
        answer.ok();
        assert_eq!(answer.etag(), changed.etag());
        assert_ne!(answer.etag(), tag);
    }
}

#[test]
fn a_change_meant_for_another_version_is_refused() {
    let app = TestApp::start();
    let manager = app.manager();
    for (path, change) in objects() {
        let tag = manager.get(&path).etag().to_owned();
        let before = app.export();
        for wrong in ["\"999\"", &format!("W/{tag}"), tag.trim_matches('"'), "nonsense"] {
            let answer = with(&manager, "POST", &path, ("if-match", wrong), Some(&change));
            assert_error(&answer, 412, "precondition_failed");
        }
        assert_eq!(app.export(), before);
        with(&manager, "POST", &path, ("if-match", &format!("\"999\", {tag}")), Some(&change)).ok();
        assert_error(&with(&manager, "POST", &path, ("if-match", &tag), Some(&change)), 412, "precondition_failed");
        with(&manager, "POST", &path, ("if-match", "*"), Some(&change)).ok();
    }
}

#[test]
fn a_delete_meant_for_another_version_is_refused() {
    let app = TestApp::start();
    let admin = app.admin();
    let address = json!({ "address": "Testvej 3", "zip": "8000", "city": "Aarhus C" });
    let address =
        admin.post(&format!("/customer/{}/address", demo::BAKERY), address).ok()["_id"].as_str().unwrap().to_owned();
    let paths = [
        format!("/customer/{}/address/{address}", demo::BAKERY),
        format!("/employee/{}", demo::EMMA),
        format!("/customer/{}", demo::BAKERY),
    ];
    for path in paths {
        assert_error(&with(&admin, "DELETE", &path, ("if-match", "\"999\""), None), 412, "precondition_failed");
        let tag = admin.get(&path).etag().to_owned();
        with(&admin, "DELETE", &path, ("if-match", &tag), None).ok();
        assert_eq!(admin.get(&path).status, 404);
    }
}

#[test]
fn a_copy_may_be_meant_for_one_version_of_its_target() {
    let app = TestApp::start();
    let manager = app.manager();
    let target = manager.get(&format!("/pbx/app/mobileconfig/{}", demo::EMMA));
    let copy = json!({ "_id": demo::PERSONAL, "copyTo": demo::EMMA });
    let (path, before) = ("/pbx/app/mobileconfig/", app.export());
    assert_error(&with(&manager, "POST", path, ("if-match", "\"999\""), Some(&copy)), 412, "precondition_failed");
    assert_eq!(app.export(), before);
    with(&manager, "POST", path, ("if-match", target.etag()), Some(&copy)).ok();
    assert_error(&with(&manager, "POST", path, ("if-match", target.etag()), Some(&copy)), 412, "precondition_failed");
}

#[test]
fn a_config_may_be_made_only_if_there_is_none() {
    let app = TestApp::start();
    let manager = app.manager();
    let of = |employee: &str| format!("/pbx/app/mobileconfig/{employee}");
    let none = ("if-none-match", "*");
    assert_error(
        &with(&manager, "POST", &of(demo::EMMA), none, Some(&json!({ "configs": [] }))),
        412,
        "precondition_failed",
    );
    assert_error(&with(&manager, "POST", &of(demo::IDA), ("if-match", "*"), None), 412, "precondition_failed");
    with(&manager, "POST", &of(demo::IDA), none, None).ok();
    assert_error(&with(&manager, "POST", &of(demo::IDA), none, None), 412, "precondition_failed");
}

#[test]
fn access_is_decided_before_the_version_is_looked_at() {
    let app = TestApp::start();
    let personal = app.personal();
    for (path, change) in objects() {
        let answer = with(&personal, "POST", &path, ("if-match", "\"999\""), Some(&change));
        assert_error(&answer, 403, "access_denied");
    }
    let path = format!("/pbx/app/mobileconfig/{}", demo::EMMA);
    let answer = with(&personal, "GET", &path, ("if-none-match", "*"), None);
    assert_error(&answer, 403, "access_denied");
}

#[test]
fn a_tag_that_is_no_text_names_no_version() {
    let app = TestApp::start();
    let manager = app.manager();
    for (path, change) in objects() {
        let answer = with(&manager, "POST", &path, ("if-match", "\"\u{ff}\""), Some(&change));
        assert_error(&answer, 412, "precondition_failed");
        let tag = manager.get(&path).etag().to_owned();
        with(&manager, "GET", &path, ("if-none-match", "\"\u{ff}\""), None).ok();
        assert_eq!(with(&manager, "GET", &path, ("if-none-match", &format!("\"\u{ff}\", {tag}")), None).status, 304);
        with(&manager, "POST", &path, ("if-match", &format!("\"\u{ff}\", {tag}")), Some(&change)).ok();
    }
}
