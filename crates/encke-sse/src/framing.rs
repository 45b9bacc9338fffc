use std::time::Duration;

use encke_core::{Cursor, Delivery, Encode, Gap, Kind};
use encke_http::{Chunk, Framing, Payload, StreamEnd};
use encke_hub::Change;
use encke_wire::{Data, Envelope, write_change, write_gap};

/// Names that a page would mistake for the browser's own events, or for ours.
const RESERVED: [&str; 6] = ["open", "error", "message", "gap", "subscribed", "unsubscribed"];

/// The event stream format (WHATWG HTML, section 9.2.5).
#[derive(Debug)]
pub(crate) struct SseFraming {
    pub(crate) payload: Payload,
    pub(crate) retry: Duration,
}

/// `id:`, `event:` if it is named, and the envelope as `data:`.
struct EnvelopeEvent;

/// The same with the message's own data.
struct DataEvent;

impl Encode for EnvelopeEvent {
    fn encode(delivery: &Delivery, out: &mut Vec<u8>) {
        write_head(delivery, out);
        out.extend_from_slice(b"data: ");
        Envelope::encode(delivery, out);
        out.extend_from_slice(b"\n\n");
    }
}

impl Encode for DataEvent {
    fn encode(delivery: &Delivery, out: &mut Vec<u8>) {
        write_head(delivery, out);
        match (delivery.message().kind(), delivery.message().as_text()) {
            (Kind::Text, Some(text)) => write_lines(text, out),
            _ => {
                out.extend_from_slice(b"data: ");
                Data::encode(delivery, out);
                out.push(b'\n');
            }
        }
        out.push(b'\n');
    }
}

fn write_head(delivery: &Delivery, out: &mut Vec<u8>) {
    write_id(delivery.cursor(), out);
    // A name has no control characters, so it cannot end its line.
    if let Some(name) = delivery.message().name().filter(|name| !RESERVED.contains(name)) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
}

fn write_id(cursor: Cursor, out: &mut Vec<u8>) {
    out.extend_from_slice(b"id: ");
    cursor.write(out);
    out.push(b'\n');
}

/// Text of any lines: the format joins `data:` lines by LF, and knows CR, LF and CRLF as the end of one, so each
/// line end arrives as LF.
fn write_lines(text: &str, out: &mut Vec<u8>) {
    let mut rest = text;
    loop {
        let end = rest.find(['\r', '\n']);
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&rest.as_bytes()[..end.unwrap_or(rest.len())]);
        out.push(b'\n');
        let Some(end) = end else { return };
        let length = if rest[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[end + length..];
    }
}

fn write_retry(retry: Duration, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("retry: {}\n", retry.as_millis()).as_bytes());
}

impl Framing for SseFraming {
    fn open(&mut self, gaps: &[Gap], cursor: Cursor, out: &mut Chunk) {
        write_retry(self.retry, out.buffer());
        gaps.iter().for_each(|gap| self.gap(gap, out));
        let out = out.buffer();
        // An event without data is not shown to the page, but its id is kept for the reconnect.
        write_id(cursor, out);
        out.push(b'\n');
    }

    fn message(&mut self, delivery: &Delivery, out: &mut Chunk) {
        out.push(match self.payload {
            Payload::Envelope => delivery.encoded::<EnvelopeEvent>(),
            Payload::Data => delivery.encoded::<DataEvent>(),
        });
    }

    fn gap(&mut self, gap: &Gap, out: &mut Chunk) {
        let out = out.buffer();
        out.extend_from_slice(b"event: gap\ndata: ");
        write_gap(gap, out);
        out.extend_from_slice(b"\n\n");
    }

    fn change(&mut self, change: &Change, out: &mut Chunk) {
        if self.payload == Payload::Envelope {
            let (selector, from) = change.parts();
            let out = out.buffer();
            let head: &[u8] =
                if from.is_some() { b"event: subscribed\ndata: " } else { b"event: unsubscribed\ndata: " };
            out.extend_from_slice(head);
            write_change(selector, from, out);
            out.extend_from_slice(b"\n\n");
        }
    }

    fn checkpoint(&mut self, cursor: Cursor, out: &mut Chunk) {
        let out = out.buffer();
        out.extend_from_slice(b":\n");
        write_id(cursor, out);
        out.push(b'\n');
    }

    fn end(&mut self, why: StreamEnd, cursor: Cursor, out: &mut Chunk) {
        let out = out.buffer();
        write_retry(why.retry().unwrap_or(self.retry), out);
        write_id(cursor, out);
        out.push(b'\n');
    }
}
