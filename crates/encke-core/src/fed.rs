//! A log whose history an engine keeps: it is fed what the engine has ordered, and holds the newest of it in memory.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
};

use crate::{
    AppendError, ChannelName, Cursor, Epoch, Fingerprint, Kept, Key, Log, LogConfig, Mark, Publish, Record,
    Resident, Retention, Selector, Timestamp, Wakes,
    channel::{Channel, ChannelState},
    entry::Entry,
    log::{Shared, State},
    memory::Known,
    sync::lock,
};

/// What a publish that brought a key comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may be stored.
    New,
    /// It was stored before; this was the answer.
    Repeated(Cursor),
}

/// Readers to be woken, and how many followed, one by one.
#[derive(Debug, Default)]
pub struct Fed {
    /// How many readers followed its channels.
    pub followers: usize,
    /// Those that wait.
    pub wakes: Wakes,
}

/// What stands in memory of all channels, the oldest first.
#[derive(Default)]
pub(crate) struct Residents {
    queue: VecDeque<(Arc<Channel>, u64)>,
    /// Messages in memory, one for each of their channels.
    count: usize,
    /// Their bytes.
    bytes: usize,
}

impl Log {
    /// A log whose engine keeps the history: a further part of the life `epoch`, which has reached `head`.
    ///
    /// It is told by [`Log::know`] what is kept, then fed. [`Log::append`], [`Log::trim`] and [`Log::expire`] are for
    /// logs that keep their own history.
    #[must_use]
    pub fn resume(epoch: Epoch, head: Mark, config: LogConfig) -> Self {
        let log = Self::with(epoch, Some(config.resident), config);
        let mut state = log.shared.lock();
        (state.last, state.time) = (head.seq, head.time);
        state.keys.begin(head.time);
        log.shared.home.head.store(head.seq, Ordering::Release);
        drop(state);
        log
    }

    /// Tells of a channel that the engine keeps messages of, all of them elsewhere; `last` is the newest. With nothing
    /// kept it is a channel whose messages are all gone.
    pub fn know(&self, name: &ChannelName, last: Mark, kept: Kept) {
        let mut state = self.shared.lock();
        if kept.count == 0 {
            state.bury(name, last);
            return;
        }
        let channel = match state.find(name) {
            Some(known) => Arc::clone(known),
            None => state.make(&self.shared, name),
        };
        channel.set_last(last.seq.max(channel.last()));
        let mut garbage = Vec::new();
        let mut own = lock(&channel.state);
        own.evicted.raise(last);
        own.patterns.iter().for_each(|view| view.evict(last.seq, &mut garbage));
        drop(own);
        state.settle(&channel, kept, &mut garbage);
        drop(state);
    }

    /// Tells of everything up to `mark` that it is gone in every channel of which nothing else is known.
    pub fn bury_rest(&self, mark: Mark) {
        self.shared.lock().bury_rest(mark);
    }

    /// Takes in a message that the engine has stored, and what it keeps of each of the message's channels now. Readers
    /// see it from then on. One that is not after the head is known already: nothing happens.
    pub fn feed(&self, record: Record, kept: &[Kept]) -> Fed {
        let mut garbage = Vec::new();
        let mut state = self.shared.lock();
        let fed = state.feed(&self.shared, record, kept, &mut garbage);
        drop(state);
        fed
    }

    /// Tells what the engine keeps of a channel after it has let go of messages. False if there is no such channel.
    pub fn settle(&self, name: &ChannelName, kept: Kept) -> bool {
        let mut garbage = Vec::new();
        let mut state = self.shared.lock();
        let Some(channel) = state.find(name).map(Arc::clone) else { return false };
        state.settle(&channel, kept, &mut garbage);
        state.forget_if_idle(&channel);
        drop(state);
        true
    }

    /// Whether a publish may be stored, by the limits of the log and by what is known of its key (L4, L7).
    ///
    /// # Errors
    /// [`AppendError`] names the limit that refuses it.
    pub fn admit(&self, publish: &Publish, now: Timestamp) -> Result<Admission, AppendError> {
        let names = publish.channels();
        if names.len() > self.shared.config.places {
            return Err(AppendError::TooManyPlaces);
        }
        let mut state = self.shared.lock();
        if let Some(key) = publish.key() {
            match state.keys.look_up(key, publish.fingerprint(), now) {
                Known::New => {}
                Known::Full => return Err(AppendError::TooManyKeys),
                Known::Other => return Err(AppendError::KeyConflict),
                Known::Same(cursor) => return Ok(Admission::Repeated(cursor)),
            }
        }
        state.check(&self.shared, names, publish.message().len() + Retention::OVERHEAD)?;
        Ok(Admission::New)
    }

