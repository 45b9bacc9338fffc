use bytes::Bytes;
use encke_core::{Cursor, Delivery, Gap, Kind};
use encke_http::Payload;
use encke_wire::{Envelope, write_checkpoint, write_gap};

use crate::Frame;

/// A message as one frame, which all connections share.
pub(crate) fn message(delivery: &Delivery, payload: Payload) -> Frame {
    let message = delivery.message();
    match (payload, message.kind()) {
        (Payload::Envelope, _) => Frame::Text(delivery.encoded::<Envelope>()),
        // The log takes the caller's word that JSON is JSON; a frame of text must be text whoever said so.
        (Payload::Data, Kind::Json | Kind::Text) if message.as_text().is_some() => {
            Frame::Text(message.data().clone())
        }
        (Payload::Data, _) => Frame::Binary(message.data().clone()),
    }
}

/// A gap as one frame.
pub(crate) fn gap(gap: &Gap) -> Frame {
    let mut json = Vec::new();
    write_gap(gap, &mut json);
    Frame::Text(Bytes::from(json))
}

/// A place without a message as one frame.
pub(crate) fn checkpoint(cursor: Cursor) -> Frame {
    let mut json = Vec::new();
    write_checkpoint(cursor, &mut json);
    Frame::Text(Bytes::from(json))
}
