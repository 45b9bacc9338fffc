//! What no file may hold: unsafe code, folders of one machine, and hosts of package registries.

use super::Violation;
use super::source::Kind;
use super::tree::{File, Tree};

/// Folders that hold something on somebody's machine only.
const FOLDERS: &[&str] = &["home", "Users", "root", "work", "tmp"];

/// First labels of hosts that package managers fetch from; pages about packages are fine.
const HOSTS: &[&str] =
    &["artifactory", "files", "index", "mirror", "nexus", "proxy", "pypi", "registry", "static"];

/// The one source that a lock file may name.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &tree.files {
        found.extend(unsafe_code(file));
        for (at, line) in file.text.lines().enumerate() {
            let message = machine_path(line).or_else(|| registry_host(line)).or_else(|| source(file, line));
            found.extend(message.map(|message| Violation::new(&file.path, at + 1, message)));
        }
    }
    found
}

fn unsafe_code(file: &File) -> Vec<Violation> {
    let tokens = file.tokens.iter().filter(|token| token.kind == Kind::Identifier && token.text == "unsafe");
    let message = "unsafe code; there is none here: use a well-kept crate that wraps it";
    tokens.map(|token| Violation::new(&file.path, token.lines.0, message)).collect()
}

/// Something before the first slash makes it part of a URL or of a relative path, and those are fine.
fn machine_path(line: &str) -> Option<String> {
    let inside = |c: char| c.is_alphanumeric() || "._-/~$})".contains(c);
    let folder = FOLDERS.iter().find(|folder| {
        let path = format!("/{folder}/");
        line.match_indices(&path).any(|(at, _)| {
            let (before, after) = (&line[..at], &line[at + path.len()..]);
            !before.ends_with(inside) && after.starts_with(|c: char| c.is_alphanumeric() || c == '.')
        })
    })?;
    Some(format!(
        "names a place in the {folder} folder of one machine; use a relative path or ask the system"
    ))
}

fn registry_host(line: &str) -> Option<String> {
    let is_host = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
    let urls = line.split("://").skip(1);
    let mut hosts = urls.map(|rest| rest.split(|c| !is_host(c)).next().unwrap_or_default());
    let host = hosts.find(|host| host.split_once('.').is_some_and(|(label, _)| HOSTS.contains(&label)))?;
    Some(format!("names the registry {host}; leave it to the machine's own configuration"))
}

fn source(file: &File, line: &str) -> Option<String> {
    let source = line.strip_prefix("source = ").filter(|_| file.path.ends_with("Cargo.lock"))?;
    (source.trim_matches('"') != CRATES_IO).then(|| format!("the source {source} is not crates.io"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::with(&[(path, text)])).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn unsafe_code_is_found() {
        assert_eq!(lines("a.rs", "// unsafe\n#![forbid(unsafe_code)]\nfn a() { unsafe {} }"), [3]);
    }

    #[test]
    fn folders_of_a_machine_are_found() {
        let text = ["home", "root", "tmp", "work", "Users"].map(|folder| format!("see `/{folder}/someone`"));
        assert_eq!(lines("a.md", &text.join("\n")), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn urls_relative_paths_and_system_folders_are_fine() {
        let text =
            "https://example.org/home/page\n./tmp/a\n../work/b\n/etc/encke/encke.toml\ntarget/tmp/a\n/tmp\n";
        assert_eq!(lines("a.md", text), [] as [usize; 0]);
    }

    #[test]
    fn hosts_of_registries_are_found() {
        let text = ["registry", "static", "pypi"].map(|host| format!("https://{host}.{}/a", "org"));
        assert_eq!(lines("a.md", &text.join("\n")), [1, 2, 3]);
        assert_eq!(lines("a.md", "https://crates.io/crates/encke https://docs.rs/encke"), [] as [usize; 0]);
    }

    #[test]
    fn a_lock_file_names_one_source() {
        let text = format!("source = \"{CRATES_IO}\"\nsource = \"git+https://example.org/a\"\n");
        assert_eq!(lines("Cargo.lock", &text), [2]);
    }
}
