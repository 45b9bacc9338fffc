use std::{
    fmt::Write as _,
    hash::{DefaultHasher, Hash, Hasher},
};

use encke_core::{Cursor, Selector};
use http::{HeaderMap, HeaderValue, header, request::Parts};

/// Keeps a client's cursor in a cookie, for clients that send none themselves.
///
/// There is one cookie for each path and set of channels. All tabs of a browser share it, so such a client
/// should run in one tab at a time.
#[derive(Debug, Clone)]
pub struct CursorCookie {
    name: String,
    cursor: Option<Cursor>,
}

impl CursorCookie {
    /// Reads the cookie of a request about `selectors`. One that is malformed counts as absent.
    #[must_use]
    pub fn read(parts: &Parts, selectors: &[Selector]) -> Self {
        let mut hasher = DefaultHasher::new();
        parts.uri.path().hash(&mut hasher);
        selectors.hash(&mut hasher);
        let name = format!("encke-{:016x}", hasher.finish());
        let values = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let own = pairs.filter(|(known, _)| *known == name).find_map(|(_, value)| value.parse().ok());
        Self { name, cursor: own }
    }

    /// The cursor that it holds.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// Puts a cursor into the answer.
    pub fn write(&self, cursor: Cursor, headers: &mut HeaderMap) {
        let mut cookie = String::with_capacity(96);
        // Writing to a String cannot fail.
        let _ = write!(cookie, "{}={cursor}; Path=/; HttpOnly; SameSite=Lax", self.name);
        if let Ok(value) = HeaderValue::try_from(cookie) {
            headers.append(header::SET_COOKIE, value);
        }
    }
}
