//! Tools beside a running server that is being written to.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::place::{Ended, output_with_stdin, succeeds};
use crate::support::{Place, Server, world};

/// More than there is time for beside any tool: one that waits for a pause between writes does not get it earlier.
const WRITES_MAX: usize = 5_000;

/// Writes 1, 2, 3, … to Anna's config and then to Bo's until `work` is done with it; gives how many it wrote.
fn while_writing(server: &Server, token: &str, work: impl FnOnce()) -> usize {
    let (stop, written) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let n = written.load(Ordering::Relaxed) + 1;
                assert!(n < WRITES_MAX, "a tool does not end while others write");
                for employee in [world::ANNA, world::BO] {
                    let body = json!({ "configs": [{ "type": "NUMBER", "n": n }] });
                    assert_eq!(server.post(&world::config_path(employee), token, &body).status, 200);
                }
                written.store(n, Ordering::Relaxed);
            }
        });
        // Also when it fails: the scope waits for the writer.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        stop.store(true, Ordering::Relaxed);
        if let Err(cause) = outcome {
            std::panic::resume_unwind(cause);
        }
    });
    written.into_inner()
}

/// In one moment Anna's number is Bo's, or one ahead of it.
fn is_one_moment(document: &str) {
    let document: Value = serde_json::from_str(document).unwrap();
    let number = |i: usize| document["mobileConfigs"][i]["configs"][0]["n"].as_i64().unwrap_or(0);
    assert!((0..=1).contains(&(number(0) - number(1))), "{} and {}", number(0), number(1));
}

#[test]
fn those_that_read_work_and_see_one_moment() {
    let place = Place::with_world();
    let token = place.token();
    let server = place.serve();
    let written = while_writing(&server, &token, || {
        for round in 0..5 {
            is_one_moment(&place.run(&["export"]));
            assert!(!place.run(&["doctor"]).contains("WRONG"));
            assert!(place.run(&["audit", "verify"]).contains("intact"));
            let name = format!("copy-{round}.db");
            place.run(&["backup", &name]);
            let copy = place.path(&name);
            let on_copy = |tool: &[&str]| succeeds(place.command(tool).arg("--db").arg(&copy));
            is_one_moment(&on_copy(&["export"]));
            on_copy(&["doctor"]);
        }
    });
    assert!(written > 0);
    assert!(server.stop().success());
    let entries = place.run(&["audit", "verify"]);
    assert!(entries.contains(&format!("{} entries", 10 + 2 * written)), "{written} writes: {entries}");
}

#[test]
fn a_backup_of_many_steps_ends_while_others_write() {
    let place = Place::holding(&world::with_large_configs(1_000));
    assert!(std::fs::metadata(place.db()).unwrap().len() > 5 * 1_000 * 4096, "more than five steps");
    let token = place.token();
    let server = place.serve();
    while_writing(&server, &token, || drop(place.run(&["backup", "copy.db"])));
    let copy = place.path("copy.db");
    let on_copy = |tool: &[&str]| succeeds(place.command(tool).arg("--db").arg(&copy));
    is_one_moment(&on_copy(&["export"]));
    assert!(!on_copy(&["doctor"]).contains("WRONG"));
}

#[test]
fn those_that_write_are_refused_with_what_to_do() {
    let place = Place::with_world();
    place.put("world.json", world::small().to_string());
    let token = place.token();
    let server = place.serve();
    let tools: [&[&str]; 4] = [
        &["import", "world.json"],
        &["token", "create", "--employee", world::MANAGER],
        &["admin", "create", "--email", "root@example.com"],
        &["serve", "--demo", "--listen", "127.0.0.1:0"],
    ];
    for tool in tools {
        let sentence = place.refused(tool);
        assert!(sentence.contains(&format!("(process {})", server.pid)), "{sentence}");
        assert!(sentence.contains("stop it first, use its API, or choose another --db"), "{sentence}");
    }
    assert_eq!(server.get(&world::config_path(world::ANNA), &token).status, 200);
    assert!(server.stop().success());
    place.run(&["import", "world.json"]);
}

#[test]
fn two_tools_at_once_do_not_both_write() {
    let place = Place::new();
    let world = world::with_employees(200).to_string();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let run = || output_with_stdin(&mut place.on_db(&["import", "-"]), world.as_bytes());
        let both = [scope.spawn(run), scope.spawn(run)];
        both.into_iter().map(|tool| tool.join().unwrap()).collect()
    });
    assert!(outcomes.iter().any(|output| output.status.success()));
    for output in outcomes.into_iter().filter(|output| !output.status.success()) {
        assert!(output.sentence_of_refusal().contains("is in use"));
    }
    place.run(&["doctor"]);
}

#[test]
fn that_nobody_reads_what_a_command_says_is_no_fault() {
    let place = Place::with_world();
    let (nobody, out) = std::io::pipe().unwrap();
    drop(nobody);
    let output = place.on_db(&["doctor"]).stdout(out).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
