//! The documentation is true where that can be checked: links lead somewhere, files that it names exist, commands and
//! settings are all there, and the calls of the first pages work when they are pasted.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects, and fails")]

#[path = "docs/claims.rs"]
mod claims;
#[path = "support/mod.rs"]
mod support;

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use support::Place;

const NONE: Vec<String> = vec![];
/// What is not ours to check: built, fetched, or git's own.
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", "venv"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// A page of the documentation.
struct Page {
    /// From the project's folder.
    path: PathBuf,
    text: String,
}

fn pages() -> Vec<Page> {
    let (mut folders, mut pages) = (vec![root().to_owned()], vec![]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !SKIPPED.iter().any(|name| path.ends_with(name)) {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = std::fs::read_to_string(&path).unwrap();
                pages.push(Page { path: path.strip_prefix(root()).unwrap().to_owned(), text });
            }
        }
    }
    assert!(pages.len() > 20, "{} pages", pages.len());
    pages
}

/// The lines outside of fenced blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_fenced = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fenced && !is_fence
    })
}

/// Anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> HashSet<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let headings =
        prose(text).filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#').trim());
    let slug = |heading: &str| -> String {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    headings
        .map(|heading| {
            let slug = slug(heading);
            let count = counts.entry(slug.clone()).or_default();
            *count += 1;
            if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
        })
        .collect()
}

/// Where the links of `[text](target)` on a page lead.
fn links(text: &str) -> Vec<String> {
    let prose: Vec<&str> = prose(text).collect();
    let prose = prose.join("\n");
    let after = prose.split("](").skip(1);
    after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// `path` without `.` and `..`.
fn resolved(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(resolved.pop(), "{} leads out of the project", path.display()),
            Component::CurDir => {}
            other => resolved.push(other),
        }
    }
    resolved
}

/// The page or file, and the anchor, that a relative link on `page` leads to; `None` for an address on the web.
fn target(page: &Page, link: &str) -> Option<(PathBuf, Option<String>)> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor.to_owned())));
    let path = if file.is_empty() { page.path.clone() } else { page.path.parent().unwrap().join(file) };
    Some((resolved(&path), anchor))
}

#[test]
fn every_relative_link_and_anchor_leads_somewhere() {
    let pages = pages();
    let anchors_of: HashMap<&Path, HashSet<String>> =
        pages.iter().map(|page| (&*page.path, anchors(&page.text))).collect();
    let mut broken = vec![];
    for page in &pages {
        for link in links(&page.text) {
            let Some((path, anchor)) = target(page, &link) else { continue };
            let is_there = root().join(&path).exists();
            let has_anchor = anchor.is_none_or(|a| anchors_of.get(&*path).is_some_and(|known| known.contains(&a)));
            if !is_there || !has_anchor {
                broken.push(format!("{}: {link}", page.path.display()));
            }
        }
    }
    assert_eq!(broken, NONE);
}

#[test]
fn every_page_is_linked_from_another() {
    let pages = pages();
    let linked: HashSet<PathBuf> = pages
        .iter()
        .flat_map(|page| links(&page.text).into_iter().filter_map(|link| Some((target(page, &link)?.0, &page.path))))
        .filter(|(to, from)| to != *from)
        .map(|(to, _)| to)
        .collect();
    let in_docs = pages.iter().filter(|page| page.path.starts_with("docs"));
    let alone: Vec<String> =
        in_docs.filter(|page| !linked.contains(&page.path)).map(|page| page.path.display().to_string()).collect();
    assert_eq!(alone, NONE);
}

/// Whether a page may name it: a file, a folder, or a test binary by its name.
fn exists(name: &str) -> bool {
    root().join(name).exists() || root().join(format!("{name}.rs")).exists()
}

#[test]
fn every_file_that_a_page_names_exists() {
    let folders = ["src/", "sql/", "tests/", "docs/", "scripts/"];
    let mut missing = vec![];
    for page in pages().iter().filter(|page| !page.path.starts_with("scripts")) {
        let prose: Vec<&str> = prose(&page.text).collect();
        // What stands between backticks is every second part.
        for name in prose.join("\n").split('`').skip(1).step_by(2) {
            let name = name.split_whitespace().next().unwrap_or_default();
            let is_pattern = name.contains(['*', '{', '<', '…']) || name.contains("NNN");
            if folders.iter().any(|folder| name.starts_with(folder)) && !is_pattern && !exists(name) {
                missing.push(format!("{}: {name}", page.path.display()));
            }
        }
    }
    assert_eq!(missing, NONE);
}

