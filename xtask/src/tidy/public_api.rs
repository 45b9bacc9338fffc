//! No library's public API names a crate that we want to be free to replace.
//!
//! A scan of one file at a time, not a compiler: it follows `use` lines within the file, but no glob imports, macros or
//! aliases from other files. An item counts as public when it says `pub`; the lint `unreachable_pub` keeps that honest.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Attribute, Fields, ImplItem, Item, ItemImpl, Path, Type, UseTree, Visibility};

use super::Violation;
use super::tree::{File, Tree};

const FOREIGN: &[&str] =
    &["axum", "hyper", "hyper_util", "serde_json", "tokio_tungstenite", "tower", "tower_http", "tungstenite"];

/// The binary and the testkit have no users who compile against them.
const NO_LIBRARIES: &[&str] = &["encke-gateway", "encke-testkit"];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let libraries = tree.house().filter(|package| !NO_LIBRARIES.contains(&package.name.as_str()));
    libraries.flat_map(|package| tree.sources(package)).flat_map(in_file).collect()
}

fn in_file(file: &File) -> Vec<Violation> {
    let Ok(parsed) = syn::parse_file(&file.text) else {
        return vec![Violation::new(&file.path, 1, "does not parse; cargo says where")];
    };
    let mut scan = Scan::default();
    scan.items(&parsed.items);
    let violation = |(line, name)| {
        let message =
            format!("a public item names {name}; wrap it, or name bytes, http, http_body or tower_service");
        Violation::new(&file.path, line, message)
    };
    scan.found.into_iter().map(violation).collect()
}

/// Walks the public items of one file.
#[derive(Default)]
struct Scan {
    /// Names that `use` lines brought from foreign crates, with the crate.
    imported: BTreeMap<String, String>,
    /// Types of this file that are not public: what they implement is nobody's business.
    private: BTreeSet<String>,
    found: BTreeSet<(usize, String)>,
}

impl Scan {
    fn items(&mut self, items: &[Item]) {
        for item in items {
            self.learn(item);
        }
        for item in items {
            self.item(item);
        }
    }

