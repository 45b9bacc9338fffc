//! All that the writer knows without asking the file, and how it becomes what is stored next.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, HashMap, VecDeque},
    sync::Arc,
};

use encke_core::{
    Admission, AppendError, Appended, ChannelName, Keep, Log, LogConfig, Mark, Place, Publish, Record,
    Timestamp, Wakes,
};
use encke_hub::EngineError;
use foldhash::fast::RandomState;

use crate::{
    channel::Channel,
    group::{Group, Outcome, Reply, Settled, tell},
    index::Index,
    row::{self, KeyRow, State, Table},
    store::{Found, Put, Store, StoreError},
};

/// Rows that go together, because row by row costs a page for each: the dead ones of a channel, and keys.
const LUMP: usize = 64;
/// Dead rows that one commit removes at most.
const SWEEP: usize = 4_096;
/// Channels and messages that one look for what is too old deals with, at most.
const EXPIRE_CHANNELS: usize = 1_000;
const EXPIRE_MESSAGES: usize = 20_000;

pub(crate) struct Book {
    pub(crate) log: Log,
    pub(crate) state: State,
    channels: HashMap<ChannelName, Channel, RandomState>,
    /// Channels that keep something, and what they keep together.
    live: usize,
    bytes: usize,
    /// Keys, the oldest first.
    keys: VecDeque<(u64, Timestamp)>,
    /// When to look at the age of what a channel keeps.
    ages: BinaryHeap<Reverse<(Timestamp, ChannelName)>>,
    /// Channels with dead rows that are about to be removed.
    sweeps: VecDeque<ChannelName>,
    /// Channels of which nothing is left but the mark, by their last seq.
    graves: BTreeSet<(u64, ChannelName)>,
}

impl Book {
    /// What was found in the file, a log that knows of it, and what readers should know.
    pub(crate) fn load(found: Found, limits: LogConfig) -> (Self, Index) {
        let Found { state, mut channels, keys } = found;
        let log = Log::resume(state.epoch, state.last, limits);
        // Of graves the log remembers those best that it was told of last.
        channels.sort_unstable_by_key(|(_, row)| row.last.seq);
        let mut book = Self {
            log,
            state,
            channels: HashMap::default(),
            live: 0,
            bytes: 0,
            keys: keys.iter().map(|(seq, row)| (*seq, row.time)).collect(),
            ages: BinaryHeap::new(),
            sweeps: VecDeque::new(),
            graves: BTreeSet::new(),
        };
        let index = Index::default();
        for (number, row) in channels {
            let name = row.name.clone();
            let retention = book.log.retention_of(&name);
            let mut channel = Channel::known(number, row, retention);
            book.log.know(&name, channel.last, channel.kept());
            book.bytes += channel.bytes;
            if channel.count > 0 {
                book.live += 1;
                channel.is_aging = true;
                book.ages.push(Reverse((channel.due(), name.clone())));
            }
            index.insert(Arc::clone(&channel.seen));
            Self::bury(&mut book.sweeps, &mut book.graves, &mut channel);
            book.channels.insert(name, channel);
        }
        book.log.bury_rest(state.rest);
        for (seq, KeyRow { key, fingerprint, .. }) in keys {
            book.log.remember(key, fingerprint, seq);
        }
        (book, index)
    }

    /// Plans to remove what a channel has let go of: in lumps, or all if it keeps nothing.
    fn bury(
        sweeps: &mut VecDeque<ChannelName>,
        graves: &mut BTreeSet<(u64, ChannelName)>,
        channel: &mut Channel,
    ) {
        let name = &channel.seen.name;
        if channel.dead >= LUMP || (channel.count == 0 && channel.dead > 0) {
            if !std::mem::replace(&mut channel.is_swept, true) {
                sweeps.push_back(name.clone());
            }
        } else if channel.count == 0 {
            graves.insert((channel.last.seq, name.clone()));
        }
    }

    /// Whether there are rows to be removed.
    pub(crate) fn has_dead(&self) -> bool {
        !self.sweeps.is_empty()
    }

    /// Begins a commit: with the rows that are dead. The log was told of them after an earlier commit, so whoever does
    /// not find them any more finds a log that knows.
    pub(crate) fn begin(&mut self) -> Group {
        let mut group = Group::default();
        let mut budget = SWEEP;
        while budget > 0
            && let Some(name) = self.sweeps.front()
        {
            let Some(channel) = self.channels.get_mut(name) else {
                self.sweeps.pop_front();
                continue;
            };
            let count = channel.dead.min(budget);
            group.batch.sweep.push((channel.seen.number, channel.seen.gone(), count));
            channel.dead -= count;
            budget -= count;
            touch(&mut group, channel);
            if channel.dead == 0 {
                channel.is_swept = false;
                self.sweeps.pop_front();
            }
        }
        group
    }