    /// Remembers that a publish with this key was stored at `seq`.
    pub fn remember(&self, key: Key, fingerprint: Fingerprint, seq: u64) {
        let cursor = self.shared.home.cursor(seq);
        let mut state = self.shared.lock();
        let now = state.time;
        // What is remembered is of now: without a look at the time it would count as older than the clock, or stay for
        // ever where others publish and nobody here.
        state.keys.forget(now);
        state.keys.insert(key, fingerprint, cursor);
    }

    /// The seq of the last message of a channel, 0 if none is known.
    #[must_use]
    pub fn last_in(&self, name: &ChannelName) -> u64 {
        self.shared.lock().last_in(name)
    }

    /// What `name` keeps.
    #[must_use]
    pub fn retention_of(&self, name: &ChannelName) -> Retention {
        self.shared.retention_of(name)
    }
}

impl State {
    fn feed(&mut self, shared: &Shared, record: Record, kept: &[Kept], garbage: &mut Vec<Arc<Entry>>) -> Fed {
        let mut fed = Fed::default();
        if record.seq <= self.last {
            return fed;
        }
        let Record { seq, time, message, places } = record;
        self.time = self.time.max(time);
        let seats = places.into_iter().map(|place| (place.channel, place.prev));
        let entry = Arc::new(Entry::new(Arc::clone(&shared.home), seq, self.time, message, seats));
        for (place, kept) in entry.places().iter().zip(kept) {
            let channel = match self.find(&place.channel) {
                Some(known) => Arc::clone(known),
                None => self.make(shared, &place.channel),
            };
            fed.followers += self.seat(shared, &channel, &entry, *kept, &mut fed.wakes, garbage);
        }
        self.last = seq;
        // Last of all: from here on readers see it, and all who wait for it are marked.
        shared.home.head.store(seq, Ordering::Release);
        fed
    }

    /// Puts `entry` into one channel and into the patterns that match it; returns how many follow them.
    fn seat(
        &mut self,
        shared: &Shared,
        channel: &Arc<Channel>,
        entry: &Arc<Entry>,
        kept: Kept,
        wakes: &mut Wakes,
        garbage: &mut Vec<Arc<Entry>>,
    ) -> usize {
        channel.set_last(entry.seq());
        lock(&channel.state).add(entry);
        self.residents.queue.push_back((Arc::clone(channel), entry.seq()));
        self.residents.count += 1;
        self.residents.bytes += entry.size();
        self.settle(channel, kept, garbage);
        let followers = lock(&channel.state).tell(entry, wakes, garbage);
        self.make_space(shared, channel, garbage);
        followers
    }

    /// Notes what the engine keeps of a channel.
    fn settle(&mut self, channel: &Arc<Channel>, kept: Kept, garbage: &mut Vec<Arc<Entry>>) {
        let mut state = lock(&channel.state);
        let (count, bytes) = (state.window.len(), state.bytes);
        let before = state.kept.map_or(0, |kept| kept.bytes);
        state.settle(kept, garbage);
        self.bytes = (self.bytes + kept.bytes).saturating_sub(before);
        self.residents.count -= count - state.window.len();
        self.residents.bytes -= bytes - state.bytes;
    }

    /// Lets messages out of memory: of `channel` what is too much for one, then the oldest of all.
    fn make_space(&mut self, shared: &Shared, channel: &Arc<Channel>, garbage: &mut Vec<Arc<Entry>>) {
        let Some(Resident { count, bytes, total }) = shared.resident else { return };
        self.evict(channel, garbage, |state, _| {
            state.window.len() > count.max(1) || (state.bytes > bytes && state.window.len() > 1)
        });
        while self.residents.bytes > total {
            let Some((oldest, seq)) = self.residents.queue.pop_front() else { break };
            self.evict(&oldest, garbage, |_, front| front.seq() <= seq);
        }
        // What was let go of in other ways still stands in the queue; that must not become much.
        if self.residents.queue.len() > 2 * self.residents.count + 64 {
            let is_held = |channel: &Channel, seq: u64| {
                lock(&channel.state).window.front().is_some_and(|front| front.seq() <= seq)
            };
            self.residents.queue.retain(|(channel, seq)| is_held(channel, *seq));
        }
    }