/// What `--help` says behind the words of a command.
fn help(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_telecomx-local")).args(words).arg("--help").output().unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The first words of the indented lines behind `title`, up to the next title.
fn listed(help: &str, title: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != title).skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Every command of the program, as its words.
fn commands() -> Vec<Vec<String>> {
    let (mut open, mut found) = (vec![vec![]], vec![]);
    while let Some(words) = open.pop() {
        let help = help(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let below = listed(&help, "Commands:").into_iter().filter(|name| name != "help");
        open.extend(below.map(|name| [words.clone(), vec![name]].concat()));
        found.push(words);
    }
    found.retain(|words| !words.is_empty());
    assert!(found.len() > 15, "{found:?}");
    found
}

/// The long options that a help text explains.
fn options(help: &str) -> Vec<String> {
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with("--") || line.starts_with("-"));
    let option = |line: &str| {
        let at = line.find("--")?;
        let name: String = line[at..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
        Some(name)
    };
    lines.filter_map(option).filter(|name| !["--help", "--version", "--"].contains(&&**name)).collect()
}

#[test]
fn every_command_and_option_is_described() {
    let (cli, configuration) = (read("docs/cli.md"), read("docs/configuration.md"));
    let headings: HashSet<&str> = cli.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let mut missing = vec![];
    for words in commands() {
        let help = help(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let name = words.join(" ");
        let is_group = !listed(&help, "Commands:").is_empty() && name != "hub";
        if !is_group && !headings.contains(&*name) {
            missing.push(name.clone());
        }
        // The flags of `serve` are the settings.
        if name != "serve" {
            let is_described =
                |option: &String| cli.contains(&format!("`{option}")) || cli.contains(&format!(" {option} "));
            missing.extend(
                options(&help).into_iter().filter(|option| !is_described(option)).map(|o| format!("{name} {o}")),
            );
        }
    }
    let settings = options(&help(&["serve"]));
    assert!(settings.len() > 10, "{settings:?}");
    for setting in settings {
        let name = setting.trim_start_matches('-').replace('-', "_");
        if !configuration.contains(&format!("\n| `{name}` |")) {
            missing.push(format!("setting {name}"));
        }
    }
    assert_eq!(missing, NONE);
}

#[test]
fn no_command_is_described_that_there_is_not() {
    let known: HashSet<String> = commands().into_iter().map(|words| words.join(" ")).collect();
    let cli = read("docs/cli.md");
    let headings = cli.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_owned);
    assert_eq!(headings.filter(|name| !known.contains(name)).collect::<Vec<_>>(), NONE);
}

/// The fenced blocks of one language, in order.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let parts = text.split(fence.as_str()).skip(1);
    parts.filter_map(|part| part.split_once("\n```")).map(|(block, _)| block.to_owned()).collect()
}

#[test]
fn the_calls_of_getting_started_work_when_they_are_pasted() {
    if !support::needs("curl") {
        return;
    }
    let calls = blocks(&read("docs/getting-started.md"), "sh");
    assert_eq!(calls.len(), 4, "{calls:?}");
    let place = Place::new();
    let server = place.serve_with(&["--demo"]);
    let script = calls.join(" || exit 1\necho\n").replace("http://127.0.0.1:8080", &server.url);
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{script}\n{text}");
    let answers: Vec<serde_json::Value> =
        text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect();
    let [configs, copied, log] = &answers[..] else { panic!("{text}") };
    let emma = "e00000000000000000000405";
    assert!(configs.as_array().unwrap().iter().any(|config| config["_id"] == emma), "{configs}");
    assert_eq!(copied["_id"], emma);
    let newest = &log["changelogs"][0];
    assert_eq!(
        (&newest["id"], &newest["description"]),
        (&copied["_id"], &"Copied from e00000000000000000000404".into())
    );
}

#[test]
fn a_broken_page_would_be_noticed() {
    let text = "# One: `a` & b\n## One\n## One\n```\n# not one [x](y)\n```\n[a](b.md#c) and\n[d](#e)";
    let expected = ["one-a--b", "one", "one-1"].map(str::to_owned);
    assert_eq!(anchors(text), HashSet::from(expected));
    assert_eq!(links(text), ["b.md#c", "#e"]);
    let page = Page { path: "docs/sync/a.md".into(), text: String::new() };
    assert_eq!(target(&page, "../hub/b.md#c"), Some(("docs/hub/b.md".into(), Some("c".to_owned()))));
    assert_eq!(target(&page, "#e"), Some((page.path.clone(), Some("e".to_owned()))));
    assert_eq!(target(&page, "https://example.com/a"), None);
    assert_eq!(options("  -h, --help  x\n      --to-ca <FILE>\n"), ["--to-ca"]);
}
