//! encke-core is told the time, and neither core nor hub knows that transports exist.

use super::Violation;
use super::source::{Kind, Token, segments};
use super::tree::{Package, Tree};

const CLOCKS: &[&str] = &["Instant", "SystemTime"];

/// Words that name a transport, as they stand in identifiers and in text. `poll` is absent: futures are polled too.
const TRANSPORTS: &[&str] =
    &["sse", "longpoll", "long_poll", "iframe", "websocket", "web_socket", "ws", "encke_poll", "jsonp"];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in tree.house() {
        match package.name.as_str() {
            "encke-core" => {
                found.extend(scan(tree, package, clock));
                found.extend(scan(tree, package, transport));
            }
            "encke-hub" => found.extend(scan(tree, package, transport)),
            _ => {}
        }
    }
    found
}

fn scan(tree: &Tree, package: &Package, judge: fn(&Token) -> Option<String>) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.sources(package) {
        for token in file.tokens.iter().filter(|token| !token.test) {
            if let Some(message) = judge(token) {
                found.push(Violation::new(&file.path, token.lines.0, format!("{}: {message}", package.name)));
            }
        }
    }
    found
}

fn clock(token: &Token) -> Option<String> {
    let named = token.kind == Kind::Identifier && CLOCKS.contains(&token.text.as_str());
    named.then(|| format!("names the clock {}; take the time as an argument", token.text))
}

fn transport(token: &Token) -> Option<String> {
    if token.kind == Kind::Mark {
        return None;
    }
    let words = format!("_{}_", segments(&token.text).join("_"));
    let named = TRANSPORTS.iter().find(|transport| words.contains(&format!("_{transport}_")))?;
    Some(format!("names the transport {named}; a transport drives a subscription and nothing below knows it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(package: &str, text: &str) -> Vec<usize> {
        let path = format!("crates/{package}/src/lib.rs");
        let tree = Tree::with(&[(&path, text)]).package(package, &[]);
        check(&tree).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_clock_in_core_is_found() {
        let text = "use std::time::Duration;\nfn a() { std::time::Instant::now(); }\nuse std::time::{SystemTime as T};";
        assert_eq!(lines("encke-core", text), [2, 3]);
        assert_eq!(lines("encke-hub", text), [] as [usize; 0]);
    }

    #[test]
    fn tests_may_use_a_clock() {
        assert_eq!(
            lines("encke-core", "#[cfg(test)]\nmod tests { use std::time::Instant; }"),
            [] as [usize; 0]
        );
    }

    #[test]
    fn a_transport_in_core_or_hub_is_found_in_names_and_in_text() {
        let text = "use encke_sse::A;\nstruct LongPoll;\nconst A: &str = \"a websocket\";\nfn is_ws() {}\n";
        assert_eq!(lines("encke-core", text), [1, 2, 3, 4]);
        assert_eq!(lines("encke-hub", text), [1, 2, 3, 4]);
    }

    #[test]
    fn comments_and_polled_futures_are_fine() {
        let text = "//! Not SSE.\nfn poll_next() { let assessed = 1; /* iframe */ }";
        assert_eq!(lines("encke-hub", text), [] as [usize; 0]);
    }
}
