//! Only they derive serde who speak JSON or read the config file: on the wire, with the application, with whoever runs the node.

use super::Violation;
use super::source::Token;
use super::tree::Tree;

const USERS: &[&str] = &["encke-admin", "encke-auth", "encke-wire", "encke-gateway"];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in tree.house().filter(|package| !USERS.contains(&package.name.as_str())) {
        for file in tree.sources(package) {
            found.extend(derives(&file.tokens).map(|token| {
                let message = format!(
                    "{} must not derive {}; give the wire its type in encke-wire and convert",
                    package.name, token.text
                );
                Violation::new(&file.path, token.lines.0, message)
            }));
        }
    }
    found
}

/// `Serialize` and `Deserialize` between the brackets of a `derive`.
fn derives(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    let mut inside = false;
    tokens.iter().enumerate().filter_map(move |(at, token)| {
        match token.text.as_str() {
            "(" if at > 0 => inside |= tokens[at - 1].text == "derive",
            ")" => inside = false,
            _ => {}
        }
        (inside && matches!(token.text.as_str(), "Serialize" | "Deserialize")).then_some(token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(package: &str, text: &str) -> usize {
        let path = format!("crates/{package}/src/lib.rs");
        check(&Tree::with(&[(&path, text)]).package(package, &[])).len()
    }

    #[test]
    fn a_derive_outside_wire_and_gateway_is_found() {
        let text =
            "#[derive(Debug, serde::Serialize)]\nstruct A;\n#[cfg_attr(a, derive(Deserialize))]\nstruct B;";
        assert_eq!(count("encke-publish", text), 2);
        assert_eq!(count("encke-wire", text), 0);
        assert_eq!(count("encke-gateway", text), 0);
    }

    #[test]
    fn another_derive_is_fine() {
        assert_eq!(count("encke-core", "#[derive(Debug)]\nstruct A;\nfn serialize(Serialize: u8) {}"), 0);
    }
}
