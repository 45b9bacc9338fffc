use std::time::Duration;

use encke_core::{Cursor, Delivery, Gap};
use encke_hub::{Change, End};

use crate::Chunk;

/// How a stream looks on the wire: one small type for each transport that holds a request for ever.
pub trait Framing: Send + Unpin + 'static {
    /// What comes first, before any message: padding, hints, what is missing before the place that the stream begins
    /// at, and then that place (D4). A client that is cut in between must not have the place without the gaps.
    fn open(&mut self, gaps: &[Gap], cursor: Cursor, out: &mut Chunk);

    /// One message.
    fn message(&mut self, delivery: &Delivery, out: &mut Chunk);

    /// What is missing.
    fn gap(&mut self, gap: &Gap, out: &mut Chunk);

    /// What somebody else has ordered to be followed, or not. A framing that shows data alone has no place for it.
    fn change(&mut self, change: &Change, out: &mut Chunk);

    /// The heartbeat: shows that the stream lives, and tells the place.
    fn checkpoint(&mut self, cursor: Cursor, out: &mut Chunk);

    /// What comes last: the place, and when to come back.
    fn end(&mut self, why: StreamEnd, cursor: Cursor, out: &mut Chunk);
}

/// Why a stream comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// It is old or long enough; the client comes back at once.
    Recycled,
    /// The subscription has ended.
    Ended(End),
}

impl StreamEnd {
    /// When to come back; `None` if not with these credentials.
    #[must_use]
    pub fn retry(self) -> Option<Duration> {
        match self {
            Self::Recycled => Some(Duration::ZERO),
            Self::Ended(End::Drained { retry } | End::Unavailable { retry }) => Some(retry),
            Self::Ended(_) => None,
        }
    }
}
