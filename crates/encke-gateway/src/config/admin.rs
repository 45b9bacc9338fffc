//! `[admin]`: who runs the gateway, and where.

use std::net::SocketAddr;

use super::{access::Access, path::RoutePath, secret::Secret, section::Section};

/// The administration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// The page; below it, at `api/`, what it is made with.
    pub path: RoutePath,
    /// An address of its own to listen on, instead of the one for all.
    pub listen: Option<SocketAddr>,
    /// Who may use it, by address.
    pub access: Access,
    /// The key that whoever uses it must have.
    pub key: Option<Secret>,
}

impl Admin {
    /// The path of the API.
    pub(crate) fn api_path(&self) -> String {
        format!("{}/api", self.path.as_str().trim_end_matches('/'))
    }

    /// All paths of the API.
    pub(crate) fn api_below(&self) -> RoutePath {
        RoutePath::below(&self.api_path())
    }

    /// Reads `[admin]`; off loopback a key is mandatory.
    pub(super) fn read(s: &mut Section<'_>, listen: SocketAddr) -> Option<Self> {
        let at = s.place("listen");
        let path_at = s.place("path");
        let path = s.get("path", RoutePath::new("/admin").ok()?);
        if path.capture().is_some() {
            s.wrong(
                path_at,
                "the path of the administration cannot capture anything",
                "a path such as \"/admin\"",
            );
        }
        let own = s.optional::<SocketAddr>("listen");
        let access = Access::read(s, Access::loopback());
        let key = if s.has("key") || s.has("key_file") {
            Secret::read(s, "key", "key_file", 20)
        } else {
            s.also_known(&["key", "key_file"]);
            None
        };
        if !own.unwrap_or(listen).ip().is_loopback() && !access.is_loopback_only() && key.is_none() {
            let wrong = "clients on other machines may administer this gateway without a key";
            s.wrong(at, wrong, "set `key_file`, or `allow = [\"loopback\"]`");
        }
        Some(Self { path, listen: own, access, key })
    }
}
