use http::{HeaderMap, header};

/// Whether the `Accept` headers allow a media type such as `text/event-stream` (RFC 9110, section 12.5.1).
///
/// No header allows everything. The range that fits most closely decides, and refuses with `q=0`; preferences beyond
/// that do not matter here, because each route has one type to offer.
#[must_use]
pub fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return true;
    }
    let (kind, _) = media_type.split_once('/').unwrap_or((media_type, ""));
    // How closely a range fits, and whether it allows.
    let judge = |range: &str| {
        let (range, parameters) = range.split_once(';').unwrap_or((range, ""));
        let range = range.trim();
        let closeness = if range.eq_ignore_ascii_case(media_type) {
            3
        } else if range.strip_suffix("/*").is_some_and(|range| range.eq_ignore_ascii_case(kind)) {
            2
        } else if range == "*/*" {
            1
        } else {
            return None;
        };
        Some((closeness, !parameters.split(';').any(is_zero)))
    };
    let ranges = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    ranges.filter_map(judge).max().is_some_and(|(_, allows)| allows)
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
}
