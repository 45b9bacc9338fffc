//! Files that one can read in a sitting, and pull transports that show how little a transport is.

use std::collections::BTreeSet;

use super::Violation;
use super::tree::{File, Tree};

/// Lines of a Rust file, all counted.
const FILE: usize = 400;
/// Lines of code of a pull transport, without blank lines, comments and tests.
const TRANSPORT: usize = 300;
const PULL_TRANSPORTS: &[&str] = &["encke-poll", "encke-longpoll", "encke-sse", "encke-iframe"];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        if lines > FILE {
            let message = format!("{lines} lines; at most {FILE}: split it where it speaks of two things");
            found.push(Violation::new(&file.path, FILE + 1, message));
        }
    }
    for package in tree.house().filter(|package| PULL_TRANSPORTS.contains(&package.name.as_str())) {
        let lines: usize = tree.sources(package).map(code_lines).sum();
        if lines > TRANSPORT {
            let message = format!(
                "{} has {lines} lines of code; at most {TRANSPORT}: what transports share belongs to encke-http",
                package.name
            );
            found.push(Violation::new(&format!("{}/src/lib.rs", package.folder), 1, message));
        }
    }
    found
}

/// The lines that carry a token outside tests.
fn code_lines(file: &File) -> usize {
    let tokens = file.tokens.iter().filter(|token| !token.test);
    tokens.flat_map(|token| token.lines.0..=token.lines.1).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_found() {
        let (long, fits) = ("\n".repeat(401), "\n".repeat(400));
        let tree = Tree::with(&[("tests/a.rs", &long), ("tests/b.rs", &fits), ("docs/c.md", &long)]);
        let found = check(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].line), ("tests/a.rs", 401));
    }

    #[test]
    fn a_long_pull_transport_is_found_over_all_its_files() {
        let (a, b) = ("const A: u8 = 1;\n".repeat(200), "const B: u8 = 1;\n".repeat(101));
        let files =
            [("crates/encke-sse/src/lib.rs", a.as_str()), ("crates/encke-sse/src/framing.rs", b.as_str())];
        let found = check(&Tree::with(&files).package("encke-sse", &[]));
        assert!(found[0].message.starts_with("encke-sse has 301 lines of code"), "{}", found[0].message);
    }

    #[test]
    fn comments_blank_lines_and_tests_do_not_count() {
        let text = "//! Docs.\n\n/* a\n comment */\nfn a() {\n    // why\n}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        assert_eq!(code_lines(&Tree::with(&[("a.rs", text)]).files[0]), 2);
    }
}
