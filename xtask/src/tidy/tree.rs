//! The repository as the checks see it: packages with their dependencies, and text files with their tokens.

use std::fs;
use std::path::Path;

use cargo_metadata::{DependencyKind, MetadataCommand};
use ignore::WalkBuilder;

use super::source::{self, Token};
use crate::Result;

/// Paths in it are relative to the root, with `/`.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) files: Vec<File>,
    pub(super) packages: Vec<Package>,
}

pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
    /// Empty unless it is a Rust file.
    pub(super) tokens: Vec<Token>,
}

pub(super) struct Package {
    pub(super) name: String,
    /// Its folder; the manifest is `Cargo.toml` in it.
    pub(super) folder: String,
    pub(super) dependencies: Vec<Dependency>,
}

pub(super) struct Dependency {
    pub(super) name: String,
    /// Only for tests, examples and benches.
    pub(super) dev: bool,
}

impl Tree {
    pub(super) fn load(root: &Path) -> Result<Self> {
        Ok(Self { files: files(root)?, packages: packages(root)? })
    }

    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The packages of the house: those in `crates/`. Tests, benches, examples and tasks stand outside it.
    pub(super) fn house(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.folder.starts_with("crates/"))
    }

    /// The files with Rust in `package`'s `src` folder, without those that only its tests use.
    pub(super) fn sources<'a>(&'a self, package: &Package) -> impl Iterator<Item = &'a File> + use<'a> {
        let folder = format!("{}/src/", package.folder);
        self.files
            .iter()
            .filter(move |file| file.path.starts_with(&folder) && file.is_rust() && !file.is_test())
    }

    /// Where `package` names `dependency` in its manifest: path and line.
    pub(super) fn place(&self, package: &Package, dependency: &str) -> (String, usize) {
        let path = package.manifest();
        let starts = |line: &str| {
            line.trim_start().strip_prefix(dependency).is_some_and(|rest| rest.starts_with([' ', '.', '=']))
        };
        let line =
            self.file(&path).and_then(|file| file.text.lines().position(starts)).map_or(1, |at| at + 1);
        (path, line)
    }
}

impl File {
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// `tests.rs` and what is in a folder `tests`: by custom behind `#[cfg(test)]`, or an integration test.
    pub(super) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "tests.rs")
    }
}

impl Package {
    pub(super) fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }

    /// What ships with it: build dependencies too, optional ones too.
    pub(super) fn shipped(&self) -> impl Iterator<Item = &Dependency> {
        self.dependencies.iter().filter(|dependency| !dependency.dev)
    }
}

fn packages(root: &Path) -> Result<Vec<Package>> {
    let metadata = MetadataCommand::new().current_dir(root).no_deps().exec()?;
    let mut packages = Vec::new();
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().unwrap_or(&package.manifest_path);
        let dependencies = package.dependencies.iter().map(|dependency| Dependency {
            name: dependency.name.clone(),
            dev: dependency.kind == DependencyKind::Development,
        });
        packages.push(Package {
            name: package.name.to_string(),
            folder: folder.strip_prefix(&metadata.workspace_root)?.to_string(),
            dependencies: dependencies.collect(),
        });
    }
    Ok(packages)
}

/// All text files that git would track. What is not UTF-8 is not text.
fn files(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut walk = WalkBuilder::new(root);
    walk.hidden(false).require_git(false).filter_entry(|entry| entry.file_name() != ".git");
    for entry in walk.build() {
        let entry = entry?;
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(text) = String::from_utf8(fs::read(entry.path())?) else { continue };
        let path = entry.path().strip_prefix(root)?.to_string_lossy().replace('\\', "/");
        files.push(File::new(path, text)?);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

impl File {
    fn new(path: String, text: String) -> Result<Self> {
        let tokens = if path.ends_with(".rs") {
            source::tokens(&text).map_err(|error| format!("{path}: {error}"))?
        } else {
            Vec::new()
        };
        Ok(Self { path, text, tokens })
    }
}

/// Small trees for the tests of the checks.
#[cfg(test)]
impl Tree {
    pub(super) fn with(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| File::new((*path).into(), (*text).into()).unwrap());
        Self { files: files.collect(), packages: Vec::new() }
    }

    /// Adds the package `crates/<name>`; a dependency that begins with `dev:` is a dev-dependency.
    pub(super) fn package(mut self, name: &str, dependencies: &[&str]) -> Self {
        let dependencies = dependencies.iter().map(|text| Dependency {
            name: text.trim_start_matches("dev:").into(),
            dev: text.starts_with("dev:"),
        });
        let folder = format!("crates/{name}");
        self.packages.push(Package { name: name.into(), folder, dependencies: dependencies.collect() });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_loads() {
        let tree = Tree::load(&crate::root()).unwrap();
        let core = tree.house().find(|package| package.name == "encke-core").unwrap();
        assert_eq!(core.folder, "crates/encke-core");
        assert!(tree.sources(core).any(|file| file.path == "crates/encke-core/src/lib.rs"));
        assert!(
            !tree.files.iter().any(|file| file.path.starts_with("target/") || file.path.starts_with(".git/"))
        );
    }

    #[test]
    fn a_dependency_is_found_in_its_manifest() {
        let manifest = "[dependencies]\nhttp-body.workspace = true\nhttp.workspace = true\n";
        let tree = Tree::with(&[("crates/a/Cargo.toml", manifest)]).package("a", &["http"]);
        assert_eq!(tree.place(&tree.packages[0], "http"), ("crates/a/Cargo.toml".into(), 3));
    }

    #[test]
    fn unit_tests_in_their_own_file_are_no_sources() {
        let tree =
            Tree::with(&[("crates/a/src/lib.rs", ""), ("crates/a/src/log/tests.rs", "")]).package("a", &[]);
        let sources: Vec<_> = tree.sources(&tree.packages[0]).map(|file| &file.path).collect();
        assert_eq!(sources, ["crates/a/src/lib.rs"]);
    }
}
