//! Which file uses which: every path of the source, followed through imports and re-exports to the file that defines it.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::{Import, Module, Modules, Segments};

/// The crate's own name, by which `main.rs` calls it.
const CRATE: &str = "telecomx_local";

/// Where a path leads.
#[derive(Clone, Debug, PartialEq)]
enum Target {
    Module(Segments),
    /// Something defined in this file.
    Item(String),
    /// Another crate.
    Outside,
}

/// For each file those that it uses, with the first place where it does, as `line: path`.
pub type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// The graph, and the paths of the crate's own that lead nowhere: there must be none, or the graph is not whole.
pub fn of(modules: &Modules) -> (Graph, Vec<String>) {
    let mut graph: Graph = modules.values().map(|module| (module.file.clone(), BTreeMap::new())).collect();
    let mut lost = vec![];
    for (path, module) in modules {
        let mut note = |segments: &Segments, line: usize, target: Option<Target>| {
            let file = match target {
                Some(Target::Module(path)) => modules[&path].file.clone(),
                Some(Target::Item(file)) => file,
                Some(Target::Outside) => return,
                None if ["crate", "self", "super", CRATE].contains(&segments[0].as_str()) => {
                    return lost.push(format!("{}:{line}: {}", module.file, segments.join("::")));
                }
                None => return,
            };
            if file != module.file {
                let place = || format!("{line}: {}", segments.join("::"));
                graph.get_mut(&module.file).unwrap().entry(file).or_insert_with(place);
            }
        };
        let resolver = Resolver { modules };
        for Import { target, line, .. } in module.imports.iter().chain(&module.globs) {
            note(target, *line, resolver.import(path, target));
        }
        for mention in &module.mentions {
            let target = resolver.path(path, &mention.segments, &mut BTreeSet::new());
            // A name alone that is a module's is a variable: a module is used only with something behind it.
            let is_variable = mention.is_bare && !matches!(target, Some(Target::Item(_)));
            if !is_variable {
                note(&mention.segments, mention.line, target);
            }
        }
    }
    (graph, lost)
}

struct Resolver<'m> {
    modules: &'m Modules,
}

/// Names that are being looked for, so that a circle of re-exports ends.
type Seen = BTreeSet<(Segments, String)>;

impl Resolver<'_> {
    fn module(&self, path: &Segments) -> &Module {
        &self.modules[path]
    }

    fn import(&self, from: &Segments, target: &Segments) -> Option<Target> {
        self.path(from, target, &mut Seen::new())
    }

    /// Where `segments` lead, written in the module `from`. `None`: out of the crate.
    fn path(&self, from: &Segments, segments: &[String], seen: &mut Seen) -> Option<Target> {
        let (first, rest) = segments.split_first()?;
        let start = match first.as_str() {
            "crate" => Target::Module(vec![]),
            CRATE if from.first().is_some_and(|root| root == "main") => Target::Module(vec![]),
            "self" => Target::Module(from.clone()),
            "super" => Target::Module(self.module(from).parent.clone()?),
            name => self.name(from, name, seen)?,
        };
        self.walk(start, rest, seen)
    }

    fn walk(&self, start: Target, segments: &[String], seen: &mut Seen) -> Option<Target> {
        let (Target::Module(path), Some((name, rest))) = (&start, segments.split_first()) else { return Some(start) };
        let next = match name.as_str() {
            "super" => Target::Module(self.module(path).parent.clone()?),
            name => self.name(path, name, seen)?,
        };
        self.walk(next, rest, seen)
    }

    /// What `name` is inside the module `path`: a child, something defined there, an import, or part of a glob.
    fn name(&self, path: &Segments, name: &str, seen: &mut Seen) -> Option<Target> {
        if !seen.insert((path.clone(), name.to_owned())) {
            return None;
        }
        let module = self.module(path);
        let found = if module.items.iter().any(|item| item == name) {
            Some(Target::Item(module.file.clone()))
        } else if module.children.iter().any(|child| child == name) {
            Some(Target::Module([path.as_slice(), &[name.to_owned()]].concat()))
        } else {
            let imports = module.imports.iter().filter(|import| import.name == name);
            let mut imports = imports.map(|import| self.path(path, &import.target, seen).unwrap_or(Target::Outside));
            imports.next().or_else(|| module.globs.iter().find_map(|glob| self.in_glob(path, glob, name, seen)))
        };
        seen.remove(&(path.clone(), name.to_owned()));
        found
    }

    fn in_glob(&self, path: &Segments, glob: &Import, name: &str, seen: &mut Seen) -> Option<Target> {
        match self.path(path, &glob.target, seen)? {
            Target::Module(inner) => self.name(&inner, name, seen),
            // Variants of an enum: its file is counted at the `use`.
            Target::Item(_) | Target::Outside => None,
        }
    }
}

/// Groups of files that use each other in a circle, each sorted.
pub fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let reach = |from: &str| {
        let mut reached = BTreeSet::new();
        let mut next = vec![from.to_owned()];
        while let Some(file) = next.pop() {
            next.extend(graph[&file].keys().filter(|used| reached.insert((*used).clone())).cloned());
        }
        reached
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = graph.keys().map(|file| (file, reach(file))).collect();
    let mut circles: Vec<Vec<String>> = vec![];
    for (file, others) in &reached {
        if !others.contains(*file) || circles.iter().any(|circle| circle.contains(file)) {
            continue;
        }
        circles.push(others.iter().filter(|other| reached[other].contains(*file)).cloned().collect());
    }
    circles
}

/// The uses inside a circle, as `file:line: path → file`.
pub fn uses_within(graph: &Graph, circle: &[String]) -> Vec<String> {
    let of_one = |file: &String| {
        let inside = graph[file].iter().filter(|(used, _)| circle.contains(used));
        inside.map(|(used, place)| format!("{file}:{place} → {used}")).collect::<Vec<_>>()
    };
    circle.iter().flat_map(of_one).collect()
}
