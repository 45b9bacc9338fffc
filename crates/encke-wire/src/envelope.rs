use std::iter;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use encke_core::{Cursor, Delivery, Encode, Gap, Kind, Message, Selector};

use crate::time::write_time;

/// The envelope of a message: one line of JSON, the same on every transport.
///
/// `{"type":"message","channel":"news","seq":42,"prev":40,"cursor":"..","time":"..","data":..}`, with `name` and
/// `content_type` where the message has them, and `"also":{"alerts":31}` after `prev` where it comes by more channels
/// than one. It has no line break, whatever the data.
#[derive(Debug, Clone, Copy)]
pub struct Envelope;

impl Encode for Envelope {
    fn encode(delivery: &Delivery, out: &mut Vec<u8>) {
        let message = delivery.message();
        out.extend_from_slice(b"{\"type\":\"message\",\"channel\":");
        write_string(delivery.channel().as_str(), out);
        out.extend_from_slice(b",\"seq\":");
        write_number(delivery.seq(), out);
        out.extend_from_slice(b",\"prev\":");
        write_number(delivery.prev(), out);
        write_also(delivery, out);
        out.extend_from_slice(b",\"cursor\":\"");
        delivery.cursor().write(out);
        out.extend_from_slice(b"\",\"time\":\"");
        write_time(delivery.time(), out);
        out.push(b'"');
        if let Some(name) = message.name() {
            out.extend_from_slice(b",\"name\":");
            write_string(name, out);
        }
        if message.has_content_type() {
            out.extend_from_slice(b",\"content_type\":");
            write_string(message.content_type(), out);
        }
        out.extend_from_slice(b",\"data\":");
        Data::encode(delivery, out);
        out.push(b'}');
    }
}

/// The other channels that it comes by, each with its `prev`, if there are any.
fn write_also(delivery: &Delivery, out: &mut Vec<u8>) {
    let mut also = delivery.also().peekable();
    if also.peek().is_none() {
        return;
    }
    out.extend_from_slice(b",\"also\":");
    for (separator, (channel, prev)) in iter::once(b'{').chain(iter::repeat(b',')).zip(also) {
        out.push(separator);
        write_string(channel.as_str(), out);
        out.push(b':');
        write_number(prev, out);
    }
    out.push(b'}');
}

/// The data of a message as one JSON value on one line: JSON as it is, text as a string, anything else as
/// `{"base64":".."}`.
#[derive(Debug, Clone, Copy)]
pub struct Data;

impl Encode for Data {
    fn encode(delivery: &Delivery, out: &mut Vec<u8>) {
        write_data(delivery.message(), out);
    }
}

pub(crate) fn write_data(message: &Message, out: &mut Vec<u8>) {
    match (message.kind(), message.as_text()) {
        (Kind::Json, Some(json)) => write_line(json, out),
        (_, Some(text)) => write_string(text, out),
        (_, None) => {
            out.extend_from_slice(b"{\"base64\":\"");
            let begin = out.len();
            let data = message.data();
            out.resize(begin + data.len().div_ceil(3) * 4, 0);
            let written = STANDARD.encode_slice(data, &mut out[begin..]).unwrap_or(0);
            out.truncate(begin + written);
            out.extend_from_slice(b"\"}");
        }
    }
}

/// Appends a gap: `{"type":"gap","channel":"..","from":"..","to":"..","reason":".."}`.
pub fn write_gap(gap: &Gap, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"gap\",\"channel\":");
    write_string(gap.channel.as_str(), out);
    out.extend_from_slice(b",\"from\":\"");
    gap.from.write(out);
    out.extend_from_slice(b"\",\"to\":\"");
    gap.to.write(out);
    out.extend_from_slice(b"\",\"reason\":\"");
    out.extend_from_slice(gap.reason.as_str().as_bytes());
    out.extend_from_slice(b"\"}");
}

/// Appends what somebody else has ordered to be followed from a place on, or no longer:
/// `{"type":"subscribed","channel":"news","cursor":".."}` or `{"type":"unsubscribed","channel":"news"}`.
pub fn write_change(selector: &Selector, from: Option<Cursor>, out: &mut Vec<u8>) {
    let kind = if from.is_some() { "subscribed" } else { "unsubscribed" };
    out.extend_from_slice(format!("{{\"type\":\"{kind}\",\"channel\":").as_bytes());
    write_string(selector.as_str(), out);
    if let Some(cursor) = from {
        out.extend_from_slice(b",\"cursor\":\"");
        cursor.write(out);
        out.push(b'"');
    }
    out.push(b'}');
}

/// Appends a checkpoint, a place without a message: `{"type":"checkpoint","cursor":".."}`.
pub fn write_checkpoint(cursor: Cursor, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"checkpoint\",\"cursor\":\"");
    cursor.write(out);
    out.extend_from_slice(b"\"}");
}

