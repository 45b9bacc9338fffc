//! All messages of a log in their order.

use std::{cmp::Reverse, collections::BinaryHeap};

use encke_core::{ChannelName, Record, Selector};

use super::Archive;
use crate::{
    DiskError,
    row::record,
    store::{Snapshot, StoreError, contained},
};

/// The messages of an [`Archive`], seq rising, each once, with those of its channels that keep it. It ends with the
/// first error.
///
/// A channel costs a few bytes at a time, so that there may be millions.
pub struct Records<'a> {
    archive: &'a Archive,
    snapshot: Snapshot,
    /// The next seq of each channel.
    next: BinaryHeap<Reverse<(u64, u64)>>,
}

impl Archive {
    /// All messages that are kept, or those in channels that `selector` selects.
    ///
    /// # Errors
    /// [`DiskError::Damaged`].
    pub fn records(&self, selector: Option<&Selector>) -> Result<Records<'_>, DiskError> {
        contained(|| self.begin(selector)).map_err(|error| self.error(&error))
    }

    pub(super) fn begin(&self, selector: Option<&Selector>) -> Result<Records<'_>, StoreError> {
        let is_asked = |name: &ChannelName| selector.is_none_or(|selector| selector.matches(name));
        let asked = self.channels.iter().filter(|(_, channel)| channel.count > 0 && is_asked(&channel.name));
        let mut records =
            Records { archive: self, snapshot: self.store.snapshot()?, next: BinaryHeap::new() };
        for (number, channel) in asked {
            records.step(*number, channel.gone.seq)?;
        }
        Ok(records)
    }
}

impl Records<'_> {
    /// Notes the first message of a channel after a seq.
    fn step(&mut self, number: u64, after: u64) -> Result<(), StoreError> {
        let mut rows = self.snapshot.rows(number, after.saturating_add(1)..=u64::MAX)?;
        if let Some(seq) = rows.next(|_, seq, _| Some(seq))? {
            self.next.push(Reverse((seq, number)));
        }
        Ok(())
    }

    fn read(&self, number: u64, seq: u64) -> Result<Record, StoreError> {
        let missing = || StoreError::damaged(format_args!("message {seq} of channel {number} is not there"));
        let mut rows = self.snapshot.rows(number, seq..=seq)?;
        rows.next(record)?.ok_or_else(missing)
    }

    /// The next message as it stands in each channel that keeps it, with the channel's number.
    pub(super) fn next_rows(&mut self) -> Option<Result<Vec<(u64, Record)>, StoreError>> {
        let Reverse((seq, _)) = *self.next.peek()?;
        let mut found = Vec::new();
        while let Some(Reverse((next, number))) = self.next.peek().copied()
            && next == seq
        {
            self.next.pop();
            match self.read(number, seq).and_then(|record| self.step(number, seq).map(|()| record)) {
                Ok(record) => found.push((number, record)),
                Err(error) => {
                    self.next.clear();
                    return Some(Err(error));
                }
            }
        }
        Some(Ok(found))
    }

    fn next_record(&mut self) -> Option<Result<Record, StoreError>> {
        let rows = match self.next_rows()? {
            Ok(rows) => rows,
            Err(error) => return Some(Err(error)),
        };
        let names: Vec<_> = rows.iter().filter_map(|(number, _)| self.archive.channels.get(number)).collect();
        let is_kept = |channel: &ChannelName| names.iter().any(|known| known.name == *channel);
        let (_, mut record) = rows.into_iter().next()?;
        record.places.retain(|place| is_kept(&place.channel));
        Some(Ok(record))
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, DiskError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = contained(|| self.next_record().transpose()).transpose()?;
        Some(next.map_err(|error| self.archive.error(&error)))
    }
}
