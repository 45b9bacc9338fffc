//! The event stream format (WHATWG HTML, section 9.2.6), read as it comes.

use std::{mem, time::Duration};

use crate::TooLarge;

/// What a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An event with data.
    Message {
        /// Its `event:`; `message` if it has none.
        name: String,
        /// Its `data:` lines, joined by LF.
        data: String,
        /// The last `id:` of the stream, if there was one.
        id: Option<String>,
    },
    /// An `id:` without data: the place, which a reconnect presents.
    Place(String),
    /// The time to wait before a reconnect.
    Retry(Duration),
}

/// Reads a stream piece by piece, wherever it is cut into pieces.
///
/// ```
/// use encke_client::sse::{Event, Parser};
///
/// let mut parser = Parser::new(1_000);
/// let mut events = Vec::new();
/// parser.feed(b"id: 7f3k2q9x-1\n\ndata: hel", &mut events)?;
/// parser.feed(b"lo\n\n", &mut events)?;
/// assert_eq!(events[0], Event::Place("7f3k2q9x-1".to_owned()));
/// assert!(matches!(&events[1], Event::Message { data, .. } if data == "hello"));
/// # Ok::<(), encke_client::TooLarge>(())
/// ```
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    /// The line so far.
    line: Vec<u8>,
    /// Whether the last byte was a CR: an LF then belongs to it.
    after_cr: bool,
    /// Whether no line has ended yet: the first may begin with a byte order mark.
    first: bool,
    name: String,
    data: Option<String>,
    id: Option<String>,
    id_set: bool,
}

impl Parser {
    /// A parser that holds at most `limit` bytes of one event.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            after_cr: false,
            first: true,
            name: String::new(),
            data: None,
            id: None,
            id_set: false,
        }
    }

    /// Reads the next bytes, and adds what they complete to `events`.
    ///
    /// # Errors
    /// [`TooLarge`]: an event has more bytes than the limit. What comes after it means nothing.
    pub fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), TooLarge> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut rest = bytes;
        if mem::take(&mut self.after_cr) {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.hold(&rest[..end])?;
            let cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if cr {
                self.after_cr = rest.is_empty();
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
            self.end_line(events);
        }
        self.hold(rest)
    }

    fn hold(&mut self, part: &[u8]) -> Result<(), TooLarge> {
        let held = self.line.len() + self.data.as_ref().map_or(0, String::len) + self.name.len();
        if held + part.len() > self.limit {
            return Err(TooLarge { limit: self.limit });
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<Event>) {
        let line = mem::take(&mut self.line);
        let mut text = String::from_utf8_lossy(&line);
        if mem::take(&mut self.first)
            && let Some(rest) = text.strip_prefix('\u{feff}')
        {
            text = rest.to_owned().into();
        }
        if text.is_empty() {
            self.dispatch(events);
        } else {
            let (field, value) = text.split_once(':').unwrap_or((&text, ""));
            self.field(field, value.strip_prefix(' ').unwrap_or(value), events);
        }
        // The next line goes where this one was.
        self.line = line;
        self.line.clear();
    }

    fn field(&mut self, field: &str, value: &str, events: &mut Vec<Event>) {
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => {
                self.id = Some(value.to_owned());
                self.id_set = true;
            }
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                events.extend(value.parse().ok().map(|millis| Event::Retry(Duration::from_millis(millis))));
            }
            _ => {}
        }
    }

    fn dispatch(&mut self, events: &mut Vec<Event>) {
        let name = mem::take(&mut self.name);
        let id_set = mem::take(&mut self.id_set);
        match (self.data.take(), &self.id) {
            (Some(data), id) => {
                let name = if name.is_empty() { "message".to_owned() } else { name };
                events.push(Event::Message { name, data, id: id.clone() });
            }
            (None, Some(id)) if id_set => events.push(Event::Place(id.clone())),
            (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str, data: &str, id: Option<&str>) -> Event {
        Event::Message { name: name.to_owned(), data: data.to_owned(), id: id.map(str::to_owned) }
    }

    /// Reads `stream` in pieces that end at `cuts`.
    fn read(stream: &[u8], cuts: &[usize]) -> Vec<Event> {
        let mut parser = Parser::new(1_000);
        let mut events = Vec::new();
        let mut begin = 0;
        for end in cuts.iter().copied().chain([stream.len()]) {
            parser.feed(&stream[begin..end], &mut events).unwrap();
            begin = end;
        }
        events
    }

    const STREAM: &str = "\u{feff}retry: 250\nid: a-1\n\n: comment\r\nevent: tick\rdata: one\r\ndata:two\r\n\r\n\
        data\n\nid: a-2\ndata:  \u{2603}\n\nevent: unheard\n\nid\n\nid: a\0b\n\ndata: unfinished\n";

    fn expected() -> Vec<Event> {
        vec![
            Event::Retry(Duration::from_millis(250)),
            Event::Place("a-1".to_owned()),
            message("tick", "one\ntwo", Some("a-1")),
            message("message", "", Some("a-1")),
            message("message", " \u{2603}", Some("a-2")),
            Event::Place(String::new()),
        ]
    }

    #[test]
    fn every_split_of_a_stream_reads_the_same() {
        let stream = STREAM.as_bytes();
        assert_eq!(read(stream, &[]), expected());
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                assert_eq!(read(stream, &[first, second]), expected(), "cut at {first} and {second}");
            }
        }
        let bytewise: Vec<usize> = (0..stream.len()).collect();
        assert_eq!(read(stream, &bytewise), expected());
    }

    #[test]
    fn every_line_end_is_one() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = format!("data: 1{end}data: 2{end}{end}data: 3{end}{end}");
            let expected = [message("message", "1\n2", None), message("message", "3", None)];
            assert_eq!(read(stream.as_bytes(), &[]), expected, "{end:?}");
        }
    }

    #[test]
    fn retry_is_digits_or_nothing() {
        let stream = b"retry: 1e3\nretry:\nretry: -1\nretry: 99999999999999999999\nretry: 7\n";
        assert_eq!(read(stream, &[]), [Event::Retry(Duration::from_millis(7))]);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_replaced() {
        assert_eq!(read(b"data: \xff\n\n", &[]), [message("message", "\u{fffd}", None)]);
    }

    #[test]
    fn lines_and_events_have_a_limit() {
        let mut events = Vec::new();
        let too_large = Err(TooLarge { limit: 20 });
        assert_eq!(Parser::new(20).feed(&[b':'; 21], &mut events), too_large);
        let mut parser = Parser::new(20);
        assert_eq!(parser.feed(b"data: 0123456789\n", &mut events), Ok(()));
        assert_eq!(parser.feed(b"data: 01234", &mut events), too_large);
        let mut parser = Parser::new(20);
        assert_eq!(parser.feed("data: 0123456789\n\n".repeat(100).as_bytes(), &mut events), Ok(()));
        assert_eq!(events.len(), 100);
    }
}
