//! Every bound of a socket, with its default.

use std::time::Duration;

/// What a peer may do with one socket, and how long the socket waits for it.
///
/// Values that would make no sense (no fragment at all, a deadline of zero or of years) are taken as the nearest
/// one that does, so a `SocketLimits` is always valid.
#[derive(Debug, Clone, Copy)]
pub struct SocketLimits {
    pub(crate) message: usize,
    pub(crate) fragments: u32,
    pub(crate) message_time: Duration,
    pub(crate) control_rate: u32,
    pub(crate) control_burst: u32,
    pub(crate) sent_frame: usize,
    pub(crate) ping_after: Duration,
    pub(crate) pong_within: Duration,
    pub(crate) write_stall: Duration,
    pub(crate) close_wait: Duration,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            message: 64 << 10,
            fragments: 64,
            message_time: Duration::from_secs(10),
            control_rate: 10,
            control_burst: 20,
            sent_frame: 238 << 10,
            ping_after: Duration::from_secs(25),
            pong_within: Duration::from_secs(10),
            write_stall: Duration::from_secs(15),
            close_wait: Duration::from_secs(5),
        }
    }
}

impl SocketLimits {
    /// The largest message, and so the largest frame, that is read: bytes of payload. A larger one ends the
    /// connection with 1009. Default 64 KiB: a peer may hold this much of the server's memory while it takes its time.
    pub fn message(mut self, bytes: usize) -> Self {
        self.message = bytes.max(1);
        self
    }

    /// The most fragments for one message, empty ones counted. Default 64: honest clients send one, and an empty
    /// fragment costs its sender six bytes and the server a parse.
    pub fn fragments(mut self, count: u32) -> Self {
        self.fragments = count.max(1);
        self
    }

    /// The time from the head of a message's first frame to the last byte of its last one. Default 10 s, enough for
    /// 64 KiB at 52 kbit/s; it bounds how long a peer holds the memory of a half message.
    pub fn message_time(mut self, time: Duration) -> Self {
        self.message_time = sensible(time);
        self
    }

    /// Control frames (ping, pong, close) from the peer: so many per second, and so many at once after a quiet time.
    /// Default 10 and 20: heartbeats need one in 25 s, and every ping costs an answer.
    pub fn control_frames(mut self, per_second: u32, burst: u32) -> Self {
        self.control_rate = per_second.max(1);
        self.control_burst = burst.max(1);
        self
    }

    /// The largest frame that [`Socket::feed`](crate::Socket::feed) takes: bytes of payload. Default 238 KiB, so that
    /// with 16 KiB of smaller frames before it and the control frames behind it at most 256 KiB wait for a peer.
    pub fn sent_frame(mut self, bytes: usize) -> Self {
        self.sent_frame = bytes.clamp(1, 1 << 30);
        self
    }

    /// The silence after which the peer is pinged. Default 25 s: below the 30 to 60 s after which proxies cut an idle
    /// connection.
    pub fn ping_after(mut self, silence: Duration) -> Self {
        self.ping_after = sensible(silence);
        self
    }

    /// The time in which something, a pong or anything else, must come after a ping. Default 10 s.
    pub fn pong_within(mut self, time: Duration) -> Self {
        self.pong_within = sensible(time);
        self
    }

    /// The time for which a peer may take no byte of what waits for it. Default 15 s.
    pub fn write_stall(mut self, time: Duration) -> Self {
        self.write_stall = sensible(time);
        self
    }

    /// The time from the first step of closing until the stream is dropped, whatever the peer does. Default 5 s.
    pub fn close_wait(mut self, time: Duration) -> Self {
        self.close_wait = sensible(time);
        self
    }
}

/// Between a millisecond and a day: no busy loop below it, no overflow of an instant above it.
fn sensible(time: Duration) -> Duration {
    time.clamp(Duration::from_millis(1), Duration::from_secs(24 * 60 * 60))
}
