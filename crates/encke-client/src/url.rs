use std::{fmt, str::FromStr};

use form_urlencoded::Serializer;
use http::Uri;

/// The place of a gateway: `http://host[:port][/path]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    /// Without the brackets of an IPv6 address, as the resolver wants it.
    host: String,
    port: u16,
    /// As it stands in the URL, for the `Host` header.
    authority: String,
    /// Without a slash at its end.
    prefix: String,
}

/// Why a text is not the URL of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// It is not a URL.
    Malformed,
    /// It is `https://`, which this client does not speak yet.
    Https,
    /// Its scheme is another than `http`.
    Scheme,
    /// It carries a name or password; they do not belong into a URL.
    Credentials,
    /// It has a query; the client writes that itself.
    Query,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a URL; one looks like http://127.0.0.1:8000",
            Self::Https => "https:// is not supported yet; use http://, or a tunnel that adds TLS",
            Self::Scheme => "the URL of a gateway begins with http://",
            Self::Credentials => "the URL of a gateway has no name or password in it",
            Self::Query => "the URL of a gateway ends with its path, without a query",
        })
    }
}

impl std::error::Error for UrlError {}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let uri: Uri = text.parse().map_err(|_| UrlError::Malformed)?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(UrlError::Https),
            Some(_) => return Err(UrlError::Scheme),
            None => return Err(UrlError::Malformed),
        }
        let authority = uri.authority().ok_or(UrlError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(UrlError::Credentials);
        }
        if uri.query().is_some() {
            return Err(UrlError::Query);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        // What follows the host is a colon and a number, or nothing: `Uri` lets `host:` and `host:x` pass.
        let port = match authority.as_str().strip_prefix(authority.host()).unwrap_or_default() {
            "" => 80,
            port => port.trim_start_matches(':').parse().map_err(|_| UrlError::Malformed)?,
        };
        if host.is_empty() {
            return Err(UrlError::Malformed);
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            authority: authority.as_str().to_owned(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl Url {
    pub(crate) fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The target of a request to `route`, which begins with a slash.
    pub(crate) fn target<'p>(
        &self,
        route: &str,
        parameters: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> String {
        let target = format!("{}{route}?", self.prefix);
        let begin = target.len();
        Serializer::for_suffix(target, begin).extend_pairs(parameters).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn the_parts_of_a_url() {
        assert_eq!(url("http://localhost").address(), ("localhost", 80));
        assert_eq!(url("http://[::1]:8000/").address(), ("::1", 8000));
        assert_eq!(url("http://[::1]:8000/").authority(), "[::1]:8000");
        let target = url("http://h:1/a/b/").target("/sse", [("channel", "a&b"), ("since", "-20")]);
        assert_eq!(target, "/a/b/sse?channel=a%26b&since=-20");
        assert_eq!(url("http://h").target("/poll", [("channel", "é")]), "/poll?channel=%C3%A9");
    }

    #[test]
    fn what_is_not_the_url_of_a_gateway() {
        let cases = [
            ("", UrlError::Malformed),
            ("localhost:8000", UrlError::Malformed),
            ("/sse", UrlError::Malformed),
            ("http://h:99999", UrlError::Malformed),
            ("http://h:", UrlError::Malformed),
            ("http://:80", UrlError::Malformed),
            ("https://h", UrlError::Https),
            ("ws://h", UrlError::Scheme),
            ("http://me:secret@h", UrlError::Credentials),
            ("http://h/?a=1", UrlError::Query),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Url>(), Err(error), "{text}");
        }
    }
}
