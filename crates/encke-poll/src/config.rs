use encke_http::{ChannelSource, Origins, Payload, PullConfig};

/// The options of a polling route.
#[derive(Debug, Clone, Default)]
pub struct PollConfig {
    pub(crate) pull: PullConfig,
    pub(crate) origins: Origins,
    pub(crate) newest_first: bool,
}

impl PollConfig {
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

    /// The origins whose pages may poll; the route's own by default.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Shows the newest message first unless the request says `order=asc`. Off by default.
    #[must_use]
    pub fn newest_first(mut self, newest_first: bool) -> Self {
        self.newest_first = newest_first;
        self
    }
}
