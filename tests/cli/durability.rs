//! What is acknowledged survives a power cut: by the system calls of the real program, everything that a write needs is
//! fsynced before its answer leaves. That a test here notices when it is not, `durability_mutants` shows.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::mirror_pair::{HubPlace, OPERATOR, sync, world_with_operator};
use crate::support::place::Ended;
use crate::support::trace::{Trace, traced};
use crate::support::{Place, Server, needs, world};

/// Writes of one client, one after the other.
const WRITES: usize = 12;

/// Adds the fault that the program is to have (`src/files/mutants.rs`).
pub fn with_mutant(mut command: Command, mutant: Option<&str>) -> Command {
    command.envs(mutant.map(|mutant| ("DURABILITY_MUTANT", mutant)));
    command
}

fn marker(n: usize) -> String {
    format!("marker-{n:04}-end")
}

fn write(server: &Server, token: &str, n: usize) {
    let body = json!({ "configs": [{ "type": "LATER", "data": marker(n) }] });
    let answer = server.post_as(&format!("request-{n:04}"), &world::config_path(world::ANNA), token, &body);
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// What is wrong with the write that brings `marker` into the log `wal`; `answered`: the line in which its answer leaves.
fn fault_of_write(trace: &Trace, wal: &Path, marker: &str, answered: usize) -> Option<String> {
    let written = trace.writes_to(wal).find(|call| call.text.contains(marker));
    let is_on_disk = written.is_some_and(|written| trace.is_synced(wal, written.end, answered));
    (!is_on_disk).then(|| format!("{marker} is acknowledged in line {} and not on disk", answered + 1))
}

/// The demo server on a database in a new folder of the place.
fn demo(place: &Place) -> Command {
    let mut command = place.command(&["serve", "--demo", "--listen", "127.0.0.1:0", "--db"]);
    command.arg(place.path("new/deeper/telecomx.db"));
    command
}

/// What is wrong when a server makes a new database in a new folder and acknowledges writes.
pub fn faults_of_new_server(mutant: Option<&str>) -> Vec<String> {
    faults_of_server(&Place::new(), mutant)
}

/// The same on a database that is there already.
pub fn faults_of_server_started_again(mutant: Option<&str>) -> Vec<String> {
    let place = Place::new();
    assert!(Server::start(&mut demo(&place), place.log()).stop().success());
    faults_of_server(&place, mutant)
}

fn faults_of_server(place: &Place, mutant: Option<&str>) -> Vec<String> {
    let record = place.path("record");
    let mut server = Server::start(&mut traced(&with_mutant(demo(place), mutant), &record), place.log());
    let printed = server.read_until(|line| line.starts_with("All calls"));
    let token = printed.split_once("Bearer ").unwrap().1[..64].to_owned();
    let employee = "/pbx/app/mobileconfig/e00000000000000000000404";
    for n in 0..WRITES {
        let body = json!({ "configs": [{ "type": "LATER", "data": marker(n) }] });
        let answer = server.post_as(&format!("request-{n:04}"), employee, &token, &body);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    server.kill();
    let (trace, wal) = (Trace::read(&record), place.path("new/deeper/telecomx.db-wal"));
    let answered = |n: usize| trace.answer(0, &format!("request-{n:04}")).unwrap().begin;
    let mut faults = trace.names_at_risk(place.folder(), answered(0));
    faults.extend((0..WRITES).filter_map(|n| fault_of_write(&trace, &wal, &marker(n), answered(n))));
    faults
}

/// What is wrong when a new hub takes in what an edge has written.
pub fn faults_of_hub(mutant: Option<&str>) -> Vec<String> {
    let (hub_place, place) = (HubPlace::new(), Place::holding(&world_with_operator(0)));
    let (record, store) = (hub_place.place.path("record"), hub_place.store());
    let command = hub_place.place.command(&["hub", "--store", &store, "--listen", "127.0.0.1:0"]);
    let hub = Server::start(&mut traced(&with_mutant(command, mutant), &record), hub_place.place.log());
    place.run(&["sync", "enroll", &hub.url, &hub_place.code("Bakery")]);
    let (token, operator) = (place.token(), place.token_of(OPERATOR));
    let edge = place.serve();
    for n in 0..WRITES {
        write(&edge, &token, n);
        sync(&edge, &operator);
    }
    edge.kill();
    hub.kill();
    let (trace, wal) = (Trace::read(&record), hub_place.place.path("hub.db-wal"));
    // Only the edge talks to the hub, one exchange after the other.
    let answered = |n: usize| {
        let written = trace.writes_to(&wal).find(|call| call.text.contains(&marker(n))).unwrap();
        trace.answer(written.end, "").unwrap().begin
    };
    let mut faults = trace.names_at_risk(hub_place.place.folder(), answered(0));
    faults.extend((0..WRITES).filter_map(|n| fault_of_write(&trace, &wal, &marker(n), answered(n))));
    faults
}

/// What is wrong when a tool ends that makes files: each write to `file` and each name must be on disk when it says so.
fn faults_of_tool(place: &Place, command: Command, files: &[&Path], says: &str) -> Vec<String> {
    let record = place.path("record");
    let _ = std::fs::remove_file(&record);
    let output = traced(&command, &record).output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    output.stdout_of_success();
    assert!(told.contains(says), "{told}");
    let trace = Trace::read(&record);
    let is_report = |call: &&crate::support::trace::Call| {
        call.name == "write"
            && call.text.contains(says)
            && call.file().is_some_and(|file| !file.starts_with(place.folder()))
    };
    let report = trace.0.iter().find(is_report).unwrap().begin;
    let mut faults = trace.names_at_risk(place.folder(), report);
    for file in files {
        let is_of_file = |path: &Path| path.to_string_lossy().starts_with(&*file.to_string_lossy());
        let mut written = trace.0.iter().filter(|call| call.end < report && call.name.contains("write"));
        let last = written.rfind(|call| call.file().is_some_and(|path| is_of_file(&path))).unwrap();
        if !trace.is_synced(&last.file().unwrap(), last.end, report) {
            faults.push(format!("{} is reported and not on disk", file.display()));
        }
    }
    faults
}

pub fn faults_of_tools(mutant: Option<&str>) -> Vec<String> {
    let place = Place::new();
    let document = place.put("world.json", world::small().to_string());
    let (db, backup, export) = (place.db(), place.path("backup.db"), place.path("export.json"));
    let on_db = |arguments: &[&str]| with_mutant(place.on_db(arguments), mutant);
    let mut faults = faults_of_tool(&place, on_db(&["import", document.to_str().unwrap()]), &[&db], "imported");
    let (to_backup, to_export) = (["backup", backup.to_str().unwrap()], ["export", export.to_str().unwrap()]);
    faults.extend(faults_of_tool(&place, on_db(&to_backup), &[&backup], "backed up"));
    faults.extend(faults_of_tool(&place, on_db(&to_export), &[&export], "exported"));
    faults
}

const NONE: Vec<String> = vec![];

#[test]
fn a_write_is_answered_only_after_it_is_on_disk_with_the_names_of_its_files() {
    if needs("strace") {
        assert_eq!(faults_of_new_server(None), NONE);
        assert_eq!(faults_of_server_started_again(None), NONE);
    }
}

#[test]
fn an_exchange_is_answered_only_after_the_hub_has_it_on_disk() {
    if needs("strace") {
        assert_eq!(faults_of_hub(None), NONE);
    }
}

#[test]
fn an_import_a_backup_and_an_export_are_reported_only_when_they_are_on_disk() {
    if needs("strace") {
        assert_eq!(faults_of_tools(None), NONE);
    }
}
