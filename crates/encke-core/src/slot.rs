use std::sync::Arc;

use crate::{
    ChannelName, Delivery, Mark, OpenError, Selector, Timestamp,
    channel::{Channel, Trimmed},
    entry::Entry,
    followers::{Followers, Signal},
    log::{Shared, State},
    older::Supply,
    pattern_view::PatternView,
    sync::lock,
    window::Taken,
};

/// One selector that a reader follows.
pub(crate) struct Slot {
    pub(crate) source: Source,
    /// Its seat among the followers of the source.
    key: usize,
    /// Only what comes after this seq is for this slot.
    since: u64,
    /// Everything up to here was read. The reader's own cursor says so too, unless the slot is behind it.
    pub(crate) from: u64,
    /// The version of what was gone when it came: if it claims to have seen that, it was told.
    gone: u64,
    /// The reader was told that everything up to here may be missing.
    pub(crate) told: u64,
    /// The last seq that the last look took here; `u64::MAX` if that left something.
    pub(crate) last: u64,
}

pub(crate) enum Source {
    Channel(Arc<Channel>),
    Pattern(Arc<PatternView>),
}

impl Source {
    /// Finds what `selector` names, and makes it if it does not exist.
    pub(crate) fn open(shared: &Shared, state: &mut State, selector: &Selector) -> Result<Self, OpenError> {
        Ok(match selector {
            Selector::Channel(name) => Self::Channel(state.open_channel(shared, name)?),
            Selector::Pattern(pattern) => Self::Pattern(state.open_pattern(shared, pattern)?),
        })
    }

    pub(crate) fn selector(&self) -> Selector {
        match self {
            Self::Channel(channel) => Selector::Channel(channel.name.clone()),
            Self::Pattern(view) => Selector::Pattern(view.pattern.clone()),
        }
    }

    pub(crate) fn is(&self, selector: &Selector) -> bool {
        match (self, selector) {
            (Self::Channel(channel), Selector::Channel(name)) => channel.name == *name,
            (Self::Pattern(view), Selector::Pattern(pattern)) => view.pattern == *pattern,
            _ => false,
        }
    }

    /// Whether one of its channels retains `entry`.
    fn holds(&self, entry: &Entry) -> bool {
        entry.is_in(|name| self.retains(name, entry.seq()))
    }

    /// Whether `name` is one of its channels, and retains what it had at `seq`.
    fn retains(&self, name: &ChannelName, seq: u64) -> bool {
        let channel = match self {
            Self::Channel(channel) => (channel.name == *name).then(|| Arc::clone(channel)),
            Self::Pattern(view) => view.channel(name),
        };
        channel.is_some_and(|channel| seq > lock(&channel.state).trimmed.seq)
    }

    pub(crate) fn trimmed(&self) -> Trimmed {
        match self {
            Self::Channel(channel) => lock(&channel.state).gone(),
            Self::Pattern(view) => view.trimmed(),
        }
    }

    /// The seqs of the newest `count` messages, in any order.
    pub(crate) fn newest(&self, count: usize, seqs: &mut Vec<u64>) {
        self.each(|channel| seqs.extend(lock(&channel.state).window.newest(count)));
    }

    /// The seq of the first message at or after `time`.
    pub(crate) fn first_at(&self, time: Timestamp) -> Option<u64> {
        let mut first = None;
        self.each(|channel| {
            let own = lock(&channel.state).window.first_at(time);
            first = [first, own].into_iter().flatten().min();
        });
        first
    }

    /// The newest message before `time`.
    pub(crate) fn last_before(&self, time: Timestamp) -> Mark {
        let mut last = Mark::default();
        self.each(|channel| {
            let state = lock(&channel.state);
            if let Some(own) = state.window.last_before(time) {
                last.raise(own);
            } else if state.elsewhere(0).is_some() && state.evicted.time < time {
                last.raise(state.evicted);
            }
        });
        last
    }

