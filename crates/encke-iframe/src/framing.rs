use std::time::Duration;

use encke_core::{Cursor, Delivery, Encode, Gap};
use encke_http::{Chunk, Framing, Payload, StreamEnd};
use encke_hub::Change;
use encke_wire::{Data, Envelope, write_change, write_for_script, write_gap, write_string};

use crate::request::Target;

/// The functions that the pushes call: they tell the parent, keep the cursor, remove the script that called them,
/// and load the frame again from its cursor when it ends, however it ends.
const PRELUDE: &str = include_str!("prelude.js");

/// Browsers show nothing of a document before they have so many bytes of it.
const PADDING: usize = 1_024;

/// Pushes as `<script>` elements of one document that never ends.
pub(crate) struct IframeFraming {
    pub(crate) payload: Payload,
    pub(crate) target: Target,
    /// `<script nonce="..">`: without the nonce no script of this document runs.
    pub(crate) script: String,
    /// How long a stream says nothing before the frame takes it for cut: browsers tell it of no other sign.
    pub(crate) silence: Duration,
}

/// `m(<the envelope>,"<the cursor>")` and the end of the script.
struct EnvelopePush;

/// The same with the message's own data.
struct DataPush;

impl Encode for EnvelopePush {
    fn encode(delivery: &Delivery, out: &mut Vec<u8>) {
        push::<Envelope>(delivery, out);
    }
}

impl Encode for DataPush {
    fn encode(delivery: &Delivery, out: &mut Vec<u8>) {
        push::<Data>(delivery, out);
    }
}

fn push<E: Encode>(delivery: &Delivery, out: &mut Vec<u8>) {
    let mut json = Vec::with_capacity(delivery.size());
    E::encode(delivery, &mut json);
    out.extend_from_slice(b"m(");
    write_for_script(&json, out);
    out.extend_from_slice(b",\"");
    delivery.cursor().write(out);
    out.extend_from_slice(b"\")</script>\n");
}

impl IframeFraming {
    fn call(&self, function: &str, cursor: Cursor, argument: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(self.script.as_bytes());
        out.extend_from_slice(format!("{function}(\"{cursor}\"{argument})</script>\n").as_bytes());
    }

    fn tell(&self) -> String {
        match &self.target {
            Target::Call(callback) => format!("parent.{}(data)", callback.as_str()),
            Target::Post(origin) => {
                let mut quoted = Vec::new();
                write_string(origin, &mut quoted);
                let mut safe = Vec::new();
                write_for_script(&quoted, &mut safe);
                format!("parent.postMessage(data,{})", String::from_utf8_lossy(&safe))
            }
        }
    }
}

impl IframeFraming {
    fn push(&self, json: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(self.script.as_bytes());
        out.extend_from_slice(b"m(");
        write_for_script(json, out);
        out.extend_from_slice(b")</script>\n");
    }
}

impl Framing for IframeFraming {
    fn open(&mut self, gaps: &[Gap], cursor: Cursor, out: &mut Chunk) {
        let prelude =
            PRELUDE.replace("SILENCE", &self.silence.as_millis().to_string()).replace("TELL", &self.tell());
        let page = format!(
            "<!doctype html><meta charset=\"utf-8\"><title>encke</title><body>{}{prelude}</script>\n<!--{}-->\n",
            self.script,
            " ".repeat(PADDING),
        );
        out.buffer().extend_from_slice(page.as_bytes());
        gaps.iter().for_each(|gap| self.gap(gap, out));
        self.checkpoint(cursor, out);
    }

    fn message(&mut self, delivery: &Delivery, out: &mut Chunk) {
        out.buffer().extend_from_slice(self.script.as_bytes());
        out.push(match self.payload {
            Payload::Envelope => delivery.encoded::<EnvelopePush>(),
            Payload::Data => delivery.encoded::<DataPush>(),
        });
    }

    fn gap(&mut self, gap: &Gap, out: &mut Chunk) {
        let mut json = Vec::new();
        write_gap(gap, &mut json);
        self.push(&json, out.buffer());
    }

    fn change(&mut self, change: &Change, out: &mut Chunk) {
        if self.payload == Payload::Envelope {
            let (selector, from) = change.parts();
            let mut json = Vec::new();
            write_change(selector, from, &mut json);
            self.push(&json, out.buffer());
        }
    }

    fn checkpoint(&mut self, cursor: Cursor, out: &mut Chunk) {
        self.call("c", cursor, "", out.buffer());
    }

    fn end(&mut self, why: StreamEnd, cursor: Cursor, out: &mut Chunk) {
        let wait = why.retry().map_or(-1, |retry| i64::try_from(retry.as_millis()).unwrap_or(i64::MAX));
        self.call("z", cursor, &format!(",{wait}"), out.buffer());
    }
}
