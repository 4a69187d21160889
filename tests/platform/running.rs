//! An appliance as its users see it: the command line, the calls of the queue, the modes.

use serde_json::{Value, json};

use crate::appliance::{ANNA, Appliance, BAKERY, OWN_ADMIN, OWN_PASSWORD, PASSWORD, log_in, round};
use crate::support::place::is_refused;

const BO: &str = "e00000000000000000000403";

fn copy() -> Value {
    json!({ "_id": ANNA, "copyTo": BO })
}

#[test]
fn an_appliance_is_connected_fills_itself_and_brings_its_changes_back() {
    let pair = Appliance::apart();
    assert!(pair.connect().contains("start serve"));
    let (here, token) = pair.serve(&[]);
    let there = pair.there_token();
    assert_eq!(
        here.get(&format!("/employee/{ANNA}"), &token).body,
        pair.there.get(&format!("/employee/{ANNA}"), &there).body
    );
    assert_eq!(here.post(&format!("/employee/{ANNA}"), &token, &json!({ "title": "Head" })).status, 200);
    assert_eq!(here.post("/pbx/app/mobileconfig/", &token, &copy()).status, 200);
    let new = json!({ "customer": BAKERY, "accessLevel": "PERSONAL", "name": "Nina", "emailAddress": "nina@bakery.example.com" });
    let old_id = here.post("/employee", &token, &new).body["_id"].as_str().unwrap().to_owned();
    let stands = round(&here, &token);
    assert_eq!((&stands["waiting"], &stands["conflicts"], &stands["refused"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(pair.there.get(&format!("/employee/{ANNA}"), &there).body["title"], "Head");
    let config = |id: &str| pair.there.get(&format!("/pbx/app/mobileconfig/{id}"), &there).body["configs"].clone();
    assert_eq!(config(BO), config(ANNA));
    // The id that it had here goes on answering, in paths, arguments and bodies.
    let nina = here.get(&format!("/employee/{old_id}"), &token).body;
    assert_ne!(nina["_id"], json!(old_id));
    assert_eq!(pair.there.get(&format!("/employee/{}", nina["_id"].as_str().unwrap()), &there).body["name"], "Nina");
    assert_eq!(here.post(&format!("/pbx/app/mobileconfig/{old_id}"), &token, &json!({})).status, 200);
    let onto = here.post("/pbx/app/mobileconfig/", &token, &json!({ "_id": ANNA, "copyTo": old_id }));
    assert_eq!((onto.status, &onto.body["_id"]), (200, &nina["_id"]));
    let listed =
        here.get(&format!("/employee?customer={BAKERY}&includeDeleted=true&limit=500"), &token).body.to_string();
    assert!(!listed.contains(&old_id), "the row under the old id is not listed");
    assert_eq!(round(&here, &token)["waiting"], 0);
    assert!(here.stop().success());
    let said = pair.place.run(&["platform", "status"]);
    assert!(said.contains("waiting: 0, conflicts: 0") && said.contains("(work)"), "{said}");
    assert!(pair.place.run(&["doctor"]).contains("ok     platform: works with"));
    pair.place.run(&["audit", "verify"]);
    pair.place.run(&["platform", "disconnect"]);
    assert!(pair.place.run(&["platform", "status"]).contains("no platform"));
}

#[test]
fn a_server_that_follows_takes_no_change_of_what_the_platform_has() {
    let pair = Appliance::connected();
    let (here, token) = pair.serve(&["--platform-mode", "follow"]);
    let is_refused = |path: &str, body: &Value| {
        let answer = here.post(path, &token, body);
        assert_eq!(
            (answer.status, &answer.body["error"]["code"]),
            (409, &json!("platform")),
            "{path}: {}",
            answer.body
        );
    };
    is_refused(&format!("/employee/{ANNA}"), &json!({ "title": "Head" }));
    is_refused("/pbx/app/mobileconfig/", &copy());
    is_refused(&format!("/customer/{BAKERY}"), &json!({ "website": "https://example.com" }));
    is_refused("/employee", &json!({ "customer": BAKERY, "accessLevel": "PERSONAL", "name": "Nina" }));
    assert_eq!(here.delete(&format!("/employee/{BO}"), &token).status, 409);
    assert_eq!(here.get(&format!("/employee/{BO}"), &token).status, 200);
    // Who is here alone is nobody else's.
    let own = here.get("/auth/validateToken", &token).body["employee"].as_str().unwrap().to_owned();
    assert_eq!(here.post(&format!("/employee/{own}"), &token, &json!({ "title": "Installer" })).status, 200);
    assert_eq!(round(&here, &token)["waiting"], 0);
}

#[test]
fn what_the_platform_has_no_call_for_is_refused_unless_it_may_stand_here_alone() {
    let pair = Appliance::connected();
    let content = json!({ "configs": [{ "type": "LATER", "x": 1 }] });
    let path = format!("/pbx/app/mobileconfig/{ANNA}");
    let (here, token) = pair.serve(&[]);
    let refused = here.post(&path, &token, &content);
    assert_eq!((refused.status, &refused.body["error"]["code"]), (409, &json!("platform")));
    assert!(here.stop().success());
    let (here, token) = pair.serve(&["--platform-allow-local-only"]);
    assert_eq!(here.post(&path, &token, &content).status, 200);
    assert_eq!(round(&here, &token)["localOnly"], 1);
    assert_eq!(here.get(&path, &token).body["configs"], content["configs"]);
    let listed = here.get("/sync/operations?state=local", &token).body;
    assert_eq!((&listed["total"], &listed["operations"][0]["target"]), (&json!(1), &json!(ANNA)));
    assert!(here.stop().success());
    let said = pair.place.refused(&["import", "own-password"]);
    assert!(said.contains("platform"), "{said}");
}

#[test]
fn a_full_queue_refuses_what_would_need_it_and_loses_nothing() {
    let pair = Appliance::connected();
    let (here, token) = pair.serve(&["--platform-queue-max", "2"]);
    let Appliance { place, there, .. } = pair;
    assert!(there.stop().success());
    let title = |n: usize| here.post(&format!("/employee/{ANNA}"), &token, &json!({ "title": format!("Title {n}") }));
    assert_eq!([title(1).status, title(2).status], [200, 200]);
    let full = title(3);
    assert_eq!((full.status, &full.body["error"]["code"]), (507, &json!("platform_queue")));
    assert_eq!(here.get(&format!("/employee/{ANNA}"), &token).body["title"], "Title 2");
    let stands = round(&here, &token);
    assert_eq!((&stands["waiting"], &stands["reachable"]), (&json!(2), &json!(false)));
    assert!(here.text("/metrics", &token).contains("telecomx_local_platform_waiting 2"));
    assert!(here.stop().success());
    let said = place.refused(&["platform", "disconnect"]);
    assert!(said.contains("2 changes") && said.contains("force"), "{said}");
    place.run(&["platform", "disconnect", "--force"]);
}

#[test]
fn what_stands_open_is_for_the_operators_of_the_server() {
    let pair = Appliance::connected();
    let (here, token) = pair.serve(&[]);
    let there = pair.there_token();
    // Nobody here has heard of the change there.
    pair.there.post(&format!("/employee/{ANNA}"), &there, &json!({ "title": "Theirs" }));
    here.post(&format!("/employee/{ANNA}"), &token, &json!({ "title": "Mine" }));
    assert_eq!(round(&here, &token)["conflicts"], 1);
    let conflict = here.get("/sync/conflicts", &token).body["operations"][0].clone();
    assert_eq!(
        (&conflict["was"]["title"], &conflict["mine"]["title"], &conflict["theirs"]["title"]),
        (&json!("Shop manager"), &json!("Mine"), &json!("Theirs")),
        "{conflict}"
    );
    let printed = pair.place.run(&["sync", "conflicts"]);
    assert!(printed.contains("Theirs"), "{printed}");
    let manager = log_in(&here, "manager@bakery.example.com", PASSWORD);
    let id = &conflict["id"];
    for (method, path) in [
        ("GET", "/sync/operations".to_owned()),
        ("GET", "/sync/conflicts".to_owned()),
        ("POST", format!("/sync/conflicts/{id}/mine")),
        ("POST", format!("/sync/operations/{id}/drop")),
        ("POST", "/sync/platform/connect".to_owned()),
        ("POST", "/sync/platform/disconnect".to_owned()),
    ] {
        let body = json!({ "url": "http://127.0.0.1:1", "token": "x" });
        let answer = if method == "GET" { here.get(&path, &manager) } else { here.post(&path, &manager, &body) };
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
        assert_eq!(here.get("/sync/operations", "").status, 401);
    }
    for path in
        ["/sync/conflicts/77/mine", "/sync/conflicts/x/theirs", "/sync/operations/77/retry", "/sync/operations/-1/drop"]
    {
        assert_eq!(here.post(path, &token, &json!({})).status, 404, "{path}");
    }
    assert_eq!(here.post(&format!("/sync/operations/{id}/retry"), &token, &json!({})).status, 409);
    assert_eq!(here.get("/sync/operations?state=lost", &token).status, 422);
    assert_eq!(here.post(&format!("/sync/conflicts/{id}/mine"), &token, &json!({})).status, 200);
    assert_eq!(round(&here, &token)["conflicts"], 0);
    assert_eq!(pair.there.get(&format!("/employee/{ANNA}"), &there).body["title"], "Mine");
    assert_eq!(here.post(&format!("/sync/conflicts/{id}/mine"), &token, &json!({})).status, 404);
}

#[test]
fn a_running_server_is_connected_and_disconnected_by_its_administrator() {
    let pair = Appliance::apart();
    let here = pair.place.serve_with(&["--platform-requests-per-second", "0"]);
    let token = log_in(&here, OWN_ADMIN, OWN_PASSWORD);
    let path = "/sync/platform/connect";
    let account = |password: &str| json!({ "url": pair.there.url, "username": "admin@platform.example.com", "password": password });
    let wrong = here.post(path, &token, &account("wrong"));
    assert_eq!((wrong.status, &wrong.body["error"]["code"]), (409, &json!("platform")));
    assert!(wrong.body["error"]["message"].as_str().unwrap().contains("refuses the user name or the password"));
    for (body, status) in [
        (json!({ "url": pair.there.url }), 404),
        (json!({ "url": pair.there.url, "username": "x", "token": "y" }), 404),
        (json!({ "url": "ftp://example.com", "token": "y" }), 409),
        (json!({ "url": "http://192.0.2.1", "token": "y" }), 409),
        (json!({ "token": "y" }), 404),
    ] {
        assert_eq!(here.post(path, &token, &body).status, status, "{body}");
    }
    assert_eq!(here.get("/sync/status", &token).body["platform"], json!({ "connected": false }));
    assert_eq!(here.post(path, &token, &account(PASSWORD)).status, 200);
    let stands = round(&here, &token);
    assert_eq!(
        (&stands["connected"], &stands["level"], &stands["reachable"]),
        (&json!(true), &json!("ADMIN"), &json!(true))
    );
    assert_eq!(here.get(&format!("/employee/{ANNA}"), &token).status, 200);
    assert_eq!(here.post("/sync/platform/disconnect", &token, &json!({})).status, 200);
    assert_eq!(here.get(&format!("/employee/{ANNA}"), &token).status, 200, "everything stays");
    assert_eq!(here.post("/sync/platform/disconnect", &token, &json!({})).status, 409);
}

#[test]
fn the_platform_can_be_set_in_the_file_and_its_credential_is_in_no_file_of_ours_in_clear() {
    let pair = Appliance::apart();
    pair.place.put("account", format!("admin@platform.example.com\n{PASSWORD}\n"));
    let settings = format!(
        "[platform]\nurl = \"{}\"\ncredential_file = \"account\"\nrequests_per_second = 0\ninterval_s = 3600\n",
        pair.there.url
    );
    pair.place.put("settings.toml", settings);
    let (here, token) = pair.serve(&["--config", "settings.toml"]);
    assert_eq!(here.get(&format!("/employee/{ANNA}"), &token).status, 200);
    assert!(here.stop().success());
    for file in ["telecomx.db", "telecomx.db-wal", "server.log"] {
        let content = std::fs::read(pair.place.path(file)).unwrap_or_default();
        assert!(!content.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes()), "{file}");
    }
    assert!(!pair.place.run(&["export", "--with-secrets"]).contains(PASSWORD));
    // A credential that is no longer good is an alarm, and the server goes on.
    pair.place.put("account", "admin@platform.example.com\nAnother-Passw0rd\n");
    let here = pair.place.serve_with(&["--config", "settings.toml"]);
    let token = log_in(&here, OWN_ADMIN, OWN_PASSWORD);
    let alarm = round(&here, &token)["alarm"].clone();
    assert!(alarm.as_str().is_some_and(|alarm| alarm.contains("platform connect")), "{alarm}");
    assert_eq!(here.get(&format!("/employee/{ANNA}"), &token).status, 200);
    assert!(here.stop().success());
    pair.place.put("settings.toml", "[platform]\nurl = \"https://example.com\"\n");
    let said = is_refused(pair.place.on_db(&["serve"]).args(["--config", "settings.toml"]));
    assert!(said.contains("--platform-credential-file"), "{said}");
    pair.place.put("settings.toml", "[platform]\nintervals = 7\n");
    assert!(is_refused(pair.place.on_db(&["serve"]).args(["--config", "settings.toml"])).contains("intervals"));
}

#[test]
fn a_pull_fills_a_database_and_connects_nothing() {
    let pair = Appliance::apart();
    let pull = |json: &[&str]| {
        let account = ["--username", "admin@platform.example.com", "--password-file", "password"];
        let mut command = pair.place.on_db(&["platform", "pull", &pair.there.url]);
        crate::support::place::succeeds(command.args(account).args(json))
    };
    assert!(pull(&[]).starts_with("read "));
    let pulled: Value = serde_json::from_str(&pull(&["--json"])).unwrap();
    assert_eq!((&pulled["gone"], &pulled["troubles"]), (&json!(0), &json!([])), "{pulled}");
    assert!(pair.place.run(&["platform", "status"]).contains("no platform"));
    assert!(pair.place.run(&["export"]).contains(ANNA));
    let wrong = is_refused(pair.place.on_db(&["platform", "pull", &pair.there.url]).args(["--token-file", "password"]));
    assert!(wrong.contains("does not accept the token"), "{wrong}");
    let argument = is_refused(&mut pair.place.on_db(&["platform", "connect", &pair.there.url]));
    assert!(argument.contains("--password-file"), "{argument}");
}
