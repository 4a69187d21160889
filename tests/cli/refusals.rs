//! Files that are not ours to touch: every command says so in one sentence, and leaves them as they are.

use std::path::Path;
use std::process::Command;
use telecomx_local::db::SCHEMA_VERSION;

use crate::support::{Place, needs, world};

/// Every command that opens a database.
const COMMANDS: [&[&str]; 9] = [
    &["serve", "--listen", "127.0.0.1:0"],
    &["import", "world.json"],
    &["token", "create", "--employee", world::MANAGER],
    &["admin", "create", "--email", "root@example.com"],
    &["export"],
    &["export", "--with-secrets"],
    &["backup", "copy.db"],
    &["doctor"],
    &["audit", "verify"],
];

/// Has every command refuse the place's database, which must stay as it is; gives their sentences.
fn all_refuse(place: &Place) -> Vec<(String, String)> {
    place.put("world.json", world::small().to_string());
    let before = std::fs::read(place.db()).unwrap();
    let sentences = COMMANDS.iter().map(|command| (command.join(" "), place.refused(command))).collect();
    assert!(std::fs::read(place.db()).unwrap() == before, "the file was touched");
    assert!(!place.path("copy.db").exists(), "a backup was left that is none");
    sentences
}

fn all_say(place: &Place, expected: &str) {
    for (command, sentence) in all_refuse(place) {
        assert!(sentence.contains(expected), "{command}: {sentence}");
        assert!(sentence.contains("telecomx.db"), "{command} does not name the file: {sentence}");
    }
}

/// Bytes that mean nothing, the same each time.
fn noise(length: usize) -> Vec<u8> {
    let next = |random: &u32| Some(random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(1), next).map(|random: u32| (random >> 24) as u8).take(length).collect()
}

#[test]
fn a_database_of_a_newer_schema() {
    let place = Place::with_world();
    let (known, newer) = (SCHEMA_VERSION, SCHEMA_VERSION + 1);
    place.sqlite().pragma_update(None, "user_version", newer).unwrap();
    all_say(&place, &format!("was written by a newer telecomx-local (schema {newer}, this program knows {known})"));
}

#[test]
fn a_database_of_another_program() {
    let place = Place::new();
    place.sqlite().execute_batch("create table notes (text)").unwrap();
    all_say(&place, "is a database of another program");
    place.sqlite().execute_batch("drop table notes; pragma application_id = 7").unwrap();
    all_say(&place, "is a database of another program");
}

#[test]
fn a_file_that_is_no_database() {
    let place = Place::new();
    place.put("telecomx.db", noise(40_000));
    all_say(&place, "is not a database");
    place.put("telecomx.db", "a letter to my mother\n".repeat(100));
    all_say(&place, "is not a database");
}

#[test]
fn a_file_cut_short() {
    let place = Place::with_world();
    let whole = std::fs::read(place.db()).unwrap();
    for length in [whole.len() - 4096, whole.len() / 2 + 100, 8192, 100] {
        place.put("telecomx.db", &whole[..length]);
        all_refuse(&place);
    }
}

#[test]
fn a_file_whose_head_is_right_and_whose_rest_is_not() {
    let place = Place::with_world();
    let whole = std::fs::read(place.db()).unwrap();
    for intact in [100, 4096, whole.len() / 2] {
        for (name, rest) in [("noise", noise(whole.len() - intact)), ("zeros", vec![0; whole.len() - intact])] {
            place.put("telecomx.db", [&whole[..intact], &rest[..]].concat());
            let sentences = all_refuse(&place);
            let unclear =
                sentences.iter().find(|(_, sentence)| !sentence.contains("is not a readable SQLite database"));
            assert_eq!(unclear, None, "{name} after {intact} bytes");
        }
    }
}

#[test]
fn a_page_overwritten_with_noise_is_found_by_the_doctor() {
    let place = Place::with_world();
    let mut bytes = std::fs::read(place.db()).unwrap();
    let root = "select rootpage from sqlite_schema where name = 'employees'";
    let page = place.sqlite().query_row(root, [], |row| row.get::<_, i64>(0)).unwrap() as usize;
    bytes[(page - 1) * 4096..page * 4096].fill(0xa5);
    place.put("telecomx.db", &bytes);
    let sentence = place.refused(&["doctor"]);
    assert!(sentence.contains("checks failed") || sentence.contains("cannot be read"), "{sentence}");
    assert!(std::fs::read(place.db()).unwrap() == bytes);
}

#[test]
fn a_folder_that_cannot_be_made() {
    let place = Place::new();
    place.put("file", "kept");
    place.put("world.json", world::small().to_string());
    let db = place.path("file/telecomx.db");
    for command in COMMANDS {
        let output = place.command(command).arg("--db").arg(&db).output().unwrap();
        let sentence = crate::support::place::Ended::sentence_of_refusal(output);
        assert!(sentence.contains("--db"), "{}: {sentence}", command.join(" "));
    }
    assert_eq!(std::fs::read(place.path("file")).unwrap(), b"kept");
}

#[test]
fn a_database_that_is_missing_is_not_made_by_those_that_only_read() {
    let place = Place::new();
    for command in &COMMANDS[4..] {
        let sentence = place.refused(command);
        assert!(sentence.contains("there is no database at") && sentence.contains("--db"), "{sentence}");
    }
    assert!(!place.db().exists() && !place.path("copy.db").exists());
}

#[test]
fn a_folder_that_can_only_be_read() {
    if !needs("mount") {
        return;
    }
    let place = Place::with_world();
    let mount = ReadOnlyMount::over(place.folder());
    // What writes is refused; what reads either works or says why not.
    let before = std::fs::read(place.db()).unwrap();
    for command in &COMMANDS[..4] {
        let world = if command[0] == "import" { vec!["import", "/dev/null"] } else { command.to_vec() };
        let sentence = place.refused(&world);
        assert!(sentence.contains("Read-only file system"), "{}: {sentence}", command.join(" "));
    }
    for command in &COMMANDS[4..] {
        let output = place.on_db(command).output().unwrap();
        if !output.status.success() {
            crate::support::place::Ended::sentence_of_refusal(output);
        }
    }
    assert!(std::fs::read(place.db()).unwrap() == before);
    drop(mount);
}

/// A folder mounted over itself, read-only; taken off when dropped.
struct ReadOnlyMount<'p>(&'p Path);

impl ReadOnlyMount<'_> {
    /// Where `needs("mount")`.
    fn over(folder: &Path) -> ReadOnlyMount<'_> {
        let mount = |arguments: &[&str]| {
            let output = Command::new("mount").args(arguments).arg(folder).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        mount(&["--bind", folder.to_str().unwrap()]);
        let mounted = ReadOnlyMount(folder);
        mount(&["-o", "remount,ro,bind"]);
        mounted
    }
}

impl Drop for ReadOnlyMount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l"]).arg(self.0).output();
    }
}
