//! Rows of one channel, each with proof that none is missing before it.

use std::sync::Arc;

use encke_core::Record;

use crate::{
    index::Seen,
    row::{self, Glance},
    store::{Rows, Snapshot, StoreError},
};

/// The messages of a channel after some seq, in order.
///
/// A file that was changed may lack rows. But each message names the one before it, and how far the channel reaches was
/// known before the rows were looked at: so a hole is found, unless it is of what is gone.
pub(crate) struct Chain {
    seen: Arc<Seen>,
    rows: Rows,
    /// The last message that is accounted for.
    at: u64,
    is_first: bool,
    /// The channel reached to here before the snapshot was taken.
    reaches: u64,
}

impl Chain {
    /// What `snapshot` has of a channel after `after`. That it reaches to `reaches` was read before the snapshot was taken.
    pub(crate) fn new(
        snapshot: &Snapshot,
        seen: Arc<Seen>,
        after: u64,
        reaches: u64,
    ) -> Result<Self, StoreError> {
        let rows = snapshot.rows(seen.number, after.saturating_add(1)..=u64::MAX)?;
        Ok(Self { seen, rows, at: after, is_first: true, reaches })
    }

    pub(crate) fn next_record(&mut self) -> Result<Option<Record>, StoreError> {
        let Some(record) = self.rows.next(row::record)? else { return self.end() };
        let place = record.places.iter().find(|place| place.channel == self.seen.name);
        let prev = place.ok_or_else(|| self.damage("is of another channel", record.seq))?.prev;
        self.link(record.seq, prev)?;
        Ok(Some(record))
    }

    pub(crate) fn next_glance(&mut self) -> Result<Option<Glance>, StoreError> {
        let name = &self.seen.name;
        let glance = self.rows.next(|number, seq, bytes| row::glance(number, name, seq, bytes))?;
        let Some(glance) = glance else { return self.end() };
        self.link(glance.seq, glance.prev)?;
        Ok(Some(glance))
    }

    /// Whether nothing is missing between the last message and the one at `seq`, before which comes `prev`.
    fn link(&mut self, seq: u64, prev: u64) -> Result<(), StoreError> {
        let is_next = if self.is_first { prev <= self.at.max(self.seen.gone()) } else { prev == self.at };
        if !is_next || prev >= seq {
            return Err(self.damage("does not follow the one before it", seq));
        }
        (self.at, self.is_first) = (seq, false);
        Ok(())
    }

    fn end<T>(&self) -> Result<Option<T>, StoreError> {
        if self.at < self.reaches && self.seen.gone() < self.reaches {
            return Err(self.damage("is missing", self.reaches));
        }
        Ok(None)
    }

    fn damage(&self, what: &str, seq: u64) -> StoreError {
        StoreError::damaged(format_args!("message {seq} of channel {:?} {what}", self.seen.name))
    }
}
