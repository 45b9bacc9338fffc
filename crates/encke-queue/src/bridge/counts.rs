use std::sync::atomic::{AtomicU64, Ordering};

/// What a bridge has done, in numbers that only rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BridgeCounts {
    /// Messages that Redis sent, without those that the bridge had published there itself.
    pub received: u64,
    /// Of those: published here.
    pub published: u64,
    /// Of those: refused, by a name, a limit, a right or the engine. And messages from here whose channel has no name there.
    pub refused: u64,
    /// Of those: dropped, because too many waited.
    pub dropped: u64,
    /// Publishes in Redis.
    pub mirrored: u64,
    /// Publishes in Redis that were on their way when the connection broke.
    pub unsure: u64,
    /// Gaps in what is to be published in Redis.
    pub gaps: u64,
    /// How often it was away. How much it missed then is not known.
    pub outages: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) received: AtomicU64,
    pub(super) published: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) mirrored: AtomicU64,
    pub(super) unsure: AtomicU64,
    pub(super) gaps: AtomicU64,
    pub(super) outages: AtomicU64,
}

impl Counters {
    pub(super) fn counts(&self) -> BridgeCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BridgeCounts {
            received: of(&self.received),
            published: of(&self.published),
            refused: of(&self.refused),
            dropped: of(&self.dropped),
            mirrored: of(&self.mirrored),
            unsure: of(&self.unsure),
            gaps: of(&self.gaps),
            outages: of(&self.outages),
        }
    }
}

pub(super) fn add(counter: &AtomicU64, number: usize) {
    counter.fetch_add(number as u64, Ordering::Relaxed);
}
