//! The Debian package on a machine of its own: installed, started, upgraded with its data, purged. There is no service manager: what
//! the unit starts is started as its user, with a stand-in for the socket that it reports to.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::json;
use tempfile::TempDir;

use super::debian_machine::Machine;
use crate::support::{Place, Server, needs, world};

/// Where the service keeps its data.
const DATA: &str = "/var/lib/telecomx-local";

/// Two packages with the program of this test run, one older than the other: made once.
fn packages() -> &'static [PathBuf; 2] {
    static PACKAGES: OnceLock<(TempDir, [PathBuf; 2])> = OnceLock::new();
    let (_folder, packages) = PACKAGES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let packages =
            ["0.0.1", "0.0.2"].map(|version| build("deb", &folder, &["--version", version, "--effort", "fast"]));
        (folder, packages)
    });
    packages
}

fn build(kind: &str, folder: &TempDir, arguments: &[&str]) -> PathBuf {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut command = Command::new(format!("{root}/scripts/package/build"));
    command.args([kind, "--binary", env!("CARGO_BIN_EXE_telecomx-local"), "--out", folder.path().to_str().unwrap()]);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().last().unwrap().into()
}

/// Whether packages can be built and installed here.
fn can_install() -> bool {
    needs("overlay") && needs("adduser") && needs("systemd-analyze") && needs("cargo-deb")
}

/// Has server and hub listen on free ports, as an administrator does who edits the settings.
fn listen_anywhere(machine: &Machine) {
    for (file, before, after) in [
        ("/etc/telecomx-local/config.toml", "#listen = \"127.0.0.1:8080\"", "listen = \"127.0.0.1:0\""),
        ("/etc/default/telecomx-local-hub", "#LISTEN=127.0.0.1:8090", "LISTEN=127.0.0.1:0"),
    ] {
        let settings = machine.path(file);
        let text = std::fs::read_to_string(&settings).unwrap();
        assert!(text.contains(before), "{file}");
        std::fs::write(&settings, text.replace(before, after)).unwrap();
    }
}

fn is_there(machine: &Machine, path: &str) -> bool {
    machine.path(path).exists()
}

#[test]
fn an_appliance_is_installed_started_upgraded_with_its_data_removed_and_purged() {
    if !can_install() {
        return;
    }
    let (machine, place, [older, newer]) = (Machine::new(), Place::new(), packages());
    let said = machine.install(older);
    assert!(said.contains("admin create") && said.contains("systemctl start telecomx-local"), "{said}");
    assert!(machine.has_user());
    assert!(machine.run(&["stat", "-c", "%U %a", DATA]).starts_with("telecomx-local 700"));
    for path in [
        "/usr/share/man/man1/telecomx-local.1.gz",
        "/usr/share/man/man1/telecomx-local-hub-enroll.1.gz",
        "/usr/share/bash-completion/completions/telecomx-local",
        "/usr/share/zsh/vendor-completions/_telecomx-local",
        "/usr/share/fish/vendor_completions.d/telecomx-local.fish",
        "/usr/share/doc/telecomx-local/copyright",
    ] {
        assert!(is_there(&machine, path), "{path}");
    }
    for unit in ["telecomx-local.service", "telecomx-local-hub.service"] {
        let file = format!("/usr/lib/systemd/system/{unit}");
        assert_eq!(machine.run(&["systemd-analyze", "verify", "--man=no", &file]), "", "{unit}");
        machine.run(&["systemd-analyze", "security", "--offline=true", "--threshold=30", &file]);
    }

    // As the message says, and with some data.
    listen_anywhere(&machine);
    assert!(machine.tool(&["admin", "create", "--email", "you@example.com"]).contains("assword"));
    std::fs::write(machine.path("/world.json"), world::small().to_string()).unwrap();
    machine.tool(&["import", "/world.json"]);
    let token = machine.tool(&["token", "create", "--employee", world::MANAGER]).trim().to_owned();
    let (server, notify) = machine.start("telecomx-local", &place);
    let changed = server.post(&world::config_path(world::ANNA), &token, &json!({ "configs": [{ "type": "LAST" }] }));
    assert_eq!(changed.status, 200, "{changed:?}");
    server.signal("TERM");
    notify.wait_for("STOPPING=1");
    assert!(server.ends().success());
    let before = machine.tool(&["export"]);

    machine.install(newer);
    assert!(machine.run(&["dpkg-query", "--show", "telecomx-local"]).contains("0.0.2"));
    assert_eq!(machine.tool(&["export"]), before);
    let (server, _notify) = machine.start("telecomx-local", &place);
    assert!(
        machine.run(&["cat", "/etc/telecomx-local/config.toml"]).contains("127.0.0.1:0"),
        "the settings were replaced"
    );
    assert_eq!(server.get("/pbx/app/mobileconfig", &token).status, 200, "a token of before the upgrade");
    assert!(server.stop().success());

    // The folder that systemd makes for it (StateDirectory=).
    machine.run(&["install", "-d", "-m", "0700", "-o", "telecomx-local", "/var/lib/telecomx-local-hub"]);
    let (hub, notify) = machine.start("telecomx-local-hub", &place);
    assert_eq!(hub.get("/readyz", "").status, 200);
    hub.signal("TERM");
    notify.wait_for("STOPPING=1");
    assert!(hub.ends().success());

    let said = machine.run(&["dpkg", "--remove", "telecomx-local"]);
    assert!(said.contains("stays"), "{said}");
    assert!(!is_there(&machine, "/usr/bin/telecomx-local") && is_there(&machine, "/etc/telecomx-local/config.toml"));
    assert!(is_there(&machine, &format!("{DATA}/telecomx.db.key")) && machine.has_user());
    let said = machine.run(&["dpkg", "--purge", "telecomx-local"]);
    assert!(said.contains(&format!("{DATA} is deleted")), "{said}");
    assert!(!is_there(&machine, "/var/lib/telecomx-local-hub"));
    assert!(!is_there(&machine, DATA) && !is_there(&machine, "/etc/telecomx-local/config.toml") && !machine.has_user());
}

