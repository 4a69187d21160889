//! Reads the source and checks what ARCHITECTURE.md promises of it: here as text, in `layers` and `circles` as a graph.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects, and fails")]

mod circles;
mod graph;
mod graph_fixture;
mod layers;
mod modules;

use std::path::{Path, PathBuf};

/// A file of the source: its path from the project's folder, and its lines before the tests inside it.
struct Source {
    path: String,
    lines: Vec<String>,
}

impl Source {
    fn is_under(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path.starts_with(place))
    }

    /// Its lines with their numbers, comments left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.lines.iter().enumerate().map(|(i, line)| (i + 1, line.as_str()));
        numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Every Rust file under `folder`.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![];
    files(&root.join(folder), &mut found);
    found.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert!(!found.is_empty(), "nothing is under {folder}");
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().take_while(|line| *line != "#[cfg(test)]").map(str::to_owned).collect();
        Source { path: path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), lines }
    };
    let mut sources: Vec<Source> = found.into_iter().map(read).collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// Every place in `sources` whose code is `wrong`, as `path:line: text`.
fn offences<'s>(sources: impl Iterator<Item = &'s Source>, wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let of_one = |source: &'s Source| {
        let lines = source.code().filter(|(_, line)| wrong(line));
        lines.map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim())).collect::<Vec<_>>()
    };
    sources.flat_map(of_one).collect()
}

const NONE: Vec<String> = vec![];

/// Whether `line` names the crate, or one of its family: `actix::`, `actix_web::`.
fn names_crate(line: &str, family: &str) -> bool {
    line.match_indices(family).any(|(at, _)| {
        let is_start = !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest = line[at + family.len()..].trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '_');
        is_start && (rest.starts_with("::") || rest.starts_with(';') || rest.starts_with(" as "))
    })
}

#[test]
fn only_http_names_actix() {
    let all = sources("src");
    let others = all.iter().filter(|source| {
        !source.is_under(&["src/web/", "src/console/", "src/api/", "src/sync/hub/api/", "src/control/"])
    });
    let allowed_in_app = ["use actix_web::web;", "use actix_web::dev::ServerHandle;"];
    let others: Vec<&Source> = others.collect();
    let is_app = |source: &&Source| ["src/app.rs", "src/app/mock.rs"].contains(&source.path.as_str());
    let app = others.iter().copied().filter(is_app);
    let found = offences(app, |line| names_crate(line, "actix") && !allowed_in_app.contains(&line.trim()));
    assert_eq!(found, NONE);
    let app = others.iter().copied().filter(is_app);
    let found = offences(app, |line| line.replace("web::Data", "").contains("web::") && !line.starts_with("use "));
    assert_eq!(found, NONE, "of actix_web::web only Data");
    let rest = others.iter().copied().filter(|source| !is_app(source));
    assert_eq!(offences(rest, |line| names_crate(line, "actix")), NONE);
}

#[test]
fn only_db_and_store_name_rusqlite() {
    let all = sources("src");
    let others = all
        .iter()
        .filter(|source| !source.is_under(&["src/db/", "src/store/"]) && !source.is_under(&["src/sync/hub/sqlite/"]));
    assert_eq!(offences(others, |line| names_crate(line, "rusqlite") || names_crate(line, "r2d2")), NONE);
}

#[test]
fn only_its_store_names_postgres() {
    let all = sources("src");
    let others = all.iter().filter(|source| !source.is_under(&["src/sync/hub/postgres/"]));
    assert_eq!(offences(others, |line| names_crate(line, "tokio_postgres") || names_crate(line, "deadpool")), NONE);
}

#[test]
fn only_the_way_to_listeners_names_socket_io() {
    let all = sources("src");
    let others = all.iter().filter(|source| !source.is_under(&["src/web/socket_io/"]));
    let families = ["socketioxide", "engineioxide", "hyper", "tower_service", "http_body_util", "tungstenite"];
    // `ureq::http` is the same crate, and has its own places.
    let wrong = |line: &str| {
        line.trim_start().starts_with("use http::") || families.iter().any(|family| names_crate(line, family))
    };
    assert_eq!(offences(others, wrong), NONE);
}

#[test]
fn the_domain_does_no_io() {
    let doors = [
        "std::fs",
        "std::net::Tcp",
        "std::net::Udp",
        "std::process",
        "std::thread",
        "std::env",
        "println!",
        "crate::db",
    ];
    let families = ["actix", "rusqlite", "r2d2", "tokio", "deadpool", "tracing"];
    let wrong = |line: &str| {
        doors.iter().any(|door| line.contains(door)) || families.iter().any(|family| names_crate(line, family))
    };
    assert_eq!(offences(sources("src/domain").iter(), wrong), NONE);
}

#[test]
fn files_are_short() {
    let too_long = |sources: Vec<Source>, most: usize| -> Vec<String> {
        let long = sources.into_iter().filter(|source| source.lines.len() > most);
        long.map(|source| format!("{}: {} lines", source.path, source.lines.len())).collect()
    };
    // About 300: the tests inside a file are not counted.
    assert_eq!(too_long(sources("src"), 300), NONE);
    assert_eq!(too_long(sources("tests"), 300), NONE);
    let main = sources("src").into_iter().filter(|source| source.path == "src/main.rs").collect();
    assert_eq!(too_long(main, 60), NONE);
}

