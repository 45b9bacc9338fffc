//! Which crate of the house may depend on which:
//! `core <- hub <- http <- {transports, publish} <- encke <- gateway`, `core <- wire <- http, client`, `hub <- engines`.
//!
//! An arrow may skip steps downwards. Dev-dependencies are free.

use super::Violation;
use super::tree::Tree;

const BELOW_HTTP: &[&str] = &["encke-core", "encke-hub", "encke-wire"];
const BELOW_TRANSPORTS: &[&str] = &["encke-core", "encke-hub", "encke-http", "encke-wire"];

/// Each crate with what it may name. A new crate is a new line here.
const ARROWS: &[(&str, &[&str])] = &[
    ("encke-core", &[]),
    ("encke-hub", &["encke-core"]),
    ("encke-wire", &["encke-core"]),
    ("encke-http", BELOW_HTTP),
    ("encke-poll", BELOW_TRANSPORTS),
    ("encke-longpoll", BELOW_TRANSPORTS),
    ("encke-sse", BELOW_TRANSPORTS),
    ("encke-iframe", BELOW_TRANSPORTS),
    ("encke-ws", BELOW_TRANSPORTS),
    ("encke-publish", BELOW_TRANSPORTS),
    ("encke-admin", BELOW_TRANSPORTS),
    ("encke-fetch", &[]),
    ("encke-auth", &["encke-core", "encke-fetch", "encke-hub"]),
    ("encke-notices", &["encke-core", "encke-fetch", "encke-hub", "encke-wire"]),
    ("encke-sdk", BELOW_TRANSPORTS),
    ("encke-disk", &["encke-core", "encke-hub"]),
    ("encke-redis", &["encke-core", "encke-hub"]),
    ("encke-nats", &["encke-core", "encke-hub"]),
    ("encke-queue", BELOW_HTTP),
    ("encke-client", &["encke-core", "encke-wire"]),
    ("encke", FACADE),
    ("encke-gateway", GATEWAY),
    ("encke-testkit", TESTKIT),
];

const FACADE: &[&str] = &[
    "encke-admin",
    "encke-auth",
    "encke-core",
    "encke-disk",
    "encke-http",
    "encke-hub",
    "encke-iframe",
    "encke-longpoll",
    "encke-nats",
    "encke-notices",
    "encke-poll",
    "encke-publish",
    "encke-queue",
    "encke-redis",
    "encke-sdk",
    "encke-sse",
    "encke-wire",
    "encke-ws",
];

/// The binary assembles; it may name all but the testkit.
const GATEWAY: &[&str] = &[
    "encke",
    "encke-admin",
    "encke-auth",
    "encke-client",
    "encke-core",
    "encke-disk",
    "encke-fetch",
    "encke-http",
    "encke-hub",
    "encke-iframe",
    "encke-longpoll",
    "encke-nats",
    "encke-notices",
    "encke-poll",
    "encke-publish",
    "encke-queue",
    "encke-redis",
    "encke-sdk",
    "encke-sse",
    "encke-wire",
    "encke-ws",
];

/// It drives the whole house from outside, and is only ever a dev-dependency itself.
const TESTKIT: &[&str] = &[
    "encke",
    "encke-admin",
    "encke-auth",
    "encke-client",
    "encke-core",
    "encke-gateway",
    "encke-http",
    "encke-hub",
    "encke-wire",
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in tree.house() {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
            let message =
                format!("{} has no arrows yet; give it a line in xtask/src/tidy/arrows.rs", package.name);
            found.push(Violation::new(&package.manifest(), 1, message));
            continue;
        };
        let inside = |name: &str| name == "encke" || name.starts_with("encke-");
        for dependency in package.shipped().filter(|dependency| inside(&dependency.name)) {
            if !allowed.contains(&dependency.name.as_str()) {
                let (path, line) = tree.place(package, &dependency.name);
                found.push(Violation::new(&path, line, remedy(&package.name, &dependency.name, allowed)));
            }
        }
    }
    found
}

fn remedy(package: &str, dependency: &str, allowed: &[&str]) -> String {
    let allowed = if allowed.is_empty() { "nothing of the house".into() } else { allowed.join(", ") };
    format!("{package} must not depend on {dependency}; it may name {allowed}. Move what both need downwards")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(name: &str, dependencies: &[&str]) -> Vec<String> {
        let tree = Tree::default().package(name, dependencies);
        check(&tree).into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn an_arrow_upwards_is_found() {
        assert!(
            messages("encke-core", &["encke-hub"])[0].starts_with("encke-core must not depend on encke-hub")
        );
        assert_eq!(messages("encke-wire", &["encke-http"]).len(), 1);
        assert_eq!(messages("encke-disk", &["encke-http"]).len(), 1);
    }

    #[test]
    fn a_transport_that_depends_on_another_is_found() {
        assert_eq!(messages("encke-longpoll", &["encke-http", "encke-poll"]).len(), 1);
    }

    #[test]
    fn the_testkit_is_for_tests_only() {
        assert_eq!(messages("encke-gateway", &["encke", "encke-testkit"]).len(), 1);
        assert_eq!(messages("encke-gateway", &["encke", "dev:encke-testkit"]), [] as [&str; 0]);
    }

    #[test]
    fn an_arrow_may_skip_steps_downwards() {
        assert_eq!(messages("encke-ws", &["encke-core", "encke-hub", "bytes"]), [] as [&str; 0]);
    }

    #[test]
    fn an_unknown_crate_needs_a_line() {
        assert!(messages("encke-quic", &[])[0].contains("has no arrows yet"));
    }

    #[test]
    fn every_arrow_points_to_a_crate_with_arrows_of_its_own() {
        for (_, allowed) in ARROWS {
            for name in *allowed {
                assert!(ARROWS.iter().any(|(known, _)| known == name), "{name}");
            }
        }
    }
}
