//! The README: its two commands, and the tests that show what it claims.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{read, root};

#[test]
fn every_test_that_stands_for_a_claim_exists() {
    let mut code = String::new();
    for folder in ["src", "tests"] {
        for file in files_below(&root().join(folder)) {
            code += &fs::read_to_string(file).unwrap();
        }
    }
    let page = read("docs/testing.md");
    let table = page.split("## What the README says").nth(1).unwrap().split("\n## ").next().unwrap();
    let names: Vec<&str> = table.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 2).collect();
    assert!(names.len() > 20, "{names:?}");
    let missing: Vec<&str> = names.into_iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let code = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    code.chain(folders.iter().flat_map(|folder| files_below(folder))).collect()
}

#[test]
fn the_readme_is_short_and_has_the_two_commands() {
    let readme = read("README.md");
    assert!(readme.lines().count() <= 120, "{} lines", readme.lines().count());
    for command in ["cargo run --release -- serve --demo", "scripts/test"] {
        assert!(readme.contains(&format!("```\n{command}\n```")), "{command}");
    }
}
