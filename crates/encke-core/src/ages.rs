use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    sync::Arc,
};

use crate::{Timestamp, channel::Channel};

/// When the front of each channel will be too old, the earliest first. A channel stands in it at most once.
#[derive(Default)]
pub(crate) struct Ages {
    heap: BinaryHeap<Reverse<Aging>>,
}

struct Aging {
    due: Timestamp,
    channel: Arc<Channel>,
}

impl Ages {
    pub(crate) fn push(&mut self, due: Timestamp, channel: Arc<Channel>) {
        self.heap.push(Reverse(Aging { due, channel }));
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&Arc<Channel>) -> bool) {
        self.heap.retain(|aging| keep(&aging.0.channel));
    }

    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<Arc<Channel>> {
        if self.heap.peek()?.0.due > now {
            return None;
        }
        self.heap.pop().map(|aging| aging.0.channel)
    }
}

impl PartialEq for Aging {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Aging {}

impl PartialOrd for Aging {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Aging {
    fn cmp(&self, other: &Self) -> Ordering {
        self.due.cmp(&other.due)
    }
}
