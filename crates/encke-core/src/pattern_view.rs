use std::{collections::HashSet, sync::Arc};

use foldhash::fast::RandomState;

use crate::{
    ChannelName, Delivery, Mark, Pattern, Wakes,
    batch::put_in_order,
    channel::{ByName, Channel, Trimmed},
    entry::Entry,
    followers::Followers,
    sync::{Mutex, lock},
    window::{Taken, Window},
};

/// A followed pattern: the union of the channels that match it.
///
/// What was appended since it is followed stands in one window, so that its readers cost the same however many
/// channels match. The window begins after every trimmed message (it never holds what a channel has let go, nor
/// hides a hole); a reader that is further behind merges the channels themselves.
pub(crate) struct PatternView {
    pub(crate) pattern: Pattern,
    limit: usize,
    state: Mutex<PatternState>,
}

struct PatternState {
    window: Window,
    /// Everything after this seq that the channels retain stands in the window.
    floor: u64,
    /// Everything after this seq that the channels retain is in memory.
    evicted: u64,
    trimmed: Trimmed,
    followers: Followers,
    channels: HashSet<ByName, RandomState>,
}

impl PatternView {
    /// The view of `channels`, which are all that match now. `head` is the last seq appended, `trimmed` the
    /// highest mark of the channels and of the forgotten ones that match, `evicted` the last that is not in memory.
    pub(crate) fn new(
        pattern: Pattern,
        limit: usize,
        channels: &[Arc<Channel>],
        head: u64,
        trimmed: Mark,
        evicted: u64,
    ) -> Self {
        let (window, followers) = (Window::default(), Followers::default());
        let trimmed = Trimmed { mark: trimmed, version: 0 };
        let channels = channels.iter().cloned().map(ByName).collect();
        let state = PatternState { window, floor: head, evicted, trimmed, followers, channels };
        Self { pattern, limit, state: Mutex::new(state) }
    }

    /// A channel that matches has come to be. The mark that it brings is known: it was set before the pattern
    /// was followed, or by `trim`.
    pub(crate) fn add(&self, channel: Arc<Channel>) {
        lock(&self.state).channels.insert(ByName(channel));
    }

    pub(crate) fn remove(&self, channel: &Channel) {
        lock(&self.state).channels.remove(&channel.name);
    }

    /// The channel `name`, if it is one of those that match.
    pub(crate) fn channel(&self, name: &ChannelName) -> Option<Arc<Channel>> {
        lock(&self.state).channels.get(name).map(|known| Arc::clone(&known.0))
    }

    pub(crate) fn channels(&self) -> Vec<Arc<Channel>> {
        lock(&self.state).channels.iter().map(|channel| Arc::clone(&channel.0)).collect()
    }

    pub(crate) fn push(&self, entry: &Arc<Entry>, wakes: &mut Wakes, garbage: &mut Vec<Arc<Entry>>) {
        let mut state = lock(&self.state);
        // A message in two of its channels comes twice.
        if state.window.back().is_some_and(|back| back.seq() == entry.seq()) {
            return;
        }
        state.window.push(Arc::clone(entry));
        if state.window.len() > self.limit
            && let Some(oldest) = state.window.pop()
        {
            state.floor = oldest.seq();
            garbage.push(oldest);
        }
        state.followers.mark(wakes);
    }

    /// A matching channel has let go of everything up to `mark`.
    pub(crate) fn trim(&self, mark: Mark, garbage: &mut Vec<Arc<Entry>>) {
        let mut state = lock(&self.state);
        state.trimmed.mark.raise(mark);
        state.trimmed.version += 1;
        state.begin_after(mark.seq, garbage);
    }

    /// A matching channel has let the message `seq` out of memory: so the window does too.
    pub(crate) fn evict(&self, seq: u64, garbage: &mut Vec<Arc<Entry>>) {
        let mut state = lock(&self.state);
        state.evicted = state.evicted.max(seq);
        state.begin_after(seq, garbage);
    }

    pub(crate) fn follow<R>(&self, with: impl FnOnce(&mut Followers) -> R) -> R {
        with(&mut lock(&self.state).followers)
    }

    /// How many messages of its row come after `seq`.
    pub(crate) fn after(&self, seq: u64) -> usize {
        let window = &lock(&self.state).window;
        window.len() - window.position_after(seq)
    }

    pub(crate) fn trimmed(&self) -> Trimmed {
        lock(&self.state).trimmed
    }

    /// Takes up to `limit` messages in `(after, head]` in order; parks the reader `key` if there are no more.
    ///
    /// Returns what is gone at that moment beside how much was taken.
    pub(crate) fn read(
        &self,
        after: u64,
        head: u64,
        limit: usize,
        key: usize,
        out: &mut Vec<Delivery>,
    ) -> (Taken, Trimmed) {
        let mut state = lock(&self.state);
        if after >= state.floor {
            // What stands in the window is retained by every channel that it is in.
            let taken = state.window.read(after, head, limit, |name| self.pattern.matches(name), out);
            if taken == Taken::All {
                state.followers.park(key);
            }
            return (taken, state.trimmed);
        }
        if after < state.evicted {
            return (Taken::Elsewhere(state.evicted.max(state.floor)), state.trimmed);
        }
        let channels = state.channels.iter().map(|channel| Arc::clone(&channel.0)).collect::<Vec<_>>();
        drop(state);
        let begin = out.len();
        let mut taken = merge(&channels, after, head, limit, out);
        // Looked at last, so that it covers what went before the merge came to it.
        let state = lock(&self.state);
        if after < state.evicted {
            out.truncate(begin);
            taken = Taken::Elsewhere(state.evicted.max(state.floor));
        }
        (taken, state.trimmed)
    }
}

impl PatternState {
    /// Has the window begin after `seq`.
    fn begin_after(&mut self, seq: u64, garbage: &mut Vec<Arc<Entry>>) {
        self.floor = self.floor.max(seq);
        while self.window.front().is_some_and(|front| front.seq() <= seq) {
            garbage.extend(self.window.pop());
        }
    }
}

/// Collects the first `limit` messages in `(after, head]` of all `channels` together.
fn merge(
    channels: &[Arc<Channel>],
    after: u64,
    mut head: u64,
    limit: usize,
    out: &mut Vec<Delivery>,
) -> Taken {
    let keep = limit.saturating_add(1);
    let mut found = Vec::new();
    for channel in channels {
        let is_it = |name: &ChannelName| channel.name == *name;
        lock(&channel.state).window.read(after, head, keep, is_it, &mut found);
        if found.len() / 4 > keep {
            put_in_order(&mut found, keep, &mut head);
        }
    }
    put_in_order(&mut found, keep, &mut head);
    let taken = if found.len() > limit { Taken::Cut } else { Taken::ToHead };
    found.truncate(limit);
    out.append(&mut found);
    taken
}
