//! Why a socket failed.

use std::{fmt, io};

use tokio_tungstenite::tungstenite::Error as CodecError;

use crate::{close::CloseCode, watch::Violation};

/// Why a socket failed, or refused what it was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum SocketError {
    /// The peer broke RFC 6455; the text says how.
    Protocol(Box<str>),
    /// A message was larger than [`SocketLimits::message`](crate::SocketLimits::message).
    TooBig,
    /// The peer did what the meter forbids.
    Violation(Violation),
    /// A ping was not answered, nor was anything else heard, within
    /// [`SocketLimits::pong_within`](crate::SocketLimits::pong_within).
    Silent,
    /// The peer took no byte for [`SocketLimits::write_stall`](crate::SocketLimits::write_stall).
    Stalled,
    /// The stream ended without a close frame.
    Lost,
    /// The stream failed.
    Io(io::Error),
    /// The socket is closing, so it takes no more frames.
    Closed,
    /// The frame is larger than [`SocketLimits::sent_frame`](crate::SocketLimits::sent_frame), or was fed without
    /// asking `poll_ready`. It was not taken; the socket lives on.
    Full,
}

impl SocketError {
    /// The code that the peer is told; none where it can be told nothing any more, or need not be.
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Protocol(_) => Some(CloseCode::Protocol),
            Self::TooBig => Some(CloseCode::TooBig),
            Self::Violation(Violation::Text) => Some(CloseCode::BadData),
            Self::Violation(Violation::Fragments | Violation::ControlRate) => Some(CloseCode::Policy),
            Self::Violation(Violation::MessageTime) | Self::Silent => Some(CloseCode::TimedOut),
            Self::Stalled | Self::Lost | Self::Io(_) | Self::Closed | Self::Full => None,
        }
    }

    /// What the codec's error means, where no violation of the meter is behind it.
    pub(crate) fn from_codec(error: CodecError) -> Self {
        use tokio_tungstenite::tungstenite::error::ProtocolError;
        match error {
            CodecError::Io(error) => Self::Io(error),
            CodecError::Capacity(_) => Self::TooBig,
            CodecError::Utf8(_) => Self::Violation(Violation::Text),
            CodecError::WriteBufferFull(_) => Self::Full,
            CodecError::ConnectionClosed
            | CodecError::AlreadyClosed
            | CodecError::Protocol(ProtocolError::SendAfterClosing) => Self::Closed,
            CodecError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Lost,
            error => Self::Protocol(error.to_string().into()),
        }
    }
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(how) => f.write_str(how),
            Self::TooBig => f.write_str("message too big"),
            Self::Violation(violation) => violation.fmt(f),
            Self::Silent => f.write_str("no answer to a ping"),
            Self::Stalled => f.write_str("the peer does not read"),
            Self::Lost => f.write_str("the stream ended without a close frame"),
            Self::Io(error) => error.fmt(f),
            Self::Closed => f.write_str("the socket is closing"),
            Self::Full => f.write_str("the frame does not fit what may wait for the peer"),
        }
    }
}

impl std::error::Error for SocketError {}
