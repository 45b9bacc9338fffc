use std::time::Duration;

use crate::{Cursor, Pattern};

/// What a channel keeps: its newest messages, within each of three limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Messages at most, but at least the newest.
    pub count: usize,
    /// Bytes at most, each message counted with [`Retention::OVERHEAD`].
    pub bytes: usize,
    /// The age at which a message goes.
    pub age: Duration,
}

impl Retention {
    /// What one message costs beside its data, in bytes.
    pub const OVERHEAD: usize = 200;
}

impl Default for Retention {
    /// A thousand messages covers a client that was away for minutes on a busy channel, a megabyte keeps
    /// large messages from making that expensive, and an hour is a laptop lid closed over lunch.
    fn default() -> Self {
        Self { count: 1_000, bytes: 1 << 20, age: Duration::from_secs(3_600) }
    }
}

/// What stays in memory of a log whose history an engine keeps: the newest messages, within each of three limits.
/// Readers that are further behind get theirs from the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resident {
    /// Messages of one channel at most, but at least the newest.
    pub count: usize,
    /// Bytes of one channel at most, each message counted with [`Retention::OVERHEAD`].
    pub bytes: usize,
    /// Bytes of all channels together at most; the oldest go first.
    pub total: usize,
}

impl Default for Resident {
    /// A hundred messages are what clients miss that come back within seconds; what they all read of a channel stays
    /// cheap, and a quarter of a gigabyte holds half a million short messages.
    fn default() -> Self {
        Self { count: 100, bytes: 256 << 10, total: 256 << 20 }
    }
}

/// What a channel keeps when it is trimmed by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// So many of its newest messages.
    Newest(usize),
    /// What comes after this place; everything if it is a place in another life of the log.
    After(Cursor),
}

/// The limits of a log. Each has a refusal or a rule of forgetting that the field names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// What a channel keeps, unless `retention_of` says otherwise.
    pub retention: Retention,
    /// What the channels matched by a pattern keep; the first match holds.
    pub retention_of: Vec<(Pattern, Retention)>,
    /// What stays in memory if an engine keeps the history.
    pub resident: Resident,
    /// Channels at most; beyond it [`AppendError::TooManyChannels`](crate::AppendError::TooManyChannels).
    pub channels: usize,
    /// Bytes retained in all; beyond it [`AppendError::Full`](crate::AppendError::Full).
    pub bytes: usize,
    /// Channels of one message; beyond it [`AppendError::TooManyPlaces`](crate::AppendError::TooManyPlaces). At most
    /// [`LogConfig::MAX_PLACES`]; a log takes more for that.
    pub places: usize,
    /// Different patterns followed at a time; beyond it
    /// [`OpenError::TooManyPatterns`](crate::OpenError::TooManyPatterns).
    pub patterns: usize,
    /// Messages that a pattern keeps in one row, so that its readers need not merge channels.
    pub pattern_window: usize,
    /// Forgotten channels whose trim marks are kept; older ones share one mark.
    pub tombstones: usize,
    /// Idempotency keys remembered; beyond it [`AppendError::TooManyKeys`](crate::AppendError::TooManyKeys).
    pub keys: usize,
    /// How long a key is remembered, at least.
    pub key_window: Duration,
    /// Bytes of encoded frames that are kept for the readers to come, each frame counted with
    /// [`Retention::OVERHEAD`]; the oldest go first.
    pub frame_bytes: usize,
    /// How far behind the head a message's frames are still kept, in messages.
    pub frame_window: u64,
}

impl LogConfig {
    /// The most that `places` can be: a delivery has a bit for each.
    pub const MAX_PLACES: usize = 64;
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            retention: Retention::default(),
            retention_of: Vec::new(),
            resident: Resident::default(),
            channels: 1_000_000,
            bytes: 1 << 30,
            places: 16,
            patterns: 1_000,
            pattern_window: 1_000,
            tombstones: 1_000_000,
            keys: 1_000_000,
            key_window: Duration::from_secs(600),
            frame_bytes: 64 << 20,
            frame_window: 8_192,
        }
    }
}
