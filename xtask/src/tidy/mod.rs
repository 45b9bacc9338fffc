//! The architecture invariants, checked. One file for each check; each returns what it found and prints nothing.

mod arrows;
mod foreign;
mod hygiene;
mod layout;
mod links;
mod manifests;
mod public_api;
mod purity;
mod serde;
mod sizes;
mod source;
mod tree;
mod words;

use std::fmt;
use std::path::Path;

use crate::Result;
use tree::Tree;

/// One thing that is wrong, where it is, and what would be right.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    path: String,
    /// Counts from 1.
    line: usize,
    message: String,
}

impl Violation {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

type Check = fn(&Tree) -> Vec<Violation>;

const CHECKS: [Check; 11] = [
    arrows::check,
    foreign::check,
    hygiene::check,
    layout::check,
    links::check,
    manifests::check,
    public_api::check,
    purity::check,
    serde::check,
    sizes::check,
    words::check,
];

/// Checks the repository at `root`; an error lists all violations.
pub(crate) fn run(root: &Path) -> Result<()> {
    let tree = Tree::load(root)?;
    let violations = violations(&tree);
    if violations.is_empty() {
        println!("tidy: {} packages, {} files: nothing to mend", tree.packages.len(), tree.files.len());
        return Ok(());
    }
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    Err(format!("{}\ntidy: {} to mend", lines.join("\n"), lines.len()).into())
}

fn violations(tree: &Tree) -> Vec<Violation> {
    let mut found: Vec<Violation> = CHECKS.iter().flat_map(|check| check(tree)).collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        run(&crate::root()).unwrap_or_else(|error| panic!("{error}"));
    }

    #[test]
    fn a_violation_reads_as_a_place_and_a_remedy() {
        let violation = Violation::new("crates/a/src/lib.rs", 7, "no");
        assert_eq!(violation.to_string(), "crates/a/src/lib.rs:7: no");
    }
}
