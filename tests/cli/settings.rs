//! Settings: flag over environment over file over default.

use crate::support::place::{is_refused, succeeds};
use crate::support::{Place, Server};

/// The database that a tool looks for, as its refusal names it.
fn database_looked_for(command: &mut std::process::Command) -> String {
    let sentence = is_refused(command);
    let rest = sentence.strip_prefix("there is no database at ").unwrap_or_else(|| panic!("{sentence}"));
    rest.split(": choose").next().unwrap().to_owned()
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    let place = Place::new();
    place.put("settings.toml", "db = \"from-file.db\"\n");
    let home = place.path(".local/share/telecomx-local/telecomx.db");
    let tool = || place.command(&["export"]);
    assert_eq!(database_looked_for(&mut tool()), home.to_str().unwrap());
    assert_eq!(database_looked_for(tool().env("XDG_DATA_HOME", "/data")), "/data/telecomx-local/telecomx.db");
    assert_eq!(database_looked_for(tool().args(["--config", "settings.toml"])), "from-file.db");
    assert_eq!(database_looked_for(tool().env("TELECOMX_LOCAL_CONFIG", "settings.toml")), "from-file.db");
    let mut with_environment = tool();
    with_environment.args(["--config", "settings.toml"]).env("TELECOMX_LOCAL_DB", "from-environment.db");
    assert_eq!(database_looked_for(&mut with_environment), "from-environment.db");
    assert_eq!(database_looked_for(with_environment.args(["--db", "from-flag.db"])), "from-flag.db");
}

#[test]
fn it_holds_for_serve_too() {
    let place = Place::with_world();
    place.put("settings.toml", "db = \"telecomx.db\"\nlisten = \"127.0.0.2:0\"\nlogin_failures_per_name = 1\n");
    let begin = |more: &[&str], environment: &[(&str, &str)]| {
        let mut command = place.command(&["serve", "--config", "settings.toml"]);
        Server::start(command.args(more).envs(environment.iter().copied()), place.log())
    };
    let attempts = |server: &Server| {
        let wrong = serde_json::json!({ "username": "nobody@example.com", "password": "wrong" });
        [0; 3].map(|_| server.post("/auth/login", "", &wrong).status)
    };
    let by_file = begin(&[], &[]);
    assert!(by_file.url.starts_with("http://127.0.0.2:"), "{}", by_file.url);
    assert_eq!(attempts(&by_file), [401, 429, 429]);
    assert!(by_file.stop().success());
    let environment = [("TELECOMX_LOCAL_LISTEN", "[::1]:0"), ("TELECOMX_LOCAL_LOGIN_FAILURES_PER_NAME", "2")];
    let by_environment = begin(&[], &environment);
    assert!(by_environment.url.starts_with("http://[::1]:"), "{}", by_environment.url);
    assert_eq!(attempts(&by_environment), [401, 401, 429]);
    assert!(by_environment.stop().success());
    let by_flag = begin(&["--listen", "127.0.0.1:0", "--login-failures-per-name", "3"], &environment);
    assert!(by_flag.url.starts_with("http://127.0.0.1:"), "{}", by_flag.url);
    assert_eq!(attempts(&by_flag), [401, 401, 401]);
}

#[test]
fn what_cannot_be_used_is_refused_by_name() {
    let place = Place::new();
    let with_file = |content: &str| {
        place.put("settings.toml", content);
        place.refused(&["serve", "--config", "settings.toml"])
    };
    assert!(with_file("lisen = \"127.0.0.1:0\"\n").contains("lisen"));
    assert!(with_file("listen = \"everywhere\"\n").contains("listen"));
    assert!(with_file("request_timeout_s = -1\n").contains("request_timeout_s"));
    let missing = place.refused(&["serve", "--config", "missing.toml"]);
    assert!(missing.contains("there is no settings file missing.toml"), "{missing}");
    let level = place.refused(&["serve", "--log-level", "a=b=c", "--listen", "127.0.0.1:0"]);
    assert!(level.contains("--log-level a=b=c"), "{level}");
    let variable = is_refused(place.on_db(&["serve"]).env("TELECOMX_LOCAL_LISTEN", "everywhere"));
    assert!(variable.to_lowercase().contains("listen"), "{variable}");
    assert!(!place.db().exists());
}