    fn each(&self, mut with: impl FnMut(&Channel)) {
        match self {
            Self::Channel(channel) => with(channel),
            Self::Pattern(view) => view.channels().iter().for_each(|channel| with(channel)),
        }
    }

    fn follow<R>(&self, with: impl FnOnce(&mut Followers) -> R) -> R {
        match self {
            Self::Channel(channel) => with(&mut lock(&channel.state).followers),
            Self::Pattern(view) => view.follow(with),
        }
    }
}

impl Slot {
    /// Takes a seat among the followers; `slot` is its number with the reader behind `signal`.
    pub(crate) fn new(
        source: Source,
        signal: &Arc<Signal>,
        slot: usize,
        from: u64,
        gone: Trimmed,
        told: u64,
    ) -> Self {
        let key = source.follow(|followers| followers.insert(Arc::clone(signal), slot));
        Self { source, key, since: from, from, gone: gone.version, told, last: 0 }
    }

    /// The seq from which on it follows.
    pub(crate) fn begin(&self) -> u64 {
        self.since
    }

    /// Takes up to `limit` messages in `(after, head]`; waits for more (is parked) if that was all.
    ///
    /// Also returns what is gone at that moment.
    pub(crate) fn read(
        &self,
        after: u64,
        head: u64,
        limit: usize,
        out: &mut Vec<Delivery>,
    ) -> (Taken, Trimmed) {
        match &self.source {
            Source::Pattern(view) => view.read(after, head, limit, self.key, out),
            Source::Channel(channel) => {
                let mut state = lock(&channel.state);
                if let Some(upto) = state.elsewhere(after) {
                    return (Taken::Elsewhere(upto), state.gone());
                }
                let taken = state.window.read(after, head, limit, |name| channel.name == *name, out);
                if taken == Taken::All {
                    state.followers.park(self.key);
                }
                (taken, state.gone())
            }
        }
    }

    /// Takes up to `limit` messages in `(after, bound]` from what an engine has supplied, and lowers the bound to where
    /// that ends. Whatever is retained is taken; returns what is gone after that, by which [`Slot::misses`] tells of the
    /// rest.
    pub(crate) fn read_supply(
        &self,
        supply: &Supply,
        after: u64,
        bound: &mut u64,
        limit: usize,
        out: &mut Vec<Delivery>,
    ) -> Trimmed {
        *bound = supply.upto.min(*bound);
        let end = out.len().saturating_add(limit);
        for entry in supply.after(after).iter().take_while(|entry| entry.seq() <= *bound) {
            if !self.source.holds(entry) {
                continue;
            }
            if out.len() == end {
                *bound = out.last().map_or(after, Delivery::seq);
                break;
            }
            out.push(Delivery::new(entry, |name| self.source.retains(name, entry.seq())));
        }
        self.source.trimmed()
    }

    /// Whether something after `after` went since the slot came by, and the reader was not told of it yet.
    pub(crate) fn misses(&self, after: u64, trimmed: Trimmed) -> bool {
        trimmed.mark.seq > after.max(self.told) && trimmed.version > self.gone
    }

    /// Whether this slot has taken `entry`, given that it has read up to `read`.
    ///
    /// True if the channel by which it would have come still holds it: then it did when this slot read. Of
    /// what has been let go nobody can tell.
    pub(crate) fn has_taken(&self, entry: &Entry, read: u64) -> bool {
        self.since < entry.seq() && entry.seq() <= read && self.source.holds(entry)
    }

    /// Gives the seat up, and the source too if nothing else needs it.
    pub(crate) fn close(self, shared: &Shared) {
        match &self.source {
            Source::Channel(channel) => {
                let idle = {
                    let mut state = lock(&channel.state);
                    state.followers.remove(self.key);
                    state.is_idle()
                };
                if idle {
                    shared.lock().forget_if_idle(channel);
                }
            }
            Source::Pattern(view) => {
                let idle = view.follow(|followers| {
                    followers.remove(self.key);
                    followers.is_empty()
                });
                if idle {
                    shared.lock().forget_pattern_if_idle(view);
                }
            }
        }
    }
}
