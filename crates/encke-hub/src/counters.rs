use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use encke_core::Timestamp;

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
    denied: AtomicU64,
    members_not_kept: AtomicU64,
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
    /// Refusals of access, whatever for.
    pub denied: u64,
    /// Publishes refused because their publisher publishes too often.
    pub publishes_limited: u64,
    /// Subscriptions and additions refused because their subscriber subscribes too often.
    pub subscribes_limited: u64,
    /// Members and connections of members that were not counted, because there were as many as there may be.
    pub members_not_kept: u64,
}

/// What a hub had done each second of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Samples(Mutex<VecDeque<(Timestamp, Counts)>>);

impl Samples {
    /// The ends of sixty seconds.
    const LIMIT: usize = 61;

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Timestamp, Counts)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, now: Timestamp, counts: Counts) {
        let mut samples = self.lock();
        if samples.len() >= Self::LIMIT {
            samples.pop_front();
        }
        samples.push_back((now, counts));
    }

    pub(crate) fn all(&self) -> Vec<(Timestamp, Counts)> {
        self.lock().iter().copied().collect()
    }
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

    pub(crate) fn deny(&self) {
        self.denied.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn not_keep(&self, members: usize) {
        if members > 0 {
            self.members_not_kept.fetch_add(members as u64, Ordering::Relaxed);
        }
    }

    /// What was done, beside what the quotas have counted themselves.
    pub(crate) fn counts(&self, publishes_limited: u64, subscribes_limited: u64) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            published: load(&self.published),
            repeated: load(&self.repeated),
            refused: load(&self.refused),
            delivered: load(&self.delivered),
            gaps: load(&self.gaps),
            subscribed: load(&self.subscribed),
            turned_away: load(&self.turned_away),
            denied: load(&self.denied),
            publishes_limited,
            subscribes_limited,
            members_not_kept: load(&self.members_not_kept),
        }
    }
}
