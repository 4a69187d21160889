//! With any one of the safety rules broken both sides come apart, and the histories notice.

use telecomx_local::platform::rules::{Rule, with};

use crate::history::{Stage, play};
use crate::oracle::with_operations_apart;

const SEEDS: u64 = 2_000;

fn is_noticed(rule: Rule) -> bool {
    let mut stage = Stage::new();
    (0..SEEDS).any(|seed| with(Some(rule), || play(&mut stage, seed)).is_err())
}

#[test]
fn a_list_that_counts_although_it_is_not_whole() {
    assert!(is_noticed(Rule::WholeList));
}

#[test]
fn an_object_that_is_deleted_without_having_been_asked_for() {
    assert!(is_noticed(Rule::AskBeforeDelete));
}

#[test]
fn an_operation_that_is_sent_without_reading() {
    assert!(is_noticed(Rule::ReadBeforeSend));
}

#[test]
fn an_object_that_is_created_without_being_looked_for() {
    assert!(is_noticed(Rule::LookUpBeforeCreate));
}

#[test]
fn a_change_of_theirs_that_is_not_compared() {
    assert!(is_noticed(Rule::CompareBase));
}

#[test]
fn a_change_that_is_written_apart_from_its_operation() {
    let mut stage = Stage::new();
    assert!((0..SEEDS).any(|seed| with_operations_apart(|| play(&mut stage, seed)).is_err()));
}
