use std::time::Duration;

/// How a log on disk is kept. Each field is a limit or a choice, with a default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskConfig {
    /// Whether a publish is answered before it is safe from a loss of power or of the process.
    ///
    /// Then what was answered within the last `sync_every` may be lost, and if the log did not end cleanly it begins a
    /// new epoch, so that every reader is told.
    pub relaxed: bool,
    /// How long a publish may stay unsafe where that is allowed.
    pub sync_every: Duration,
    /// Bytes of publishes that wait to be stored, at most 4,096 publishes; further ones wait their turn.
    pub queue_bytes: usize,
    /// Messages that are made safe by one fsync, at most.
    pub group_messages: usize,
    /// Bytes that are made safe by one fsync, at most, and at least one message.
    pub group_bytes: usize,
    /// Reads of older messages that go on at a time; further ones wait.
    pub reads: usize,
    /// Bytes of the file that are held in memory.
    pub cache_bytes: usize,
    /// How often it is looked whether there is space again, after there was none.
    pub space_every: Duration,
    /// Whether the whole file is checked whenever it is opened, not only after an unclean end. It takes about a second
    /// for each million messages.
    pub check: bool,
}

impl Default for DiskConfig {
    fn default() -> Self {
        Self {
            relaxed: false,
            sync_every: Duration::from_millis(100),
            queue_bytes: 64 << 20,
            group_messages: 4_096,
            group_bytes: 8 << 20,
            reads: 8,
            cache_bytes: 64 << 20,
            space_every: Duration::from_secs(1),
            check: false,
        }
    }
}
