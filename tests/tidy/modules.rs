//! The modules of the crate: what each file declares, imports and mentions, as `syn` reads it. Test code is left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Segments of a path, as written.
pub type Segments = Vec<String>;

/// A path that a module mentions.
#[derive(Clone)]
pub struct Mention {
    pub segments: Segments,
    pub line: usize,
    /// It may be a local variable, a generic parameter or a name of the prelude.
    pub is_bare: bool,
}

/// A name that a module brings into scope by `use`.
#[derive(Clone)]
pub struct Import {
    pub name: String,
    pub target: Segments,
    pub line: usize,
}

/// One module: a file, or a `mod` block inside one.
#[derive(Clone, Default)]
pub struct Module {
    /// From the folder `src`, as `db/writer.rs`.
    pub file: String,
    /// Full path of the parent, unless it is the crate's root.
    pub parent: Option<Segments>,
    /// Child modules in the order in which they are declared.
    pub children: Vec<String>,
    /// Names of functions, types, constants and traits that are defined here.
    pub items: Vec<String>,
    pub imports: Vec<Import>,
    /// `use path::*`
    pub globs: Vec<Import>,
    pub mentions: Vec<Mention>,
}

/// All modules by their full path: the root is the empty one. `main.rs` is a crate of its own, under `main`.
pub type Modules = BTreeMap<Segments, Module>;

/// Reads the crate whose folder `src` is at `folder`.
pub fn read(folder: &Path) -> Modules {
    let mut modules = Modules::new();
    read_file(folder, "lib.rs", vec![], &mut modules);
    read_file(folder, "main.rs", vec!["main".to_owned()], &mut modules);
    modules
}

fn read_file(folder: &Path, file: &str, path: Segments, modules: &mut Modules) {
    let text = std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    read_items(folder, file, path, &parsed.items, modules);
}

fn read_items(folder: &Path, file: &str, path: Segments, items: &[syn::Item], modules: &mut Modules) {
    let parent = path.split_last().map(|(_, parent)| parent.to_vec());
    let mut reader = Reader { module: Module { file: file.to_owned(), parent, ..Module::default() }, nested: vec![] };
    for item in items {
        reader.visit_item(item);
    }
    let Reader { module, nested } = reader;
    modules.insert(path.clone(), module);
    for child in nested {
        let name = child.ident.to_string();
        let path = [path.as_slice(), std::slice::from_ref(&name)].concat();
        match &child.content {
            Some((_, items)) => read_items(folder, file, path, items, modules),
            None => read_file(folder, &file_of_child(folder, file, &name), path, modules),
        }
    }
}

/// Where `mod name;` in `file` leads.
fn file_of_child(folder: &Path, file: &str, name: &str) -> String {
    let file = PathBuf::from(file);
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let parent = file.parent().unwrap();
    let home = if ["lib", "main", "mod"].contains(&stem) { parent.to_owned() } else { parent.join(stem) };
    let places = [home.join(format!("{name}.rs")), home.join(name).join("mod.rs")];
    let found = places.into_iter().find(|place| folder.join(place).exists());
    found.unwrap_or_else(|| panic!("mod {name} of {} has no file", file.display())).to_str().unwrap().to_owned()
}

/// Collects one module. Nested modules are left for later.
struct Reader {
    module: Module,
    nested: Vec<syn::ItemMod>,
}

/// Whether it is compiled for tests only.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test")))
    })
}

fn attributes_of(item: &syn::Item) -> &[syn::Attribute] {
    use syn::Item;
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name_of(item: &syn::Item) -> Option<String> {
    use syn::Item;
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        _ => return None,
    };
    Some(name.to_string())
}

/// Names that a macro may define where it is written: what its text declares (`pub enum Table`), and the bare words that a
/// call of it is given (`method!(get, "GET")`).
fn names_made(tokens: TokenStream, is_call: bool) -> Vec<String> {
    const DECLARING: [&str; 8] = ["const", "enum", "fn", "static", "struct", "trait", "type", "union"];
    let (mut names, mut is_declared) = (vec![], false);
    for token in tokens {
        match token {
            TokenTree::Ident(word) => {
                let word = word.to_string();
                let declares = DECLARING.contains(&word.as_str());
                if !declares && (is_declared || is_call) {
                    names.push(word);
                }
                is_declared = declares;
            }
            TokenTree::Group(group) => {
                is_declared = false;
                names.extend(names_made(group.stream(), false));
            }
            _ => is_declared = false,
        }
    }
    names
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test(attributes_of(item)) {
            return;
        }
        self.module.items.extend(name_of(item));
        if let syn::Item::Macro(item) = item {
            self.module.items.extend(names_made(item.mac.tokens.clone(), item.ident.is_none()));
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes: &[syn::Attribute] = match item {
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Const(item) => &item.attrs,
            _ => &[],
        };
        if !is_test(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.children.push(item.ident.to_string());
        self.nested.push(item.clone());
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            self.import(&item.tree, &[]);
        }
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let segments: Segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.mention(segments, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.tokens(list.tokens.clone());
    }
}

impl Reader {
    fn mention(&mut self, segments: Segments, line: usize) {
        let is_bare = segments.len() == 1;
        self.module.mentions.push(Mention { segments, line, is_bare });
    }

    fn import(&mut self, tree: &syn::UseTree, prefix: &[String]) {
        let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &with(&path.ident)),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, prefix)),
            syn::UseTree::Glob(glob) => {
                let (target, line) = (prefix.to_vec(), glob.span().start().line);
                self.module.globs.push(Import { name: "*".to_owned(), target, line });
            }
            syn::UseTree::Name(name) => self.add_import(&name.ident, prefix, &name.ident),
            syn::UseTree::Rename(rename) => self.add_import(&rename.ident, prefix, &rename.rename),
        }
    }

    /// `use prefix::name as alias`; `use prefix::{self}` names the last segment of the prefix.
    fn add_import(&mut self, name: &syn::Ident, prefix: &[String], alias: &syn::Ident) {
        let is_self = name == "self" && !prefix.is_empty();
        let target = if is_self { prefix.to_vec() } else { [prefix, &[name.to_string()]].concat() };
        let alias = if alias == "self" { target.last().unwrap().clone() } else { alias.to_string() };
        self.module.imports.push(Import { name: alias, target, line: name.span().start().line });
    }

    /// Paths in what a macro or an attribute is given: every `a::b`, and single names.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Segments = vec![];
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() && colons < 2 => colons += 1,
                TokenTree::Ident(name) if colons == 2 => {
                    path.push(name.to_string());
                    colons = 0;
                }
                other => {
                    self.end_of_path(&mut path, line);
                    colons = 0;
                    match other {
                        TokenTree::Ident(name) => {
                            line = name.span().start().line;
                            path.push(name.to_string());
                        }
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.end_of_path(&mut path, line);
    }

    fn end_of_path(&mut self, path: &mut Segments, line: usize) {
        if !path.is_empty() {
            self.mention(std::mem::take(path), line);
        }
    }
}
