//! The log: in a file that is rotated, one JSON object a line, with the settings of each start and never a secret.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::mirror_pair::HubPlace;
use crate::support::{Place, Server, world};

fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

fn private(place: &Place, name: &str, content: &str) -> String {
    let path = place.put(name, content);
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn each_start_logs_the_settings_in_force_and_no_secret() {
    let place = Place::with_world();
    let metrics = private(&place, "metrics.token", "Secret-of-the-metrics-1");
    let smtp = private(&place, "smtp.pair", "mailer\nSecret-of-the-mails-2\n");
    let platform = private(&place, "platform.token", &"5ec3e7".repeat(11)[..64]);
    let arguments = [
        "--metrics-token-file",
        &metrics,
        "--smtp-url",
        "smtp://127.0.0.1:1",
        "--smtp-from",
        "pbx@example.com",
        "--smtp-credential-file",
        &smtp,
        "--platform-url",
        "http://127.0.0.1:1",
        "--platform-credential-file",
        &platform,
        "--log-level",
        "debug",
        "--log-file",
        "server.json",
        "--backup-keep",
        "3",
    ];
    for start in 1..=2 {
        assert!(place.serve_with(&arguments).stop().success());
        let log = lines(&place.path("server.json"));
        let starts: Vec<&Value> = log.iter().filter(|line| line["message"] == "started").collect();
        assert_eq!(starts.len(), start);
        let settings: Value = serde_json::from_str(starts[start - 1]["settings"].as_str().unwrap()).unwrap();
        assert_eq!(settings["metrics_token_file"], Value::from(metrics.clone()), "{settings}");
        assert_eq!((&settings["backup_keep"], &settings["request_timeout_s"]), (&3.into(), &"30".into()));
        assert_eq!(settings["smtp_url"], "smtp://127.0.0.1:1");
        assert!(settings.as_object().unwrap().len() > 50);
    }
    let everything = std::fs::read_to_string(place.path("server.json")).unwrap()
        + &std::fs::read_to_string(place.path("server.log")).unwrap();
    for secret in ["Secret-of-the-metrics-1", "Secret-of-the-mails-2", "5ec3e75ec3e7"] {
        assert!(!everything.contains(secret), "{secret} is in the log");
    }
    let mode = std::fs::metadata(place.path("server.json")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}

#[test]
fn a_password_in_a_url_is_in_no_log() {
    let place = Place::with_world();
    for (flag, value) in [
        ("--smtp-url", "smtp://mailer:Secret-in-a-url@127.0.0.1:1"),
        ("--platform-url", "http://user:Secret-in-a-url@127.0.0.1:1"),
        ("--smtp-page", "https://user:Secret-in-a-url@example.com/page"),
    ] {
        let token = private(&place, "platform.token", "0123456789abcdef");
        let mut command = place.on_db(&["serve", "--listen", "127.0.0.1:0", flag, value]);
        if flag == "--platform-url" {
            command.args(["--platform-credential-file", &token]);
        }
        command.args(["--log-file", "server.json", "--smtp-from", "pbx@example.com"]);
        if flag != "--smtp-url" {
            command.args(["--smtp-url", "smtp://127.0.0.1:1"]);
        }
        // Whether such a URL is taken or refused.
        if let Some(server) = Server::try_start(&mut command, place.log()) {
            assert!(server.stop().success());
        }
        for file in ["server.json", "server.log"] {
            let text = std::fs::read_to_string(place.path(file)).unwrap_or_default();
            assert!(!text.contains("Secret-in-a-url"), "{flag}: {file}: {text}");
        }
    }
}

fn rotated(place: &Place) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place.folder()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains("server.json")).collect()
}

#[test]
fn a_log_file_is_rotated_by_its_size_and_so_many_are_kept() {
    let place = Place::with_world();
    let token = place.token();
    let options = ["--log-level", "trace", "--log-file", "server.json", "--log-file-mb", "1", "--log-files", "2"];
    let server = place.serve_with(&options);
    let begun = Instant::now();
    let long = format!("/pbx/app/mobileconfig?name={}", "x".repeat(3_000));
    let mut ids = 0;
    while !place.path("server.json.2").exists() || rotated(&place).len() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", rotated(&place));
        server.get(&long, &token);
        server.post_as(
            &format!("request-{ids:07}"),
            &world::config_path("e000000000000000000000ff"),
            &token,
            &Value::Null,
        );
        ids += 1;
    }
    assert!(server.stop().success());
    for file in rotated(&place) {
        assert!(!std::fs::read_to_string(&file).unwrap().contains(&token), "a token is in {}", file.display());
    }
    assert_eq!(rotated(&place).len(), 3, "the file and two before it: {:?}", rotated(&place));
    for file in rotated(&place) {
        assert!(std::fs::metadata(&file).unwrap().len() < 1_100_000, "{}", file.display());
        // Each line is whole.
        let log = lines(&file);
        let has_request = log.iter().any(|line| line["request_id"].as_str().is_some_and(|id| !id.is_empty()));
        // The newest may have been begun by the last lines of all.
        assert!(has_request || file == place.path("server.json"), "{}", file.display());
    }
}

#[test]
fn a_log_file_that_cannot_be_written_is_one_sentence() {
    let place = Place::with_world();
    for file in ["absent/server.log", "."] {
        let sentence = place.refused(&["serve", "--listen", "127.0.0.1:0", "--log-file", file]);
        assert!(sentence.contains("cannot be written") && sentence.contains("--log-file"), "{file}: {sentence}");
    }
}

#[test]
fn a_hub_logs_its_settings_too_and_can_log_to_a_file() {
    let hub_place = HubPlace::new();
    let hub = hub_place.start_with(&["--log-file", "hub.json", "--max-rows", "1234"]);
    assert!(hub.server.stop().success());
    let log = lines(&hub_place.place.path("hub.json"));
    let start = log.iter().find(|line| line["message"] == "started").unwrap();
    assert!(start["settings"].as_str().unwrap().contains("\"max_rows\":1234"), "{start}");
}
