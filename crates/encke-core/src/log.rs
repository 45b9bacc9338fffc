mod following;

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Arc, atomic::Ordering},
};

use foldhash::fast::RandomState;

use crate::{
    AppendError, Appended, ChannelName, Cursor, Epoch, Keep, Kept, LogConfig, Pattern, Publish, Resident,
    Retention, Timestamp, Wakes,
    ages::Ages,
    channel::{ByName, Channel},
    entry::{Entry, Home},
    fed::Residents,
    memory::{Fingerprint, Keys, Known, Tombstones},
    names::Names,
    pattern_view::PatternView,
    sync::{Mutex, MutexGuard, lock},
};

/// The log: one append-only order of messages over all channels.
///
/// Cloning gives another handle to the same log. It is synchronous and has no clock: time is an argument.
///
/// ```
/// use encke_core::{ChannelName, Epoch, Limit, Log, LogConfig, Message, Publish, Since, Timestamp};
///
/// let log = Log::new(Epoch::from_bits(7), LogConfig::default());
/// let news = ChannelName::new("news")?;
/// let mut tail = log.open([news.clone().into()], Since::Latest, Timestamp::default())?;
///
/// let (published, wakes) = log.append(Publish::new(news, Message::text("hello")), Timestamp::default())?;
/// wakes.wake();
///
/// let batch = tail.read(Limit::default());
/// assert_eq!(batch.messages[0].message().as_text(), Some("hello"));
/// assert_eq!(batch.cursor, published.cursor);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Log {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) home: Arc<Home>,
    pub(crate) config: LogConfig,
    /// What stays in memory, if an engine keeps the history.
    pub(crate) resident: Option<Resident>,
    pub(crate) names: Arc<Names>,
    state: Mutex<State>,
}

/// A channel by its name, if it exists.
type Found<'a> = (&'a ChannelName, Option<Arc<Channel>>);

/// What only one at a time may do: the ordering point.
pub(crate) struct State {
    /// The last seq given.
    pub(crate) last: u64,
    pub(crate) time: Timestamp,
    /// What is retained, in memory or by the engine.
    pub(crate) bytes: usize,
    pub(crate) residents: Residents,
    channels: HashSet<ByName, RandomState>,
    names: Arc<Names>,
    patterns: HashMap<Pattern, Arc<PatternView>, RandomState>,
    tombstones: Tombstones,
    pub(crate) keys: Keys,
    ages: Ages,
}

impl Log {
    /// An empty log. `epoch` must be new: no earlier life of this log may have had it (L2).
    #[must_use]
    pub fn new(epoch: Epoch, config: LogConfig) -> Self {
        Self::with(epoch, None, config)
    }

    pub(crate) fn with(epoch: Epoch, resident: Option<Resident>, mut config: LogConfig) -> Self {
        config.places = config.places.min(LogConfig::MAX_PLACES);
        let names = Arc::new(Names::default());
        let state = State {
            last: 0,
            time: Timestamp::default(),
            bytes: 0,
            residents: Residents::default(),
            channels: HashSet::default(),
            names: Arc::clone(&names),
            patterns: HashMap::default(),
            tombstones: Tombstones::new(&config),
            keys: Keys::new(&config),
            ages: Ages::default(),
        };
        let home = Arc::new(Home::new(epoch, config.frame_window, config.frame_bytes));
        Self { shared: Arc::new(Shared { home, config, resident, names, state: Mutex::new(state) }) }
    }

    /// Whether it is the same log.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The limits it was made with.
    #[must_use]
    pub fn config(&self) -> &LogConfig {
        &self.shared.config
    }

    /// The place of the last message that is visible.
    #[must_use]
    pub fn head(&self) -> Cursor {
        self.shared.home.cursor(self.shared.home.head.load(Ordering::Acquire))
    }

    /// Appends a message (L1, L3, L4).
    ///
    /// When this returns, every read that begins finds the message; the readers that wait are in [`Wakes`].
    ///
    /// # Errors
    /// [`AppendError`] names the limit that refuses it. Then nothing was stored.
    pub fn append(&self, publish: Publish, now: Timestamp) -> Result<(Appended, Wakes), AppendError> {
        let mut garbage = Vec::new();
        // The lock is gone before `garbage` is freed.
        self.shared.lock().append(&self.shared, publish, now, &mut garbage)
    }

