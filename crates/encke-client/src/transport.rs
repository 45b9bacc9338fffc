use std::{fmt, str::FromStr};

/// A way to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Ask again and again.
    Poll,
    /// Ask, and be answered when there is something.
    LongPoll,
    /// Server-sent events.
    Sse,
    /// The scripts of a forever-iframe.
    Iframe,
    /// WebSocket.
    Ws,
}

impl Transport {
    /// All of them, from the one that gets through most networks to the one that costs least.
    pub const ALL: [Self; 5] = [Self::Poll, Self::LongPoll, Self::Sse, Self::Iframe, Self::Ws];

    /// Its word, which is also its path on a gateway.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::LongPoll => "longpoll",
            Self::Sse => "sse",
            Self::Iframe => "iframe",
            Self::Ws => "ws",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(word: &str) -> Result<Self, UnknownTransport> {
        Self::ALL.into_iter().find(|transport| transport.as_str() == word).ok_or(UnknownTransport)
    }
}

/// The word is not a transport's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownTransport;

impl fmt::Display for UnknownTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a transport is one of poll, longpoll, sse, iframe, ws")
    }
}

impl std::error::Error for UnknownTransport {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for transport in Transport::ALL {
            assert_eq!(transport.to_string().parse(), Ok(transport));
        }
        assert_eq!("websocket".parse::<Transport>(), Err(UnknownTransport));
    }
}
