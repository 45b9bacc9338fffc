//! What proxies say in headers of those for whom they ask.

use std::net::{IpAddr, SocketAddr};

use encke_http::Scheme;
use http::HeaderMap;

pub(crate) const X_FORWARDED_FOR: &str = "x-forwarded-for";
pub(crate) const X_FORWARDED_PROTO: &str = "x-forwarded-proto";
pub(crate) const FORWARDED: &str = "forwarded";

/// Headers by which a proxy shows itself, whatever else it does.
const MARKS: [&str; 6] =
    [FORWARDED, X_FORWARDED_FOR, X_FORWARDED_PROTO, "x-forwarded-host", "x-real-ip", "via"];

/// Something stands where an address or a scheme belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Garbage;

/// One stage of a request's way, as the proxy after it has noted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Hop {
    /// None, if the proxy does not know or does not tell.
    pub(crate) address: Option<IpAddr>,
    pub(crate) scheme: Option<Scheme>,
}

/// Whether some proxy has passed the request on.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    MARKS.iter().any(|name| headers.contains_key(*name))
}

/// The last hop that is not a listed proxy, or the first of all: what stands before it may be anybody's invention, and is
/// not looked at. `None`, if the header is missing.
pub(crate) fn client(
    hops: impl Iterator<Item = Result<Hop, Garbage>>,
    is_listed: impl Fn(IpAddr) -> bool,
) -> Result<Option<Hop>, Garbage> {
    let mut client = None;
    for hop in hops {
        let hop = hop?;
        client = Some(hop);
        if !hop.address.is_some_and(&is_listed) {
            break;
        }
    }
    Ok(client)
}

/// The hops of `X-Forwarded-For`, the last one first.
pub(crate) fn x_forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = Result<Hop, Garbage>> {
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')).map(|item| {
        let text = std::str::from_utf8(item).map_err(|_| Garbage)?;
        Ok(Hop { address: node(text.trim_matches([' ', '\t']))?, scheme: None })
    })
}

/// The scheme by which the client of the nearest proxy has asked.
pub(crate) fn x_forwarded_proto(headers: &HeaderMap) -> Result<Option<Scheme>, Garbage> {
    let Some(last) = headers.get_all(X_FORWARDED_PROTO).iter().next_back() else { return Ok(None) };
    let text = last.to_str().map_err(|_| Garbage)?;
    scheme(text.rsplit(',').next().unwrap_or_default().trim_matches([' ', '\t'])).map(Some)
}

/// The hops of `Forwarded` (RFC 7239), the last one first. A line is read from its begin, because of its quotes; no quote
/// spans two lines.
pub(crate) fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = Result<Hop, Garbage>> {
    headers.get_all(FORWARDED).iter().rev().flat_map(|line| {
        let hops = line.to_str().map_err(|_| Garbage).and_then(elements);
        let (hops, garbage) = match hops {
            Ok(hops) => (hops, None),
            Err(garbage) => (Vec::new(), Some(Err(garbage))),
        };
        hops.into_iter().rev().map(Ok).chain(garbage)
    })
}

/// RFC 7239, section 4: elements with commas between them, pairs with semicolons, values as tokens or quoted.
fn elements(line: &str) -> Result<Vec<Hop>, Garbage> {
    let mut hops = vec![Hop::default()];
    let mut rest = line;
    let mut seen = (false, false);
    loop {
        let (name, after) = rest.split_once('=').ok_or(Garbage)?;
        let (value, after) = value(after)?;
        let hop = hops.last_mut().ok_or(Garbage)?;
        match name.trim_matches([' ', '\t']) {
            name if name.eq_ignore_ascii_case("for") && !seen.0 => {
                seen.0 = true;
                hop.address = node(&value)?;
            }
            name if name.eq_ignore_ascii_case("proto") && !seen.1 => {
                seen.1 = true;
                hop.scheme = Some(scheme(&value)?);
            }
            name if ["for", "proto"].iter().any(|known| name.eq_ignore_ascii_case(known)) => {
                return Err(Garbage);
            }
            name if !name.is_empty() && name.bytes().all(is_token) => {}
            _ => return Err(Garbage),
        }
        let after = after.trim_start_matches([' ', '\t']);
        rest = match after.as_bytes().first() {
            None => return Ok(hops),
            Some(b';') => &after[1..],
            Some(b',') => {
                hops.push(Hop::default());
                seen = (false, false);
                &after[1..]
            }
            Some(_) => return Err(Garbage),
        };
    }
}

/// A token or a quoted string (RFC 9110, section 5.6), and what comes after it.
fn value(text: &str) -> Result<(String, &str), Garbage> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.bytes().position(|byte| !is_token(byte)).unwrap_or(text.len());
        return if end == 0 { Err(Garbage) } else { Ok((text[..end].to_owned(), &text[end..])) };
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Ok((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next().ok_or(Garbage)?.1),
            char => value.push(char),
        }
    }
    Err(Garbage)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// An address, perhaps with a port (RFC 7239, section 6).
fn node(text: &str) -> Result<Option<IpAddr>, Garbage> {
    if text.eq_ignore_ascii_case("unknown") || text.len() > 1 && text.starts_with('_') {
        return Ok(None);
    }
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let address = text.parse::<IpAddr>().ok().or_else(in_brackets);
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| Some(address.to_canonical())).ok_or(Garbage)
}

/// A proxy that speaks of WebSocket means the scheme below it.
fn scheme(text: &str) -> Result<Scheme, Garbage> {
    let is = |names: [&str; 2]| names.iter().any(|name| text.eq_ignore_ascii_case(name));
    match () {
        () if is(["https", "wss"]) => Ok(Scheme::Https),
        () if is(["http", "ws"]) => Ok(Scheme::Http),
        () => Err(Garbage),
    }
}

#[cfg(test)]
mod tests;
