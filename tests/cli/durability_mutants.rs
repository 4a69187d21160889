//! With any one of the guards of durability left out (`src/files/mutants.rs`), the tests of durability notice.

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
