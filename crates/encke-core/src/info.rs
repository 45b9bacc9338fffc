use std::sync::Arc;

use crate::{
    ChannelName, Cursor, Log, Pattern,
    channel::{Channel, Mark},
    sync::lock,
};

/// What the log knows of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its name.
    pub name: ChannelName,
    /// Its last message, retained or not; seq 0 if it never had one.
    pub last: Cursor,
    /// The newest message that is gone; seq 0 if all are retained.
    pub trimmed: Cursor,
    /// Messages retained.
    pub retained: usize,
    /// Bytes retained, as its byte limit counts them.
    pub bytes: usize,
    /// How many readers follow it, by its name or a pattern, for each label.
    pub followers: Vec<(&'static str, usize)>,
}

/// What the log holds as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogInfo {
    /// The last message.
    pub head: Cursor,
    /// Channels that exist.
    pub channels: usize,
    /// Bytes retained in all.
    pub bytes: usize,
}

impl Log {
    /// What the log holds as a whole.
    #[must_use]
    pub fn info(&self) -> LogInfo {
        let state = self.shared.lock();
        LogInfo { head: self.head(), channels: state.all().len(), bytes: state.bytes() }
    }

    /// One channel, if it exists.
    #[must_use]
    pub fn channel(&self, name: &ChannelName) -> Option<ChannelInfo> {
        let channel = Arc::clone(self.shared.lock().find(name)?);
        Some(self.describe(&channel))
    }

    /// The first `limit` channels whose names follow `after`, in the order of their names.
    ///
    /// It looks at every name, so it is for people and administration.
    #[must_use]
    pub fn channels(&self, after: Option<&str>, pattern: Option<&Pattern>, limit: usize) -> Vec<ChannelInfo> {
        let wanted = |channel: &&Arc<Channel>| {
            after.is_none_or(|after| channel.name.as_str() > after)
                && pattern.is_none_or(|pattern| pattern.matches(&channel.name))
        };
        let mut found: Vec<_> = self.shared.lock().all().filter(wanted).cloned().collect();
        if found.len() > limit && limit > 0 {
            found.select_nth_unstable_by(limit - 1, |a, b| a.name.cmp(&b.name));
        }
        found.truncate(limit);
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        found.iter().map(|channel| self.describe(channel)).collect()
    }

    fn describe(&self, channel: &Channel) -> ChannelInfo {
        let cursor = |seq| self.shared.home.cursor(seq);
        let state = lock(&channel.state);
        let Mark { seq: trimmed, .. } = state.trimmed;
        let mut followers = Vec::new();
        state.followers.count(&mut followers);
        for view in &state.patterns {
            view.follow(|others| others.count(&mut followers));
        }
        ChannelInfo {
            name: channel.name.clone(),
            last: cursor(channel.last()),
            trimmed: cursor(trimmed),
            retained: state.window.len(),
            bytes: state.bytes,
            followers,
        }
    }
}
