//! What the log remembers for a while and in bounded number: idempotency keys, and marks of forgotten channels.
//!
//! Both keep two generations. New things go into the young one; when it is full or old enough it becomes the
//! old one, and what was old goes at once. No list of ages is kept, and nothing is ever searched for.

use std::{collections::HashMap, hash::Hash, mem};

use foldhash::fast::RandomState;
use sha2::{Digest, Sha256};

use crate::{ChannelName, Cursor, Key, Kind, LogConfig, Mark, Message, Timestamp};

struct Generations<K, V> {
    young: HashMap<K, V, RandomState>,
    old: HashMap<K, V, RandomState>,
}

impl<K: Eq + Hash, V> Generations<K, V> {
    fn new() -> Self {
        Self { young: HashMap::default(), old: HashMap::default() }
    }

    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Makes the young ones old, and returns those that were.
    fn rotate(&mut self) -> HashMap<K, V, RandomState> {
        mem::replace(&mut self.old, mem::take(&mut self.young))
    }
}

/// The trim marks of channels that the log has forgotten.
pub(crate) struct Tombstones {
    marks: Generations<ChannelName, Mark>,
    limit: usize,
    /// The mark of every forgotten channel that is in neither generation.
    rest: Mark,
}

impl Tombstones {
    pub(crate) fn new(config: &LogConfig) -> Self {
        Self { marks: Generations::new(), limit: config.tombstones, rest: Mark::default() }
    }

    pub(crate) fn insert(&mut self, name: ChannelName, mark: Mark) {
        if self.marks.young.len() >= self.limit / 2 {
            for mark in self.marks.rotate().into_values() {
                self.rest.raise(mark);
            }
        }
        if self.limit < 2 {
            self.rest.raise(mark);
        } else {
            self.marks.young.insert(name, mark);
        }
    }

    /// The mark of a channel that comes back, and the seq of its last message where that is known.
    pub(crate) fn take(&mut self, name: &ChannelName) -> (Mark, u64) {
        match self.marks.young.remove(name).or_else(|| self.marks.old.remove(name)) {
            Some(mark) => (mark, mark.seq),
            None => (self.rest, 0),
        }
    }

    /// The seq of the last message of a forgotten channel, 0 if that is not known.
    pub(crate) fn last_in(&self, name: &ChannelName) -> u64 {
        self.marks.young.get(name).or_else(|| self.marks.old.get(name)).map_or(0, |mark| mark.seq)
    }

    pub(crate) fn raise_rest(&mut self, mark: Mark) {
        self.rest.raise(mark);
    }

    /// The highest mark of all forgotten channels that `matches` accepts.
    pub(crate) fn highest(&self, matches: impl Fn(&ChannelName) -> bool) -> Mark {
        let mut highest = self.rest;
        for (name, mark) in self.marks.young.iter().chain(&self.marks.old) {
            if mark.seq > highest.seq && matches(name) {
                highest.raise(*mark);
            }
        }
        highest
    }
}

/// The answers to publishes that brought a key (L4).
pub(crate) struct Keys {
    answers: Generations<Key, Answer>,
    limit: usize,
    window: std::time::Duration,
    /// When the young generation began.
    began: Timestamp,
}

struct Answer {
    fingerprint: Fingerprint,
    cursor: Cursor,
}

/// Says whether a key comes with the same publish again.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct Fingerprint([u8; 16]);

/// What the log knows of a key.
pub(crate) enum Known {
    /// Nothing, and there is room for it.
    New,
    /// Nothing, and there is no room.
    Full,
    /// It came with the same publish: this was the answer.
    Same(Cursor),
    /// It came with another one.
    Other,
}

impl Keys {
    pub(crate) fn new(config: &LogConfig) -> Self {
        let (limit, window) = (config.keys, config.key_window);
        Self { answers: Generations::new(), limit, window, began: Timestamp::default() }
    }

    /// Forgets what is too old.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        // Twice when nothing came for two windows: then both generations are too old.
        for _ in 0..2 {
            if now >= self.began.after(self.window) {
                self.answers.rotate();
                self.began = if self.answers.len() == 0 { now } else { self.began.after(self.window) };
            }
        }
    }

    /// Counts the age of what is known from `now` on.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        self.began = now;
    }

    pub(crate) fn look_up(&mut self, key: &Key, fingerprint: Fingerprint, now: Timestamp) -> Known {
        self.forget(now);
        match self.answers.young.get(key).or_else(|| self.answers.old.get(key)) {
            Some(answer) if answer.fingerprint == fingerprint => Known::Same(answer.cursor),
            Some(_) => Known::Other,
            None if self.answers.len() >= self.limit => Known::Full,
            None => Known::New,
        }
    }

    pub(crate) fn insert(&mut self, key: Key, fingerprint: Fingerprint, cursor: Cursor) {
        self.answers.young.insert(key, Answer { fingerprint, cursor });
    }
}

impl Fingerprint {
    /// The fingerprint that has these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes: a digest of the channels and the message.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }

    pub(crate) fn of(channels: &[ChannelName], message: &Message) -> Self {
        let kind = match message.kind() {
            Kind::Json => b"j",
            Kind::Text => b"t",
            Kind::Binary => b"b",
        };
        let mut hash = Sha256::new();
        // Each part with its length, so that no two publishes read the same.
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(kind);
        part(message.content_type().as_bytes());
        part(message.name().unwrap_or_default().as_bytes());
        part(message.data());
        channels.iter().for_each(|channel| part(channel.as_str().as_bytes()));
        let digest = hash.finalize();
        Self(std::array::from_fn(|i| digest[i]))
    }
}
