//! The limits, deadlines and intervals that are not of one route.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    ops::RangeInclusive,
    time::Duration,
};

use bytesize::ByteSize;
use encke_core::LogConfig;
use encke_hub::Rate;

use super::{diagnostic::Place, section::Section};

/// As humantime has it.
const YEAR: Duration = Duration::from_secs(31_557_600);
/// Of deadlines and intervals.
pub(super) const TIMES: RangeInclusive<Duration> = Duration::from_millis(1)..=YEAR;
/// Of counts that must be at least one.
pub(super) const COUNTS: RangeInclusive<usize> = 1..=1_000_000_000;
/// Of what is kept in memory.
pub(super) const SIZES: RangeInclusive<ByteSize> = ByteSize::kib(1)..=ByteSize::tib(16);

/// What one client, and all of them, may use. Beyond a limit a request is refused with a problem that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a message's data.
    pub message: ByteSize,
    /// Messages of one publish.
    pub batch: usize,
    /// Channels and patterns of one subscription.
    pub channels_per_subscription: usize,
    /// Channels of one message.
    pub channels_per_message: usize,
    /// Subscriptions at a time.
    pub subscriptions: usize,
    /// Subscriptions at a time of one verified subject; `None`: as many as `subscriptions`.
    pub subscriptions_per_subject: Option<NonZeroUsize>,
    /// Publishes in a second by one subject, or by one address without a subject; `None`: any number.
    pub publishes_per_second: Option<NonZeroUsize>,
    /// Subscriptions opened and added to in a second, likewise.
    pub subscribes_per_second: Option<NonZeroUsize>,
    /// How many seconds' worth of what has a rate may come at once.
    pub burst_seconds: usize,
    /// Bans at a time.
    pub bans: usize,
    /// Connections at a time.
    pub connections: usize,
    /// Connections at a time from one IPv4 address or one IPv6 /64; `None`: as many as `connections`.
    pub connections_per_address: Option<NonZeroUsize>,
    /// Bytes of a request's head.
    pub header_bytes: ByteSize,
    /// From accept to the end of the first request's head.
    pub head: Duration,
    /// From an answer to the end of the next request's head, but never less than `head`.
    pub idle: Duration,
    /// From a request's head to the end of its body.
    pub body: Duration,
    /// How long a write may make no progress.
    pub write_stall: Duration,
    /// `TCP_USER_TIMEOUT`: how long sent bytes may stay unacknowledged.
    pub user_timeout: Duration,
    /// `SO_SNDBUF`: what the kernel holds for a peer that does not read.
    pub send_buffer: ByteSize,
}

impl Default for Limits {
    /// A frame of 64 KiB costs little to hold for every connection; ten seconds are enough for a head over a bad
    /// mobile network, and 75 for a poll each minute to find its connection open; 16 KiB of send buffer keep what
    /// stalled readers cost the kernel below their cost here.
    fn default() -> Self {
        Self {
            message: ByteSize::kib(64),
            batch: 100,
            channels_per_subscription: 128,
            channels_per_message: LogConfig::default().places,
            subscriptions: 100_000,
            subscriptions_per_subject: NonZeroUsize::new(1_000),
            publishes_per_second: None,
            subscribes_per_second: None,
            burst_seconds: 5,
            bans: 100_000,
            connections: 100_000,
            connections_per_address: NonZeroUsize::new(1_000),
            header_bytes: ByteSize::kib(16),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            body: Duration::from_secs(10),
            write_stall: Duration::from_secs(15),
            user_timeout: Duration::from_secs(30),
            send_buffer: ByteSize::kib(16),
        }
    }
}

impl Limits {
    /// So many in a second, and `burst_seconds` times as many at once.
    pub(crate) fn rate(&self, per_second: Option<NonZeroUsize>) -> Option<Rate> {
        let per_second = NonZeroU32::try_from(per_second?).unwrap_or(NonZeroU32::MAX);
        let seconds = u32::try_from(self.burst_seconds).ok().and_then(NonZeroU32::new);
        let burst = seconds.map_or(per_second, |seconds| per_second.saturating_mul(seconds));
        Some(Rate { per_second, burst })
    }

