use std::{io::Write, time::Duration};

use encke_core::{Cursor, Since, Timestamp};

/// Appends a time as RFC 3339, UTC, to the millisecond: `2026-11-21T08:41:00.123Z`.
pub fn write_time(time: Timestamp, out: &mut Vec<u8>) {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{moment:.3}");
}

/// The same as a text.
#[must_use]
pub fn time_text(time: Timestamp) -> String {
    let mut text = Vec::new();
    write_time(time, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// A `since` that means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinceError;

impl std::fmt::Display for SinceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "since is a cursor (7f3k2q9x-42), earliest, latest, a count (-20), an age (-30s, -5m, -2h, -1d) or \
             an RFC 3339 time",
        )
    }
}

impl std::error::Error for SinceError {}

/// The longest `since`, in bytes: an RFC 3339 time with nanoseconds and an offset fits.
const MAX_LEN: usize = 40;

/// Reads `since`, which means the same on every transport.
///
/// ```
/// use encke_core::Since;
/// use encke_wire::parse_since;
///
/// assert_eq!(parse_since("-20"), Ok(Since::Last(20)));
/// assert!(matches!(parse_since("2026-11-21T09:00:00+03:00"), Ok(Since::At(_))));
/// ```
///
/// `0` is `earliest`, for clients that count from zero.
///
/// # Errors
/// [`SinceError`] for anything else.
pub fn parse_since(text: &str) -> Result<Since, SinceError> {
    match text {
        "earliest" | "0" => return Ok(Since::Earliest),
        "latest" => return Ok(Since::Latest),
        _ if text.len() > MAX_LEN => return Err(SinceError),
        _ => {}
    }
    if let Some(back) = text.strip_prefix('-') {
        return parse_back(back);
    }
    if let Ok(cursor) = text.parse::<Cursor>() {
        return Ok(Since::After(cursor));
    }
    let moment: jiff::Timestamp = text.parse().map_err(|_| SinceError)?;
    let millis = u64::try_from(moment.as_millisecond()).map_err(|_| SinceError)?;
    Ok(Since::At(Timestamp::from_millis(millis)))
}

fn parse_back(back: &str) -> Result<Since, SinceError> {
    let digits = back.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = back.split_at(digits);
    let seconds = match unit {
        "" => return number.parse().map(Since::Last).map_err(|_| SinceError),
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(SinceError),
    };
    let number: u64 = number.parse().map_err(|_| SinceError)?;
    number.checked_mul(seconds).map(Duration::from_secs).map(Since::Ago).ok_or(SinceError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_since() {
        let cursor: Cursor = "7f3k2q9x-42".parse().unwrap();
        let cases = [
            ("7f3k2q9x-42", Since::After(cursor)),
            ("earliest", Since::Earliest),
            ("0", Since::Earliest),
            ("latest", Since::Latest),
            ("-20", Since::Last(20)),
            ("-90s", Since::Ago(Duration::from_secs(90))),
            ("-5m", Since::Ago(Duration::from_secs(300))),
            ("-2h", Since::Ago(Duration::from_secs(7_200))),
            ("-1d", Since::Ago(Duration::from_secs(86_400))),
            ("1970-01-01T00:00:01.5Z", Since::At(Timestamp::from_millis(1_500))),
            ("1970-01-01T03:00:00+03:00", Since::At(Timestamp::from_millis(0))),
        ];
        for (text, since) in cases {
            assert_eq!(parse_since(text), Ok(since), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let long = "1".repeat(1_000_000);
        let cases = [
            "",
            "-",
            "-m",
            "-1w",
            "--1",
            "1",
            "42",
            "-1.5m",
            "-99999999999999999999d",
            "now",
            "1e3",
            "yesterday",
            "2026-13-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "7f3k2q9x",
            "7f3k2q9x--1",
            " -20",
            &long,
        ];
        for text in cases {
            assert_eq!(parse_since(text), Err(SinceError), "{text:.20}");
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        let mut out = Vec::new();
        write_time(Timestamp::from_millis(1_700_000_000_005), &mut out);
        assert_eq!(out, b"2023-11-14T22:13:20.005Z");
        out.clear();
        write_time(Timestamp::from_millis(u64::MAX), &mut out);
        assert!(out.starts_with(b"9999-12-30"));
    }
}
