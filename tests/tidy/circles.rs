//! No two files use each other, not even by way of others.

use super::graph::{circles, uses_within};
use super::layers::of_crate;

#[test]
fn no_two_files_use_each_other() {
    let (_, graph) = of_crate();
    let described = |circle: &Vec<String>| format!("a circle:\n  {}\n", uses_within(graph, circle).join("\n  "));
    let found: String = circles(graph).iter().map(described).collect();
    assert!(found.is_empty(), "{found}");
}
