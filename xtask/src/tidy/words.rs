//! One word for each thing. These words have another one here, in identifiers and in the keys of config files.

use super::Violation;
use super::source::{Kind, segments};
use super::tree::{File, Tree};

/// The word that we do not use, and the one that we do.
const WORDS: &[(&str, &str)] = &[
    ("topic", "channel"),
    ("room", "channel; for what is free, space"),
    ("session", "subscription, or cursor"),
    ("offset", "cursor, or seq; for a place in bytes, at"),
    ("broker", "hub, or engine"),
    ("backend", "transport, or engine"),
];

/// Identifiers of others that we cannot rename, each with its owner.
const FOREIGN: &[(&str, &str)] = &[
    ("byte_offset", "serde_json: how far a stream of values was read"),
    ("StorageBackend", "redb: what it reads and writes instead of a file"),
    ("FileBackend", "redb: the file"),
    ("InMemoryBackend", "redb: a file in memory"),
    ("backends", "redb: the module of these"),
    ("create_with_backend", "redb: opens one"),
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &tree.files {
        let names = if file.path.ends_with(".toml") {
            keys(file)
        } else if file.path.starts_with("crates/") {
            identifiers(file)
        } else {
            continue;
        };
        for (line, name) in names {
            if let Some((word, ours)) = banned(name) {
                let message = format!("`{name}` says {word}; our word is {ours}");
                found.push(Violation::new(&file.path, line, message));
            }
        }
    }
    found
}

fn identifiers(file: &File) -> Vec<(usize, &str)> {
    let names = file.tokens.iter().filter(|token| token.kind == Kind::Identifier);
    names.map(|token| (token.lines.0, token.text.as_str())).collect()
}

/// Keys and table names by their look, which is right for what people write by hand.
fn keys(file: &File) -> Vec<(usize, &str)> {
    let key = |line: &'_ str| -> Option<usize> {
        if line.starts_with('#') {
            None
        } else if line.starts_with('[') {
            Some(line.len())
        } else {
            line.find('=')
        }
    };
    let lines = file.text.lines().enumerate();
    lines.filter_map(|(at, line)| Some((at + 1, line[..key(line)?].trim()))).collect()
}

fn banned(name: &str) -> Option<(&'static str, &'static str)> {
    if FOREIGN.iter().any(|(foreign, _)| *foreign == name) {
        return None;
    }
    let words = segments(name);
    let is = |banned: &str| words.iter().any(|word| word == banned || word.strip_suffix('s') == Some(banned));
    WORDS.iter().find(|(word, _)| is(word)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::with(&[(path, text)])).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn banned_words_are_found_in_every_case() {
        let text = "struct ChatRoom;\nfn topics() {}\nconst MAX_OFFSET: u8 = 1;\nlet session_id = 2;\nenum BackendKind {}";
        assert_eq!(lines("crates/a/src/lib.rs", text), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn words_that_only_contain_them_are_fine() {
        let text = "struct Mushroom;\nfn microtopical() {}\n// the session\nconst A: &str = \"a topic\";";
        assert_eq!(lines("crates/a/src/lib.rs", text), [] as [usize; 0]);
    }

    #[test]
    fn config_keys_are_words_too() {
        let text = "# a topic\n[broker]\nmax-sessions = 1\nname = \"topic\"\n[[a.room]]\n";
        assert_eq!(lines("examples/a.toml", text), [2, 3, 5]);
    }
}
