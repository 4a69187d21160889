//! The layers of ARCHITECTURE.md and the order of the lists of modules, checked over the graph of all files.

use std::path::Path;
use std::sync::OnceLock;

use super::graph::{self, Graph};
use super::modules::{self, Modules};

/// Between two layers of the diagram.
const ARROW: char = '←';
/// Files whose list of modules is in reading order: each module uses only those above it.
const ORDERED: [&str; 2] = ["lib.rs", "sync/mod.rs"];

/// Every module of the crate, and which file uses which.
pub fn of_crate() -> &'static (Modules, Graph) {
    static CRATE: OnceLock<(Modules, Graph)> = OnceLock::new();
    CRATE.get_or_init(|| {
        let modules = modules::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        let (graph, lost) = graph::of(&modules);
        assert!(lost.is_empty(), "these paths lead nowhere, so the graph is not whole: {lost:#?}");
        (modules, graph)
    })
}

/// The layers of the diagram from the lowest to the highest, each with its modules, as `sync/hub/api`.
fn diagram() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    let diagrams: Vec<&str> = text.lines().filter(|line| line.contains(ARROW)).collect();
    let [diagram] = diagrams[..] else { panic!("ARCHITECTURE.md must have one diagram of the layers: {diagrams:?}") };
    let names = |layer: &str| layer.split(',').map(|name| name.trim().to_owned()).collect();
    diagram.split(ARROW).map(names).collect()
}

/// The module of the diagram that `file` belongs to, the most exact one, and its layer.
fn layer_of<'d>(diagram: &'d [Vec<String>], file: &str) -> Option<(usize, &'d str)> {
    let is_in = |name: &str| file == format!("{name}.rs") || file.starts_with(&format!("{name}/"));
    let layers = diagram.iter().enumerate().flat_map(|(i, names)| names.iter().map(move |name| (i, name.as_str())));
    layers.filter(|(_, name)| is_in(name)).max_by_key(|(_, name)| name.len())
}

/// Uses of a higher layer, as `file:line: path → file`. `None` for a file without a layer is a fault too.
fn violations(graph: &Graph, diagram: &[Vec<String>]) -> Vec<String> {
    let mut found = vec![];
    for (file, uses) in graph.iter().filter(|(file, _)| *file != "lib.rs") {
        let Some((layer, _)) = layer_of(diagram, file) else {
            found.push(format!("{file} is in no layer"));
            continue;
        };
        for (used, place) in uses {
            // The root is named only as the way to what is in it.
            let is_higher = layer_of(diagram, used).is_none_or(|(other, _)| other > layer);
            if is_higher && used != "lib.rs" {
                found.push(format!("{file}:{place} → {used}"));
            }
        }
    }
    found
}

#[test]
fn no_module_uses_one_of_a_higher_layer() {
    let (_, graph) = of_crate();
    assert_eq!(violations(graph, &diagram()), Vec::<String>::new());
}

#[test]
fn every_module_of_the_diagram_exists() {
    let (_, graph) = of_crate();
    for name in diagram().concat() {
        let diagram = [vec![name.clone()]];
        assert!(graph.keys().any(|file| layer_of(&diagram, file).is_some()), "{name} is not in src");
    }
}

/// Uses of a module that is listed below, in the file at `list`.
fn out_of_order(modules: &Modules, graph: &Graph, list: &str) -> Vec<String> {
    let diagram = diagram();
    let listing = modules.values().find(|module| module.file == list).unwrap();
    let folder = list.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let place_of = |file: &str| {
        let name = file.strip_prefix(&folder)?.split(['/', '.']).next()?;
        let (_, part) = layer_of(&diagram, file)?;
        // What the diagram names as a layer of its own, below a module, has its place there and not in the list.
        let is_apart = part.len() > format!("{folder}{name}").len();
        if is_apart { None } else { listing.children.iter().position(|child| child == name) }
    };
    let mut found = vec![];
    for (file, uses) in graph {
        for (used, place) in uses {
            if let (Some(user), Some(other)) = (place_of(file), place_of(used))
                && user < other
            {
                found.push(format!("{file}:{place} → {used}"));
            }
        }
    }
    found
}

#[test]
fn modules_are_listed_in_reading_order() {
    let (modules, graph) = of_crate();
    for list in ORDERED {
        assert_eq!(out_of_order(modules, graph, list), Vec::<String>::new(), "{list}");
    }
}

#[test]
fn a_broken_layer_or_order_would_be_noticed() {
    let (modules, mut graph) = of_crate().clone();
    let uses = graph.get_mut("store/mod.rs").unwrap();
    uses.insert("usecases/login.rs".to_owned(), "1: crate::usecases::login::x".to_owned());
    let found = ["store/mod.rs:1: crate::usecases::login::x → usecases/login.rs".to_owned()];
    assert_eq!(violations(&graph, &diagram()), found);
    assert_eq!(out_of_order(&modules, &graph, "lib.rs"), found);
    let unknown = graph::Graph::from([("elsewhere.rs".to_owned(), Default::default())]);
    assert_eq!(violations(&unknown, &diagram()), ["elsewhere.rs is in no layer"]);
}
