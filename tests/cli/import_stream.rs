//! `import` reads its document as a stream: how long it is, and whether it ends, does not count.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::place::{Ended, output_with_stdin};
use crate::support::{Place, world};

/// What an import of these bytes says.
fn said(place: &Place, document: &[u8]) -> (Option<i32>, String) {
    let output = output_with_stdin(&mut place.on_db(&["import", "-"]), document);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What an import says that is fed `begin` and then `again` for as long as it reads.
fn said_without_end(place: &Place, begin: &str, again: &str) -> String {
    let mut command = place.on_db(&["import", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let block = again.repeat(64 * 1024 / again.len());
    let mut open = stdin.write_all(begin.as_bytes()).is_ok();
    while open {
        open = stdin.write_all(block.as_bytes()).is_ok();
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

#[test]
fn what_has_no_end_is_refused_and_leaves_nothing() {
    let too_long = "(document): no object ends within 16 MiB";
    for (begin, again, expected) in [
        ("", " \n", too_long),
        ("{\"customers\":[", "\t", too_long),
        ("{\"customers\":[{\"name\":\"", "x", too_long),
        ("{\"customers\":[{\"name\":", "[", too_long),
        ("{\"queues\":[],\"others\":[", "1,", too_long),
        ("{\"employees\":[", "{},", "1000 faults, and it was read no further,"),
        ("{\"mobileConfigs\":[", "7,", "1000 faults, and it was read no further,"),
    ] {
        let place = Place::new();
        let said = said_without_end(&place, begin, again);
        assert!(said.contains(expected), "{begin:?} and {again:?} without end: {said:.500}");
        assert!(!place.db().exists() && !place.path("telecomx.db.key").exists(), "a database is left behind");
    }
}

#[test]
fn a_device_or_a_folder_is_no_document() {
    let place = Place::new();
    for (file, expected) in [
        ("/dev/zero", "not a JSON object"),
        ("/dev/null", "not a JSON object"),
        ("/dev/urandom", "(document): "),
        ("/tmp", "/tmp cannot be read"),
    ] {
        let output = place.on_db(&["import", file]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(expected), "{file}: {said}");
        assert!(!place.db().exists(), "{file} left a database behind");
    }
}

/// A document of many megabytes: employees with a config of 30 kB each.
fn long_document() -> String {
    world::with_large_configs(2_000).to_string()
}

#[test]
fn a_long_document_needs_little_memory() {
    let place = Place::new();
    let document = place.put("long.json", long_document());
    assert!(std::fs::metadata(&document).unwrap().len() > 60_000_000);
    // The shell allows it less memory than the document is long, several times over with stacks and the like.
    let limited = "ulimit -v 400000; exec \"$0\" \"$@\"";
    let program = env!("CARGO_BIN_EXE_telecomx-local");
    let mut command = Command::new("sh");
    command.args(["-c", limited, program, "import"]).arg(&document).arg("--db").arg(place.db());
    command.env("MALLOC_ARENA_MAX", "2").env("TMPDIR", place.folder());
    let said = command.output().unwrap().stdout_of_success();
    assert!(said.starts_with("imported 2 customers, 2 queues, 2003 employees, 2002 mobile configs"), "{said}");
    place.run(&["doctor"]);
}

#[test]
fn one_fault_at_the_end_of_a_long_document_keeps_all_of_it_out() {
    let place = Place::with_world();
    let before = place.run(&["export"]);
    let document = long_document();
    let end = document.strip_suffix("]}").unwrap();
    let (code, said) = said(&place, format!("{end},{{\"_id\":\"{}\",\"configs\":7}}]}}", world::MANAGER).as_bytes());
    assert!(
        code == Some(1) && said.starts_with("mobileConfigs[2002].configs: configs must be an array"),
        "{said:.500}"
    );
    assert_eq!(place.run(&["export"]), before);
}

#[test]
fn a_document_that_breaks_off_changes_nothing() {
    let place = Place::with_world();
    let before = place.run(&["export"]);
    let mut changed = world::small();
    changed["customers"][1]["name"] = json!("Another name");
    let text = changed.to_string();
    for cut in [text.len() - 1, text.len() / 2, 30] {
        let (code, said) = said(&place, &text.as_bytes()[..cut]);
        assert!(code == Some(1) && said.contains("(document): not a JSON object"), "cut at {cut}: {said}");
    }
    let (code, said) = said(&place, format!("{text} x").as_bytes());
    assert!(code == Some(1) && said.contains("trailing characters"), "{said}");
    assert_eq!(place.run(&["export"]), before);
}

#[test]
fn the_lists_may_stand_in_any_order() {
    let world = world::small();
    let expected = Place::with_world().run(&["export"]);
    let list = |name: &str| format!("\"{name}\":{}", world[name]);
    for order in [
        ["mobileConfigs", "employees", "queues", "customers"],
        ["employees", "mobileConfigs", "customers", "queues"],
        ["queues", "mobileConfigs", "customers", "employees"],
    ] {
        let place = Place::new();
        let (code, said) = said(&place, format!("{{{}}}", order.map(list).join(",\n")).as_bytes());
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(place.run(&["export"]), expected, "{order:?}");
    }
}
