//! With any one of its safety rules broken, the mirror diverges, and the simulation notices.

use telecomx_local::sync::edge::engine::{Rule, with};

use crate::on_sqlite::OnSqlite;
use crate::simulation::play;

const SEEDS: u64 = 1_000;

fn is_noticed(rule: Rule) -> bool {
    // Only where a hub is put back does it matter what was forgotten too soon: see `simulation::Kind`.
    let (first, step) = if rule == Rule::Stable { (1, 4) } else { (0, 1) };
    (first..SEEDS).step_by(step).any(|seed| {
        let played = with(Some(rule), || std::panic::catch_unwind(|| play::<OnSqlite>(seed)));
        !matches!(played, Ok(Ok(())))
    })
}

#[test]
fn an_attempt_that_is_not_recorded_before_it_is_sent() {
    assert!(is_noticed(Rule::Record));
}

#[test]
fn an_attempt_that_is_not_checked() {
    assert!(is_noticed(Rule::Attempt));
}

#[test]
fn what_is_forgotten_before_it_is_stable() {
    assert!(is_noticed(Rule::Stable));
}

#[test]
fn an_answer_to_another_request() {
    assert!(is_noticed(Rule::Request));
}

#[test]
fn a_write_that_is_parted() {
    assert!(is_noticed(Rule::Groups));
}

#[test]
fn a_reference_that_is_sent_before_what_it_leads_to() {
    assert!(is_noticed(Rule::References));
}

#[test]
fn a_reply_with_numbers_that_cannot_be() {
    assert!(is_noticed(Rule::Bounds));
}

#[test]
fn an_epoch_from_which_there_is_no_way_back() {
    assert!(is_noticed(Rule::WayBack));
}

#[test]
fn a_batch_in_parts_that_goes_on_one_part_too_late() {
    assert!(is_noticed(Rule::Resume));
}
