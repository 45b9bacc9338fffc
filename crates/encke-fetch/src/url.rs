use std::{fmt, str::FromStr};

use http::Uri;

/// Where to send requests: `http` or `https`, with a host and without a user.
///
/// ```
/// use encke_fetch::{Url, UrlError};
///
/// assert!("https://app.example/access".parse::<Url>().is_ok());
/// assert_eq!("https://me:secret@app.example/".parse::<Url>(), Err(UrlError::User));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(Uri);

impl Url {
    /// The URL as requests have it.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0
    }
}

impl TryFrom<Uri> for Url {
    type Error = UrlError;

    fn try_from(uri: Uri) -> Result<Self, UrlError> {
        check(&uri).map(|()| Self(uri))
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        text.parse::<Uri>().map_err(|_| UrlError::Malformed)?.try_into()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

pub(crate) fn check(uri: &Uri) -> Result<(), UrlError> {
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(UrlError::Scheme);
    }
    match uri.authority() {
        Some(authority) if authority.as_str().contains('@') => Err(UrlError::User),
        Some(authority) if !authority.host().is_empty() => Ok(()),
        _ => Err(UrlError::Malformed),
    }
}

/// Why a URL is not one to fetch from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// It is no URL, or has no host.
    Malformed,
    /// It is neither `http` nor `https`.
    Scheme,
    /// It has a user or a password, which would be seen wherever the URL is.
    User,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "this is no URL",
            Self::Scheme => "the URL must begin with http:// or https://",
            Self::User => "the URL must not have a user or a password",
        })
    }
}

impl std::error::Error for UrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_without_a_user_is_fetched_from() {
        let cases = [
            ("http://127.0.0.1:8000/a?b=c", Ok(())),
            ("https://[::1]/", Ok(())),
            ("HTTPS://app.example", Ok(())),
            ("ftp://app.example/", Err(UrlError::Scheme)),
            ("/access", Err(UrlError::Scheme)),
            ("app.example:80", Err(UrlError::Scheme)),
            ("https://me@app.example/", Err(UrlError::User)),
            ("https://me:secret@app.example/", Err(UrlError::User)),
            ("https://:80/", Err(UrlError::Malformed)),
            ("https://a b/", Err(UrlError::Malformed)),
            ("", Err(UrlError::Malformed)),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Url>().map(|_| ()), expected, "{text}");
        }
    }
}
