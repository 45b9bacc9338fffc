//! An engine that keeps its records in a list.

use std::sync::{Mutex, MutexGuard, PoisonError};

use encke_core::{
    ChannelName, Epoch, Kept, Log, LogConfig, Mark, Message, Older, Page, Place, Record, Resident, Timestamp,
};

pub(crate) struct Store {
    pub(crate) log: Log,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    records: Vec<Record>,
    /// Everything up to here is gone.
    gone: Mark,
}

pub(crate) fn name(text: &str) -> ChannelName {
    ChannelName::new(text).unwrap()
}

impl Store {
    /// A store over an empty log that holds so much in memory.
    pub(crate) fn new(resident: Resident) -> Self {
        let config = LogConfig { resident, pattern_window: 4, ..LogConfig::default() };
        let log = Log::resume(Epoch::from_bits(1), Mark::default(), config);
        Self { log, state: Mutex::default() }
    }

    /// A message a second, to these channels.
    pub(crate) fn publish(&self, channels: &[&str]) {
        let mut state = self.lock();
        let seq = state.last() + 1;
        let place = |channel: &&str| Place { channel: name(channel), prev: self.log.last_in(&name(channel)) };
        let places = channels.iter().map(place).collect();
        let time = Timestamp::from_millis(seq * 1_000);
        let record = Record { seq, time, message: Message::text(seq.to_string()), places };
        state.records.push(record.clone());
        let kept: Vec<_> = channels.iter().map(|channel| state.kept(channel)).collect();
        // Under the lock: nobody is given a page that knows more than the log does.
        let fed = self.log.feed(record, &kept);
        drop(state);
        fed.wakes.wake();
    }

    /// Lets go of all but the newest `count` messages.
    pub(crate) fn trim(&self, count: usize, channels: &[&str]) {
        let mut state = self.lock();
        let gone = state.records.len().saturating_sub(count);
        let last = state.records.drain(..gone).next_back();
        if let Some(last) = last {
            state.gone = Mark { seq: last.seq, time: last.time };
        }
        for channel in channels {
            let _ = self.log.settle(&name(channel), state.kept(channel));
        }
    }

    pub(crate) fn older(&self, older: &Older) -> Page {
        let state = self.lock();
        let Older { after, upto, selectors, limit } = older;
        assert!(after.seq < *upto && *upto <= state.last() && !selectors.is_empty(), "{older:?}");
        let wanted = |record: &&Record| {
            let mut places = record.places.iter();
            let is_wanted = |place: &Place| selectors.iter().any(|selector| selector.matches(&place.channel));
            (after.seq + 1..=*upto).contains(&record.seq) && places.any(is_wanted)
        };
        let mut records: Vec<_> = state.records.iter().filter(wanted).cloned().collect();
        let most = limit.messages.max(1);
        let upto = records.get(most).map_or(*upto, |_| records[most - 1].seq);
        records.truncate(most);
        Page { records, upto }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn last(&self) -> u64 {
        self.records.last().map_or(self.gone.seq, |last| last.seq)
    }

    fn kept(&self, channel: &str) -> Kept {
        let is_in = |record: &&Record| record.places.iter().any(|place| place.channel.as_str() == channel);
        let own: Vec<_> = self.records.iter().filter(is_in).collect();
        Kept { count: own.len(), bytes: own.iter().map(|record| record.size()).sum(), gone: self.gone }
    }
}
