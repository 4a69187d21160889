//! Requests that share a group, of which some succeed and some fail.

use serde_json::json;
use telecomx_local::store::audit_chain::{self, ChainVerdict};

use super::support::{Client, Response, TestApp, assert_error, demo};

/// What each of `count` threads is answered.
fn side_by_side(count: usize, work: impl Fn(usize) -> Vec<Response> + Sync) -> Vec<Response> {
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..count).map(|i| scope.spawn(move || work(i))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn new_employee(caller: &Client, address: &str) -> Response {
    let body = json!({ "customer": demo::BAKERY, "accessLevel": "PERSONAL", "name": "New", "emailAddress": address });
    caller.post("/employee", body)
}

#[test]
fn a_request_that_fails_leaves_no_trace_beside_those_that_succeed() {
    let app = TestApp::start();
    let manager = app.manager();
    let writes = app.newest_write();
    let (answers, entries) = app.audited(|| {
        side_by_side(8, |i| {
            let attempts = (0..6).map(|j| match j % 3 {
                0 => new_employee(&manager, &format!("new-{i}-{j}@bakery.example.com")),
                // Fails when the row is written already, and its number taken.
                1 => new_employee(&manager, "emma@bakery.example.com"),
                _ => manager.post(&format!("/employee/{}", demo::EMMA), json!({ "name": "", "title": "x" })),
            });
            attempts.collect()
        })
    });
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 16);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        let code = if refused.status == 409 { "emailAddress" } else { "name" };
        assert_error(refused, if code == "name" { 422 } else { 409 }, code);
    }
    assert_eq!(entries.len(), done);
    assert!(entries.iter().all(|entry| entry.action == "create" && entry.outcome == "accepted"), "{entries:?}");
    assert_eq!(app.newest_write() - writes, done as i64);
}

#[test]
fn refusals_beside_changes_are_recorded_and_change_nothing() {
    let app = TestApp::start();
    let (manager, viewer) = (app.manager(), app.viewer());
    let copy = json!({ "_id": demo::PERSONAL, "copyTo": demo::EMMA });
    let writes = app.newest_write();
    let (answers, entries) = app.audited(|| {
        side_by_side(8, |i| {
            let attempt = |_| match i % 2 {
                0 => manager.post("/pbx/app/mobileconfig/", copy.clone()),
                _ => viewer.post(&format!("/employee/{}", demo::EMMA), json!({ "name": "Never" })),
            };
            (0..5).map(attempt).collect()
        })
    });
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(200), count(403)), (20, 20));
    let recorded = |outcome: &str| entries.iter().filter(|entry| entry.outcome == outcome).count();
    assert_eq!((recorded("accepted"), recorded("refused")), (20, 20));
    assert_eq!(app.newest_write() - writes, 20);
    assert!(!app.export().contains("Never"));
}

#[test]
fn of_changes_meant_for_one_version_one_is_made() {
    let app = TestApp::start();
    let manager = app.manager();
    let path = format!("/pbx/app/mobileconfig/{}", demo::EMMA);
    let tag = manager.get(&path).etag().to_owned();
    let answers = side_by_side(8, |i| {
        let body = json!({ "configs": [{ "type": "MARK", "by": i }] });
        vec![manager.request("POST", &path).header("if-match", &tag).json(body).send()]
    });
    let done: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(done.len(), 1);
    assert_eq!(manager.get(&path).text(), done[0].text());
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_error(refused, 412, "precondition_failed");
    }
}

#[test]
fn of_two_who_want_one_address_one_gets_it() {
    let app = TestApp::start();
    let manager = app.manager();
    let answers = side_by_side(8, |_| vec![new_employee(&manager, "wanted@bakery.example.com")]);
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_error(refused, 409, "emailAddress");
    }
}

#[test]
fn two_hundred_copies_at_once_are_each_made_once() {
    let app = TestApp::start();
    let manager = app.manager();
    let target = format!("/pbx/app/mobileconfig/{}", demo::EMMA);
    let sources = [demo::PERSONAL, demo::VIEWER, demo::MANAGER];
    for source in sources {
        let body = json!({ "configs": [{ "type": "MARK", "by": source }] });
        assert_eq!(manager.post(&format!("/pbx/app/mobileconfig/{source}"), body).status, 200);
    }
    let rev = |etag: &str| etag.trim_matches('"').split('-').next().unwrap().parse::<i64>().unwrap();
    let (before, writes) = (rev(manager.get(&target).etag()), app.newest_write());
    let (answers, entries) = app.audited(|| {
        side_by_side(200, |i| {
            // Every fourth onto itself, which changes nothing.
            let source = sources.get(i % 4).copied().unwrap_or(demo::EMMA);
            vec![
                app.with_token(manager.token())
                    .post("/pbx/app/mobileconfig/", json!({ "_id": source, "copyTo": demo::EMMA })),
            ]
        })
    });
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 200);
    assert_eq!(rev(manager.get(&target).etag()) - before, 150);
    assert_eq!(app.newest_write() - writes, 150);
    assert_eq!(entries.len(), 200);
    assert!(entries.iter().all(|entry| entry.action == "copy" && entry.object == demo::EMMA));
    let requests: std::collections::HashSet<_> = entries.iter().map(|entry| &entry.request).collect();
    assert_eq!(requests.len(), 200, "each answered request has its own entry");
    let newest = manager.get(&target);
    assert!(answers.iter().any(|answer| answer.text() == newest.text()), "what stands there was answered to one");
    let verdict = app.db.read(|tx| audit_chain::verify(tx, |_| {})).unwrap();
    assert!(matches!(verdict, ChainVerdict::Intact { .. }), "{verdict:?}");
}
