use std::{collections::HashSet, sync::Arc};

use foldhash::fast::RandomState;

use crate::{
    Pattern, Wakes,
    channel::{ByName, Channel, Mark},
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
    trimmed: Mark,
    followers: Followers,
    channels: HashSet<ByName, RandomState>,
}

impl PatternView {
    /// The view of `channels`, which are all that match now. `head` is the last seq appended, `trimmed` the
    /// highest mark of the channels and of the forgotten ones that match.
    pub(crate) fn new(
        pattern: Pattern,
        limit: usize,
        channels: HashSet<ByName, RandomState>,
        head: u64,
        trimmed: Mark,
    ) -> Self {
        let (window, followers) = (Window::default(), Followers::default());
        let state = PatternState { window, floor: head, trimmed, followers, channels };
        Self { pattern, limit, state: Mutex::new(state) }
    }

    pub(crate) fn add(&self, channel: Arc<Channel>, mark: Mark) {
        let mut state = lock(&self.state);
        state.trimmed.raise(mark);
        state.channels.insert(ByName(channel));
    }

    pub(crate) fn remove(&self, channel: &Channel) {
        lock(&self.state).channels.remove(&channel.name);
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
        state.trimmed.raise(mark);
        state.floor = state.floor.max(mark.seq);
        while state.window.front().is_some_and(|front| front.seq() <= mark.seq) {
            garbage.extend(state.window.pop());
        }
    }

    pub(crate) fn follow<R>(&self, with: impl FnOnce(&mut Followers) -> R) -> R {
        with(&mut lock(&self.state).followers)
    }

    pub(crate) fn trimmed(&self) -> Mark {
        lock(&self.state).trimmed
    }

    /// Takes up to `limit` entries in `(after, head]` in order; parks the reader `key` if there are no more.
    ///
    /// Returns the trim mark at that moment beside how much was taken.
    pub(crate) fn read(
        &self,
        after: u64,
        head: u64,
        limit: usize,
        key: usize,
        out: &mut Vec<Arc<Entry>>,
    ) -> (Taken, Mark) {
        let mut state = lock(&self.state);
        if after >= state.floor {
            let end = out.len() + limit;
            let taken = state.window.read(after, head, |entry| {
                let fits = out.len() < end;
                if fits {
                    out.push(Arc::clone(entry));
                }
                fits
            });
            if taken == Taken::All {
                state.followers.park(key);
            }
            return (taken, state.trimmed);
        }
        // The mark is read first: whatever is trimmed while the channels are merged lifts it above `after`
        // by the next read, which comes because this one does not park.
        let channels = state.channels.iter().map(|channel| Arc::clone(&channel.0)).collect::<Vec<_>>();
        drop(state);
        let taken = merge(&channels, after, head, limit, out);
        (taken, self.trimmed())
    }
}

/// Collects the first `limit` entries in `(after, head]` of all `channels` together.
fn merge(channels: &[Arc<Channel>], after: u64, head: u64, limit: usize, out: &mut Vec<Arc<Entry>>) -> Taken {
    let begin = out.len();
    let keep = limit + 1;
    for channel in channels {
        let end = out.len() + keep;
        lock(&channel.state).window.read(after, head, |entry| {
            let fits = out.len() < end;
            if fits {
                out.push(Arc::clone(entry));
            }
            fits
        });
        if out.len() - begin > 4 * keep {
            shorten(out, begin, keep);
        }
    }
    shorten(out, begin, keep);
    if out.len() - begin > limit {
        out.truncate(begin + limit);
        return Taken::Cut;
    }
    Taken::ToHead
}

/// Sorts what stands in `out` from `begin` on, drops what is twice, and keeps the first `keep`.
fn shorten(out: &mut Vec<Arc<Entry>>, begin: usize, keep: usize) {
    out[begin..].sort_unstable_by_key(|entry| entry.seq());
    out.dedup_by_key(|entry| entry.seq());
    out.truncate(begin + keep);
}
