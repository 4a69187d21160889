//! The libraries of the pages are those that their authors published, and the pages hold nothing that their policy forbids.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

const PAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/console/static");

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    files(folder, &mut found);
    found
}

#[test]
fn every_library_has_its_checksum_and_its_licence() {
    let folder = Path::new(PAGES).join("vendor");
    let listed = std::fs::read_to_string(folder.join("CHECKSUMS.txt")).unwrap();
    let mut checked = BTreeSet::new();
    for line in listed.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        let bytes = std::fs::read(folder.join(name)).unwrap();
        assert_eq!(hex::encode(Sha256::digest(&bytes)), sum, "{name} is not as it was published");
        checked.insert(name.to_owned());
    }
    let own = ["CHECKSUMS.txt", "README.txt"];
    for path in files_under(&folder) {
        let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        assert!(own.contains(&name.as_str()) || checked.contains(&name), "{name} has no checksum");
    }
    let libraries: BTreeSet<&str> = checked.iter().filter_map(|name| name.split('/').next()).collect();
    assert!(libraries.len() >= 4, "{libraries:?}");
    for library in libraries {
        let licence = std::fs::read_to_string(folder.join(library).join("LICENSE.txt")).unwrap();
        assert!(licence.contains("MIT") || licence.contains("Apache License"), "{library}");
    }
}

#[test]
fn the_page_holds_no_script_and_no_style_of_its_own() {
    let page = std::fs::read_to_string(Path::new(PAGES).join("index.html")).unwrap();
    for tag in page.split("<script").skip(1) {
        assert!(tag.split_once('>').unwrap().0.contains(" src="), "<script{tag}");
    }
    assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("javascript:"), "{page}");
    let own =
        files_under(Path::new(PAGES)).into_iter().filter(|path| !path.starts_with(Path::new(PAGES).join("vendor")));
    for path in own.filter(|path| path.extension().is_some_and(|ending| ending == "js")) {
        let source = std::fs::read_to_string(&path).unwrap();
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "style=",
            "http://",
        ] {
            assert!(!source.contains(forbidden), "{} has {forbidden}", path.display());
        }
    }
}
