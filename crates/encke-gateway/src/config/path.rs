//! The path of a route.

use super::scalar::{Scalar, quoted};

/// An exact path, or one in which a single segment is captured: `/get_messages/`, `/poll/{channel}`.
///
/// Paths are compared as they are on the wire, byte by byte, before percent-decoding; a slash at the end counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePath {
    text: String,
    capture: Option<Capture>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Capture {
    before: String,
    name: String,
    after: String,
    /// It is all the rest of the path, with its slashes.
    rest: bool,
}

impl RoutePath {
    /// Bytes that a path has at most.
    pub const MAX_LEN: usize = 1_024;

    pub(super) fn new(text: &str) -> Result<Self, &'static str> {
        let allowed = |c: char| c.is_ascii_graphic() && !"?#\"<>\\^`|".contains(c);
        if !text.starts_with('/') {
            return Err("a path begins with /");
        } else if text.len() > Self::MAX_LEN {
            return Err("a path is at most 1024 bytes long");
        } else if !text.chars().all(allowed) {
            return Err("a path has no query, and other characters than ASCII as %XX");
        }
        let capture = match text.split_once('{') {
            None => None,
            Some((before, rest)) => {
                let (name, after) = rest.split_once('}').ok_or("close the capture: /poll/{channel}")?;
                let whole = before.ends_with('/') && (after.is_empty() || after.starts_with('/'));
                // It also names the segment in the settings, where names have a limit.
                let length = (1..=64).contains(&name.len());
                let word = length && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if !whole || !word {
                    return Err(
                        "a capture is a whole segment with a name of 1 to 64 letters: /poll/{channel}",
                    );
                }
                let [before, name, after] = [before, name, after].map(str::to_owned);
                Some(Capture { before, name, after, rest: false })
            }
        };
        let rest = capture.as_ref().map_or(text, |capture| &capture.after);
        if rest.contains(['{', '}']) {
            return Err("a path has one capture at most");
        }
        Ok(Self { text: text.to_owned(), capture })
    }

    /// All paths below `path`.
    pub(super) fn below(path: &str) -> Self {
        let (before, name) = (format!("{path}/"), "rest".to_owned());
        let text = format!("{before}{{{name}}}");
        Self { text, capture: Some(Capture { before, name, after: String::new(), rest: true }) }
    }

    /// The path as it was configured.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of the captured segment.
    #[must_use]
    pub fn capture(&self) -> Option<&str> {
        self.capture.as_ref().map(|capture| capture.name.as_str())
    }

    /// Whether its last segment is captured.
    pub(super) fn ends_in_capture(&self) -> bool {
        self.capture.as_ref().is_some_and(|capture| capture.after.is_empty())
    }

    /// Whether `path` (of a request, without the query) is this one, and if so the captured segment, which is never
    /// empty; without a capture that is the empty string.
    #[must_use]
    pub fn matches<'p>(&self, path: &'p str) -> Option<&'p str> {
        let Some(Capture { before, after, rest, .. }) = &self.capture else {
            return (path == self.text).then_some("");
        };
        let segment = path.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
        (!segment.is_empty() && (*rest || !segment.contains('/'))).then_some(segment)
    }

    /// Whether every path that `other` matches is matched by this one.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (&self.capture, &other.capture) {
            (Some(own), Some(others)) => own.before == others.before && own.after == others.after,
            (None, Some(_)) => false,
            (_, None) => self.matches(&other.text).is_some(),
        }
    }
}

impl Scalar for RoutePath {
    fn right() -> String {
        "a path such as \"/poll\" or \"/poll/{channel}\"".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        Self::new(text).map_err(|right| Some(right.to_owned()))
    }

    fn show(&self) -> String {
        quoted(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_exactly_and_captures_one_segment() {
        let cases = [
            ("/poll", "/poll", Some("")),
            ("/poll", "/poll/", None),
            ("/get_messages/", "/get_messages/", Some("")),
            ("/poll/{channel}", "/poll/news", Some("news")),
            ("/poll/{channel}", "/poll/", None),
            ("/poll/{channel}", "/poll/a/b", None),
            ("/c/{id}/poll", "/c/5/poll", Some("5")),
            ("/c/{id}/poll", "/c/poll", None),
        ];
        for (route, path, expected) in cases {
            assert_eq!(RoutePath::new(route).unwrap().matches(path), expected, "{route} on {path}");
        }
    }

    #[test]
    fn malformed_paths_are_refused() {
        let long = format!("/{}", "a".repeat(RoutePath::MAX_LEN));
        let long_name = format!("/{{{}}}", "a".repeat(65));
        for path in [
            "", "poll", "/a?b", "/a b", "/é", "/{", "/{}", "/x{a}", "/{a}x", "/{a}/{b}", "/a}", "/{a{b}}",
            &long, &long_name,
        ] {
            assert!(RoutePath::new(path).is_err(), "{path}");
        }
    }
}