#[test]
fn nothing_is_left_to_be_done() {
    let wrong =
        |line: &str| ["todo!", "unimplemented!", "dbg!(", "FIXME", "TODO"].iter().any(|word| line.contains(word));
    let all = sources("src");
    assert_eq!(offences(all.iter(), wrong), NONE);
    let in_comments = all.iter().flat_map(|source| source.lines.iter()).filter(|line| line.contains("TODO"));
    assert_eq!(in_comments.count(), 0);
}

#[test]
fn tests_do_not_sleep() {
    let sleep = ["thread::", "sleep"].concat();
    let found = offences(sources("tests").iter(), |line| line.contains(&sleep) || line.contains("time::sleep"));
    assert_eq!(found.into_iter().filter(|line| !line.starts_with("tests/tidy/")).collect::<Vec<_>>(), NONE);
}

#[test]
fn no_test_is_skipped_but_by_what_it_needs() {
    let skipped = ["\"SKIP", "PED"].concat();
    assert_eq!(offences(sources("tests").iter(), |line| line.contains(&skipped)), NONE, "use support::needs");
}

#[test]
fn every_migration_is_run_in_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![];
    files(&root.join("sql/migrations"), &mut found);
    found.sort();
    let code = std::fs::read_to_string(root.join("src/db/migrations.rs")).unwrap();
    let mut place = 0;
    for (i, path) in found.iter().enumerate() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name.starts_with(&format!("{:03}_", i + 1)) && name.ends_with(".sql"), "{name} is out of order");
        let at = code.find(&format!("include_str!(\"../../sql/migrations/{name}\")"));
        let at = at.unwrap_or_else(|| panic!("{name} is not in migrations.rs"));
        assert!(at >= place, "{name} is run out of order");
        place = at;
    }
    assert!(code.contains(&format!("pub const VERSION: i32 = {};", found.len())));
}

#[test]
fn every_url_is_in_routes() {
    // Where a route is registered, or a handler bound to a method, its path stands beside it.
    let registers = |line: &str| {
        let calls = ["web::resource(\"", "web::scope(\"", "web::redirect(\"", ".route(\"", "SwaggerUi::new(\""];
        let macros = ["#[get(", "#[post(", "#[put(", "#[delete(", "#[patch("];
        calls.iter().chain(&macros).any(|call| line.contains(call))
    };
    let all = sources("src");
    // A hub is another server, with URLs of its own; so are the controls of a mock.
    let allowed = ["src/api/routes.rs", "src/sync/hub/api/routes.rs", "src/control/routes.rs"];
    let others = all.iter().filter(|source| !allowed.contains(&source.path.as_str()));
    assert_eq!(offences(others, registers), NONE);
    // What names an origin goes through the one list that the matrix of two tenants is made from (tests/hub/tenants.rs).
    let of_origins =
        offences(all.iter().filter(|source| source.is_under(&["src/sync/hub/"])), |line| line.contains("{origin}"));
    assert_eq!(of_origins.len(), 1, "{of_origins:?}");
}

/// Whether a line of a listener names the status of an error, by constant, by number or by a response of that name.
fn names_a_status(line: &str) -> bool {
    let is_other = |after: &str, allowed: &[&str]| {
        line.match_indices(after).any(|(at, _)| {
            let name = line[at + after.len()..].split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
            name.starts_with(|c: char| c.is_uppercase()) && !allowed.contains(&name)
        })
    };
    let has_number = |before: &str| {
        line.match_indices(before).any(|(at, _)| {
            let rest = line[at + before.len()..].trim_start_matches(['(', ':', '=', ' ']);
            rest.starts_with(['4', '5']) && rest.bytes().take_while(u8::is_ascii_digit).count() == 3
        })
    };
    // 101, 200 and 304 are no errors.
    is_other("StatusCode::", &["OK", "NOT_MODIFIED"])
        || is_other("HttpResponse::", &["Ok", "NotModified", "SwitchingProtocols"])
        || line.contains("from_u16(")
        || ["status", "plain"].iter().any(|before| has_number(before))
}

#[test]
fn only_one_file_names_the_statuses_of_errors() {
    let all = sources("src");
    let listeners = ["src/web/", "src/api/", "src/sync/hub/api/", "src/control/", "src/app.rs"];
    let others = all.iter().filter(|source| source.is_under(&listeners) && source.path != "src/web/error.rs");
    // A stored response is read back with the status it had.
    let reads_back = "let status = StatusCode::from_u16(u16::from_be_bytes(*status)).ok()?;";
    assert_eq!(offences(others, |line| names_a_status(line) && line.trim() != reads_back), NONE);
}

#[test]
fn the_walls_would_be_noticed() {
    assert!(names_crate("use actix_web::web;", "actix") && names_crate("    actix::spawn(x)", "actix"));
    assert!(names_crate("use rusqlite;", "rusqlite") && names_crate("r2d2_sqlite::X", "r2d2_sqlite"));
    assert!(!names_crate("\"info,actix_server=warn\"", "actix") && !names_crate("my_actix::x", "actix"));
    for line in [
        "HttpResponse::Conflict().json(x)",
        "return StatusCode::BAD_GATEWAY;",
        "let answer = ApiResponse { status: 404, ..answer };",
        "HttpResponse::build(StatusCode::from_u16(code).unwrap())",
        "error::plain(405, \"method\", text)",
    ] {
        assert!(names_a_status(line), "{line}");
    }
    for line in
        ["HttpResponse::Ok().json(x)", "if status == StatusCode::OK {", "query.window(100, 500)", "status: code"]
    {
        assert!(!names_a_status(line), "{line}");
    }
}