    fn learn(&mut self, item: &Item) {
        match item {
            Item::Use(item) => imports(&item.tree, None, &mut self.imported),
            Item::Struct(item) if !is_public(&item.vis) => drop(self.private.insert(item.ident.to_string())),
            Item::Enum(item) if !is_public(&item.vis) => drop(self.private.insert(item.ident.to_string())),
            _ => {}
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Use(item) if is_public(&item.vis) => {
                let mut names = BTreeMap::new();
                imports(&item.tree, None, &mut names);
                let line = item.use_token.span.start().line;
                self.found.extend(names.into_values().map(|name| (line, name)));
            }
            Item::Fn(item) if is_public(&item.vis) => self.visit_signature(&item.sig),
            Item::Struct(item) if is_public(&item.vis) => {
                self.visit_generics(&item.generics);
                self.fields(&item.fields);
            }
            Item::Enum(item) if is_public(&item.vis) => self.visit_item_enum(item),
            Item::Trait(item) if is_public(&item.vis) => self.visit_item_trait(item),
            Item::Type(item) if is_public(&item.vis) => self.visit_item_type(item),
            Item::Const(item) if is_public(&item.vis) => self.visit_type(&item.ty),
            Item::Impl(item) => self.implementation(item),
            Item::Mod(item) if !is_test(&item.attrs) => {
                if let Some((_, items)) = &item.content {
                    self.items(items);
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, fields: &Fields) {
        for field in fields.iter().filter(|field| is_public(&field.vis)) {
            self.visit_type(&field.ty);
        }
    }

    /// The head of an `impl`, the functions that are public, and the types that it gives to a trait.
    fn implementation(&mut self, item: &ItemImpl) {
        if let Type::Path(owner) = &*item.self_ty
            && owner.path.get_ident().is_some_and(|name| self.private.contains(&name.to_string()))
        {
            return;
        }
        visit::visit_generics(self, &item.generics);
        visit::visit_type(self, &item.self_ty);
        item.trait_.iter().for_each(|(path, _)| self.visit_path(path));
        for inner in &item.items {
            match inner {
                ImplItem::Fn(inner) if is_public(&inner.vis) => self.visit_signature(&inner.sig),
                ImplItem::Type(inner) => self.visit_type(&inner.ty),
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Scan {
    fn visit_path(&mut self, path: &'ast Path) {
        if let Some(first) = path.segments.first() {
            let name = first.ident.to_string();
            let foreign =
                FOREIGN.contains(&name.as_str()).then_some(&name).or_else(|| self.imported.get(&name));
            if let Some(foreign) = foreign.cloned() {
                self.found.insert((first.ident.span().start().line, foreign));
            }
        }
        visit::visit_path(self, path);
    }

    /// Bodies are not API.
    fn visit_block(&mut self, _: &'ast syn::Block) {}

    /// Neither are attributes.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

/// Fills `names` with what a `use` line brings from foreign crates; `root` is the crate once it is known.
fn imports(tree: &UseTree, root: Option<&str>, names: &mut BTreeMap<String, String>) {
    let mut bring = |first: String, local: String| {
        let root = root.map_or(first, str::to_owned);
        if FOREIGN.contains(&root.as_str()) {
            names.insert(local, root);
        }
    };
    match tree {
        UseTree::Path(path) => imports(&path.tree, Some(root.unwrap_or(&path.ident.to_string())), names),
        UseTree::Name(name) => bring(name.ident.to_string(), name.ident.to_string()),
        UseTree::Rename(rename) => bring(rename.ident.to_string(), rename.rename.to_string()),
        UseTree::Group(group) => group.items.iter().for_each(|tree| imports(tree, root, names)),
        UseTree::Glob(_) => bring(String::new(), "*".into()),
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_test(attributes: &[Attribute]) -> bool {
    let is_test =
        |a: &Attribute| a.path().is_ident("cfg") && a.parse_args::<Path>().is_ok_and(|p| p.is_ident("test"));
    attributes.iter().any(is_test)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, String)> {
        let tree = Tree::with(&[("crates/encke-ws/src/lib.rs", text)]).package("encke-ws", &[]);
        check(&tree).into_iter().map(|violation| (violation.line, violation.message)).collect()
    }

    #[test]
    fn foreign_names_are_found_wherever_the_public_sees_them() {
        for text in [
            "pub fn a(b: hyper::Request<()>) {}",
            "pub fn a() -> Result<(), Box<tungstenite::Error>> { Ok(()) }",
            "pub fn a<T: tower::Service<u8>>(t: T) {}",
            "pub struct A { pub b: serde_json::Value }",
            "pub struct A(pub hyper::Uri);",
            "pub enum A { B(tungstenite::Error) }",
            "pub trait A { fn b(&self) -> hyper::Body; }",
            "pub type A = tokio_tungstenite::WebSocketStream<u8>;",
            "pub use hyper::Uri;",
            "pub struct A; impl From<tungstenite::Error> for A {}",
            "pub struct A; impl A { pub fn b(&self) -> hyper::Uri { loop {} } }",
            "pub struct A; impl Iterator for A { type Item = hyper::Uri; }",
            "use hyper::{Uri as U, body::Body}; pub fn a(u: U) {}",
            "use tungstenite; pub mod b { pub fn a(u: tungstenite::Message) {} }",
        ] {
            assert_eq!(found(text).len(), 1, "{text}: {:?}", found(text));
        }
    }

    #[test]
    fn what_the_public_does_not_see_is_fine() {
        for text in [
            "use hyper::Uri; fn a(u: Uri) {} pub(crate) fn b(u: hyper::Uri) {}",
            "pub fn a() { let b: Option<hyper::Uri> = None; }",
            "pub struct A { b: hyper::Uri }",
            "struct A; impl From<tungstenite::Error> for A {}",
            "#[cfg(test)] mod tests { pub fn a(b: hyper::Uri) {} }",
            "use http_body::Body; pub fn a(b: impl Body) {}",
            "use tower_service::Service; pub struct A; impl Service<http::Request<u8>> for A {}",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn the_binary_is_free() {
        let tree = Tree::with(&[("crates/encke-gateway/src/lib.rs", "pub fn a(b: hyper::Uri) {}")]);
        assert_eq!(check(&tree.package("encke-gateway", &[])), []);
    }
}
