//! With any one of the guards of durability left out (`src/files/mutants.rs`), the tests of durability notice; so does `audit verify` of
//! the guard of contents.

use crate::durability::{faults_of_hub, faults_of_new_server, faults_of_server_started_again, faults_of_tools};
use crate::support::needs;

/// Asserts that `faults` has one about each of `expected`.
fn are_noticed(faults: &[String], expected: &[&str]) {
    for part in expected {
        assert!(faults.iter().any(|fault| fault.contains(part)), "nothing about {part}: {faults:?}");
    }
}

#[test]
fn a_commit_that_does_not_wait_for_the_disk() {
    if needs("strace") {
        let mutant = Some("SynchronousOff");
        are_noticed(&faults_of_new_server(mutant), &["marker-0000-end", "marker-0011-end"]);
        are_noticed(&faults_of_hub(mutant), &["marker-0000-end", "marker-0011-end"]);
        are_noticed(&faults_of_tools(mutant), &["telecomx.db is reported"]);
    }
}

#[test]
fn a_commit_that_waits_for_the_disk_only_at_checkpoints() {
    if needs("strace") {
        let mutant = Some("SynchronousNormal");
        are_noticed(&faults_of_new_server(mutant), &["marker-0000-end", "marker-0011-end"]);
        are_noticed(&faults_of_hub(mutant), &["marker-0000-end", "marker-0011-end"]);
    }
}

#[test]
fn a_commit_of_a_tool_whose_journal_may_come_back() {
    if needs("strace") {
        are_noticed(&faults_of_tools(Some("SynchronousFull")), &["telecomx.db-journal (unlink)"]);
    }
}

#[test]
fn an_answer_before_the_commit() {
    if needs("strace") {
        are_noticed(&faults_of_server_started_again(Some("AnswerBeforeCommit")), &["is acknowledged in line"]);
    }
}

#[test]
fn a_new_name_that_is_not_on_disk() {
    if needs("strace") {
        let mutant = Some("FolderNotSynced");
        are_noticed(&faults_of_new_server(mutant), &["telecomx.db.key (rename)", "new/deeper (mkdir)", "new (mkdir)"]);
        are_noticed(&faults_of_tools(mutant), &["backup.db (rename)", "export.json (rename)"]);
    }
}

#[test]
fn content_that_only_the_trail_refers_to_and_is_not_counted() {
    let place = crate::support::Place::with_world();
    let token = place.token();
    let server = place.serve();
    for n in 1..=2 {
        let body = serde_json::json!({ "configs": [{ "type": "NUMBER", "n": n }] });
        let path = crate::support::world::config_path(crate::support::world::ANNA);
        assert_eq!(server.post(&path, &token, &body).status, 200);
    }
    assert!(server.stop().success());
    place.run(&["doctor", "--adopt"]);
    place.run(&["audit", "verify"]);
    let swept = place.on_db(&["doctor", "--adopt"]).env("DURABILITY_MUTANT", "ReferencesNotCounted").output().unwrap();
    assert!(String::from_utf8_lossy(&swept.stdout).contains("refer to content that is not there"), "{swept:?}");
    assert!(place.refused(&["audit", "verify"]).contains("the audit trail is broken at entry"));
}
