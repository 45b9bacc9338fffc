use std::{borrow::Cow, collections::BTreeMap, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use encke_core::{ChannelName, Cursor, Epoch, Kind, Message, Place, Record, Since};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    content::json_of,
    envelope::{write_data, write_number, write_string},
    time::{parse_since, write_time},
};

/// Appends a message of an exported log, as one line of JSON without its line break: the envelope, with all channels in
/// the order of the publish, the media type, and what the data is (`json`, `text` or `binary`). Keys are not exported.
///
/// `{"type":"message","channel":"news","seq":42,"prev":40,"also":{"all":41},"cursor":"..","time":"..",`
/// `"content_type":"text/plain; charset=utf-8","data":"..","kind":"text","channels":["news","all"]}`
pub fn write_record(record: &Record, epoch: Epoch, out: &mut Vec<u8>) {
    let Some((first, others)) = record.places.split_first() else { return };
    out.extend_from_slice(b"{\"type\":\"message\",\"channel\":");
    write_string(first.channel.as_str(), out);
    out.extend_from_slice(b",\"seq\":");
    write_number(record.seq, out);
    out.extend_from_slice(b",\"prev\":");
    write_number(first.prev, out);
    if !others.is_empty() {
        out.extend_from_slice(b",\"also\":");
        write_list(b"{}", others, out, |place, out| {
            write_string(place.channel.as_str(), out);
            out.push(b':');
            write_number(place.prev, out);
        });
    }
    out.extend_from_slice(b",\"cursor\":\"");
    Cursor { epoch, seq: record.seq }.write(out);
    out.extend_from_slice(b"\",\"time\":\"");
    write_time(record.time, out);
    out.push(b'"');
    let message = &record.message;
    if let Some(name) = message.name() {
        out.extend_from_slice(b",\"name\":");
        write_string(name, out);
    }
    out.extend_from_slice(b",\"content_type\":");
    write_string(message.content_type(), out);
    out.extend_from_slice(b",\"data\":");
    write_data(message, out);
    out.extend_from_slice(b",\"kind\":");
    write_string(kind_word(message.kind()), out);
    out.extend_from_slice(b",\"channels\":");
    write_list(b"[]", &record.places, out, |place, out| write_string(place.channel.as_str(), out));
    out.push(b'}');
}

fn write_list(brackets: &[u8; 2], places: &[Place], out: &mut Vec<u8>, write: impl Fn(&Place, &mut Vec<u8>)) {
    out.push(brackets[0]);
    for (at, place) in places.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(place, out);
    }
    out.push(brackets[1]);
}

const fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Json => "json",
        Kind::Text => "text",
        Kind::Binary => "binary",
    }
}

/// Why a line is no message of an exported log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError(String);

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RecordError {}

impl RecordError {
    fn of(what: &str, error: impl fmt::Display) -> Self {
        Self(format!("{what}: {error}"))
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type", borrow)]
    what: Cow<'a, str>,
    channel: String,
    seq: u64,
    prev: u64,
    #[serde(default)]
    also: BTreeMap<String, u64>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    name: Option<String>,
    content_type: String,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    channels: Vec<String>,
}

#[derive(Deserialize)]
struct Binary<'a> {
    #[serde(borrow)]
    base64: Cow<'a, str>,
}

/// Reads a line that [`write_record`] has written. The epoch of its cursor is of no use to another log.
///
/// # Errors
/// [`RecordError`] says what is wrong with it.
pub fn parse_record(line: &str) -> Result<Record, RecordError> {
    let line: Line<'_> =
        serde_json::from_str(line).map_err(|error| RecordError::of("not a message of an export", error))?;
    if line.what != "message" {
        return Err(RecordError(format!("`{}` is not a message", line.what)));
    }
    if line.seq == 0 {
        return Err(RecordError("seq: the first is 1".to_owned()));
    }
    let Ok(Since::At(time)) = parse_since(&line.time) else {
        return Err(RecordError("time: not RFC 3339".to_owned()));
    };
    let message = message(&line)?;
    Ok(Record { seq: line.seq, time, message, places: places(&line)? })
}

