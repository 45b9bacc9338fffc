use std::{sync::Arc, time::Duration};

use crate::{
    ChannelName, Cursor, Log, Mark, Pattern, Selector, Timestamp, channel::Channel, entry::Home, sync::lock,
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

/// A channel, to be looked at. One that the log has forgotten since shows what it had last.
#[derive(Clone)]
pub struct ChannelHandle {
    channel: Arc<Channel>,
    home: Arc<Home>,
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
        self.find(name).map(|channel| channel.info())
    }

    /// One channel, if it exists, to be looked at.
    #[must_use]
    pub fn find(&self, name: &ChannelName) -> Option<ChannelHandle> {
        let channel = Arc::clone(self.shared.lock().find(name)?);
        Some(self.handle(channel))
    }

    /// Looks at the first `looks` channels whose names follow `after`, in the order of their names, and returns those
    /// that match; and the name to go on after, if there may be more.
    ///
    /// No append waits for it. A thousand looks at a time take less than a millisecond.
    #[must_use]
    pub fn look(
        &self,
        after: Option<&str>,
        pattern: Option<&Pattern>,
        looks: usize,
    ) -> (Vec<ChannelHandle>, Option<ChannelName>) {
        let (found, next) = self.shared.names.look(after, pattern, looks);
        (found.into_iter().map(|channel| self.handle(channel)).collect(), next)
    }

    /// How many retained messages come after `seq` in what `selector` selects. Of a pattern those count that stand in its
    /// row ([`LogConfig::pattern_window`](crate::LogConfig)), while somebody follows it.
    #[must_use]
    pub fn waiting(&self, selector: &Selector, seq: u64) -> usize {
        match selector {
            Selector::Channel(name) => self.find(name).map_or(0, |channel| channel.after(seq)),
            Selector::Pattern(pattern) => {
                let view = self.shared.lock().find_pattern(pattern).cloned();
                view.map_or(0, |view| view.after(seq))
            }
        }
    }

    fn handle(&self, channel: Arc<Channel>) -> ChannelHandle {
        ChannelHandle { channel, home: Arc::clone(&self.shared.home) }
    }
}

impl ChannelHandle {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &ChannelName {
        &self.channel.name
    }

    /// What there is to know of it.
    #[must_use]
    pub fn info(&self) -> ChannelInfo {
        let state = lock(&self.channel.state);
        let Mark { seq: trimmed, .. } = state.trimmed;
        let (retained, bytes) = state.retained();
        let mut followers = Vec::new();
        state.followers.count(&mut followers);
        for view in &state.patterns {
            view.follow(|others| others.count(&mut followers));
        }
        ChannelInfo {
            name: self.name().clone(),
            last: self.home.cursor(self.channel.last()),
            trimmed: self.home.cursor(trimmed),
            retained,
            bytes,
            followers,
        }
    }

    /// How many readers follow it, by its name or a pattern.
    #[must_use]
    pub fn followers(&self) -> usize {
        let state = lock(&self.channel.state);
        let by_patterns = state.patterns.iter().map(|view| view.follow(|others| others.len()));
        state.followers.len() + by_patterns.sum::<usize>()
    }

    /// How many messages a minute it gets, by what it retains of the last minute. Where it retains less than that, by
    /// what it retains: at least a second counts.
    #[must_use]
    pub fn per_minute(&self, now: Timestamp) -> u64 {
        const MINUTE: Duration = Duration::from_secs(60);
        let begin = now.before(MINUTE);
        let state = lock(&self.channel.state);
        let count = state.window.len_since(begin) as u64;
        // What is not in memory is not counted either.
        let gone = state.trimmed.time.max(state.evicted.time);
        drop(state);
        if gone < begin {
            return count;
        }
        let span = now.as_millis().saturating_sub(gone.as_millis()).max(1_000);
        count.saturating_mul(60_000) / span
    }

    /// Whether it retains the message `seq`.
    #[must_use]
    pub fn holds(&self, seq: u64) -> bool {
        lock(&self.channel.state).window.holds(seq)
    }

    /// How many of the messages that it retains come after `seq`.
    #[must_use]
    pub fn after(&self, seq: u64) -> usize {
        let state = lock(&self.channel.state);
        state.window.len() - state.window.position_after(seq)
    }
}

impl std::fmt::Debug for ChannelHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ChannelHandle").field(self.name()).finish()
    }
}