    /// Forgets a channel's messages. Readers that have not seen them get a gap. False if there is none.
    #[must_use]
    pub fn delete(&self, name: &ChannelName) -> bool {
        self.trim(name, Keep::Newest(0)).is_some()
    }

    /// Lets go of the oldest messages of a channel (L6). Readers that have not seen them get a gap. Returns how many
    /// went; nothing if there is no such channel.
    #[must_use]
    pub fn trim(&self, name: &ChannelName, keep: Keep) -> Option<usize> {
        let mut garbage = Vec::new();
        let mut state = self.shared.lock();
        let channel = state.channels.get(name).map(|known| Arc::clone(&known.0))?;
        let mut own = lock(&channel.state);
        let before = own.window.len();
        let freed = own.trim(&mut garbage, |own, front| match keep {
            Keep::Newest(count) => own.window.len() > count,
            Keep::After(place) => place.epoch == self.shared.home.epoch && front.seq() <= place.seq,
        });
        let gone = before - own.window.len();
        drop(own);
        state.bytes -= freed;
        state.forget_if_idle(&channel);
        drop(state);
        Some(gone)
    }

    /// Removes what is too old at `now`, in at most `channels` channels. Returns whether more is due.
    ///
    /// Appending trims the channel that it appends to; this is for those that nobody publishes to.
    #[must_use]
    pub fn expire(&self, now: Timestamp, channels: usize) -> bool {
        let mut garbage = Vec::new();
        let mut state = self.shared.lock();
        (0..channels).all(|_| state.expire_one(now, &mut garbage))
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn retention_of(&self, name: &ChannelName) -> Retention {
        let own = self.config.retention_of.iter().find(|(pattern, _)| pattern.matches(name));
        own.map_or(self.config.retention, |(_, retention)| *retention)
    }
}

impl State {
    fn append(
        &mut self,
        shared: &Shared,
        publish: Publish,
        now: Timestamp,
        garbage: &mut Vec<Arc<Entry>>,
    ) -> Result<(Appended, Wakes), AppendError> {
        let (names, message, key) = publish.into_parts();
        if names.len() > shared.config.places {
            return Err(AppendError::TooManyPlaces);
        }
        let key = key.map(|key| (Fingerprint::of(&names, &message), key));
        if let Some((fingerprint, key)) = &key {
            match self.keys.look_up(key, *fingerprint, now) {
                Known::New => {}
                Known::Full => return Err(AppendError::TooManyKeys),
                Known::Other => return Err(AppendError::KeyConflict),
                Known::Same(cursor) => {
                    let answer = Appended { cursor, followers: 0, repeated: true };
                    return Ok((answer, Wakes::default()));
                }
            }
        }
        let channels = self.channels_for(shared, &names, message.len() + Retention::OVERHEAD)?;
        let seq = self.last + 1;
        self.time = self.time.max(now);
        let places = channels.iter().map(|channel| (channel.name.clone(), channel.last()));
        let entry = Arc::new(Entry::new(Arc::clone(&shared.home), seq, self.time, message, places));

        let mut wakes = Wakes::default();
        let mut followers = 0;
        for channel in &channels {
            followers += self.push(channel, &entry, &mut wakes, garbage);
        }
        self.last = seq;
        let cursor = shared.home.cursor(seq);
        if let Some((fingerprint, key)) = key {
            self.keys.insert(key, fingerprint, cursor);
        }
        // Last of all: from here on readers see it, and all who wait for it are marked.
        shared.home.head.store(seq, Ordering::Release);
        Ok((Appended { cursor, followers, repeated: false }, wakes))
    }

    /// The channels of a publish, made where they do not exist; or the limit that refuses it.
    fn channels_for(
        &mut self,
        shared: &Shared,
        names: &[ChannelName],
        size: usize,
    ) -> Result<Vec<Arc<Channel>>, AppendError> {
        let known = self.check(shared, names, size)?.into_iter();
        Ok(known.map(|(name, channel)| channel.unwrap_or_else(|| self.make(shared, name))).collect())
    }