    /// Reads `[limits]`, and where `message` is set.
    pub(super) fn read(s: &mut Section<'_>) -> (Self, Place) {
        let d = Self::default();
        let message_at = s.place("message");
        let limits = Self {
            message: s.get_in("message", d.message, ByteSize::b(1)..=ByteSize::mib(64)),
            batch: s.get_in("batch", d.batch, 1..=100_000),
            channels_per_subscription: s.get_in(
                "channels_per_subscription",
                d.channels_per_subscription,
                1..=100_000,
            ),
            channels_per_message: s.get_in(
                "channels_per_message",
                d.channels_per_message,
                1..=LogConfig::MAX_PLACES,
            ),
            subscriptions: s.get_in("subscriptions", d.subscriptions, COUNTS),
            subscriptions_per_subject: s.get("subscriptions_per_subject", d.subscriptions_per_subject),
            publishes_per_second: s.get("publishes_per_second", d.publishes_per_second),
            subscribes_per_second: s.get("subscribes_per_second", d.subscribes_per_second),
            burst_seconds: s.get_in("burst_seconds", d.burst_seconds, 1..=3_600),
            bans: s.get_in("bans", d.bans, COUNTS),
            connections: s.get_in("connections", d.connections, COUNTS),
            connections_per_address: s.get("connections_per_address", d.connections_per_address),
            header_bytes: s.get_in("header_bytes", d.header_bytes, ByteSize::kib(8)..=ByteSize::mib(1)),
            head: s.get_in("head", d.head, TIMES),
            idle: s.get_in("idle", d.idle, TIMES),
            body: s.get_in("body", d.body, TIMES),
            write_stall: s.get_in("write_stall", d.write_stall, TIMES),
            user_timeout: s.get_in("user_timeout", d.user_timeout, TIMES),
            send_buffer: s.get_in("send_buffer", d.send_buffer, ByteSize::kib(2)..=ByteSize::mib(16)),
        };
        (limits, message_at)
    }
}

/// How long an answer without an end lives, and what keeps it alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// Between two signs of life, each with a cursor.
    pub heartbeat: Duration,
    /// After what time a client should come back.
    pub retry: Duration,
    /// The age at which the stream ends, so that the client comes back.
    pub age: Duration,
    /// The bytes after which the stream ends.
    pub bytes: ByteSize,
}

impl Default for Stream {
    /// Proxies cut what is silent for 30 to 60 seconds; an hour and 64 MiB bound what a page keeps of one answer.
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            retry: Duration::from_secs(2),
            age: Duration::from_secs(3_600),
            bytes: ByteSize::mib(64),
        }
    }
}

impl Stream {
    pub(super) fn read(s: &mut Section<'_>, default: Self) -> Self {
        Self {
            heartbeat: s.get_in("heartbeat", default.heartbeat, TIMES),
            retry: s.get_in("retry", default.retry, TIMES),
            age: s.get_in("age", default.age, TIMES),
            bytes: s.get_in("bytes", default.bytes, SIZES),
        }
    }
}

/// What is particular to a WebSocket connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WsLimits {
    /// Between two pings.
    pub ping: Duration,
    /// From a ping to its pong.
    pub pong: Duration,
    /// Fragments of one message.
    pub fragments: usize,
    /// From the first fragment of a message to its last.
    pub fragment_time: Duration,
    /// Control frames of a client each second, in the long run.
    pub controls_per_second: usize,
    /// Control frames of a client at once.
    pub controls_burst: usize,
    /// Commands of a client each second, in the long run; `None`: any number.
    pub commands_per_second: Option<NonZeroUsize>,
}

impl Default for WsLimits {
    /// Tiny fragments and pings are free for an attacker, not for us; no honest client sends this many.
    fn default() -> Self {
        Self {
            ping: Duration::from_secs(25),
            pong: Duration::from_secs(10),
            fragments: 64,
            fragment_time: Duration::from_secs(10),
            controls_per_second: 10,
            controls_burst: 20,
            commands_per_second: None,
        }
    }
}

impl WsLimits {
    pub(super) fn read(s: &mut Section<'_>) -> Self {
        let d = Self::default();
        Self {
            ping: s.get_in("ping", d.ping, TIMES),
            pong: s.get_in("pong", d.pong, TIMES),
            fragments: s.get_in("fragments", d.fragments, 1..=100_000),
            fragment_time: s.get_in("fragment_time", d.fragment_time, TIMES),
            controls_per_second: s.get_in("controls_per_second", d.controls_per_second, 1..=100_000),
            controls_burst: s.get_in("controls_burst", d.controls_burst, 1..=100_000),
            commands_per_second: s.get("commands_per_second", d.commands_per_second),
        }
    }
}

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// Over how long the clients are sent away, so that they do not all come back at once.
    pub window: Duration,
}

impl Default for Drain {
    /// Within what orchestrators grant before they kill (30 s).
    fn default() -> Self {
        Self { window: Duration::from_secs(10) }
    }
}

impl Drain {
    pub(super) fn read(s: &mut Section<'_>) -> Self {
        let range = Duration::ZERO..=Duration::from_secs(3_600);
        Self { window: s.get_in("window", Self::default().window, range) }
    }
}
