use std::time::Duration;

use encke_http::{ChannelSource, Origins, Payload};

use crate::SocketLimits;

/// The options of a WebSocket route.
#[derive(Debug, Clone)]
pub struct WsConfig {
    pub(crate) channels: ChannelSource,
    pub(crate) origins: Origins,
    pub(crate) payload: Payload,
    pub(crate) input: Input,
    pub(crate) limits: SocketLimits,
    pub(crate) heartbeat: Duration,
    pub(crate) age: Duration,
}

/// What the frames of a client are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Commands of the native dialect.
    Commands {
        /// Whether `publish` is one of them.
        publish: bool,
    },
    /// Data: each is published to the channels of the route.
    Publish,
    /// Nothing: they are dropped.
    Ignore,
}

impl Default for WsConfig {
    /// A day is long enough not to be noticed, and short enough that no connection is for ever.
    fn default() -> Self {
        Self {
            channels: ChannelSource::default(),
            origins: Origins::same(),
            payload: Payload::default(),
            input: Input::Commands { publish: true },
            limits: SocketLimits::default(),
            heartbeat: Duration::from_secs(15),
            age: Duration::from_secs(86_400),
        }
    }
}

impl WsConfig {
    /// Where the channels come from that are followed from the start; the query parameter `channel` by default.
    #[must_use]
    pub fn channels(mut self, channels: ChannelSource) -> Self {
        self.channels = channels;
        self
    }

    /// The origins whose pages may connect; the route's own by default.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// What a frame shows of a message; the envelope by default.
    #[must_use]
    pub fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    /// What the frames of a client are; commands by default.
    #[must_use]
    pub fn input(mut self, input: Input) -> Self {
        self.input = input;
        self
    }

    /// The bounds of a connection.
    #[must_use]
    pub fn limits(mut self, limits: SocketLimits) -> Self {
        self.limits = limits;
        self
    }

    /// How long nothing may be sent before the place is; 15 s by default. (Pings, by which a dead peer is noticed, are
    /// the socket's: [`SocketLimits::ping_after`].)
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// The age at which a connection ends with 1012; the client comes back with its cursor.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }
}
