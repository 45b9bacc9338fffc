use std::time::Duration;

use encke_core::ChannelName;
use encke_http::{ChannelSource, Origins, Payload};
use encke_hub::Rate;

use crate::SocketLimits;

/// The options of a WebSocket route.
#[derive(Debug, Clone)]
pub struct WsConfig {
    pub(crate) dialect: Dialect,
    pub(crate) origins: Origins,
    pub(crate) limits: SocketLimits,
    pub(crate) heartbeat: Duration,
    pub(crate) age: Duration,
    pub(crate) authenticate: Duration,
    pub(crate) rate: Option<Rate>,
}

/// What the frames of both sides are.
#[derive(Debug, Clone)]
pub enum Dialect {
    /// Our own: see [`encke_wire::Command`].
    Native {
        /// Where the channels come from that are followed from the start.
        channels: ChannelSource,
        /// What a frame shows of a message.
        payload: Payload,
        /// What the frames of a client are.
        input: Input,
    },
    /// That of EventTube: see [`encke_wire::eventtube`].
    EventTube {
        /// The channel of broadcasts, which everybody follows from the start.
        broadcast: ChannelName,
        /// Whether a client may publish, and broadcast.
        publish: bool,
    },
}

impl Default for Dialect {
    fn default() -> Self {
        Self::Native {
            channels: ChannelSource::default(),
            payload: Payload::default(),
            input: Input::Commands { publish: true },
        }
    }
}

/// What the frames of a client are, in the native dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Commands.
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
            dialect: Dialect::default(),
            origins: Origins::same(),
            limits: SocketLimits::default(),
            heartbeat: Duration::from_secs(15),
            age: Duration::from_secs(86_400),
            authenticate: Duration::from_secs(10),
            rate: None,
        }
    }
}

impl WsConfig {
    /// What the frames are; by default commands and envelopes, and the channels of the query parameter `channel` are
    /// followed from the start.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// The origins whose pages may connect; the route's own by default.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
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

    /// The time to authenticate by a command, for a connection that came without credentials where some are needed;
    /// 10 s by default.
    #[must_use]
    pub fn authenticate(mut self, authenticate: Duration) -> Self {
        self.authenticate = authenticate;
        self
    }

    /// How often a client may send something; any number of times by default. Beyond it each is refused.
    #[must_use]
    pub fn rate(mut self, rate: Option<Rate>) -> Self {
        self.rate = rate;
        self
    }

    /// The age at which a connection ends with 1012; the client comes back with its cursor.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }
}
