use std::time::Duration;

use encke_http::{ChannelSource, Origins, Payload, StreamConfig};

/// The options of a route of server-sent events.
#[derive(Debug, Clone)]
pub struct SseConfig {
    pub(crate) channels: ChannelSource,
    pub(crate) origins: Origins,
    pub(crate) payload: Payload,
    pub(crate) stream: StreamConfig,
    pub(crate) retry: Duration,
}

impl Default for SseConfig {
    /// Two seconds is soon enough for a reader not to notice and late enough for a node that restarts.
    fn default() -> Self {
        Self {
            channels: ChannelSource::default(),
            origins: Origins::same(),
            payload: Payload::default(),
            stream: StreamConfig::default(),
            retry: Duration::from_secs(2),
        }
    }
}

impl SseConfig {
    /// Where the channels come from; the query parameter `channel` by default.
    #[must_use]
    pub fn channels(mut self, channels: ChannelSource) -> Self {
        self.channels = channels;
        self
    }

    /// The origins whose pages may use the route; its own by default.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// What is shown of a message; the envelope by default.
    #[must_use]
    pub fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    /// Heartbeat, age and bytes of a stream.
    #[must_use]
    pub fn stream(mut self, stream: StreamConfig) -> Self {
        self.stream = stream;
        self
    }

    /// When a browser reconnects after the stream was cut.
    #[must_use]
    pub fn retry(mut self, retry: Duration) -> Self {
        self.retry = retry;
        self
    }
}
