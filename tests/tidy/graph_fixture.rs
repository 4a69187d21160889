//! A small crate with every kind of path, whose graph is known.

use std::path::Path;

use super::graph::{self, Graph, circles};
use super::modules;

const LIB: &str = "
    pub mod low;
    pub mod high;
    pub mod apart;
    pub use low::deep::Deep as Renamed;
";
const LOW: &str = "
    pub mod deep;
    pub use deep::{Deep, inner::Nested};
    pub fn low() {}
    pub enum Kind { One }
";
const DEEP: &str = "
    pub struct Deep;
    pub mod inner { pub struct Nested; pub fn up() { super::super::low(); } }
    #[cfg(test)]
    mod tests { use crate::high::user; }
";

const APART: &str = "
    macro_rules! make { ($name:ident) => { pub fn $name() {} pub struct Made; } }
    make!(given);
";

/// The files that `user.rs` uses when it holds `code`.
fn used_by(code: &str) -> Vec<String> {
    graph_with(code).0["high/user.rs"].keys().cloned().collect()
}

fn graph_with(code: &str) -> (Graph, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("lib.rs", LIB);
    put("main.rs", "fn main() { telecomx_local::low::low(); }");
    put("low/mod.rs", LOW);
    put("low/deep.rs", DEEP);
    put("high.rs", "pub mod user; pub mod other;");
    put("high/user.rs", code);
    put("high/other.rs", "pub fn other() {}");
    put("apart.rs", APART);
    graph::of(&modules::read(folder.path()))
}

#[test]
fn every_kind_of_path_is_followed_to_the_file_that_defines_it() {
    let (low, deep, other) = ("low/mod.rs", "low/deep.rs", "high/other.rs");
    let cases: [(&str, &[&str]); 18] = [
        ("use crate::low::low;", &[low]),
        ("use crate::low::{self, deep::Deep};", &[deep, low]),
        ("use crate::low::Deep;", &[deep]),
        ("use crate::low::Nested as Other;", &[deep]),
        ("use crate::Renamed;", &[deep]),
        ("use super::other as aside;", &[other]),
        ("use crate::low::*; fn f(_: Nested) {}", &[deep, low]),
        ("fn f() -> crate::low::deep::Deep { todo() }", &[deep]),
        ("fn f() { super::other::other(); }", &[other]),
        ("fn f() { use crate::low; low::low(); }", &[low]),
        ("fn f() { let _ = crate::low::Kind::One; }", &[low]),
        ("use crate::low::Kind::*;", &[low]),
        ("use crate::apart::Made;", &["apart.rs"]),
        ("use crate::apart::given;", &["apart.rs"]),
        ("fn f() { println!(\"{:?}\", crate::low::low()); }", &[low]),
        ("#[derive(Debug)] struct S(#[serde(with = crate::low::deep)] u8);", &[deep]),
        ("mod inside { fn f() { super::super::other::other(); } }", &[other]),
        ("impl From<crate::low::Deep> for u8 { fn from(_: crate::low::Deep) -> u8 { 0 } }", &[deep]),
    ];
    for (code, expected) in cases {
        assert_eq!(used_by(code), expected, "{code}");
    }
}

#[test]
fn what_is_no_path_of_the_crate_is_left_out() {
    let cases = [
        "use std::fmt; use serde::Serialize; fn f(low: u8) -> u8 { low }",
        "#[cfg(test)] mod tests { use crate::low::low; }",
        "#[cfg(test)] use crate::low::low;",
        "#[cfg(test)] fn f() { crate::low::low(); }",
        "pub(crate) fn f() {}",
        "fn f<T: Default>() -> T { T::default() }",
        "// crate::low::low()\nconst S: &str = \"crate::low::low\";",
    ];
    for code in cases {
        assert_eq!(used_by(code), Vec::<String>::new(), "{code}");
    }
}

#[test]
fn a_path_that_leads_nowhere_is_told() {
    let (_, lost) = graph_with("\nuse crate::low::nothing;");
    assert_eq!(lost, ["high/user.rs:2: crate::low::nothing"]);
}

#[test]
fn a_circle_is_found_with_all_of_its_files_and_no_others() {
    let (graph, _) = graph_with("");
    assert_eq!(circles(&graph), [["low/deep.rs", "low/mod.rs"]]);
    assert_eq!(graph["main.rs"].keys().collect::<Vec<_>>(), ["low/mod.rs"]);
}
