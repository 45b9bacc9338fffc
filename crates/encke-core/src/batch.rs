use std::{fmt, sync::Arc};

use crate::{Cursor, Delivery, Gap, followers::Signal};

/// How much to take at a time: at least one message, then no more than either allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Messages at most.
    pub messages: usize,
    /// Bytes at most, as [`Delivery::size`] counts them.
    pub bytes: usize,
}

impl Default for Limit {
    fn default() -> Self {
        Self { messages: 1_000, bytes: 1 << 20 }
    }
}

impl Limit {
    /// Messages at most, and at least one.
    pub(crate) fn most(self) -> usize {
        self.messages.max(1)
    }

    /// Keeps the messages up to `bound` that fit the limit; returns the place that this reaches.
    pub(crate) fn cut(self, messages: &mut Vec<Delivery>, bound: u64) -> u64 {
        let mut bytes = 0;
        let fits = |(index, delivery): (usize, &Delivery)| {
            bytes += delivery.size();
            delivery.seq() <= bound && index < self.most() && (index == 0 || bytes <= self.bytes)
        };
        let keep = messages.iter().enumerate().map(fits).take_while(|fits| *fits).count();
        if keep == messages.len() {
            return bound;
        }
        messages.truncate(keep);
        messages.last().map_or(bound, Delivery::seq)
    }
}

/// Brings what was taken in several places into one order, each message once with all channels that it comes by,
/// and keeps the first `most`. If there were more, nothing after these is wanted any longer: `bound` goes down to
/// the last of them.
pub(crate) fn put_in_order(messages: &mut Vec<Delivery>, most: usize, bound: &mut u64) {
    messages.sort_unstable_by_key(Delivery::seq);
    messages.dedup_by(|again, first| {
        let same = again.seq() == first.seq();
        if same {
            first.merge(again);
        }
        same
    });
    if messages.len() > most {
        messages.truncate(most);
        *bound = messages.last().map_or(*bound, |last| last.seq().min(*bound));
    }
}

/// What a reader got.
#[derive(Debug, Clone)]
pub struct Batch {
    /// What it will not get.
    pub gaps: Vec<Gap>,
    /// The messages, seq rising.
    pub messages: Vec<Delivery>,
    /// The reader's place when it has seen them.
    pub cursor: Cursor,
    /// Whether the limit left something behind.
    pub more: bool,
}

/// The reader was stopped: it has read all there was, and there will be no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TailEnd;

/// Stops a [`Tail`](crate::Tail) from elsewhere.
#[derive(Clone)]
pub struct Stop(Arc<Signal>);

impl Stop {
    pub(crate) fn new(signal: Arc<Signal>) -> Self {
        Self(signal)
    }

    /// Lets the reader have what there is now and ends it.
    pub fn stop(&self) {
        self.0.end();
    }

    /// Lets the reader look again, though nothing has come for it.
    pub fn wake(&self) {
        self.0.wake();
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stop")
    }
}