/// Appends JSON without its line breaks, which can only be white space between tokens.
fn write_line(json: &str, out: &mut Vec<u8>) {
    let begin = out.len();
    out.extend_from_slice(json.as_bytes());
    for byte in &mut out[begin..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// Appends `text` as a JSON string.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    if serde_json::to_writer(&mut *out, text).is_err() {
        // Writing text to a Vec has no way to fail; if it had, the line must still be JSON.
        out.extend_from_slice(b"\"\"");
    }
}

pub(crate) fn write_number(number: u64, out: &mut Vec<u8>) {
    if serde_json::to_writer(&mut *out, &number).is_err() {
        out.push(b'0');
    }
}

/// Appends JSON as an expression that can stand inside a `<script>` of an HTML page and in a JavaScript file.
///
/// `<`, `>`, `&`, `'`, U+2028 and U+2029 become `\uXXXX`: in JSON they occur only inside strings, where that is
/// the same text. No HTML parser then finds a tag or comment in it, and no JavaScript parser a line break.
///
/// JSON is nearly always an expression of the same value. Only a key `__proto__` is not a key there: it sets a
/// prototype, and twice it is a syntax error (ECMA-262, B.3.1). Such JSON becomes `JSON.parse("..")`.
pub fn write_for_script(json: &[u8], out: &mut Vec<u8>) {
    if may_name_prototype(json) {
        let mut text = Vec::new();
        write_string(&String::from_utf8_lossy(json), &mut text);
        out.extend_from_slice(b"JSON.parse(");
        escape_for_script(&text, out);
        out.push(b')');
    } else {
        escape_for_script(json, out);
    }
}

/// Whether a key may be `__proto__`: as such, or with a letter of it escaped, which nobody does by chance.
fn may_name_prototype(json: &[u8]) -> bool {
    json.windows(5).any(|window| matches!(window, b"__pro" | [b'\\', b'u', b'0', b'0', b'5'..=b'7']))
}

fn escape_for_script(json: &[u8], out: &mut Vec<u8>) {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'<' | b'>' | b'&' | b'\'' | 0xE2)) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let (escape, length): (&[u8], usize) = match rest {
            [b'<', ..] => (b"\\u003c", 1),
            [b'>', ..] => (b"\\u003e", 1),
            [b'&', ..] => (b"\\u0026", 1),
            [b'\'', ..] => (b"\\u0027", 1),
            [0xE2, 0x80, 0xA8, ..] => (b"\\u2028", 3),
            [0xE2, 0x80, 0xA9, ..] => (b"\\u2029", 3),
            _ => (&[0xE2], 1),
        };
        out.extend_from_slice(escape);
        rest = &rest[length..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use encke_core::{ChannelName, Epoch, Limit, Log, LogConfig, Publish, Since, Timestamp};

    use super::*;
    use crate::Received;

    #[test]
    fn an_envelope_names_the_channels_that_are_followed() {
        let log = Log::new(Epoch::from_bits(1), LogConfig::default());
        let name = |name: &str| ChannelName::new(name).unwrap();
        for channels in [&["\"c\""][..], &["a", "secret", "b", "\"c\""]] {
            let first = Publish::new(name(channels[0]), Message::json("1"));
            let publish = channels.iter().fold(first, |publish, channel| publish.also_to(name(channel)));
            log.append(publish, Timestamp::default()).map(drop).unwrap();
        }
        let head = |channels: &[&str]| {
            let selectors = channels.iter().map(|channel| name(channel).into());
            let mut tail = log.open(selectors, Since::Last(1), Timestamp::default()).unwrap();
            let json = tail.read(Limit::default()).messages[0].encoded::<Envelope>();
            Received::parse(std::str::from_utf8(&json).unwrap()).unwrap();
            String::from_utf8_lossy(&json).split_once(",\"cursor\"").unwrap().0.to_owned()
        };
        assert_eq!(head(&["a"]), r#"{"type":"message","channel":"a","seq":2,"prev":0"#);
        assert_eq!(
            head(&["\"c\"", "b", "a"]),
            r#"{"type":"message","channel":"a","seq":2,"prev":0,"also":{"b":0,"\"c\"":1}"#
        );
    }

    #[test]
    fn json_becomes_an_expression_that_nothing_breaks_out_of() {
        let script = |json: &str| {
            let mut out = Vec::new();
            write_for_script(json.as_bytes(), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            script("{\"a\":\"</script>&'\u{2028}\u{2029}\u{202a}\"}"),
            "{\"a\":\"\\u003c/script\\u003e\\u0026\\u0027\\u2028\\u2029\u{202a}\"}"
        );
        assert_eq!(script(r#"{"__proto__":"<"}"#), r#"JSON.parse("{\"__proto__\":\"\u003c\"}")"#);
        assert_eq!(script(r#"{"\u005F_proto__":1}"#), r#"JSON.parse("{\"\\u005F_proto__\":1}")"#);
        assert_eq!(script(r#""\u0041 __init__""#), r#""\u0041 __init__""#);
    }
}
