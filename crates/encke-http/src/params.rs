use std::borrow::Cow;

use encke_core::Since;
use encke_wire::{Problem, parse_since};
use http::HeaderMap;
use percent_encoding::percent_decode_str;

/// Parameters in a query, at most.
const MAX_PARAMS: usize = 256;

/// The parameters of a request's query.
#[derive(Debug, Default)]
pub struct Params<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Params<'a> {
    /// Reads a query (the URL standard's `application/x-www-form-urlencoded`, but strictly).
    ///
    /// # Errors
    /// [`Problem`] if there are more than 256 parameters, or one is not percent-encoded UTF-8.
    pub fn parse(query: Option<&'a str>) -> Result<Self, Problem> {
        let query = query.unwrap_or_default();
        if query.bytes().filter(|byte| *byte == b'&').count() >= MAX_PARAMS {
            return Err(Problem::bad_request(format!("a query has at most {MAX_PARAMS} parameters")));
        }
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode_field(name)?, decode_field(value)?))
        });
        Ok(Self { pairs: pairs.collect::<Result<_, _>>()? })
    }

    /// The first value of a parameter; one that is empty counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.pairs.iter();
        pairs.find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_ref())
    }

    /// All values of a parameter.
    pub fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b str> {
        self.pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_ref())
    }

    /// The names and values, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// A number between two bounds.
    ///
    /// # Errors
    /// [`Problem`] if it is anything else.
    pub fn number(&self, name: &str, min: u64, max: u64) -> Result<Option<u64>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && (min..=max).contains(&number) => Ok(Some(number)),
            _ => Err(Problem::bad_request(format!("{name} is a whole number from {min} to {max}"))),
        }
    }

    /// Where to begin, by `since`, if it says so.
    ///
    /// # Errors
    /// [`Problem`] if it is malformed.
    pub fn since(&self) -> Result<Option<Since>, Problem> {
        self.get("since").map(since).transpose()
    }
}

fn decode_field(text: &str) -> Result<Cow<'_, str>, Problem> {
    if text.contains('+') {
        return decode(&text.replace('+', " ")).map(|text| Cow::Owned(text.into_owned()));
    }
    decode(text)
}

/// Decodes percent-encoded UTF-8 of a path or query.
///
/// Nothing is replaced or passed through as it is: two texts that differ must not come to name one channel.
///
/// # Errors
/// [`Problem`] if an escape is not `%` and two hexadecimal digits, or if the bytes are not UTF-8.
pub fn decode(text: &str) -> Result<Cow<'_, str>, Problem> {
    let mut after = text.split('%').skip(1).map(|rest| rest.as_bytes().get(..2).unwrap_or_default());
    let whole = after.all(|digits| digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit));
    let decoded = percent_decode_str(text).decode_utf8().ok().filter(|_| whole);
    decoded.ok_or_else(|| Problem::bad_request("the path and the query are percent-encoded UTF-8"))
}

/// Reads a `since` that came with a request.
///
/// # Errors
/// [`Problem`] if it is malformed.
pub fn since(text: &str) -> Result<Since, Problem> {
    parse_since(text).map_err(|error| Problem::bad_since(error.to_string()))
}

/// A header as text, if it is there and is not empty.
///
/// # Errors
/// [`Problem`] if it is not visible ASCII.
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text =
        value.to_str().map_err(|_| Problem::bad_request(format!("the header {name} is not ASCII text")))?;
    Ok((!text.is_empty()).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_encoded_right_is_decoded() {
        let params = Params::parse(Some("a=1&a=%C3%A9+x&&b&c=%2B%26&=d")).unwrap();
        assert_eq!(params.all("a").collect::<Vec<_>>(), ["1", "\u{e9} x"]);
        assert_eq!((params.get("b"), params.get("c"), params.get("")), (None, Some("+&"), Some("d")));
        for query in ["a=%", "a=%4", "a=%zz", "a=%%41", "%=a", "a=%FF", "a=%C3", "a=%ED%A0%80", "a=b+%e9"] {
            assert!(Params::parse(Some(query)).is_err(), "{query}");
        }
        assert!(Params::parse(Some(&"&".repeat(MAX_PARAMS))).is_err());
        assert!(Params::parse(Some(&"&".repeat(MAX_PARAMS - 1))).is_ok());
    }
}
