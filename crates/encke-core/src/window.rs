use std::{collections::VecDeque, sync::Arc};

use crate::{ChannelName, Delivery, Mark, Timestamp, entry::Entry};

/// Entries in the order of the log, and how readers find their place in them.
#[derive(Default)]
pub(crate) struct Window {
    entries: VecDeque<Arc<Entry>>,
}

/// What a reader took from a window.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// All that there was, also beyond the head.
    All,
    /// All up to the head; an append is under way behind it.
    ToHead,
    /// As much as the limit allows; more is there.
    Cut,
    /// Nothing: what comes up to this seq is not in memory.
    Elsewhere(u64),
}

impl Window {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn front(&self) -> Option<&Arc<Entry>> {
        self.entries.front()
    }

    pub(crate) fn back(&self) -> Option<&Arc<Entry>> {
        self.entries.back()
    }

    pub(crate) fn push(&mut self, entry: Arc<Entry>) {
        self.entries.push_back(entry);
    }

    pub(crate) fn pop(&mut self) -> Option<Arc<Entry>> {
        let popped = self.entries.pop_front();
        // A channel that was busy once should not hold its memory for ever.
        if self.entries.len() * 4 < self.entries.capacity() && self.entries.capacity() > 64 {
            self.entries.shrink_to(self.entries.len() * 2);
        }
        popped
    }

    /// Where the entries after `seq` begin: a search that starts at the end, because readers mostly are there.
    pub(crate) fn position_after(&self, seq: u64) -> usize {
        let len = self.entries.len();
        let mut step = 1;
        let mut high = len;
        while step <= len && self.entries[len - step].seq() > seq {
            high = len - step;
            step *= 2;
        }
        let mut low = len.saturating_sub(step);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entries[middle].seq() > seq {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        high
    }

    /// Takes up to `limit` entries in `(after, head]`, by those of their channels that `follows` accepts.
    pub(crate) fn read(
        &self,
        after: u64,
        head: u64,
        limit: usize,
        follows: impl Fn(&ChannelName) -> bool,
        out: &mut Vec<Delivery>,
    ) -> Taken {
        let end = out.len().saturating_add(limit);
        for entry in self.entries.range(self.position_after(after)..) {
            if entry.seq() > head {
                return Taken::ToHead;
            }
            if out.len() == end {
                return Taken::Cut;
            }
            out.push(Delivery::new(entry, &follows));
        }
        Taken::All
    }

    /// Whether the entry `seq` is in it.
    pub(crate) fn holds(&self, seq: u64) -> bool {
        seq > 0 && self.entries.get(self.position_after(seq - 1)).is_some_and(|entry| entry.seq() == seq)
    }

    /// How many entries there are at or after `time`.
    pub(crate) fn len_since(&self, time: Timestamp) -> usize {
        self.len() - self.entries.partition_point(|entry| entry.time() < time)
    }

    /// The seqs of the newest `count` entries.
    pub(crate) fn newest(&self, count: usize) -> impl Iterator<Item = u64> {
        self.entries.iter().rev().take(count).map(|entry| entry.seq())
    }

    /// The seq of the first entry at or after `time`.
    pub(crate) fn first_at(&self, time: Timestamp) -> Option<u64> {
        let at = self.entries.partition_point(|entry| entry.time() < time);
        self.entries.get(at).map(|entry| entry.seq())
    }

    /// The last entry before `time`.
    pub(crate) fn last_before(&self, time: Timestamp) -> Option<Mark> {
        let end = self.entries.partition_point(|entry| entry.time() < time);
        let last = self.entries.get(end.checked_sub(1)?)?;
        Some(Mark { seq: last.seq(), time: last.time() })
    }
}