    /// Plans to store a message, or answers at once.
    pub(crate) fn publish(
        &mut self,
        group: &mut Group,
        store: &Store,
        publish: Publish,
        now: Timestamp,
        reply: Reply<(Appended, Wakes)>,
    ) -> Result<(), StoreError> {
        let refuse = |reply: Reply<_>, error| tell(reply, Err(EngineError::Refused(error)));
        match self.log.admit(&publish, now) {
            Ok(Admission::New) => {}
            Ok(Admission::Repeated(cursor)) => {
                let answer = Appended { cursor, followers: 0, repeated: true };
                tell(reply, Ok((answer, Wakes::default())));
                return Ok(());
            }
            Err(error) => {
                refuse(reply, error);
                return Ok(());
            }
        }
        let key = publish.key().cloned().map(|key| (key, publish.fingerprint()));
        if let Some((key, fingerprint)) = &key
            && let Some((known, seq)) = group.keys.get(key)
        {
            if known == fingerprint {
                group.outcomes.push(Outcome::Repeated { seq: *seq, reply });
            } else {
                refuse(reply, AppendError::KeyConflict);
            }
            return Ok(());
        }
        let (names, message, _) = publish.into_parts();
        let last = Mark { seq: self.state.last.seq + 1, time: self.state.last.time.max(now) };
        let place = |channel| {
            let prev = self.channels.get(&channel).map_or(0, |known| known.last.seq);
            Place { channel, prev }
        };
        let places = names.into_iter().map(place).collect();
        let record = Record { seq: last.seq, time: last.time, message, places };
        // The log has not been told of what stands before this in the group.
        if let Err(error) = self.check(&record) {
            refuse(reply, error);
            return Ok(());
        }
        self.state.last = last;
        let kept = self.store(group, store, &record)?;
        if let Some((key, fingerprint)) = &key {
            group.keys.insert(key.clone(), (*fingerprint, last.seq));
            let row = KeyRow { key: key.clone(), fingerprint: *fingerprint, time: last.time };
            group.batch.keys.push((last.seq, row.write(last.seq)));
            self.keys.push_back((last.seq, last.time));
            self.state.keys += 1;
        }
        group.outcomes.push(Outcome::Stored { record, kept, key, reply });
        Ok(())
    }

    fn check(&self, record: &Record) -> Result<(), AppendError> {
        let config = self.log.config();
        let bytes = record.size().saturating_mul(record.places.len());
        if self.bytes.saturating_add(bytes) > config.bytes {
            return Err(AppendError::Full);
        }
        let is_new = |place: &&Place| self.channels.get(&place.channel).is_none_or(|known| known.count == 0);
        if self.live + record.places.iter().filter(is_new).count() > config.channels {
            return Err(AppendError::TooManyChannels);
        }
        Ok(())
    }

    /// Puts a message into its channels; returns what they keep.
    fn store(
        &mut self,
        group: &mut Group,
        store: &Store,
        record: &Record,
    ) -> Result<Vec<encke_core::Kept>, StoreError> {
        let body = row::record_body(record);
        let mut kept = Vec::with_capacity(record.places.len());
        for Place { channel: name, .. } in &record.places {
            if !self.channels.contains_key(name) {
                self.make(group, name);
            }
            let Some(channel) = self.channels.get_mut(name) else { continue };
            if channel.count == 0 {
                self.live += 1;
                self.graves.remove(&(channel.last.seq, name.clone()));
            }
            channel.add(record.seq, record.time, record.size());
            let freed = channel.retain(record.time, store)?;
            self.bytes = (self.bytes + record.size()).saturating_sub(freed);
            kept.push(channel.kept());
            let number = channel.seen.number;
            let row = row::seal(Table::Message, [number, record.seq], body.clone());
            group.batch.messages.push(Put { number, seq: record.seq, row });
            if !std::mem::replace(&mut channel.is_aging, true) {
                self.ages.push(Reverse((channel.due(), name.clone())));
            }
            touch(group, channel);
        }
        Ok(kept)
    }

    fn make(&mut self, group: &mut Group, name: &ChannelName) {
        let retention = self.log.retention_of(name);
        let channel = Channel::new(name.clone(), self.state.next, self.state.rest, retention);
        self.state.next += 1;
        self.state.channels += 1;
        group.new.push(Arc::clone(&channel.seen));
        self.channels.insert(name.clone(), channel);
    }

