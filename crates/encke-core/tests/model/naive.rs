//! The log as one would write it in an hour: every message ever, in a plain `Vec`.

use std::{collections::HashMap, ops::Range};

use encke_core::{AppendError, ChannelName, Cursor, Epoch, LogConfig, Retention, Selector, Timestamp};

use crate::ops::{ALL_TOMBSTONES, KEY_WINDOW, NAMES, PATTERNS};

pub(crate) struct Naive {
    pub(crate) epoch: Epoch,
    pub(crate) config: LogConfig,
    pub(crate) messages: Vec<Placed>,
    pub(crate) channels: Vec<NaiveChannel>,
    time: u64,
    keys: HashMap<usize, Keyed>,
}

/// A message that was appended; its seq is its index and one.
pub(crate) struct Placed {
    pub(crate) time: u64,
    pub(crate) text: String,
    /// Its channels in the order of the publish, and what `prev` is there.
    pub(crate) places: Vec<(usize, u64)>,
}

pub(crate) struct NaiveChannel {
    pub(crate) name: ChannelName,
    retention: Retention,
    /// Every seq it ever had.
    all: Vec<u64>,
    /// How many of these are gone.
    gone: usize,
}

/// The first publish with a key.
pub(crate) struct Keyed {
    pub(crate) channels: Vec<usize>,
    pub(crate) text: String,
    pub(crate) cursor: Cursor,
    /// It is remembered until the first and forgotten from the second on.
    pub(crate) kept: Range<u64>,
}

pub(crate) fn name(index: usize) -> ChannelName {
    ChannelName::new(NAMES[index]).unwrap()
}

pub(crate) fn selector(index: usize) -> Selector {
    match index.checked_sub(NAMES.len()) {
        None => name(index).into(),
        Some(pattern) => Selector::Pattern(encke_core::Pattern::new(PATTERNS[pattern]).unwrap()),
    }
}

impl Naive {
    pub(crate) fn new(epoch: Epoch, config: LogConfig) -> Self {
        let channel = |index| {
            let name = name(index);
            let own = config.retention_of.iter().find(|(pattern, _)| pattern.matches(&name));
            let retention = own.map_or(config.retention, |(_, own)| *own);
            NaiveChannel { name, retention, all: Vec::new(), gone: 0 }
        };
        let channels = (0..NAMES.len()).map(channel).collect();
        Self { epoch, config, messages: Vec::new(), channels, time: 0, keys: HashMap::new() }
    }

    pub(crate) fn head(&self) -> u64 {
        self.messages.len() as u64
    }

    pub(crate) fn cursor(&self, seq: u64) -> Cursor {
        Cursor { epoch: self.epoch, seq }
    }

    pub(crate) fn message(&self, seq: u64) -> &Placed {
        &self.messages[usize::try_from(seq).unwrap() - 1]
    }

    /// Whether each forgotten channel has its own mark, so that gaps and `prev` are exact.
    pub(crate) fn exact(&self) -> bool {
        self.config.tombstones >= ALL_TOMBSTONES
    }

    fn size(&self, seq: u64) -> usize {
        self.message(seq).text.len() + Retention::OVERHEAD
    }

    pub(crate) fn retained(&self, channel: usize) -> &[u64] {
        let channel = &self.channels[channel];
        &channel.all[channel.gone..]
    }

    pub(crate) fn bytes(&self, channel: usize) -> usize {
        self.retained(channel).iter().map(|seq| self.size(*seq)).sum()
    }

    /// The last seq of a channel, and the newest that is gone.
    pub(crate) fn last_and_trimmed(&self, channel: usize) -> (u64, u64) {
        let channel = &self.channels[channel];
        let trimmed = channel.gone.checked_sub(1).map_or(0, |at| channel.all[at]);
        (channel.all.last().copied().unwrap_or(0), trimmed)
    }

    pub(crate) fn matching(&self, selector: &Selector) -> impl Iterator<Item = usize> {
        (0..NAMES.len()).filter(|index| selector.matches(&self.channels[*index].name))
    }

    /// The newest message of the selected channels that is gone.
    pub(crate) fn trimmed(&self, selector: &Selector) -> u64 {
        self.matching(selector).map(|index| self.last_and_trimmed(index).1).max().unwrap_or(0)
    }

    /// The newest message that the selected channels have and that is older than `floor`.
    pub(crate) fn withheld(&self, selectors: &[Selector], floor: Option<Timestamp>) -> u64 {
        let Some(floor) = floor else { return 0 };
        let old = |seq: &u64| self.message(*seq).time < floor.as_millis();
        self.readable(selectors).into_iter().filter(old).max().unwrap_or(0)
    }