fn message(line: &Line<'_>) -> Result<Message, RecordError> {
    let wrong = |error| RecordError::of("data", error);
    let json = line.data.get();
    let message = match &*line.kind {
        "json" => json_of(json.to_owned().into()).map_err(|error| RecordError::of("data", error))?,
        "text" => Message::text(serde_json::from_str::<String>(json).map_err(wrong)?),
        "binary" => {
            let Binary { base64 } = serde_json::from_str(json).map_err(wrong)?;
            let bytes = STANDARD.decode(base64.as_bytes());
            Message::binary(bytes.map_err(|error| RecordError::of("data", error))?)
        }
        other => return Err(RecordError(format!("kind: `{other}` is none of json, text, binary"))),
    };
    let message = message.with_content_type(&line.content_type);
    match &line.name {
        Some(name) => message.with_name(name).map_err(|error| RecordError::of("name", error)),
        None => Ok(message),
    }
}

fn places(line: &Line<'_>) -> Result<Vec<Place>, RecordError> {
    if line.channels.first() != Some(&line.channel) || line.channels.len() != line.also.len() + 1 {
        return Err(RecordError("channels: they must be `channel` and those in `also`".to_owned()));
    }
    let place = |name: &String| {
        let channel = ChannelName::new(name).map_err(|error| RecordError::of("channels", error))?;
        let prev = if *name == line.channel { Some(&line.prev) } else { line.also.get(name) };
        match prev {
            Some(prev) if *prev < line.seq => Ok(Place { channel, prev: *prev }),
            Some(prev) => Err(RecordError(format!("prev: {prev} is not before {}", line.seq))),
            None => Err(RecordError(format!("channels: `{name}` is not in `also`"))),
        }
    };
    let places: Vec<Place> = line.channels.iter().map(place).collect::<Result<_, _>>()?;
    let twice = line.channels.iter().enumerate().any(|(at, name)| line.channels[..at].contains(name));
    if twice { Err(RecordError("channels: one is named twice".to_owned())) } else { Ok(places) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encke_core::Timestamp;

    fn record(message: Message) -> Record {
        let place = |name: &str, prev| Place { channel: ChannelName::new(name).unwrap(), prev };
        let places = vec![place("b", 40), place("a \"quoted\"", 0)];
        Record { seq: 42, time: Timestamp::from_millis(1_700_000_000_005), message, places }
    }

    fn line(record: &Record) -> String {
        let mut out = Vec::new();
        write_record(record, Epoch::from_bits(7), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_kind_of_message_comes_back() {
        let messages = [
            Message::json("{\"a\":[1,\"\u{2028}\"]}"),
            Message::json("\"text\"").with_content_type("application/problem+json"),
            Message::text("two\nlines"),
            Message::text("a,b").with_content_type("text/csv").with_name("table").unwrap(),
            Message::binary(vec![0, 255, 10]),
            Message::binary(Vec::new()).with_content_type("image/png"),
        ];
        for message in messages {
            let record = record(message);
            let line = line(&record);
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(parse_record(&line), Ok(record), "{line}");
        }
    }

    #[test]
    fn a_line_says_what_is_wrong_with_it() {
        let good = line(&record(Message::text("x")));
        let cases = [
            ("\"seq\":42", "\"seq\":0", "seq: the first"),
            ("\"seq\":42", "\"seq\":40", "prev: 40 is not before 40"),
            ("\"type\":\"message\"", "\"type\":\"gap\"", "`gap` is not a message"),
            ("\"kind\":\"text\"", "\"kind\":\"video\"", "kind: `video`"),
            ("\"kind\":\"text\"", "\"kind\":\"binary\"", "data: "),
            ("2023-11-14T22:13:20.005Z", "yesterday", "time: "),
            ("\"channels\":[\"b\"", "\"channels\":[\"b*\"", "channels: "),
            ("\"channels\":[\"b\"", "\"channels\":[\"\"", "channels: "),
            ("\"also\":{", "\"also\":{\"c\":1,", "channels: "),
            ("}", "", "not a message of an export"),
        ];
        for (from, to, says) in cases {
            let bad = good.replace(from, to);
            assert_ne!(bad, good);
            let error = parse_record(&bad).unwrap_err().to_string();
            assert!(error.contains(says), "{error:?} of {bad}");
        }
    }
}
