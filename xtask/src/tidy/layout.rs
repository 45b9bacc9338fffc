//! Who knows one transport crate knows all: each has the same files. And each crate has its sentence in `crates/README.md`.

use super::Violation;
use super::tree::Tree;

const TRANSPORTS: &[&str] = &["encke-poll", "encke-longpoll", "encke-sse", "encke-iframe", "encke-ws"];
const FILES: &[&str] = &["lib.rs", "config.rs", "service.rs", "framing.rs", "request.rs"];
const WS_FILES: &[&str] = &["connection.rs", "handshake.rs"];

/// Files that a transport has no use for, each with its reason.
const ABSENT: &[(&str, &str)] = &[];

const SENTENCES: &str = "crates/README.md";

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in tree.house() {
        let folder = &package.folder;
        let files = if package.name == "encke-ws" { WS_FILES } else { &[] };
        if TRANSPORTS.contains(&package.name.as_str()) {
            found.extend(FILES.iter().chain(files).filter_map(|name| missing(tree, folder, name)));
        }
        let sentence = format!("`{}`", package.name);
        if !tree.file(SENTENCES).is_some_and(|file| file.text.contains(&sentence)) {
            let message = format!("{} has no sentence here; say what it is and what it is not", package.name);
            found.push(Violation::new(SENTENCES, 1, message));
        }
    }
    found
}

fn missing(tree: &Tree, folder: &str, name: &str) -> Option<Violation> {
    let path = format!("{folder}/src/{name}");
    let excused = ABSENT.iter().any(|(absent, _)| *absent == path);
    let message = "missing; every transport has the same files, or an excuse in xtask/src/tidy/layout.rs";
    (tree.file(&path).is_none() && !excused).then(|| Violation::new(&path, 1, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(name: &str, files: &[&str]) -> Vec<String> {
        let paths: Vec<String> = files.iter().map(|file| format!("crates/{name}/src/{file}")).collect();
        let mut files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
        let readme = format!("- `{name}`: a crate.");
        files.push((SENTENCES, &readme));
        check(&Tree::with(&files).package(name, &[])).into_iter().map(|violation| violation.path).collect()
    }

    #[test]
    fn a_transport_without_one_of_the_files_is_found() {
        let found = paths("encke-sse", &["lib.rs", "config.rs", "service.rs", "request.rs"]);
        assert_eq!(found, ["crates/encke-sse/src/framing.rs"]);
    }

    #[test]
    fn the_socket_has_two_more() {
        let found = paths("encke-ws", FILES);
        assert_eq!(found, ["crates/encke-ws/src/connection.rs", "crates/encke-ws/src/handshake.rs"]);
    }

    #[test]
    fn other_crates_have_the_files_that_they_like() {
        assert_eq!(paths("encke-core", &["lib.rs"]), [] as [&str; 0]);
    }

    #[test]
    fn a_crate_without_its_sentence_is_found() {
        let tree = Tree::with(&[(SENTENCES, "- `encke-core`: the store.")]).package("encke", &[]);
        assert_eq!(check(&tree).len(), 1);
    }
}
