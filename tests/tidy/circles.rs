//! No two files use each other, not even by way of others.

use super::graph::{circles, uses_within};
use super::layers::of_crate;

/// Circles that are still there, each by the files in it. None may be added.
const LEFT: &[&[&str]] = &[];

#[test]
fn no_two_files_use_each_other() {
    let (_, graph) = of_crate();
    let mut wrong = String::new();
    let found = circles(&graph);
    for circle in &found {
        let is_left = LEFT.iter().any(|left| circle.iter().all(|file| left.contains(&file.as_str())));
        let uses = uses_within(&graph, circle).join("\n  ");
        if is_left {
            println!("a circle is left:\n  {uses}");
        } else {
            wrong.push_str(&format!("a circle:\n  {uses}\n"));
        }
    }
    let is_found = |file: &str| found.iter().flatten().any(|other| other == file);
    let cut: Vec<&&str> = LEFT.iter().copied().flatten().filter(|file| !is_found(file)).collect();
    assert!(cut.is_empty(), "these are in no circle any more; strike them from the list: {cut:?}");
    assert!(wrong.is_empty(), "{wrong}");
}
