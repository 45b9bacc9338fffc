use std::time::Duration;

use encke_http::{ChannelSource, Origins};

/// The options of a route for commands.
#[derive(Debug, Clone)]
pub struct CommandsConfig {
    pub(crate) origins: Origins,
    pub(crate) publish: bool,
    pub(crate) batch: usize,
    pub(crate) body: Duration,
}

impl Default for CommandsConfig {
    fn default() -> Self {
        Self { origins: Origins::same(), publish: true, batch: 100, body: Duration::from_secs(10) }
    }
}

impl CommandsConfig {
    /// The origins whose pages may give commands; the route's own by default.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Whether `publish` is one of the commands; by default it is.
    #[must_use]
    pub fn publish(mut self, publish: bool) -> Self {
        self.publish = publish;
        self
    }

    /// Commands of one batch, at most; 100 by default.
    #[must_use]
    pub fn batch(mut self, batch: usize) -> Self {
        self.batch = batch;
        self
    }

    /// The time for a body to come; 10 s by default.
    #[must_use]
    pub fn body(mut self, body: Duration) -> Self {
        self.body = body;
        self
    }
}

/// The options of a publishing route.
#[derive(Debug, Clone)]
pub struct PublishConfig {
    pub(crate) channels: ChannelSource,
    pub(crate) origins: Origins,
    pub(crate) batch: usize,
    pub(crate) body: Duration,
    pub(crate) content_type: Option<String>,
}

impl Default for PublishConfig {
    fn default() -> Self {
        Self {
            channels: ChannelSource::default(),
            origins: Origins::same(),
            batch: 100,
            body: Duration::from_secs(10),
            content_type: None,
        }
    }
}

impl PublishConfig {
    /// Where the channels come from; the query parameter `channel` by default.
    #[must_use]
    pub fn channels(mut self, channels: ChannelSource) -> Self {
        self.channels = channels;
        self
    }

    /// The origins whose pages may publish; the route's own by default.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Messages of one batch, at most; 100 by default.
    #[must_use]
    pub fn batch(mut self, batch: usize) -> Self {
        self.batch = batch;
        self
    }

    /// The time for a body to come; 10 s by default.
    #[must_use]
    pub fn body(mut self, body: Duration) -> Self {
        self.body = body;
        self
    }

    /// The media type of a body that comes without one; by default the bytes decide.
    #[must_use]
    pub fn content_type(mut self, content_type: Option<String>) -> Self {
        self.content_type = content_type;
        self
    }
}