#[test]
fn a_variable_that_is_no_setting_is_refused_but_for_that_of_the_packages() {
    let place = Place::new();
    let refused = is_refused(place.on_db(&["serve"]).env("TELECOMX_LOCAL_LISEN", "127.0.0.1:0"));
    assert!(refused.contains("TELECOMX_LOCAL_LISEN is in the environment, but there is no such setting"), "{refused}");
    let mut serve = place.on_db(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(Server::start(serve.env("TELECOMX_LOCAL_BINARY", "telecomx-local"), place.log()).stop().success());
}

#[test]
fn a_settings_file_that_is_no_toml_is_told_by_its_name_and_line() {
    let place = Place::new();
    let unreadable = ["listen = ", "listen = \"127.0.0.1:0", "[listen", "db = \"twice.db\""];
    for line in unreadable {
        place.put("settings.toml", format!("db = \"telecomx.db\"\n{line}\n"));
        let sentence = place.refused(&["serve", "--config", "settings.toml"]);
        assert!(sentence.contains("settings.toml") && sentence.contains("line 2"), "{line}: {sentence}");
    }
    assert!(!place.db().exists());
}

#[test]
fn a_flag_in_the_environment_is_a_word_or_a_number() {
    let begin = |place: &Place, value: &str| {
        let mut command = place.on_db(&["serve", "--listen", "127.0.0.1:0"]);
        Server::start(command.env("TELECOMX_LOCAL_DEMO", value), place.log())
    };
    for yes in ["1", "true"] {
        let place = Place::new();
        let text = begin(&place, yes).read_until(|line| line.contains("/docs/"));
        assert!(text.contains("curl -X POST "), "{yes}: {text}");
    }
    for no in ["0", "false"] {
        let place = Place::new();
        assert!(begin(&place, no).stop().success());
        assert!(!place.run(&["export"]).contains("_id"), "{no}: the demo world was loaded");
    }
    for neither in ["2", "yes"] {
        let sentence = is_refused(Place::new().on_db(&["serve"]).env("TELECOMX_LOCAL_DEMO", neither));
        assert!(sentence.contains("must be true or false") && sentence.contains("DEMO"), "{neither}: {sentence}");
    }
}

#[test]
fn help_explains_each_setting_with_its_default() {
    let place = Place::new();
    let help = succeeds(&mut place.command(&["serve", "--help"]));
    let flags: Vec<&str> = help.lines().filter(|line| line.trim_start().starts_with("--")).collect();
    assert_eq!(flags.len(), 58, "{help}");
    let settings =
        help.split("\n      --").skip(1).map(|setting| setting.split_whitespace().collect::<Vec<_>>().join(" "));
    for setting in settings {
        assert!(setting.contains("[default: "), "no default: {setting}");
    }
    let program = succeeds(&mut place.command(&["--help"]));
    for command in ["serve", "import", "export", "backup", "doctor", "audit", "token", "admin", "sync", "hub"] {
        assert!(program.contains(&format!("\n  {command}")), "{program}");
    }
    assert!(program.contains("TELECOMX_LOCAL_<NAME>"), "{program}");
    assert!(succeeds(&mut place.command(&["--version"])).starts_with("telecomx-local "));
}

#[test]
fn the_log_is_json_or_text_and_never_on_standard_output() {
    for (form, first) in [("json", "{\"timestamp\""), ("text", "20")] {
        let place = Place::with_world();
        place.serve_with(&["--log-format", form]).stop();
        let log = std::fs::read_to_string(place.path("server.log")).unwrap();
        assert!(log.trim_start_matches("\u{1b}[2m").starts_with(first), "{form}: {log}");
    }
}
