//! `hub move`, killed at every point.

use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::AtomicU32;

use serde_json::Value;

use super::gate::Gate;
use super::hub_move::{FEW, Source, on_sqlite};
use super::mirror_pair::HubPlace;

/// Kills the command at its first request or answer, then at the second, and so on, until it ends by itself. `gives_up`:
/// each time the move is given up, as long as the switch is not made, and begun anew.
fn is_killed_at_each(which: impl Fn(&Gate) -> &AtomicU32, gives_up: bool) {
    let (source, place) = (Source::with(FEW), HubPlace::new());
    let target = on_sqlite(&place);
    let gate = Gate::before(&target.server);
    let (mut kills, mut filed) = (0, 0);
    loop {
        source.write(u64::from(kills));
        filed += usize::from(source.files(kills));
        source.syncs();
        let status = gate.run(&mut source.command(&gate.url(), &target.admin), which(&gate), kills + 1);
        let phase = |line: Option<Value>| line.map_or(Value::Null, |line| line["phase"].clone());
        let (here, there) = (phase(Some(source.line())), phase(target.line(&source.origin)));
        assert!(here != "here" || there != "here", "served by both after {kills} kills");
        if status.success() {
            break;
        }
        assert_eq!(status.signal(), Some(9), "{status:?}");
        kills += 1;
        if gives_up && here == "leaving" && there != "here" {
            source.stays();
            assert!(source.syncs(), "it is served again");
        }
    }
    assert!(kills >= if gives_up { 10 } else { 7 }, "{kills}");
    source.has_moved_to(&target, &gate.url());
    let admin = std::fs::read_to_string(&target.admin).unwrap();
    let listed = target.server.get(&format!("/sync/v1/origins/{}/proposals", source.origin), admin.trim()).body;
    assert_eq!(listed["proposals"].as_array().unwrap().len(), filed, "{listed}");
    assert!(filed > 2);
}

#[test]
fn a_move_that_is_killed_before_any_of_its_requests_is_run_again() {
    is_killed_at_each(|gate| &gate.requests, false);
    is_killed_at_each(|gate| &gate.requests, true);
}

#[test]
fn a_move_that_is_killed_after_any_of_its_requests_is_run_again() {
    is_killed_at_each(|gate| &gate.answers, false);
    is_killed_at_each(|gate| &gate.answers, true);
}
