use encke_http::{Callback, ChannelSource, Origins, Payload, StreamConfig};

/// The options of a forever-iframe route.
#[derive(Debug, Clone)]
pub struct IframeConfig {
    pub(crate) channels: ChannelSource,
    pub(crate) origins: Origins,
    pub(crate) payload: Payload,
    pub(crate) stream: StreamConfig,
    pub(crate) callback: Option<Callback>,
    pub(crate) parents: Vec<String>,
}

impl Default for IframeConfig {
    /// A browser keeps the whole document for as long as it streams: 1 MiB of it, not 64.
    fn default() -> Self {
        Self {
            channels: ChannelSource::default(),
            origins: Origins::same(),
            payload: Payload::default(),
            stream: StreamConfig { bytes: 1 << 20, ..StreamConfig::default() },
            callback: None,
            parents: Vec::new(),
        }
    }
}

impl IframeConfig {
    /// Where the channels come from; the query parameter `channel` by default.
    #[must_use]
    pub fn channels(mut self, channels: ChannelSource) -> Self {
        self.channels = channels;
        self
    }

    /// The origins whose pages may frame the route; its own by default.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// What the callback gets of a message; the envelope by default.
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

    /// The function of the parent that is called when a request names none.
    #[must_use]
    pub fn callback(mut self, callback: Option<Callback>) -> Self {
        self.callback = callback;
        self
    }

    /// The origins whose pages may frame the route and be told by `postMessage`; none by default.
    #[must_use]
    pub fn parents(mut self, parents: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.parents = parents.into_iter().map(Into::into).collect();
        self
    }
}
