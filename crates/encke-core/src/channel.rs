use std::{
    borrow::Borrow,
    cmp,
    hash::{Hash, Hasher},
    sync::{Arc, atomic::Ordering},
};

use crate::{
    ChannelName, Kept, Mark, Retention, Timestamp, Wakes,
    entry::Entry,
    followers::Followers,
    pattern_view::PatternView,
    sync::{AtomicU64, Mutex},
    window::Window,
};

/// What is gone from a channel, or from all channels of a pattern.
#[derive(Clone, Copy)]
pub(crate) struct Trimmed {
    pub(crate) mark: Mark,
    /// Rises whenever more goes. The mark of a pattern does not: what goes may be older than what went before.
    pub(crate) version: u64,
}

/// A retained view of the log: the newest messages of one channel, and those who follow it.
///
/// Only the holder of the log's lock appends, trims or forgets; readers hold no more than `state`.
pub(crate) struct Channel {
    pub(crate) name: ChannelName,
    pub(crate) retention: Retention,
    /// The seq of its last message. Changed only under the log's lock.
    last: AtomicU64,
    pub(crate) state: Mutex<ChannelState>,
}

pub(crate) struct ChannelState {
    pub(crate) window: Window,
    pub(crate) bytes: usize,
    pub(crate) trimmed: Mark,
    /// The newest message that is not in memory; those after `trimmed` are with the engine.
    pub(crate) evicted: Mark,
    /// What the engine keeps, if it is an engine that keeps it.
    pub(crate) kept: Option<Kept>,
    pub(crate) followers: Followers,
    /// The followed patterns that match its name.
    pub(crate) patterns: Vec<Arc<PatternView>>,
    /// Whether the log will look at its age again.
    pub(crate) ages: bool,
}

impl Channel {
    pub(crate) fn new(
        name: ChannelName,
        retention: Retention,
        trimmed: Mark,
        last: u64,
        kept: Option<Kept>,
    ) -> Self {
        let state = ChannelState {
            window: Window::default(),
            bytes: 0,
            trimmed,
            evicted: Mark::default(),
            kept,
            followers: Followers::default(),
            patterns: Vec::new(),
            ages: false,
        };
        Self { name, retention, last: AtomicU64::new(last), state: Mutex::new(state) }
    }

    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    pub(crate) fn set_last(&self, seq: u64) {
        self.last.store(seq, Ordering::Relaxed);
    }
}

impl ChannelState {
    /// Takes in a new message.
    pub(crate) fn add(&mut self, entry: &Arc<Entry>) {
        self.window.push(Arc::clone(entry));
        self.bytes += entry.size();
    }

    /// Trims to `retention` at `now`. What was trimmed goes to `garbage`, to be freed when no lock is held. Returns the
    /// bytes that were freed.
    pub(crate) fn retain(
        &mut self,
        retention: &Retention,
        now: Timestamp,
        garbage: &mut Vec<Arc<Entry>>,
    ) -> usize {
        let oldest = now.before(retention.age);
        self.trim(garbage, |state, front| {
            state.window.len() > retention.count.max(1)
                || state.bytes > retention.bytes
                || front.time() < oldest
        })
    }

    /// Marks those who wait for a message that was added, and has the patterns take it in; returns how many follow.
    pub(crate) fn tell(
        &mut self,
        entry: &Arc<Entry>,
        wakes: &mut Wakes,
        garbage: &mut Vec<Arc<Entry>>,
    ) -> usize {
        self.followers.mark(wakes);
        let mut followers = self.followers.len();
        for pattern in &self.patterns {
            pattern.push(entry, wakes, garbage);
            followers += pattern.follow(|followers| followers.len());
        }
        followers
    }

    /// Removes entries from the front while `goes` says so; returns the bytes that were freed.
    pub(crate) fn trim(
        &mut self,
        garbage: &mut Vec<Arc<Entry>>,
        goes: impl Fn(&Self, &Entry) -> bool,
    ) -> usize {
        let before = self.bytes;
        while self.window.front().is_some_and(|front| goes(self, front)) {
            let Some(entry) = self.window.pop() else { break };
            self.bytes -= entry.size();
            self.trimmed = Mark { seq: entry.seq(), time: entry.time() };
            garbage.push(entry);
        }
        if self.bytes != before {
            self.patterns.iter().for_each(|pattern| pattern.trim(self.trimmed, garbage));
        }
        before - self.bytes
    }

    /// Lets the oldest messages out of memory while `goes` says so; the engine keeps them.
    pub(crate) fn evict(&mut self, garbage: &mut Vec<Arc<Entry>>, goes: impl Fn(&Self, &Entry) -> bool) {
        while self.window.front().is_some_and(|front| goes(self, front)) {
            let Some(entry) = self.window.pop() else { break };
            self.bytes -= entry.size();
            self.evicted = Mark { seq: entry.seq(), time: entry.time() };
            self.patterns.iter().for_each(|pattern| pattern.evict(entry.seq(), garbage));
            garbage.push(entry);
        }
    }

    /// Notes what the engine keeps, and lets go of what it has let go of.
    pub(crate) fn settle(&mut self, mut kept: Kept, garbage: &mut Vec<Arc<Entry>>) {
        kept.gone.raise(self.trimmed);
        self.trim(garbage, |_, front| front.seq() <= kept.gone.seq);
        if kept.gone.seq > self.trimmed.seq {
            self.trimmed = kept.gone;
            self.patterns.iter().for_each(|pattern| pattern.trim(self.trimmed, garbage));
        }
        self.kept = Some(kept);
    }

    /// Up to where messages after `after` are with the engine and not in memory, if some are.
    pub(crate) fn elsewhere(&self, after: u64) -> Option<u64> {
        (self.evicted.seq > after.max(self.trimmed.seq)).then_some(self.evicted.seq)
    }

    /// Messages and bytes that are retained, in memory or by the engine.
    pub(crate) fn retained(&self) -> (usize, usize) {
        self.kept.map_or_else(|| (self.window.len(), self.bytes), |kept| (kept.count, kept.bytes))
    }

    pub(crate) fn gone(&self) -> Trimmed {
        Trimmed { mark: self.trimmed, version: self.trimmed.seq }
    }

    /// Whether nothing would be lost by forgetting it, its mark aside.
    pub(crate) fn is_idle(&self) -> bool {
        self.retained().0 == 0 && self.followers.is_empty()
    }
}

/// A channel in a set, found and ordered by its name.
#[derive(Clone)]
pub(crate) struct ByName(pub(crate) Arc<Channel>);

impl Borrow<ChannelName> for ByName {
    fn borrow(&self) -> &ChannelName {
        &self.0.name
    }
}

impl Borrow<str> for ByName {
    fn borrow(&self) -> &str {
        self.0.name.as_str()
    }
}

impl Hash for ByName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for ByName {}

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &Self) -> Option<cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByName {
    fn cmp(&self, other: &Self) -> cmp::Ordering {
        self.0.name.cmp(&other.0.name)
    }
}
