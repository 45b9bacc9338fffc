//! Which crate may depend on which crate of others. Dev-dependencies are free.

use super::Violation;
use super::tree::{Package, Tree};

/// All that the message store may stand on: nothing that runs, speaks HTTP, serializes, tells the time or draws lots.
const CORE: &[&str] = &["bytes", "foldhash", "loom", "sha2", "slab"];

/// A crate that only a few may depend on, who they are, and what the others do instead.
struct Reserved {
    name: &'static str,
    users: &'static [&'static str],
    instead: &'static str,
}

const fn reserved(name: &'static str, users: &'static [&'static str], instead: &'static str) -> Reserved {
    Reserved { name, users, instead }
}

const SERDE_USERS: &[&str] = &["encke-admin", "encke-auth", "encke-wire", "encke-gateway"];
const WEBSOCKET_USERS: &[&str] = &["encke-ws", "encke-client"];
const TOWER_USERS: &[&str] = &["encke-gateway", "encke-testkit", "encke-client"];

const RESERVED: &[Reserved] = &[
    reserved("serde", SERDE_USERS, "what is on the wire has its type in encke-wire"),
    reserved("tungstenite", WEBSOCKET_USERS, "WebSocket is spoken by encke-ws"),
    reserved("tokio-tungstenite", WEBSOCKET_USERS, "WebSocket is spoken by encke-ws"),
    reserved("tower", TOWER_USERS, "a library needs tower-service only"),
    reserved("tower-http", TOWER_USERS, "layers belong to the binary or to the embedder"),
    reserved("axum", &[], "axum is for examples; the house stands on hyper"),
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    tree.house().flat_map(|package| in_package(tree, package)).collect()
}

fn in_package(tree: &Tree, package: &Package) -> Vec<Violation> {
    let mut found = Vec::new();
    for dependency in package.shipped() {
        let name = dependency.name.as_str();
        let (path, line) = tree.place(package, name);
        if package.name == "encke-core" && !name.starts_with("encke") && !CORE.contains(&name) {
            let message = format!(
                "encke-core must not depend on {name}; it stands on {} and std alone",
                CORE.join(", ")
            );
            found.push(Violation::new(&path, line, message));
        }
        for entry in RESERVED.iter().filter(|entry| entry.name == name) {
            if !entry.users.contains(&package.name.as_str()) {
                let message = format!("{} must not depend on {name}: {}", package.name, entry.instead);
                found.push(Violation::new(&path, line, message));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(name: &str, dependencies: &[&str]) -> Vec<String> {
        let tree = Tree::default().package(name, dependencies);
        check(&tree).into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn core_stands_on_its_list_alone() {
        assert!(
            messages("encke-core", &["bytes", "tokio"])[0].starts_with("encke-core must not depend on tokio")
        );
        assert_eq!(messages("encke-core", &["bytes", "dev:proptest"]), [] as [&str; 0]);
    }

    #[test]
    fn reserved_crates_are_for_their_users() {
        for (package, dependency) in [
            ("encke-publish", "serde"),
            ("encke-sse", "tokio-tungstenite"),
            ("encke-gateway", "tungstenite"),
            ("encke-poll", "tower"),
            ("encke-http", "tower-http"),
            ("encke-gateway", "axum"),
        ] {
            assert_eq!(messages(package, &[dependency]).len(), 1, "{package} on {dependency}");
        }
    }

    #[test]
    fn their_users_may() {
        assert_eq!(messages("encke-ws", &["tokio-tungstenite", "tower-service"]), [] as [&str; 0]);
        assert_eq!(messages("encke-gateway", &["serde", "tower", "tower-http"]), [] as [&str; 0]);
    }
}
