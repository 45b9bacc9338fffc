//! Reads everything, and compares what is said twice.

use std::collections::HashMap;

use encke_core::{Record, Timestamp};

use super::Archive;
use crate::{
    DiskError,
    row::ChannelRow,
    store::{StoreError, contained},
};

/// The most that is told of what is wrong.
const TOLD: usize = 100;

/// What checking a log has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Messages that were read, one for each of their channels.
    pub messages: u64,
    /// What is wrong and where, the first hundred.
    pub wrong: Vec<String>,
    /// What else is wrong.
    pub untold: usize,
}

impl Verified {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.wrong.is_empty()
    }

    fn tell(&mut self, wrong: String) {
        if self.wrong.len() < TOLD {
            self.wrong.push(wrong);
        } else {
            self.untold += 1;
        }
    }
}

/// What was counted in a channel.
#[derive(Default)]
struct Count {
    count: usize,
    bytes: usize,
    last: u64,
}

impl Archive {
    /// Checks all pages of the file, reads all messages, and compares them with what is noted of their channels.
    /// `progress` is told how many messages were read, of how many, every thousand.
    ///
    /// # Errors
    /// [`DiskError::Io`]. Damage is no error here.
    pub fn verify(&mut self, mut progress: impl FnMut(u64, u64)) -> Result<Verified, DiskError> {
        let mut verified = Verified::default();
        match self.store.check() {
            Ok(true) => {}
            Ok(false) => verified.tell("pages of the file are damaged".to_owned()),
            Err(StoreError::Damaged(what)) => verified.tell(format!("pages of the file: {what}")),
            Err(other) => return Err(self.error(&other)),
        }
        if let Err(error) = contained(|| self.read_all(&mut verified, &mut progress)) {
            match error {
                StoreError::Damaged(what) => verified.tell(what),
                other => return Err(self.error(&other)),
            }
        }
        Ok(verified)
    }

    fn read_all(
        &self,
        verified: &mut Verified,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), StoreError> {
        let all: u64 = self.channels.values().map(|channel| channel.count as u64).sum();
        let dead: u64 = self.channels.values().map(|channel| channel.dead as u64).sum();
        let rows = self.store.rows()?;
        if rows != all + dead {
            verified.tell(format!("{rows} messages stand in the file, and {} are noted", all + dead));
        }
        let mut counts: HashMap<u64, Count> = HashMap::new();
        let mut time = Timestamp::default();
        let mut records = self.begin(None)?;
        while let Some(rows) = records.next_rows() {
            let rows = rows?;
            for (number, record) in &rows {
                let Some(channel) = self.channels.get(number) else { continue };
                let count = counts
                    .entry(*number)
                    .or_insert_with(|| Count { last: channel.gone.seq, ..Count::default() });
                count.check(channel, record, verified);
                verified.messages += 1;
                if verified.messages.is_multiple_of(1_000) {
                    progress(verified.messages, all);
                }
            }
            self.check_message(&rows, &mut time, verified);
        }
        for (number, channel) in &self.channels {
            counts.remove(number).unwrap_or_default().compare(channel, verified);
        }
        progress(verified.messages, all);
        Ok(())
    }

    /// What is true of a message whatever channel it is in.
    fn check_message(&self, rows: &[(u64, Record)], time: &mut Timestamp, verified: &mut Verified) {
        let Some((_, first)) = rows.first() else { return };
        let seq = first.seq;
        if rows.iter().any(|(_, record)| record != first) {
            verified.tell(format!("message {seq} is not the same in all its channels"));
        }
        if first.time < *time || first.time > self.state.last.time {
            verified.tell(format!("message {seq} has the time of another"));
        }
        *time = first.time.max(*time);
        if seq > self.state.last.seq {
            verified.tell(format!("message {seq} is behind the end of the log, {}", self.state.last.seq));
        }
    }
}

impl Count {
    fn check(&mut self, channel: &ChannelRow, record: &Record, verified: &mut Verified) {
        let seq = record.seq;
        match record.places.iter().find(|place| place.channel == channel.name) {
            None => verified.tell(format!("channel {}: message {seq} is of others", channel.name)),
            Some(place) if place.prev != self.last => {
                let (prev, last) = (place.prev, self.last);
                verified.tell(format!(
                    "channel {}: message {seq} follows {prev}, and the one before it is {last}",
                    channel.name
                ));
            }
            Some(_) => {}
        }
        self.last = seq;
        self.count += 1;
        self.bytes += record.size();
    }

    /// Compares what was counted with what is noted.
    fn compare(&self, channel: &ChannelRow, verified: &mut Verified) {
        let ChannelRow { name, last, .. } = channel;
        for (found, noted, what) in
            [(self.count, channel.count, "messages"), (self.bytes, channel.bytes, "bytes")]
        {
            if found != noted {
                verified.tell(format!("channel {name}: {found} {what}, and {noted} are noted"));
            }
        }
        if self.count > 0 && self.last != last.seq {
            verified.tell(format!("channel {name}: it ends with {} instead of {}", self.last, last.seq));
        }
    }
}