    /// Plans to let go of the oldest messages of a channel, or answers at once.
    pub(crate) fn trim(
        &mut self,
        group: &mut Group,
        store: &Store,
        name: &ChannelName,
        keep: Keep,
        reply: Reply<Option<usize>>,
    ) -> Result<(), StoreError> {
        let Some(channel) = self.channels.get_mut(name).filter(|channel| channel.count > 0) else {
            let exists = self.log.channel(name).is_some();
            tell(reply, Ok(exists.then_some(0)));
            return Ok(());
        };
        let before = channel.count;
        let freed = match keep {
            Keep::Newest(0) => channel.clear(),
            Keep::Newest(count) => channel.trim(store, usize::MAX, |own, _| own.count > count)?,
            Keep::After(place) if place.epoch != self.state.epoch => 0,
            Keep::After(place) if place.seq >= channel.last.seq => channel.clear(),
            Keep::After(place) => channel.trim(store, usize::MAX, |_, front| front.seq <= place.seq)?,
        };
        let gone = before - channel.count;
        self.bytes = self.bytes.saturating_sub(freed);
        self.live -= usize::from(channel.count == 0);
        touch(group, channel);
        let channels = vec![(name.clone(), channel.kept())];
        group.outcomes.push(Outcome::Settled { channels, reply: Settled::Trim(reply, gone) });
        Ok(())
    }

    /// Plans to let go of what is too old, or answers at once.
    pub(crate) fn expire(
        &mut self,
        group: &mut Group,
        store: &Store,
        now: Timestamp,
        reply: Reply<bool>,
    ) -> Result<(), StoreError> {
        let is_due = |ages: &BinaryHeap<Reverse<(Timestamp, ChannelName)>>| {
            ages.peek().is_some_and(|Reverse((due, _))| *due <= now)
        };
        let (mut settled, mut looked, mut budget) = (Vec::new(), 0, EXPIRE_MESSAGES);
        while looked < EXPIRE_CHANNELS && budget > 0 && is_due(&self.ages) {
            looked += 1;
            let Some(Reverse((_, name))) = self.ages.pop() else { break };
            let Some(channel) = self.channels.get_mut(&name) else { continue };
            channel.is_aging = false;
            let (before, oldest) = (channel.count, now.before(channel.retention.age));
            let freed = channel.trim(store, budget, |_, front| front.time <= oldest)?;
            let gone = before - channel.count;
            budget -= gone;
            self.bytes = self.bytes.saturating_sub(freed);
            if channel.count > 0 {
                channel.is_aging = true;
                self.ages.push(Reverse((channel.due(), name.clone())));
            } else if gone > 0 {
                self.live -= 1;
            }
            if gone > 0 {
                touch(group, channel);
                settled.push((name, channel.kept()));
            }
        }
        let more = is_due(&self.ages);
        if settled.is_empty() {
            tell(reply, Ok(more));
        } else {
            let reply = Settled::Expire(reply, more);
            group.outcomes.push(Outcome::Settled { channels: settled, reply });
        }
        Ok(())
    }

    /// Completes a commit: with the rows of its channels, and without the oldest graves and keys.
    pub(crate) fn end(&mut self, group: &mut Group) {
        while self.graves.len() > self.log.config().tombstones
            && let Some((_, name)) = self.graves.pop_first()
        {
            let Some(channel) = self.channels.remove(&name) else { continue };
            if channel.last.seq > self.state.rest.seq {
                self.state.rest = Mark { seq: channel.last.seq, time: channel.gone.time };
            }
            self.state.channels -= 1;
            group.batch.channels.push((channel.seen.number, None));
            group.forgotten.push(name);
        }
        for name in &group.touched {
            if let Some(channel) = self.channels.get(name) {
                let number = channel.seen.number;
                group.batch.channels.push((number, Some(channel.row().write(number))));
            }
        }
        let old = self.state.last.time.before(self.log.config().key_window);
        while self.keys.get(LUMP - 1).is_some_and(|(_, time)| *time < old) {
            group.batch.keys_upto = self.keys.drain(..LUMP).next_back().map(|(seq, _)| seq);
            self.state.keys -= LUMP;
        }
    }

    /// The file has it: readers may know of what is new.
    pub(crate) fn committed(&mut self, touched: &[ChannelName]) {
        for name in touched {
            let Some(channel) = self.channels.get_mut(name) else { continue };
            channel.committed();
            channel.seen.set_last(channel.last.seq);
        }
    }

    /// The log has been told: readers may know of what is gone, and its rows may go.
    pub(crate) fn told(&mut self, touched: &[ChannelName]) {
        for name in touched {
            let Some(channel) = self.channels.get_mut(name) else { continue };
            channel.seen.set_gone(channel.gone.seq);
            Self::bury(&mut self.sweeps, &mut self.graves, channel);
        }
    }
}

fn touch(group: &mut Group, channel: &mut Channel) {
    if !std::mem::replace(&mut channel.is_touched, true) {
        group.touched.push(channel.seen.name.clone());
    }
}
