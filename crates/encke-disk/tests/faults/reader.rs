//! Reads as a subscriber does: from memory, and through the engine's older pages.

use encke_core::{ChannelName, Cursor, Delivery, Gap, Limit, Message, Selector, Since, Timestamp};
use encke_hub::{Engine, EngineError};

/// A message as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) seq: u64,
    pub(crate) time: Timestamp,
    pub(crate) message: Message,
    /// The channel that it came by, and the message before it there.
    pub(crate) channel: ChannelName,
    pub(crate) prev: u64,
}

/// All that there is after a place.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) got: Vec<Got>,
    pub(crate) gaps: Vec<Gap>,
}

/// Few at a time, so that it takes several pages.
const LIMIT: Limit = Limit { messages: 25, bytes: 1 << 20 };

/// Reads all of what `selector` selects after `after`, up to the head of now.
pub(crate) async fn read(
    engine: &impl Engine,
    selector: Selector,
    after: Cursor,
) -> Result<Reading, EngineError> {
    let log = engine.log();
    let head = log.head().seq;
    let mut tail = log.open([selector], Since::After(after), Timestamp::default()).unwrap();
    let mut reading = Reading::default();
    for _ in 0..100_000 {
        let batch = tail.read(LIMIT);
        reading.gaps.extend(batch.gaps);
        reading.got.extend(batch.messages.iter().map(got));
        if let Some(older) = tail.take_older() {
            let page = engine.older(older.clone()).await?;
            tail.supply(older, page);
        } else if batch.cursor.seq >= head {
            return Ok(reading);
        }
    }
    panic!("no end of reading at {:?}, head {head}", tail.cursor());
}

fn got(delivery: &Delivery) -> Got {
    Got {
        seq: delivery.seq(),
        time: delivery.time(),
        message: delivery.message().clone(),
        channel: delivery.channel().clone(),
        prev: delivery.prev(),
    }
}
