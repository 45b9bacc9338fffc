use std::sync::Arc;

use crate::{
    ChannelName, OpenError, Selector, Timestamp,
    channel::{Channel, Mark},
    entry::Entry,
    followers::{Followers, Signal},
    log::{Shared, State},
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
    pub(crate) from: u64,
    /// The highest trim mark that the reader was told of.
    pub(crate) told: u64,
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

    pub(crate) fn matches(&self, name: &ChannelName) -> bool {
        match self {
            Self::Channel(channel) => channel.name == *name,
            Self::Pattern(view) => view.pattern.matches(name),
        }
    }

    pub(crate) fn trimmed(&self) -> Mark {
        match self {
            Self::Channel(channel) => lock(&channel.state).trimmed,
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
    pub(crate) fn new(source: Source, signal: &Arc<Signal>, slot: usize, from: u64, told: u64) -> Self {
        let key = source.follow(|followers| followers.insert(Arc::clone(signal), slot));
        Self { source, key, from, told }
    }

    /// Takes up to `limit` entries in `(after, head]`; waits for more (is parked) if that was all.
    ///
    /// Also returns the newest message that is gone, at that moment.
    pub(crate) fn read(
        &self,
        after: u64,
        head: u64,
        limit: usize,
        out: &mut Vec<Arc<Entry>>,
    ) -> (Taken, Mark) {
        match &self.source {
            Source::Pattern(view) => view.read(after, head, limit, self.key, out),
            Source::Channel(channel) => {
                let mut state = lock(&channel.state);
                let end = out.len() + limit;
                let taken = state.window.read(after, head, |entry| {
                    let fits = out.len() < end;
                    if fits {
                        out.push(Arc::clone(entry));
                    }
                    fits
                });
                if taken == Taken::All {
                    state.followers.park(self.key);
                }
                (taken, state.trimmed)
            }
        }
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
