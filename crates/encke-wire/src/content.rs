use std::fmt;

use bytes::Bytes;
use encke_core::Message;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// How deep published JSON may be nested.
pub const JSON_DEPTH: usize = 32;

/// Why bytes cannot be published as what they are said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentError {
    /// They are said to be JSON, and are not, or are what few can read: a half of a surrogate pair, or a number beyond
    /// a double (RFC 7493, sections 2.1 and 2.2).
    NotJson {
        /// Where the error is, from 1.
        line: usize,
        /// Where in the line, from 1.
        column: usize,
    },
    /// The JSON is nested deeper than [`JSON_DEPTH`].
    TooDeep,
    /// They are said to be text, and are not UTF-8.
    NotUtf8,
    /// The media type is one that cannot be published.
    Unsupported,
}

impl fmt::Display for ContentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { line, column } => {
                write!(f, "the body is not one JSON value: see line {line}, column {column}")
            }
            Self::TooDeep => write!(f, "the JSON is nested deeper than {JSON_DEPTH} levels"),
            Self::NotUtf8 => f.write_str("the body is not UTF-8 text"),
            Self::Unsupported => f.write_str("forms with parts cannot be published; send the data itself"),
        }
    }
}

impl std::error::Error for ContentError {}

/// Makes a message of bytes from outside, by their media type.
///
/// `application/json` and `+json` must be JSON, `text/*` in UTF-8 must be that; both are checked, and kept as
/// they are. Without a type, or with the one that curl and HTML forms send unasked
/// (`application/x-www-form-urlencoded`), the bytes decide: JSON, else text, else binary. Anything else is
/// binary.
///
/// # Errors
/// [`ContentError`] says what the bytes are not.
pub fn message_of(content_type: Option<&str>, body: Bytes) -> Result<Message, ContentError> {
    let Some(content_type) = content_type else { return Ok(guess(body)) };
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let essence = essence.trim().to_ascii_lowercase();
    let message = match essence.as_str() {
        "" | "application/x-www-form-urlencoded" => return Ok(guess(body)),
        "multipart/form-data" => return Err(ContentError::Unsupported),
        json if json == "application/json" || json.ends_with("+json") => json_of(body)?,
        text if text.starts_with("text/") && is_utf8(parameters) => {
            Message::utf8(body).map_err(|_| ContentError::NotUtf8)?
        }
        _ => Message::binary(body),
    };
    let plain = matches!(essence.as_str(), "text/plain" | "application/json");
    Ok(if plain && is_utf8(parameters) { message } else { message.with_content_type(content_type.trim()) })
}

fn is_utf8(parameters: &str) -> bool {
    let charset = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    charset
        .is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8"))
}

fn guess(body: Bytes) -> Message {
    match json_of(body.clone()) {
        Ok(message) => message,
        Err(_) => Message::utf8(body).unwrap_or_else(Message::binary),
    }
}

/// Makes a message of bytes that must be one JSON value, and one that any client can read: each escape is a character,
/// each number fits a double. One that only some can read would hold up the others for as long as it is retained.
///
/// # Errors
/// [`ContentError::NotJson`] or [`ContentError::TooDeep`].
pub fn json_of(body: Bytes) -> Result<Message, ContentError> {
    if depth(&body) > JSON_DEPTH {
        return Err(ContentError::TooDeep);
    }
    match serde_json::from_slice(&body) {
        Ok(Readable) => Ok(Message::json(body)),
        Err(error) => Err(ContentError::NotJson { line: error.line(), column: error.column() }),
    }
}

/// JSON of which every string and number was read, and nothing is kept.
struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while let Some(Self) = items.next_element()? {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        while let Some((Self, Self)) = fields.next_entry()? {}
        Ok(self)
    }
}

/// The deepest nesting of brackets outside strings: a bound for whatever parser comes after.
pub(crate) fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use encke_core::Kind;

    fn kind(content_type: Option<&str>, body: &'static [u8]) -> Result<(Kind, String), ContentError> {
        message_of(content_type, Bytes::from_static(body))
            .map(|message| (message.kind(), message.content_type().to_owned()))
    }

    #[test]
    fn the_type_decides_and_the_bytes_must_keep_it() {
        let of = |kind, content_type: &str| Ok((kind, content_type.to_owned()));
        let json = "application/json";
        let text = "text/plain; charset=utf-8";
        let binary = "application/octet-stream";
        assert_eq!(kind(Some(json), b" {\"a\":1} "), of(Kind::Json, json));
        assert_eq!(kind(Some("application/json; charset=UTF-8"), b"1"), of(Kind::Json, json));
        assert_eq!(kind(Some("application/ld+json"), b"[]"), of(Kind::Json, "application/ld+json"));
        assert_eq!(kind(Some(json), b"{a:1}"), Err(ContentError::NotJson { line: 1, column: 2 }));
        assert_eq!(kind(Some(json), b""), Err(ContentError::NotJson { line: 1, column: 0 }));
        assert_eq!(kind(Some("text/plain"), b"hi"), of(Kind::Text, text));
        assert_eq!(kind(Some("text/html"), b"<p>"), of(Kind::Text, "text/html"));
        assert_eq!(kind(Some("text/plain"), b"\xff"), Err(ContentError::NotUtf8));
        assert_eq!(
            kind(Some("text/plain; charset=latin1"), b"\xff"),
            of(Kind::Binary, "text/plain; charset=latin1")
        );
        assert_eq!(kind(Some("image/png"), b"\x89PNG"), of(Kind::Binary, "image/png"));
        assert_eq!(kind(Some("multipart/form-data; boundary=x"), b""), Err(ContentError::Unsupported));
        for content_type in [None, Some(""), Some("application/x-www-form-urlencoded")] {
            assert_eq!(kind(content_type, b"{\"messages\": [\"hi\"]}"), of(Kind::Json, json));
            assert_eq!(kind(content_type, b"hello"), of(Kind::Text, text));
            assert_eq!(kind(content_type, b"\xff\x00"), of(Kind::Binary, binary));
        }
    }

    #[test]
    fn json_that_only_some_can_read_is_refused() {
        let json = |body: &'static str| json_of(Bytes::from_static(body.as_bytes())).is_ok();
        for body in [r#""\ud83d\ude00""#, "[1e308, -0, 123456789012345678901234567890]", r#"{"\u0000":null}"#]
        {
            assert!(json(body), "{body}");
        }
        for body in
            [r#""\ud800""#, r#"["\udc00"]"#, r#"{"\ud83d":1}"#, r#""\ud83d\u0041""#, "1e999", "[-1e400]"]
        {
            assert!(!json(body), "{body}");
        }
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth: usize| Bytes::from("[".repeat(depth) + &"]".repeat(depth));
        assert!(json_of(nested(JSON_DEPTH)).is_ok());
        assert_eq!(json_of(nested(JSON_DEPTH + 1)), Err(ContentError::TooDeep));
        assert_eq!(json_of(nested(1_000_000)), Err(ContentError::TooDeep));
        assert!(json_of(Bytes::from_static(br#"["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"["]"#)).is_ok());
    }
}
