//! Operators, tokens that rotate and the audit trail of a hub, by the command line and beside a running hub.

use serde_json::{Value, json};

use super::mirror_pair::{HubPlace, world_with_operator};
use crate::support::place::{is_refused, succeeds};
#[cfg(feature = "postgres")]
use crate::support::postgres::shared;
use crate::support::{Place, Server};

/// A hub that runs, and the commands beside it.
struct Centre {
    place: Place,
    store: String,
    hub: Server,
    token_file: &'static str,
}

impl Centre {
    fn on(place: Place, store: String, token_file: &'static str) -> Centre {
        let arguments = ["hub", "--store", &store, "--listen", "127.0.0.1:0"];
        let hub = Server::start(&mut place.command(&arguments), place.log());
        Centre { place, store, hub, token_file }
    }

    fn on_sqlite() -> Centre {
        let HubPlace { place } = HubPlace::new();
        let store = format!("sqlite:{}", place.path("hub.db").display());
        Centre::on(place, store, "hub.db.admin-token")
    }

    #[cfg(feature = "postgres")]
    fn on_postgres() -> Centre {
        Centre::on(Place::new(), shared().database(), "telecomx-local-hub.admin-token")
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        self.place.command(&[&["hub"], words, &["--store", &self.store]].concat())
    }

    fn run(&self, words: &[&str]) -> String {
        succeeds(&mut self.command(words)).trim().to_owned()
    }

    fn refused(&self, words: &[&str]) -> String {
        is_refused(&mut self.command(words))
    }

    fn administrator(&self) -> String {
        std::fs::read_to_string(self.place.path(self.token_file)).unwrap().trim().to_owned()
    }

    fn status(&self, path: &str, token: &str) -> u16 {
        self.hub.get(path, token).status
    }
}

fn operators_come_and_go(centre: Centre) {
    let fleet = |token: &str| centre.status("/sync/v1/fleet", token);
    let token = centre.run(&["operator", "add", "olga", "--level", "read"]);
    assert_eq!((fleet(&token), centre.hub.post("/sync/v1/codes", &token, &json!({ "name": "x" })).status), (200, 403));
    assert!(centre.refused(&["operator", "add", "olga", "--level", "read"]).contains("There is an operator olga"));
    let wrong = centre.command(&["operator", "add", "rosa", "--level", "owner"]).output().unwrap();
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(wrong.status.code() == Some(2) && said.contains("read, propose, administer"), "{said}");
    assert!(centre.refused(&["operator", "add", "administrator", "--level", "read"]).contains("choose another name"));
    let newer = centre.run(&["operator", "rotate", "olga"]);
    assert_eq!((fleet(&token), fleet(&newer)), (401, 200));
    assert!(centre.run(&["operator", "list"]).starts_with("olga\tread\t"));
    centre.run(&["operator", "remove", "olga"]);
    assert_eq!(fleet(&newer), 401);
    assert!(centre.refused(&["operator", "remove", "olga"]).contains("no operator of this name"));

    let before = centre.administrator();
    assert!(centre.run(&["token", "rotate"]).contains(centre.token_file));
    let after = centre.administrator();
    assert_eq!((fleet(&before), fleet(&after)), (401, 200), "the hub that runs takes the new one at once");

    let log = centre.run(&["audit", "log"]);
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines[0].contains("command line: rotate-administrator done"), "{log}");
    assert!(
        log.contains("olga: call refused, POST /sync/v1/codes") && lines.last().unwrap().starts_with("1 "),
        "{log}"
    );
    let json = centre.run(&["audit", "log", "--json"]);
    let newest: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!((&newest["who"], &newest["action"]), (&json!("command line"), &json!("rotate-administrator")));
    assert!(centre.run(&["audit", "verify"]).contains(&format!("intact: {} entries", lines.len())));
    let trail = centre.hub.get("/sync/v1/audit?after=1", &after).body;
    assert_eq!((&trail["entries"][0]["seq"], trail["entries"].as_array().unwrap().len()), (&json!(2), lines.len() - 1));
    let Centre { place, store, hub, .. } = centre;
    assert!(hub.stop().success());
    // Started again, the hub accepts what the file holds.
    let arguments = ["hub", "--store", &store, "--listen", "127.0.0.1:0"];
    let again = Server::start(&mut place.command(&arguments), place.log());
    assert_eq!(again.get("/sync/v1/fleet", &after).status, 200);
    assert!(again.stop().success());
}