    /// How many messages the selected channels have let go.
    pub(crate) fn let_go_count(&self, selector: &Selector) -> usize {
        self.matching(selector).map(|index| self.channels[index].gone).sum()
    }

    /// Whether no selected channel has `seq` any longer.
    pub(crate) fn is_gone(&self, seq: u64, selector: &Selector) -> bool {
        self.is_in(seq, selector)
            && self.matching(selector).all(|channel| self.retained(channel).binary_search(&seq).is_err())
    }

    /// Whether `channel` had `seq` and has it no longer.
    pub(crate) fn let_go(&self, channel: usize, seq: u64) -> bool {
        let channel = &self.channels[channel];
        channel.all[..channel.gone].binary_search(&seq).is_ok()
    }

    pub(crate) fn is_in(&self, seq: u64, selector: &Selector) -> bool {
        let mut places = self.message(seq).places.iter();
        places.any(|(channel, _)| selector.matches(&self.channels[*channel].name))
    }

    /// What the selected channels retain, each message once, in order.
    pub(crate) fn readable(&self, selectors: &[Selector]) -> Vec<u64> {
        let channels = (0..NAMES.len())
            .filter(|index| selectors.iter().any(|selector| selector.matches(&self.channels[*index].name)));
        let mut seqs: Vec<_> = channels.flat_map(|channel| self.retained(channel).to_vec()).collect();
        seqs.sort_unstable();
        seqs.dedup();
        seqs
    }

    /// Why the log must refuse a message of `len` bytes.
    pub(crate) fn refusal(&self, channels: &[usize], len: usize) -> Option<AppendError> {
        let size = len + Retention::OVERHEAD;
        let all: usize = (0..NAMES.len()).map(|channel| self.bytes(channel)).sum();
        if all + size * channels.len() > self.config.bytes {
            Some(AppendError::Full)
        } else if channels.iter().any(|channel| size > self.channels[*channel].retention.bytes) {
            Some(AppendError::TooLarge)
        } else {
            None
        }
    }

    pub(crate) fn append(&mut self, channels: &[usize], text: String, now: u64) -> u64 {
        self.time = self.time.max(now);
        let places = channels.iter().map(|index| (*index, self.last_and_trimmed(*index).0)).collect();
        self.messages.push(Placed { time: self.time, text, places });
        let seq = self.head();
        for &index in channels {
            self.channels[index].all.push(seq);
            let Retention { count, bytes, age } = self.channels[index].retention;
            let oldest = Timestamp::from_millis(self.time).before(age).as_millis();
            self.trim(index, |naive, front| {
                naive.retained(index).len() > count.max(1)
                    || naive.bytes(index) > bytes
                    || naive.message(front).time < oldest
            });
        }
        seq
    }

    fn trim(&mut self, channel: usize, goes: impl Fn(&Self, u64) -> bool) {
        while self.retained(channel).first().is_some_and(|front| goes(self, *front)) {
            self.channels[channel].gone += 1;
        }
    }

    pub(crate) fn delete(&mut self, channel: usize) {
        self.trim(channel, |_, _| true);
    }

    /// What a run of `expire` to its end leaves.
    pub(crate) fn expire(&mut self, now: u64) {
        for index in 0..NAMES.len() {
            let age = self.channels[index].retention.age;
            let now = Timestamp::from_millis(now);
            self.trim(index, |naive, front| {
                Timestamp::from_millis(naive.message(front).time).after(age) <= now
            });
        }
    }

    pub(crate) fn keyed(&self, key: usize) -> Option<&Keyed> {
        self.keys.get(&key)
    }

    /// All keys with the first publish of each, to be remembered by a log that begins at `latest`.
    pub(crate) fn keys_again(&mut self, latest: u64) -> impl Iterator<Item = (usize, &Keyed)> {
        self.keys.iter_mut().map(move |(key, keyed)| {
            keyed.kept.end = keyed.kept.end.max(latest + 2 * KEY_WINDOW);
            (*key, &*keyed)
        })
    }

    /// `latest` is the latest time that anyone appended with.
    pub(crate) fn remember(&mut self, key: usize, channels: &[usize], seq: u64, now: u64, latest: u64) {
        let kept = now + KEY_WINDOW..latest + 2 * KEY_WINDOW;
        let (text, cursor) = (self.message(seq).text.clone(), self.cursor(seq));
        self.keys.insert(key, Keyed { channels: channels.to_vec(), text, cursor, kept });
    }
}
