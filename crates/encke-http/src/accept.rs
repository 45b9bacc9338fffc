use http::{HeaderMap, HeaderName, header};

/// Whether the `Accept` headers allow a media type such as `text/event-stream` (RFC 9110, section 12.5.1).
///
/// No header allows everything. The range that fits most closely decides, and refuses with `q=0`; preferences beyond
/// that do not matter here, because each route has one type to offer.
#[must_use]
pub fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let (kind, _) = media_type.split_once('/').unwrap_or((media_type, ""));
    let closeness = |range: &str| {
        if range.eq_ignore_ascii_case(media_type) {
            Some(3)
        } else if range.strip_suffix("/*").is_some_and(|range| range.eq_ignore_ascii_case(kind)) {
            Some(2)
        } else {
            (range == "*/*").then_some(1)
        }
    };
    !headers.contains_key(header::ACCEPT) || closest_allows(headers, &header::ACCEPT, closeness)
}

/// Whether the `Accept-Encoding` headers allow gzip (RFC 9110, section 12.5.3). No header asks for plain bytes.
#[must_use]
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let closeness = |coding: &str| {
        if coding.eq_ignore_ascii_case("gzip") { Some(2) } else { (coding == "*").then_some(1) }
    };
    closest_allows(headers, &header::ACCEPT_ENCODING, closeness)
}

/// Whether the value that fits most closely, if any does, is not refused with `q=0`.
fn closest_allows(headers: &HeaderMap, name: &HeaderName, closeness: impl Fn(&str) -> Option<u8>) -> bool {
    let judge = |value: &str| {
        let (value, parameters) = value.split_once(';').unwrap_or((value, ""));
        Some((closeness(value.trim())?, !parameters.split(';').any(is_zero)))
    };
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).filter_map(judge).max().is_some_and(|(_, allows)| allows)
}

fn is_zero(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("q") && value.trim().parse() == Ok(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn ranges_and_refusals() {
        let cases = [
            ("text/event-stream", true),
            ("TEXT/Event-Stream", true),
            ("text/*", true),
            ("*/*", true),
            ("application/json, */*;q=0.1", true),
            ("application/json", false),
            ("text/event-stream;q=0", false),
            ("text/event-stream; q=0.0, */*", false),
            ("*/*;q=0, text/event-stream", true),
            ("", false),
        ];
        for (accept, expected) in cases {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(accepts(&headers, "text/event-stream"), expected, "{accept}");
        }
        assert!(accepts(&HeaderMap::new(), "text/event-stream"));
    }

    #[test]
    fn gzip_is_for_those_who_accept_it() {
        let cases = [
            ("gzip", true),
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("*", true),
            ("identity", false),
            ("br", false),
            ("gzip;q=0", false),
            ("gzip; q=0.000, *", false),
            ("*;q=0, gzip", true),
            ("*;q=0", false),
            ("xgzip", false),
            ("", false),
        ];
        for (accept, expected) in cases {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accept))]);
            assert_eq!(accepts_gzip(&headers), expected, "{accept}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