#[test]
fn operators_and_the_administrators_token_are_changed_beside_a_running_hub() {
    operators_come_and_go(Centre::on_sqlite());
}

#[cfg(feature = "postgres")]
#[test]
fn the_same_beside_a_hub_on_a_postgresql() {
    operators_come_and_go(Centre::on_postgres());
}

#[test]
fn an_entry_that_was_changed_by_hand_is_named() {
    let centre = Centre::on_sqlite();
    for name in ["anna", "olga", "rosa"] {
        centre.run(&["operator", "add", name, "--level", "read"]);
    }
    assert!(centre.hub.stop().success());
    let conn = rusqlite::Connection::open(centre.place.path("hub.db")).unwrap();
    assert!(conn.execute("update audit set who = 'nobody' where seq = 2", []).is_err(), "it is not easily done");
    conn.execute_batch("drop trigger audit_is_not_changed; update audit set who = 'nobody' where seq = 2").unwrap();
    let arguments = ["hub", "audit", "verify", "--store", &centre.store];
    assert!(is_refused(&mut centre.place.command(&arguments)).contains("entry 2 does not follow"));
}

/// A server with a token, enrolled with this hub.
fn rotates(centre: Centre) {
    let code = centre.run(&["enroll", "--name", "Bakery"]);
    let edge = Place::holding(&world_with_operator(1));
    assert!(edge.refused(&["sync", "rotate-token"]).contains("not enrolled"));
    edge.run(&["sync", "enroll", &centre.hub.url, &code]);
    edge.run(&["sync", "run"]);
    let image = std::fs::read(edge.db()).unwrap();
    assert!(edge.run(&["sync", "rotate-token"]).contains("has a new token"));
    edge.run(&["sync", "run"]);
    assert!(edge.run(&["sync", "verify"]).contains("equal"));
    let entries = centre.hub.get("/sync/v1/audit", &centre.administrator()).body;
    let entries = entries["entries"].as_array().unwrap().clone();
    assert!(entries.iter().any(|entry| entry["action"] == "rotate-token" && entry["who"] == "server"), "{entries:?}");
    // The token before is revoked: whoever has a copy of it has nothing.
    for log in ["telecomx.db-wal", "telecomx.db-shm"] {
        let _ = std::fs::remove_file(edge.path(log));
    }
    std::fs::write(edge.db(), image).unwrap();
    assert!(edge.refused(&["sync", "run"]).contains("401"));
    assert!(centre.hub.stop().success());
}

#[test]
fn a_server_gets_another_token() {
    rotates(Centre::on_sqlite());
}

#[cfg(feature = "postgres")]
#[test]
fn a_server_gets_another_token_of_a_hub_on_a_postgresql() {
    rotates(Centre::on_postgres());
}

#[test]
fn servers_are_tagged_and_found_by_their_tags() {
    let centre = Centre::on_sqlite();
    let edge = Place::holding(&world_with_operator(1));
    edge.run(&["sync", "enroll", &centre.hub.url, &centre.run(&["enroll", "--name", "Bakery"])]);
    assert!(centre.refused(&["enroll", "--name", "Bakery"]).contains("There is a server Bakery already"));
    let administrator = centre.administrator();
    let fleet = |query: &str| centre.hub.get(&format!("/sync/v1/fleet?{query}"), &administrator);
    let origin = fleet("state=never_seen").body["origins"][0]["origin"].as_str().unwrap().to_owned();
    centre.run(&["tag", &origin, "berlin", "pilot"]);
    assert_eq!(fleet("tag=pilot").body["origins"][0]["tags"], json!(["berlin", "pilot"]));
    assert_eq!(fleet("tag=berlin&state=ok").body["origins"], json!([]));
    edge.run(&["sync", "run"]);
    assert_eq!(fleet("tag=berlin&state=ok").body["origins"][0]["alarms"], json!([]));
    assert!(centre.refused(&["tag", &origin, "two words"]).contains("tags must be"));
    assert!(centre.refused(&["tag", "nobody", "x"]).contains("Origin not found"));
    for (query, message) in
        [("state=fine", "never_seen"), ("limit=0", "1 to 1000"), ("limit=1001", "1 to 1000"), ("after=x", "after")]
    {
        let refused = fleet(query);
        assert!(
            matches!(refused.status, 400 | 422) && refused.body.to_string().contains(message),
            "{query}: {refused:?}"
        );
    }
    assert!(centre.hub.stop().success());
}
