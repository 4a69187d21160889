//! Tasks that operators of the hub give a server: it does them, reports, and changes nothing.

use serde_json::{Value, json};

use super::mirror_pair::{Hub, HubPlace, OPERATOR, sync, world_with_operator};
use crate::support::place::succeeds;
use crate::support::{Place, Server};

struct Pair {
    hub_place: HubPlace,
    place: Place,
    hub: Hub,
    edge: Server,
    operator: String,
}

impl Pair {
    /// A server with these settings, and its hub.
    fn with(settings: &[&str]) -> Pair {
        let (hub_place, place) = (HubPlace::new(), Place::holding(&world_with_operator(2)));
        let hub = hub_place.start();
        place.run(&["sync", "enroll", &hub.server.url, &hub_place.code("Bakery")]);
        let operator = place.token_of(OPERATOR);
        let edge = place.serve_with(settings);
        assert_eq!(sync(&edge, &operator)["consistent"], true);
        Pair { hub_place, place, hub, edge, operator }
    }

    fn ask(&self, task: &str) {
        let body = json!({ "task": task, "author": "Head office" });
        let answer = self.hub.server.post(&self.hub.path("proposals"), &self.hub.admin, &body);
        assert_eq!((answer.status, &answer.body["task"]), (200, &json!(task)), "{answer:?}");
    }

    /// The proposals with their answers, once the server was told.
    fn answered(&self) -> Vec<Value> {
        sync(&self.edge, &self.operator);
        let listed = self.hub.get(&self.hub.path("proposals"));
        listed["proposals"].as_array().unwrap().clone()
    }

    /// Who asked for what, as the server's audit trail has it.
    fn trail(&self) -> Vec<(String, String, String)> {
        let conn = self.place.sqlite();
        let sql = "select actor_name, action, outcome from audit
            where source = 'hub' and section = 'Hub' order by seq";
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

fn entry(action: &str, outcome: &str) -> (String, String, String) {
    ("administrator for Head office".into(), action.into(), outcome.into())
}

#[test]
fn a_server_exchanges_compares_and_reports_how_it_is_when_the_hub_asks() {
    let pair = Pair::with(&["--log-level", "info"]);
    for task in ["sync", "verify", "diagnosis"] {
        pair.ask(task);
    }
    let answered = pair.answered();
    let results: Vec<&Value> = answered.iter().map(|proposal| &proposal["result"]).collect();
    assert_eq!(results, ["applied"; 3], "{answered:?}");
    let status = pair.edge.get("/sync/status", &pair.operator).body;
    assert_eq!(answered[0]["report"]["acked"], status["acked"]);
    assert_eq!(answered[1]["report"]["equal"], true, "{answered:?}");
    assert!(pair.hub.only()["lastProof"].is_string(), "the fleet page shows the comparison");
    let report = &answered[2]["report"];
    assert!(report.to_string().len() <= 64 << 10);
    let checks: Vec<&Value> = report["findings"].as_array().unwrap().iter().map(|finding| &finding["what"]).collect();
    for check in ["references", "audit trail", "hub token", "clock", "rights"] {
        assert!(checks.contains(&&json!(check)), "{check}: {report}");
    }
    assert_eq!(report["mirror"]["origin"], pair.hub.only()["origin"]);
    let log = report["log"].to_string();
    assert!(log.contains("the hub asks for a task") && log.contains("Head office"), "{report}");
    assert_eq!(pair.trail(), ["sync", "verify", "diagnose"].map(|action| entry(action, "accepted")));
}

#[test]
fn a_task_is_done_once_and_its_report_stays() {
    let pair = Pair::with(&[]);
    pair.ask("diagnosis");
    let first = pair.answered();
    assert_eq!(pair.answered(), first);
    assert_eq!(pair.trail(), [entry("diagnose", "accepted")]);
}

#[test]
fn a_server_that_is_set_so_gives_no_diagnosis_and_records_who_asked() {
    let pair = Pair::with(&["--hub-diagnosis=false", "--hub-may", "read"]);
    pair.ask("diagnosis");
    pair.ask("verify");
    let answered = pair.answered();
    assert_eq!((&answered[0]["result"], &answered[1]["result"]), (&json!("rejected"), &json!("applied")));
    assert!(answered[0]["detail"].as_str().unwrap().contains("hub_diagnosis"), "{answered:?}");
    assert!(answered[0].get("report").is_none());
    assert_eq!(pair.trail(), [entry("diagnose", "refused"), entry("verify", "accepted")]);
}

#[test]
fn a_comparison_that_finds_a_difference_reports_it() {
    let pair = Pair::with(&[]);
    let hub = rusqlite::Connection::open(pair.hub_place.place.path("hub.db")).unwrap();
    let changed = "update texts set v = replace(v, 'Rosa', 'Roza') where v like '%Rosa%'";
    assert!(hub.execute(changed, []).unwrap() > 0);
    pair.ask("verify");
    let answered = pair.answered();
    assert_eq!(answered[0]["report"]["equal"], false, "{answered:?}");
    assert_eq!(answered[0]["report"]["named"], json!([format!("employee/{OPERATOR}")]));
    assert_eq!(pair.hub.only()["differs"], true);
}

#[test]
fn tasks_are_given_and_reports_read_on_the_command_line_of_the_hub() {
    let pair = Pair::with(&[]);
    let (origin, store) = (pair.hub.origin(), pair.hub_place.store());
    let run = |arguments: &[&str]| {
        let all = [&["hub"], arguments, &["--store", &store]].concat();
        succeeds(&mut pair.hub_place.place.command(&all))
    };
    let uuid = run(&["ask", &origin, "verify"]);
    let open: Value = serde_json::from_str(&run(&["proposals", &origin])).unwrap();
    assert_eq!((&open["uuid"], &open["result"]), (&json!(uuid.trim()), &json!(null)));
    sync(&pair.edge, &pair.operator);
    let answered: Value = serde_json::from_str(&run(&["proposals", &origin])).unwrap();
    assert_eq!((&answered["author"], &answered["report"]["equal"]), (&json!("command line"), &json!(true)));
    let mut wrong = pair.hub_place.place.command(&["hub", "ask", &origin, "dance", "--store", &store]);
    let output = wrong.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("sync, verify, diagnosis"), "{said}");
}

#[test]
fn a_task_names_nothing_that_is_to_be_changed() {
    let pair = Pair::with(&[]);
    let refused = |body: Value| {
        let answer = pair.hub.server.post(&pair.hub.path("proposals"), &pair.hub.admin, &body);
        (answer.status, answer.body["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(refused(json!({ "task": "dance" })), (422, "task".into()));
    assert_eq!(refused(json!({ "task": 1 })), (422, "task".into()));
    for (name, value) in [("table", json!("queue")), ("patch", json!({ "name": "n" })), ("base_rev", json!(1))] {
        assert_eq!(refused(json!({ "task": "sync", name: value })), (409, name.into()));
    }
}
