use std::time::Duration;

/// What to follow, and how.
#[derive(Debug, Clone)]
pub struct SubscribeOptions {
    pub(crate) channels: Vec<String>,
    pub(crate) since: String,
    pub(crate) interval: Duration,
    pub(crate) wait: Duration,
    pub(crate) silence: Duration,
    pub(crate) resume: Resume,
}

/// What a subscription does when its stream ends, or its poll is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Resume {
    /// It goes on from its cursor, for ever.
    #[default]
    Always,
    /// It goes on from its cursor, and gives up when it has failed so many times in a row to get anything.
    Attempts(u32),
    /// It ends, and says how. [`Subscription::switch`](crate::Subscription::switch) goes on.
    Never,
}

impl SubscribeOptions {
    /// Follows channels, and patterns such as `news.**`.
    pub fn new(channels: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            channels: channels.into_iter().map(Into::into).collect(),
            since: "latest".to_owned(),
            interval: Duration::from_secs(1),
            wait: Duration::from_secs(25),
            silence: Duration::from_secs(60),
            resume: Resume::Always,
        }
    }

    /// Where to begin: a cursor, `earliest`, `latest`, `-20`, `-5m` or an RFC 3339 time. `latest` by default, on
    /// every transport.
    #[must_use]
    pub fn since(mut self, since: &(impl ToString + ?Sized)) -> Self {
        self.since = since.to_string();
        self
    }

    /// The time between a poll's answer and the next poll; 1 s by default. An answer that was full is followed at
    /// once.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How long a long poll asks to be held, in whole seconds; 25 by default, below the 30 to 60 s after which
    /// proxies cut.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// The time without a byte after which a stream counts as cut; 60 s by default, which is four heartbeats.
    #[must_use]
    pub fn silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// What to do at an end; [`Resume::Always`] by default.
    #[must_use]
    pub fn resume(mut self, resume: Resume) -> Self {
        self.resume = resume;
        self
    }
}
