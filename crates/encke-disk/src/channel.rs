//! A channel as the writer knows it.

use std::{collections::VecDeque, sync::Arc};

use encke_core::{ChannelName, Kept, Mark, Retention, Timestamp};

use crate::{
    chain::Chain,
    index::Seen,
    row::{ChannelRow, Glance},
    store::{Store, StoreError},
};

/// Messages of one channel whose sizes and times are in memory, so that the oldest can be let go of.
const FRONT: usize = 64;

pub(crate) struct Channel {
    pub(crate) seen: Arc<Seen>,
    pub(crate) retention: Retention,
    pub(crate) last: Mark,
    pub(crate) gone: Mark,
    pub(crate) count: usize,
    pub(crate) bytes: usize,
    /// Rows of messages that are gone.
    pub(crate) dead: usize,
    /// The oldest messages that are kept.
    front: VecDeque<Glance>,
    /// Whether those are all.
    is_whole: bool,
    /// Messages that are not committed, unless they stand in the front.
    fresh: Vec<Glance>,
    /// A time before or at that of the oldest message.
    oldest: Timestamp,
    /// Whether its row must be written, its age will be looked at, its dead rows are about to be removed.
    pub(crate) is_touched: bool,
    pub(crate) is_aging: bool,
    pub(crate) is_swept: bool,
}

impl Channel {
    pub(crate) fn new(name: ChannelName, number: u64, gone: Mark, retention: Retention) -> Self {
        let row =
            ChannelRow { name, last: Mark::default(), gone, count: 0, bytes: 0, dead: 0, front: gone.time };
        Self::known(number, row, retention)
    }

    pub(crate) fn known(number: u64, row: ChannelRow, retention: Retention) -> Self {
        let ChannelRow { name, last, gone, count, bytes, dead, front: oldest } = row;
        let seen = Arc::new(Seen::new(name, number, last.seq, gone.seq));
        Self {
            seen,
            retention,
            last,
            gone,
            count,
            bytes,
            dead,
            front: VecDeque::new(),
            is_whole: count == 0,
            fresh: Vec::new(),
            oldest,
            is_touched: false,
            is_aging: false,
            is_swept: false,
        }
    }

    pub(crate) fn row(&self) -> ChannelRow {
        ChannelRow {
            name: self.seen.name.clone(),
            last: self.last,
            gone: self.gone,
            count: self.count,
            bytes: self.bytes,
            dead: self.dead,
            front: self.oldest,
        }
    }

    pub(crate) fn kept(&self) -> Kept {
        Kept { count: self.count, bytes: self.bytes, gone: self.gone }
    }

    /// When its oldest message may be too old, at the earliest.
    pub(crate) fn due(&self) -> Timestamp {
        self.oldest.after(self.retention.age)
    }

    /// Takes in a new message.
    pub(crate) fn add(&mut self, seq: u64, time: Timestamp, size: usize) {
        let new = Glance { seq, time, size, prev: self.last.seq };
        self.last = Mark { seq, time };
        if self.count == 0 {
            self.oldest = time;
        }
        self.count += 1;
        self.bytes += size;
        if self.is_whole && self.front.len() < FRONT {
            self.front.push_back(new);
        } else {
            self.is_whole = false;
            self.fresh.push(new);
        }
    }

    /// Lets go of what it should not keep at `now`; returns the bytes of it.
    pub(crate) fn retain(&mut self, now: Timestamp, store: &Store) -> Result<usize, StoreError> {
        let (retention, oldest) = (self.retention, now.before(self.retention.age));
        self.trim(store, usize::MAX, |own, front| {
            own.count > retention.count.max(1) || own.bytes > retention.bytes || front.time < oldest
        })
    }

    /// Lets go of its oldest messages while `goes` says so, at most of `most`; returns the bytes of them.
    pub(crate) fn trim(
        &mut self,
        store: &Store,
        most: usize,
        goes: impl Fn(&Self, Glance) -> bool,
    ) -> Result<usize, StoreError> {
        let before = self.bytes;
        for _ in 0..most {
            // What is surely kept need not be read: that is nearly always all.
            let unknown = Glance { seq: self.gone.seq + 1, time: self.oldest, size: 0, prev: self.gone.seq };
            if self.count == 0 || (self.front.is_empty() && !goes(self, unknown)) {
                break;
            }
            let front = self.oldest_kept(store)?;
            if !goes(self, front) {
                break;
            }
            self.front.pop_front();
            self.gone = Mark { seq: front.seq, time: front.time };
            self.count -= 1;
            self.bytes = self.bytes.saturating_sub(front.size);
            self.dead += 1;
            self.oldest = self.front.front().map_or(front.time, |next| next.time);
        }
        if self.count == 0 {
            (self.bytes, self.is_whole) = (0, true);
        }
        Ok(before - self.bytes)
    }

    /// Lets go of all of it; returns how much that was.
    pub(crate) fn clear(&mut self) -> usize {
        self.front.clear();
        self.fresh.clear();
        self.is_whole = true;
        self.dead += self.count;
        self.count = 0;
        self.gone = self.last;
        std::mem::take(&mut self.bytes)
    }

    fn oldest_kept(&mut self, store: &Store) -> Result<Glance, StoreError> {
        if self.front.is_empty() {
            let reaches = self.seen.last();
            let mut chain = Chain::new(&store.snapshot()?, Arc::clone(&self.seen), self.gone.seq, reaches)?;
            while self.front.len() < FRONT
                && let Some(next) = chain.next_glance()?
            {
                self.front.push_back(next);
            }
            if self.front.len() < FRONT {
                self.front.extend(self.fresh.drain(..));
                self.is_whole = true;
            }
            self.oldest = self.front.front().map_or(self.oldest, |front| front.time);
        }
        self.front.front().copied().ok_or_else(|| {
            StoreError::damaged(format_args!("messages of channel {:?} are missing", self.seen.name))
        })
    }

    /// What is in the file now: what was added since the last time is committed.
    pub(crate) fn committed(&mut self) {
        self.fresh = Vec::new();
        self.is_touched = false;
    }
}
