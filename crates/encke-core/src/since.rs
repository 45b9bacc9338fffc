use std::time::Duration;

use crate::{Cursor, Timestamp};

/// Where a reader begins. It means the same on every transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// With all that the channels retain.
    Earliest,
    /// With what comes next.
    Latest,
    /// After a cursor.
    After(Cursor),
    /// With the last so many messages of the channels together.
    Last(usize),
    /// With the first message at or after a moment.
    At(Timestamp),
    /// With the first message that is at most so old.
    Ago(Duration),
}
