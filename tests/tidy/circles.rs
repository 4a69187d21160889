//! No two files use each other, not even by way of others.

use super::graph::{circles, uses_within};
use super::layers::of_crate;

/// What the paths of circles that are still left begin with. None may be added, and one without a circle is struck off.
const LEFT: [&str; 5] = ["cli/", "db/", "domain/mobile_config", "store/health/", "store/restore/"];

#[test]
fn no_two_files_use_each_other() {
    let (_, graph) = of_crate();
    let found = circles(graph);
    let is_left = |circle: &Vec<String>| LEFT.iter().any(|left| circle.iter().all(|file| file.starts_with(left)));
    let told = |circle: &Vec<String>| format!("a circle:\n  {}\n", uses_within(graph, circle).join("\n  "));
    let wrong: String = found.iter().filter(|circle| !is_left(circle)).map(told).collect();
    assert!(wrong.is_empty(), "{wrong}");
    eprint!("{}", found.iter().map(told).collect::<String>());
    let is_cut = |left: &&&str| !found.iter().flatten().any(|file| file.starts_with(**left));
    let cut: Vec<&&str> = LEFT.iter().filter(is_cut).collect();
    assert!(cut.is_empty(), "there is no circle any more in {cut:?}: strike them off the list");
}