#[test]
fn a_copy_that_was_set_up_by_hand_runs_on_when_the_package_is_installed_over_it_and_purged() {
    if !can_install() {
        return;
    }
    let (machine, place) = (Machine::new(), Place::new());
    machine.run(&["install", "-d", "-m", "0700", DATA]);
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(machine.path("/by-hand")).arg(env!("CARGO_BIN_EXE_telecomx-local"));
    assert!(strip.status().unwrap().success());
    let db = format!("{DATA}/telecomx.db");
    let by_hand = ["/by-hand", "serve", "--listen", "127.0.0.1:0", "--db", &db];
    let server = Server::start(&mut machine.command(&by_hand), place.log());
    let answers = || assert_eq!(server.get("/readyz", "").status, 200);

    let said = machine.install(&packages()[1]);
    assert!(said.contains(&format!("{DATA} belongs to root and stays as it is")), "{said}");
    answers();
    listen_anywhere(&machine);
    // Of the service the error is one sentence, whether it cannot look into the folder, or may and finds the copy at work.
    let refusal = |mut service: Command| crate::support::place::is_refused(&mut service);
    let sentence = refusal(machine.service("telecomx-local"));
    assert!(sentence.contains(DATA) && sentence.contains("ermission"), "{sentence}");
    let start = machine.start_line("telecomx-local");
    let as_root = refusal(machine.command(&start.iter().map(String::as_str).collect::<Vec<_>>()));
    assert!(
        as_root.contains("is in use by a running telecomx-local") && as_root.contains("stop it first"),
        "{as_root}"
    );
    let mut on_its_port = machine.service("telecomx-local");
    on_its_port.args(["--listen", server.address(), "--db", "/tmp/other.db"]);
    let sentence = refusal(on_its_port);
    assert!(sentence.contains("is in use: stop what listens there"), "{sentence}");
    answers();

    let said = machine.run(&["dpkg", "--purge", "telecomx-local"]);
    assert!(said.contains(&format!("{DATA} belongs to root and is kept")), "{said}");
    assert!(is_there(&machine, &db));
    answers();
    assert!(server.stop().success());
}

#[test]
fn the_tarball_holds_what_its_notes_install() {
    if !needs("tar") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let archive = build("tarball", &folder, &[]);
    let mut unpack = Command::new("tar");
    assert!(unpack.arg("-xzf").arg(&archive).arg("-C").arg(folder.path()).status().unwrap().success());
    let name = archive.file_name().unwrap().to_str().unwrap().strip_suffix(".tar.gz").unwrap().to_owned();
    let root = folder.path().join(name);
    let notes = std::fs::read_to_string(root.join("INSTALL")).unwrap();
    for file in [
        "telecomx-local",
        "completions/telecomx-local.bash",
        "completions/_telecomx-local",
        "completions/telecomx-local.fish",
        "config.toml",
        "telecomx-local.service",
        "telecomx-local-hub.service",
        "telecomx-local-hub.default",
    ] {
        assert!(root.join(file).is_file() && notes.contains(file), "{file}");
    }
    assert!(std::fs::read_to_string(root.join("LICENCES")).unwrap().contains("Of tokio"));
    let version = Command::new(root.join("telecomx-local")).arg("--version").output().unwrap();
    assert!(version.status.success());
    // Every command has its page, and the page explains the options.
    let pages = std::fs::read_dir(root.join("man1")).unwrap().count();
    assert!(pages > 40, "{pages}");
    let page = std::fs::read_to_string(root.join("man1/telecomx-local-serve.1")).unwrap();
    assert!(page.starts_with(".ie") && page.contains("Database file"), "{}", &page[..300]);
    for file in ["telecomx-local.bash", "_telecomx-local", "telecomx-local.fish"] {
        let text = std::fs::read_to_string(root.join("completions").join(file)).unwrap();
        assert!(text.contains("doctor") && text.contains("enroll"), "{file}");
    }
}
