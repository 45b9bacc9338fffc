use encke_core::Cursor;
use encke_wire::{Received, ReceivedGap, ReceivedMessage, write_checkpoint, write_string};

/// One thing that a subscription yields.
#[derive(Debug, Clone)]
pub struct Item {
    /// What it is.
    pub received: Received,
    /// The same as JSON: a message or a gap as the gateway wrote it on this transport, byte for byte.
    pub json: String,
}

impl Item {
    /// The message, if it is one.
    #[must_use]
    pub fn message(&self) -> Option<&ReceivedMessage> {
        match &self.received {
            Received::Message(message) => Some(message),
            _ => None,
        }
    }

    /// The gap, if it is one.
    #[must_use]
    pub fn gap(&self) -> Option<&ReceivedGap> {
        match &self.received {
            Received::Gap(gap) => Some(gap),
            _ => None,
        }
    }

    pub(crate) fn checkpoint(cursor: Cursor) -> Self {
        let mut json = Vec::new();
        write_checkpoint(cursor, &mut json);
        let received = Received::Checkpoint { cursor: cursor.to_string() };
        Self { received, json: String::from_utf8(json).unwrap_or_default() }
    }

    pub(crate) fn found(gap: ReceivedGap) -> Self {
        let mut json = b"{\"type\":\"gap\"".to_vec();
        let fields =
            [("channel", &gap.channel), ("from", &gap.from), ("to", &gap.to), ("reason", &gap.reason)];
        for (name, value) in fields {
            json.extend_from_slice(format!(",\"{name}\":").as_bytes());
            write_string(value, &mut json);
        }
        json.push(b'}');
        Self { received: Received::Gap(gap), json: String::from_utf8(json).unwrap_or_default() }
    }
}