    /// The channels of a publish that exist already; or the limit that refuses it.
    pub(crate) fn check<'a>(
        &self,
        shared: &Shared,
        names: &'a [ChannelName],
        size: usize,
    ) -> Result<Vec<Found<'a>>, AppendError> {
        if self.bytes.saturating_add(size.saturating_mul(names.len())) > shared.config.bytes {
            return Err(AppendError::Full);
        }
        let known: Vec<_> = names.iter().map(|name| (name, self.find(name).cloned())).collect();
        let retention = |(name, channel): &(&ChannelName, Option<Arc<Channel>>)| {
            channel.as_ref().map_or_else(|| shared.retention_of(name), |channel| channel.retention)
        };
        if known.iter().any(|known| size > retention(known).bytes) {
            return Err(AppendError::TooLarge);
        }
        let new = known.iter().filter(|(_, channel)| channel.is_none()).count();
        if self.channels.len() + new > shared.config.channels {
            return Err(AppendError::TooManyChannels);
        }
        Ok(known)
    }

    /// Appends to one channel and to the patterns that match it; returns how many follow them.
    fn push(
        &mut self,
        channel: &Arc<Channel>,
        entry: &Arc<Entry>,
        wakes: &mut Wakes,
        garbage: &mut Vec<Arc<Entry>>,
    ) -> usize {
        channel.set_last(entry.seq());
        let mut state = lock(&channel.state);
        state.add(entry);
        let freed = state.retain(&channel.retention, entry.time(), garbage);
        self.bytes = self.bytes + entry.size() - freed;
        if !mem::replace(&mut state.ages, true) {
            // Channels that were deleted stand in it until they would be old; they must not become many.
            if self.ages.len() > 2 * self.channels.len() + 64 {
                let channels = &self.channels;
                self.ages.retain(|channel| is_known(channels, channel));
            }
            self.ages.push(entry.time().after(channel.retention.age), Arc::clone(channel));
        }
        state.tell(entry, wakes, garbage)
    }

    /// Makes the channel `name`, which does not exist. The caller has checked the limit.
    pub(crate) fn make(&mut self, shared: &Shared, name: &ChannelName) -> Arc<Channel> {
        let (mark, last) = self.tombstones.take(name);
        let kept = shared.resident.map(|_| Kept { gone: mark, ..Kept::default() });
        let channel = Arc::new(Channel::new(name.clone(), shared.retention_of(name), mark, last, kept));
        for view in self.patterns.values().filter(|view| view.pattern.matches(name)) {
            view.add(Arc::clone(&channel));
            lock(&channel.state).patterns.push(Arc::clone(view));
        }
        self.names.insert(&channel);
        self.channels.insert(ByName(Arc::clone(&channel)));
        channel
    }

    pub(crate) fn find(&self, name: &ChannelName) -> Option<&Arc<Channel>> {
        self.channels.get(name).map(|known| &known.0)
    }

    pub(crate) fn find_pattern(&self, pattern: &Pattern) -> Option<&Arc<PatternView>> {
        self.patterns.get(pattern)
    }

    pub(crate) fn all(&self) -> impl ExactSizeIterator<Item = &Arc<Channel>> {
        self.channels.iter().map(|known| &known.0)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Trims the channel whose front is oldest. False when none is due.
    fn expire_one(&mut self, now: Timestamp, garbage: &mut Vec<Arc<Entry>>) -> bool {
        let Some(channel) = self.ages.pop_due(now) else { return false };
        let oldest = now.before(channel.retention.age);
        let mut state = lock(&channel.state);
        self.bytes -= state.trim(garbage, |_, front| front.time() <= oldest);
        state.ages = state.window.front().is_some();
        let front = state.window.front().map(|front| front.time());
        drop(state);
        match front {
            Some(time) => self.ages.push(time.after(channel.retention.age), channel),
            None => self.forget_if_idle(&channel),
        }
        true
    }
}

/// Whether `channel` was not forgotten since.
fn is_known(channels: &HashSet<ByName, RandomState>, channel: &Arc<Channel>) -> bool {
    channels.get(&channel.name).is_some_and(|known| Arc::ptr_eq(&known.0, channel))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    #[test]
    fn deleted_channels_leave_nothing_until_they_would_be_old() {
        let log = Log::new(Epoch::from_bits(1), LogConfig::default());
        let name = ChannelName::new("a").unwrap();
        for _ in 0..10_000 {
            let publish = Publish::new(name.clone(), Message::text("x"));
            let _ = log.append(publish, Timestamp::default()).unwrap();
            assert!(log.delete(&name));
        }
        assert!(log.shared.lock().ages.len() < 100);
    }
}
