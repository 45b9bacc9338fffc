//! Which web pages may use a route, by their origin.

use super::scalar::{Scalar, quoted};

/// The web origins that may use a route, besides the one that it is served from, which always may.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origins(pub Vec<AllowedOrigin>);

impl Origins {
    /// Whether a page of `origin` (the value of the header `Origin`, RFC 6454 section 7) is in the list.
    #[must_use]
    pub fn admits(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| match allowed {
            AllowedOrigin::Any => true,
            AllowedOrigin::Null => origin == "null",
            AllowedOrigin::Exact(exact) => exact.as_str() == origin,
        })
    }
}

/// An entry of [`Origins`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// Every origin, `null` too: `"*"`.
    Any,
    /// Pages without an origin of their own (sandboxed frames, files): `"null"`.
    Null,
    /// This one.
    Exact(WebOrigin),
}

impl Scalar for AllowedOrigin {
    fn right() -> String {
        "an origin such as \"https://app.example\", \"null\" or \"*\"".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        match text {
            "*" => Ok(Self::Any),
            "null" => Ok(Self::Null),
            _ => WebOrigin::parse(text).map(Self::Exact),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Any => quoted("*"),
            Self::Null => quoted("null"),
            Self::Exact(origin) => origin.show(),
        }
    }
}

/// An origin as browsers send it: scheme, host and port (RFC 6454 section 6.2), in lower case, without the scheme's
/// own port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin(String);

impl WebOrigin {
    /// The origin as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scalar for WebOrigin {
    fn right() -> String {
        "an origin such as \"https://app.example\"".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        let lower = text.to_lowercase();
        let (scheme, rest) = lower.split_once("://").ok_or(None)?;
        let authority = rest.split('/').next().unwrap_or_default();
        let authority: http::uri::Authority = authority.parse().map_err(|_| None)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-[:]".contains(c);
        if scheme.parse::<http::uri::Scheme>().is_err()
            || authority.host().is_empty()
            || !authority.host().chars().all(plain)
        {
            return Err(None);
        }
        let own_port = match scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        let host = format!("{scheme}://{}", authority.host());
        let origin = match authority.port_u16() {
            Some(port) if Some(port) != own_port => format!("{host}:{port}"),
            None if !authority.as_str().ends_with(authority.host()) => return Err(None), // A port that is none.
            _ => host,
        };
        let with_own_port = own_port.map(|port| format!("{origin}:{port}"));
        if lower == origin || Some(lower) == with_own_port {
            return Ok(Self(origin));
        }
        Err(Some(format!("an origin is scheme, host and port only; write {}", quoted(&origin))))
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_as_browsers_send_them() {
        let origins =
            |list: &[&str]| Origins(list.iter().map(|text| AllowedOrigin::parse(text).unwrap()).collect());
        let cases = [
            (origins(&[]), "https://a.example", false),
            (origins(&["https://a.example"]), "https://a.example", true),
            (origins(&["HTTPS://A.Example:443"]), "https://a.example", true),
            (origins(&["http://a.example:80"]), "http://a.example", true),
            (origins(&["https://a.example"]), "http://a.example", false),
            (origins(&["https://a.example"]), "https://a.example:8443", false),
            (origins(&["https://a.example"]), "https://a.example.evil.example", false),
            (origins(&["https://a.example"]), "https://b.a.example", false),
            (origins(&["http://[::1]:8000"]), "http://[::1]:8000", true),
            (origins(&["https://a.example"]), "null", false),
            (origins(&["null"]), "null", true),
            (origins(&["*"]), "null", true),
        ];
        for (origins, origin, expected) in cases {
            assert_eq!(origins.admits(origin), expected, "{origin} {origins:?}");
        }
    }
}
