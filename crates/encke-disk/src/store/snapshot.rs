//! Reading messages.

use std::ops::RangeInclusive;

use redb::{Range, ReadOnlyTable, StorageError};

use super::StoreError;

/// The messages as they were at one moment.
pub(crate) struct Snapshot {
    pub(super) messages: ReadOnlyTable<(u64, u64), &'static [u8]>,
}

/// Rows of one channel.
pub(crate) struct Rows {
    range: Range<'static, (u64, u64), &'static [u8]>,
}

impl Snapshot {
    /// The rows of the channel `number` that have these seqs.
    pub(crate) fn rows(&self, number: u64, seqs: RangeInclusive<u64>) -> Result<Rows, StoreError> {
        let range = self.messages.range((number, *seqs.start())..=(number, *seqs.end()))?;
        Ok(Rows { range })
    }
}

impl Rows {
    /// What `read` makes of the next row, and of the next from the other end; it is damaged if that is nothing.
    pub(crate) fn next<T>(
        &mut self,
        read: impl FnOnce(u64, u64, &[u8]) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        self.range.next().map(|row| parse(row, read)).transpose()
    }

    /// The same from the other end.
    pub(crate) fn next_back<T>(
        &mut self,
        read: impl FnOnce(u64, u64, &[u8]) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        self.range.next_back().map(|row| parse(row, read)).transpose()
    }
}

type Row = (redb::AccessGuard<'static, (u64, u64)>, redb::AccessGuard<'static, &'static [u8]>);

fn parse<T>(
    row: Result<Row, StorageError>,
    read: impl FnOnce(u64, u64, &[u8]) -> Option<T>,
) -> Result<T, StoreError> {
    let (key, row) = row?;
    let (number, seq) = key.value();
    read(number, seq, row.value())
        .ok_or_else(|| StoreError::damaged(format_args!("message {seq} of channel {number} cannot be read")))
}
