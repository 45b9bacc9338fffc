use std::sync::atomic::{AtomicU64, Ordering};

/// What a hub has done, in numbers that only rise.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    published: AtomicU64,
    repeated: AtomicU64,
    refused: AtomicU64,
    delivered: AtomicU64,
    gaps: AtomicU64,
    subscribed: AtomicU64,
    turned_away: AtomicU64,
}

/// What a hub has done, in numbers that only rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Messages stored.
    pub published: u64,
    /// Publishes answered from their idempotency key.
    pub repeated: u64,
    /// Publishes refused.
    pub refused: u64,
    /// Messages handed to subscriptions.
    pub delivered: u64,
    /// Gaps handed to subscriptions.
    pub gaps: u64,
    /// Subscriptions opened.
    pub subscribed: u64,
    /// Subscriptions refused.
    pub turned_away: u64,
}

impl Counters {
    pub(crate) fn publish(&self, repeated: bool) {
        let counter = if repeated { &self.repeated } else { &self.published };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn deliver(&self, messages: usize, gaps: usize) {
        self.delivered.fetch_add(messages as u64, Ordering::Relaxed);
        if gaps > 0 {
            self.gaps.fetch_add(gaps as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn subscribe(&self, opened: bool) {
        let counter = if opened { &self.subscribed } else { &self.turned_away };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            published: load(&self.published),
            repeated: load(&self.repeated),
            refused: load(&self.refused),
            delivered: load(&self.delivered),
            gaps: load(&self.gaps),
            subscribed: load(&self.subscribed),
            turned_away: load(&self.turned_away),
        }
    }
}
