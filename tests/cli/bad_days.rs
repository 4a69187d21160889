//! Each section of docs/operations/bad-days.md, played as the page says: the commands are those of the page.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::support::disk::SmallDisk;
use crate::support::older;
use crate::support::place::{Ended, is_refused};
use crate::support::{Place, Server, needs, world};

const PAGE: &str = include_str!("../../docs/operations/bad-days.md");

/// A section of the page, with what its paths and names stand for here.
pub struct Day {
    pub commands: Vec<String>,
    names: Vec<(String, String)>,
}

impl Day {
    /// Of the section with this heading.
    pub fn of(heading: &str) -> Day {
        let section = PAGE.split("\n## ").find(|section| section.starts_with(&format!("{heading}\n"))).unwrap();
        let blocks = section.split("```").skip(1).step_by(2);
        let commands: Vec<String> =
            blocks.flat_map(str::lines).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        assert!(!commands.is_empty(), "{heading} has no commands");
        Day { commands, names: vec![] }
    }

    /// `on_page` stands for `here`.
    pub fn with(mut self, on_page: &str, here: impl AsRef<Path>) -> Day {
        assert!(self.commands.iter().any(|command| command.contains(on_page)), "{on_page} is not in the section");
        self.names.push((on_page.to_owned(), here.as_ref().display().to_string()));
        self
    }

    /// The `n`th command of the section, in a shell, in the place's folder.
    pub fn command(&self, place: &Place, n: usize) -> Command {
        let mut text = self.commands[n].clone();
        for (on_page, here) in &self.names {
            text = text.replace(on_page, here);
        }
        let program = Path::new(env!("CARGO_BIN_EXE_telecomx-local")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let settings = place.command(&[]);
        let settings = settings.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec 2>&1; {text}")]).env_clear().envs(settings);
        shell.env("PATH", path).current_dir(place.folder());
        shell
    }

    pub fn output(&self, place: &Place, n: usize) -> Output {
        self.command(place, n).output().unwrap()
    }

    /// Runs it, which must succeed; gives what it printed.
    pub fn run(&self, place: &Place, n: usize) -> String {
        let output = self.output(place, n);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}: {said}", self.commands[n]);
        said
    }
}

pub const DB: &str = "/var/lib/telecomx-local/telecomx.db";

#[test]
fn every_section_is_played() {
    let this = concat!(include_str!("bad_days.rs"), include_str!("bad_days_hub.rs"));
    for section in PAGE.split("\n## ").skip(1) {
        let heading = section.lines().next().unwrap();
        assert!(this.contains(&format!("Day::of(\"{heading}\")")), "no test plays {heading}");
    }
}

#[test]
fn password_forgotten() {
    let place = Place::with_world();
    place.run(&["admin", "create", "--email", "you@example.com"]);
    place.put("new-password", "A-new-Passw0rd-for-me\n");
    let day = Day::of("Password forgotten").with(DB, place.db());
    assert!(day.run(&place, 0).contains("you@example.com"));
    assert!(day.run(&place, 1).contains("is changed"));
    let server = place.serve();
    let body = json!({ "username": "you@example.com", "password": "A-new-Passw0rd-for-me" });
    assert_eq!(server.post("/auth/login", "", &body).status, 200);
}

#[test]
fn clock_wrong() {
    let place = Place::with_world();
    // As after a clock that was nine years ahead.
    let known = "insert or replace into clock_floor (id, at) values (1, unixepoch() * 1000 + 9 * 365 * 24 * 3600000)";
    place.sqlite().execute(known, []).unwrap();
    let screen = String::from_utf8(place.on_db(&["status"]).output().unwrap().stdout).unwrap();
    assert!(screen.contains("ALARM") && screen.contains("clock"), "{screen}");
    let day = Day::of("Clock wrong").with(DB, place.db());
    assert!(day.run(&place, 0).contains("the time is taken to be"));
    day.run(&place, 1);
    place.run(&["status"]);
    assert!(place.serve().stop().success());
}