    /// Lets the oldest messages of a channel out of memory while `goes` says so.
    fn evict(
        &mut self,
        channel: &Channel,
        garbage: &mut Vec<Arc<Entry>>,
        goes: impl Fn(&ChannelState, &Entry) -> bool,
    ) {
        let mut state = lock(&channel.state);
        let (count, bytes) = (state.window.len(), state.bytes);
        state.evict(garbage, goes);
        self.residents.count -= count - state.window.len();
        self.residents.bytes -= bytes - state.bytes;
    }

    /// The newest message of what `selector` selects that is kept elsewhere; and of the channels that have some
    /// elsewhere, how many the one has in memory that has fewest there.
    pub(crate) fn elsewhere(&self, selector: &Selector) -> (Mark, usize) {
        let mut evicted = Mark::default();
        let mut fewest = usize::MAX;
        let mut add = |channel: &Channel| {
            let state = lock(&channel.state);
            if state.elsewhere(0).is_some() {
                evicted.raise(state.evicted);
                fewest = fewest.min(state.window.len());
            }
        };
        match selector {
            Selector::Channel(name) => self.find(name).into_iter().for_each(|channel| add(channel)),
            Selector::Pattern(pattern) => {
                self.all().filter(|channel| pattern.matches(&channel.name)).for_each(|channel| add(channel));
            }
        }
        (evicted, fewest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, Place, Since};

    const SIZE: usize = Retention::OVERHEAD + 1;

    fn name(index: usize) -> ChannelName {
        ChannelName::new(&format!("a.{index}")).unwrap()
    }

    fn log(resident: Resident) -> Log {
        Log::resume(Epoch::from_bits(1), Mark::default(), LogConfig { resident, ..LogConfig::default() })
    }

    /// Feeds one message to `channel`, of which the engine keeps all.
    fn feed(log: &Log, channel: &ChannelName) {
        let (count, seq) = (log.channel(channel).map_or(0, |info| info.retained) + 1, log.head().seq + 1);
        let places = vec![Place { channel: channel.clone(), prev: log.last_in(channel) }];
        let record = Record { seq, time: Timestamp::from_millis(seq), message: Message::text("x"), places };
        let _ = log.feed(record, &[Kept { count, bytes: count * SIZE, gone: Mark::default() }]);
    }

    #[test]
    fn s2_what_is_in_memory_is_bounded() {
        let log = log(Resident { count: 3, bytes: usize::MAX, total: 10 * SIZE });
        let pattern = Selector::new("a.*").unwrap();
        let _tail = log.open([pattern.clone()], Since::Latest, Timestamp::default()).unwrap();
        for step in 0..1_000 {
            feed(&log, &name(step % 7));
            let state = log.shared.lock();
            let held = |channel: &Arc<Channel>| lock(&channel.state).window.len();
            let held: Vec<_> = state.all().map(held).collect();
            assert!(held.iter().all(|count| *count <= 3), "{held:?}");
            let count = held.iter().sum::<usize>();
            assert_eq!((state.residents.count, state.residents.bytes), (count, count * SIZE));
            assert!(count <= 10, "{held:?}");
            drop(state);
            assert!(log.waiting(&pattern, 0) <= 10, "what patterns hold is what their channels hold");
        }
        assert_eq!(log.info().bytes, 1_000 * SIZE, "all that the engine keeps");
    }

    #[test]
    fn a_busy_channel_leaves_no_queue() {
        let log = log(Resident { count: 1, ..Resident::default() });
        (0..10_000).for_each(|_| feed(&log, &name(0)));
        let state = log.shared.lock();
        assert!(state.residents.queue.len() <= 2 * state.residents.count + 64);
    }

    #[test]
    fn a_message_larger_than_the_budget_is_read_from_the_engine() {
        let log = log(Resident { total: SIZE - 1, ..Resident::default() });
        let mut tail = log.open([name(0).into()], Since::Latest, Timestamp::default()).unwrap();
        feed(&log, &name(0));
        assert_eq!(log.shared.lock().residents.count, 0);
        assert!(tail.read(crate::Limit::default()).messages.is_empty());
        assert_eq!(tail.take_older().map(|older| (older.after.seq, older.upto)), Some((0, 1)));
    }
}
