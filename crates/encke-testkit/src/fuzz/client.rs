use encke_client::{
    Received, iframe,
    sse::{Event, Parser},
};
use encke_wire::ReceivedBatch;

use super::{pieces, split_line};
use crate::read_event_stream;

/// More than any input here has, so that no parser stops at it.
const LIMIT: usize = 16 << 20;

/// What a client reads from an answer or a frame.
///
/// # Panics
/// Never, if all is well.
pub fn received(data: &[u8]) {
    let _ = ReceivedBatch::parse(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Received::parse(text);
    }
}

/// Sizes of pieces, a line end, and an event stream.
///
/// # Panics
/// If the client reads other events than the standard says, however the stream is cut.
pub fn client_event_stream(data: &[u8]) {
    let (sizes, stream) = split_line(data);
    let mut parser = Parser::new(LIMIT);
    let mut events: Vec<Event> = Vec::new();
    for piece in pieces(sizes, stream) {
        parser.feed(piece, &mut events).expect("no limit is reached");
    }
    let read = events.into_iter().filter_map(|event| match event {
        Event::Message { name, data, id } => Some((Some((name, data)), id.unwrap_or_default())),
        Event::Place(id) => Some((None, id)),
        Event::Retry(_) => None,
    });
    let expected = read_event_stream(stream).into_iter().map(|event| match event.data {
        Some(data) => (Some((event.name, data)), event.id),
        None => (None, event.id),
    });
    assert_eq!(read.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

/// Sizes of pieces, a line end, and the document of a forever-iframe.
///
/// # Panics
/// If it is read otherwise in pieces than at once.
pub fn client_frame(data: &[u8]) {
    let (sizes, document) = split_line(data);
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut parser, mut pushes) = (iframe::Parser::new(LIMIT), Vec::new());
        pieces.for_each(|piece| parser.feed(piece, &mut pushes).expect("no limit is reached"));
        pushes
    };
    assert_eq!(read(&mut pieces(sizes, document)), read(&mut [document].into_iter()));
}