#[test]
fn disk_full() {
    if !needs("mount") {
        return;
    }
    let place = older::place();
    let token = place.token();
    let disk = SmallDisk::at(place.path("disk"), "30m");
    let db = disk.path().join("telecomx.db");
    for file in ["telecomx.db".to_owned(), format!("telecomx.db.schema-{}", older::OLDER)] {
        std::fs::copy(place.path(&file), disk.path().join(&file)).unwrap();
    }
    let serve = || {
        let mut command = place.command(&["serve", "--new-key", "--listen", "127.0.0.1:0", "--db"]);
        Server::start(command.arg(&db), place.log())
    };
    let server = serve();
    let write = |data: &str| {
        let body = json!({ "configs": [{ "type": "LATER", "data": data }] });
        server.post(&world::config_path(world::ANNA), &token, &body).status
    };
    assert_eq!(write("before"), 200);
    let ballast = disk.fill();
    while write("full") == 200 {}
    assert_eq!(server.get("/readyz", "").status, 503);
    let day = Day::of("Disk full").with(DB, &db);
    let output = day.output(&place, 0);
    let screen = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(1) && screen.contains("ALARM") && screen.contains("the disk has"), "{screen}");
    let found = String::from_utf8(day.output(&place, 1).stdout).unwrap();
    let copy = disk.path().join(format!("telecomx.db.schema-{}", older::OLDER));
    assert!(found.contains(copy.to_str().unwrap()), "{found}");
    std::fs::remove_file(copy).unwrap();
    std::fs::remove_file(ballast).unwrap();
    assert_eq!(write("after"), 200, "the server was not stopped");
    assert!(server.stop().success());
}

fn certificate(place: &Place, days: &str) {
    let request = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let names = ["-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost"];
    let signed = ["x509", "-req", "-in", "request.pem", "-signkey", "key.pem", "-days", days, "-out", "cert.pem"];
    // With an extension it is of version 3, as TLS wants it.
    place.put("extensions", "subjectAltName=DNS:localhost\n");
    let signed = [&signed[..], &["-extfile", "extensions"]].concat();
    for arguments in [[&request[..], &names].concat(), signed] {
        let made = Command::new("openssl").args(arguments).current_dir(place.folder()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
}

#[test]
fn certificate_run_out() {
    if !needs("openssl") {
        return;
    }
    let place = Place::with_world();
    certificate(&place, "-1");
    let at = |name: &str| place.path(name);
    let settings =
        format!("db = {:?}\ntls_cert = {:?}\ntls_key = {:?}\n", at("telecomx.db"), at("cert.pem"), at("key.pem"));
    let config = place.put("config.toml", settings);
    let day = Day::of("Certificate run out").with(DB, place.db()).with("/etc/telecomx-local/config.toml", &config);
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--config"]);
    let server = Server::start(command.arg(&config), place.log());
    let output = day.output(&place, 1);
    let screen = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(1), "{screen}");
    assert!(screen.contains("has run out"), "{screen}");
    certificate(&place, "365");
    day.run(&place, 0);
    assert!(day.run(&place, 1).contains("(364 days)") || day.run(&place, 1).contains("(365 days)"));
    let begun = std::time::Instant::now();
    while !std::fs::read_to_string(place.path("server.log")).unwrap().contains("read again") {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "the certificate was not read again");
        std::thread::yield_now();
    }
    assert!(server.stop().success());
}

#[test]
fn database_damaged() {
    let place = Place::with_world();
    place.run(&["backup", "--to", "backups"]);
    let exported = place.run(&["export"]);
    let whole = std::fs::read(place.db()).unwrap();
    let mut damaged = whole.clone();
    let end = damaged.len();
    damaged[end / 2..end / 2 + 8_192].fill(0xaa);
    std::fs::write(place.db(), damaged).unwrap();
    let found = String::from_utf8(place.on_db(&["doctor"]).output().unwrap().stdout).unwrap();
    assert!(found.contains("WRONG"), "{found}");
    let day = Day::of("Database damaged")
        .with("/var/lib/telecomx-local", place.folder())
        .with("/backup", place.path("backups"));
    for n in 0..day.commands.len() {
        let said = day.run(&place, n);
        assert!(!said.contains("WRONG"), "{said}");
    }
    assert_eq!(place.run(&["export"]), exported);
    assert!(place.path("damaged/telecomx.db").exists(), "the damaged file is kept");
    assert!(place.serve().stop().success());
}

#[test]
fn bad_upgrade() {
    let place = older::place();
    assert!(place.serve_with(&["--new-key"]).stop().success());
    let day = Day::of("Bad upgrade").with(DB, place.db());
    let said = day.run(&place, 0);
    assert!(said.contains("is back at schema") && said.contains("is in"), "{said}");
    assert_eq!(older::schema_of(&place.db()), older::OLDER);
    assert!(is_refused(&mut place.on_db(&["doctor"])).contains("older schema"));
    let output = place.on_db(&["token", "create", "--employee", world::MANAGER]).output().unwrap();
    output.stdout_of_success();
}
