//! The program as a service: what it tells the service manager, what stops the feeding of the watchdog, and credentials.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::notify::NotifySocket;
use crate::support::place::is_refused;
use crate::support::{Place, Server};

/// Fed ten times a second.
const WATCHDOG_USEC: &str = "200000";
/// Several feedings long.
const QUIET: Duration = Duration::from_secs(2);

fn as_service(mut command: Command, place: &Place, notify: &NotifySocket) -> Server {
    command.env("NOTIFY_SOCKET", &notify.name).env("WATCHDOG_USEC", WATCHDOG_USEC);
    Server::start(&mut command, place.log())
}

fn serve(place: &Place) -> Command {
    place.on_db(&["serve", "--listen", "127.0.0.1:0"])
}

fn hub(place: &Place) -> Command {
    place.command(&["hub", "--store", "sqlite:hub.db", "--listen", "127.0.0.1:0"])
}

#[test]
fn server_and_hub_say_that_they_are_ready_alive_and_about_to_end() {
    for command in [serve, hub] {
        for is_abstract in [false, true] {
            let place = Place::with_world();
            let path = place.path("notify");
            let notify = if is_abstract { NotifySocket::abstract_one(&path) } else { NotifySocket::at(&path) };
            let server = as_service(command(&place), &place, &notify);
            let ready = notify.wait_for("READY=1");
            assert!(ready.contains("\nSTATUS=serves "), "{ready}");
            // It answers when it says so.
            assert_eq!(server.get("/readyz", "").status, 200);
            notify.wait_for("WATCHDOG=1");
            notify.wait_for("WATCHDOG=1");
            server.signal("TERM");
            notify.wait_for("STOPPING=1");
            assert!(server.ends().success());
        }
    }
}

#[test]
fn the_watchdog_starves_while_nothing_can_be_written_and_is_fed_again_afterwards() {
    for (command, database) in [(serve as fn(&Place) -> Command, "telecomx.db"), (hub, "hub.db")] {
        let place = Place::with_world();
        let notify = NotifySocket::at(&place.path("notify"));
        let server = as_service(command(&place), &place, &notify);
        notify.wait_for("WATCHDOG=1");
        // Somebody else holds the database: the writer waits for its turn, in vain.
        let holder = rusqlite::Connection::open(place.path(database)).unwrap();
        holder.execute_batch("begin immediate").unwrap();
        notify.falls_silent(QUIET);
        assert_eq!(server.get("/healthz", "").status, 200, "the process itself is well");
        holder.execute_batch("rollback").unwrap();
        notify.wait_for("WATCHDOG=1");
        assert!(server.stop().success());
    }
}

#[test]
fn without_a_service_manager_or_with_one_that_is_gone_it_serves_all_the_same() {
    let place = Place::with_world();
    let mut command = serve(&place);
    command.env("NOTIFY_SOCKET", place.path("gone")).env("WATCHDOG_USEC", "5000000");
    let server = Server::start(&mut command, place.log());
    assert_eq!(server.get("/readyz", "").status, 200);
    assert!(server.stop().success());
    let log = std::fs::read_to_string(place.path("server.log")).unwrap();
    assert!(log.contains("the service manager could not be told: READY=1"), "{log}");
}

/// A folder of credentials as systemd makes it: another user's, read by way of the group.
fn credentials(place: &Place, files: &[(&str, &str)]) -> std::path::PathBuf {
    let folder = place.path("credentials");
    std::fs::create_dir(&folder).unwrap();
    for (name, content) in files {
        let file = folder.join(name);
        std::fs::write(&file, content).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o440)).unwrap();
    }
    folder
}

#[test]
fn a_secret_is_read_from_a_credential_which_stays_as_it_is() {
    let place = Place::with_world();
    let token = "0123456789abcdef0123";
    let folder = credentials(&place, &[("metrics-token", token)]);
    place.put("settings.toml", "metrics_token_file = \"credential:metrics-token\"\n");
    let mut command = serve(&place);
    command.args(["--config", "settings.toml"]).env("CREDENTIALS_DIRECTORY", &folder);
    let server = Server::start(&mut command, place.log());
    assert!(server.text("/metrics", token).contains("telecomx_local"));
    assert!(server.stop().success());
    let mode = std::fs::metadata(folder.join("metrics-token")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o440);
    let log = std::fs::read_to_string(place.path("server.log")).unwrap();
    assert!(!log.contains("could be used by others") && !log.contains(token), "{log}");
}

#[test]
fn a_credential_that_the_unit_has_not_is_one_sentence_with_what_to_do() {
    let place = Place::with_world();
    let refuse = |settings: &str, folder: Option<&Path>| {
        place.put("settings.toml", settings);
        let mut command = serve(&place);
        command.args(["--config", "settings.toml"]);
        if let Some(folder) = folder {
            command.env("CREDENTIALS_DIRECTORY", folder);
        }
        is_refused(&mut command)
    };
    let folder = credentials(&place, &[("other", "x")]);
    let smtp = "[smtp]\nurl = \"smtps://mail.example.com\"\nfrom = \"pbx@example.com\"\ncredential_file = \"credential:smtp\"\n";
    let platform = "[platform]\nurl = \"https://api.example.com\"\ncredential_file = \"credential:platform\"\n";
    let cases = [
        ("metrics_token_file = \"credential:metrics-token\"\n", "metrics_token_file", "metrics-token"),
        ("tls_cert = \"cert.pem\"\ntls_key = \"credential:tls-key\"\n", "tls_key", "tls-key"),
        (smtp, "smtp_credential_file", "smtp"),
        (platform, "platform_credential_file", "platform"),
    ];
    for (settings, setting, name) in cases {
        for folder in [None, Some(folder.as_path())] {
            let sentence = refuse(settings, folder);
            assert!(
                sentence.contains(&format!("{setting} needs the credential {name}, which this service has not"))
                    && sentence.contains(&format!("LoadCredential={name}:")),
                "{sentence}"
            );
        }
    }
    let arguments = ["hub", "--store", "sqlite:hub.db", "--listen", "127.0.0.1:0", "--admin-token", "credential:admin"];
    let sentence = is_refused(&mut place.command(&arguments));
    assert!(sentence.contains("--admin-token needs the credential admin"), "{sentence}");
}

#[test]
fn a_tool_that_reads_the_settings_of_the_service_needs_none_of_its_credentials() {
    let place = Place::with_world();
    let smtp = "[smtp]\nurl = \"smtps://mail.example.com\"\nfrom = \"pbx@example.com\"\ncredential_file = \"credential:smtp\"\n";
    place.put("settings.toml", format!("metrics_token_file = \"credential:metrics-token\"\n{smtp}"));
    assert!(place.run(&["status", "--config", "settings.toml"]).contains("employees"));
}
