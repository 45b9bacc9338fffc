use std::time::Duration;

use encke_core::Message;
use encke_http::{ChannelSource, Origins, Payload, PullConfig};

/// The longest hold that a request may ask for.
pub const MAX_WAIT: Duration = Duration::from_secs(60);
/// The longest linger that a request may ask for.
pub const MAX_LINGER: Duration = Duration::from_secs(5);

/// The options of a long-polling route.
#[derive(Debug, Clone)]
pub struct LongPollConfig {
    pub(crate) pull: PullConfig,
    pub(crate) origins: Origins,
    pub(crate) wait: Duration,
    pub(crate) linger: Duration,
    pub(crate) one: bool,
    pub(crate) empty: Option<Message>,
}

impl Default for LongPollConfig {
    /// 25 s is below the 30 s at which the strictest of common proxies cut.
    fn default() -> Self {
        Self {
            pull: PullConfig::default(),
            origins: Origins::same(),
            wait: Duration::from_secs(25),
            linger: Duration::ZERO,
            one: false,
            empty: None,
        }
    }
}

impl LongPollConfig {
    /// How a request says what it wants and how the batch looks.
    #[must_use]
    pub fn pull(mut self, pull: PullConfig) -> Self {
        self.pull = pull;
        self
    }

    /// Where the channels come from; the query parameter `channel` by default.
    #[must_use]
    pub fn channels(mut self, channels: ChannelSource) -> Self {
        self.pull = self.pull.channels(channels);
        self
    }

    /// What is shown of a message; the envelope by default.
    #[must_use]
    pub fn payload(mut self, payload: Payload) -> Self {
        self.pull = self.pull.payload(payload);
        self
    }

    /// The origins whose pages may use the route; its own by default.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// How long a request is held that does not say; [`MAX_WAIT`] at most.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait.min(MAX_WAIT);
        self
    }

    /// How long a burst is gathered after its first message; [`MAX_LINGER`] at most, none by default.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger.min(MAX_LINGER);
        self
    }

    /// Answers with the data of one message instead of a batch, and with 204 when the time is over.
    #[must_use]
    pub fn one(mut self, one: bool) -> Self {
        self.one = one;
        self
    }

    /// Answers with this instead of 204 when the time is over, for clients that read every answer as a message. It has
    /// a meaning with [`LongPollConfig::one`] only, and none by default.
    #[must_use]
    pub fn empty(mut self, empty: Option<Message>) -> Self {
        self.empty = empty;
        self
    }
}
