//! One place for versions, lints and licence: the root manifest. Every member takes them from there.

use toml::{Table, Value};

use super::Violation;
use super::tree::{File, Tree};

/// Keys of `[package]` that a member inherits.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license"];
const SECTIONS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let manifests = tree.packages.iter().filter_map(|package| tree.file(&package.manifest()));
    manifests.flat_map(in_manifest).collect()
}

fn in_manifest(file: &File) -> Vec<Violation> {
    let manifest: Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Violation::new(&file.path, 1, format!("does not parse: {error}"))],
    };
    let mut found = Vec::new();
    if !inherits(manifest.get("lints")) {
        found.push(Violation::new(
            &file.path,
            1,
            "has lints of its own; write `[lints]` with `workspace = true`",
        ));
    }
    for key in INHERITED {
        if !inherits(manifest.get("package").and_then(|package| package.get(*key))) {
            let message = format!("has its own {key}; write `{key}.workspace = true` in [package]");
            found.push(Violation::new(&file.path, line_of(file, key), message));
        }
    }
    for name in
        sections(&manifest).into_iter().flatten().filter(|(_, value)| !inherits(Some(value))).map(|(n, _)| n)
    {
        let message =
            format!("{name} has a version or path here; put it in the root's [workspace.dependencies]");
        found.push(Violation::new(&file.path, line_of(file, name), message));
    }
    found
}

/// All dependency tables, also those for one target only.
fn sections(manifest: &Table) -> Vec<&Table> {
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let places = targets.filter_map(Value::as_table).chain([manifest]);
    places.flat_map(|place| SECTIONS.iter().filter_map(|name| place.get(*name)?.as_table())).collect()
}

fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

fn line_of(file: &File, key: &str) -> usize {
    file.text.lines().position(|line| line.trim_start().starts_with(key)).map_or(1, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
[package]
name = \"a\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
[lints]
workspace = true
[dependencies]
bytes.workspace = true
http = { workspace = true, features = [\"a\"] }
";

    fn messages(manifest: &str) -> Vec<(usize, String)> {
        let tree = Tree::with(&[("crates/a/Cargo.toml", manifest)]).package("a", &[]);
        check(&tree).into_iter().map(|violation| (violation.line, violation.message)).collect()
    }

    #[test]
    fn a_member_that_inherits_is_fine() {
        assert_eq!(messages(GOOD), []);
    }

    #[test]
    fn lints_of_its_own_are_found() {
        assert!(messages(&GOOD.replace("[lints]\nworkspace = true\n", ""))[0].1.starts_with("has lints"));
    }

    #[test]
    fn an_edition_of_its_own_is_found() {
        let found = messages(&GOOD.replace("edition.workspace = true", "edition = \"2021\""));
        assert_eq!((found.len(), found[0].0), (1, 4));
    }

    #[test]
    fn versions_outside_the_root_are_found_in_every_section() {
        for section in ["dependencies", "dev-dependencies", "target.'cfg(unix)'.dependencies"] {
            let manifest = GOOD.replace("[dependencies]", &format!("[{section}]\nslab = \"1\""));
            assert!(messages(&manifest)[0].1.starts_with("slab has a version"), "{section}");
        }
    }
}
