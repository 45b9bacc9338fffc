//! What a peer may do with its frames beyond what the codec checks: rules over bytes and instants, without IO.

use std::{fmt, time::Duration};

use tokio::time::Instant;

use crate::{
    frame::{FrameCutter, FrameHeader, Piece},
    limits::SocketLimits,
};

/// What a peer did that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// More fragments for a message than [`SocketLimits::fragments`].
    Fragments,
    /// A message took longer than [`SocketLimits::message_time`].
    MessageTime,
    /// More control frames than [`SocketLimits::control_frames`].
    ControlRate,
    /// A text message is not UTF-8 (RFC 6455 8.1).
    Text,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fragments => "too many fragments",
            Self::MessageTime => "the message took too long",
            Self::ControlRate => "too many control frames",
            Self::Text => "text that is not UTF-8",
        })
    }
}

/// A violation, and how many of the bytes inspected came before it and are in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breach {
    /// What was violated.
    pub violation: Violation,
    /// The bytes before the piece that violated it.
    pub clean: usize,
}

/// Follows what one peer sends. It keeps counters, never bytes of a message (but up to three of a character that a
/// read has cut), and judges text as it comes, so that a bad byte fails at once and not with the end of its frame.
#[derive(Debug, Clone)]
pub struct Watch {
    cutter: FrameCutter,
    message: Option<Message>,
    control: Rate,
    fragments: u32,
    message_time: Duration,
}

/// The message that is coming in.
#[derive(Debug, Clone)]
struct Message {
    since: Instant,
    fragments: u32,
    text: Option<Utf8>,
}

impl Watch {
    /// A watch over a connection that begins `now`.
    pub fn new(limits: &SocketLimits, now: Instant) -> Self {
        Self {
            cutter: FrameCutter::default(),
            message: None,
            control: Rate::new(limits.control_rate, limits.control_burst, now),
            fragments: limits.fragments,
            message_time: limits.message_time,
        }
    }

    /// Judges the next bytes of the stream. After a breach there is nothing left to judge: the connection fails.
    pub fn inspect(&mut self, bytes: &[u8], now: Instant) -> Result<(), Breach> {
        let (mut rest, mut clean) = (bytes, 0);
        while let Some(piece) = self.cutter.cut(&mut rest) {
            let judged = match piece {
                Piece::Header(header) => self.header(header, now),
                Piece::Payload { header, bytes, at, last } => self.payload(header, bytes, at, last, now),
            };
            judged.map_err(|violation| Breach { violation, clean })?;
            clean = bytes.len() - rest.len();
        }
        Ok(())
    }

    /// When the message that is coming in must be complete.
    pub fn deadline(&self) -> Option<Instant> {
        self.message.as_ref().map(|message| message.since + self.message_time)
    }

    /// Judges silence: whether a half message has waited too long for the rest.
    pub fn expire(&self, now: Instant) -> Result<(), Violation> {
        match self.deadline() {
            Some(deadline) if now >= deadline => Err(Violation::MessageTime),
            _ => Ok(()),
        }
    }

    fn header(&mut self, header: FrameHeader, now: Instant) -> Result<(), Violation> {
        if header.is_control() {
            return if self.control.take(now) { Ok(()) } else { Err(Violation::ControlRate) };
        }
        match (&mut self.message, header.opcode) {
            (Some(message), 0) => {
                message.fragments += 1;
                if message.fragments > self.fragments {
                    return Err(Violation::Fragments);
                }
            }
            (None, opcode @ 1..) => {
                let text = (opcode == 1).then(Utf8::default);
                self.message = Some(Message { since: now, fragments: 1, text });
            }
            // Out of sequence: the codec refuses this frame, so there is no message to follow.
            _ => self.message = None,
        }
        Ok(())
    }

    fn payload(
        &mut self,
        header: FrameHeader,
        bytes: &[u8],
        at: u64,
        last: bool,
        now: Instant,
    ) -> Result<(), Violation> {
        self.expire(now)?;
        let Some(message) = self.message.as_mut().filter(|_| !header.is_control()) else { return Ok(()) };
        let complete = last && header.fin;
        // A frame without a mask or with a reserved bit is the codec's to refuse, whatever it holds.
        if let (Some(text), Some(mask), 0) = (&mut message.text, header.mask, header.reserved)
            && !(text.push(bytes, mask, at) && (!complete || text.is_whole()))
        {
            return Err(Violation::Text);
        }
        if complete {
            self.message = None;
        }
        Ok(())
    }
}

/// A token bucket, kept as the instant at which it would be full again.
#[derive(Debug, Clone)]
struct Rate {
    interval: Duration,
    burst: Duration,
    full_at: Instant,
}

impl Rate {
    fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let interval = Duration::from_secs(1) / per_second;
        Self { interval, burst: interval.saturating_mul(burst), full_at: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.max(now) + self.interval;
        let allowed = full_at.duration_since(now) <= self.burst;
        if allowed {
            self.full_at = full_at;
        }
        allowed
    }
}

/// Whether masked bytes are UTF-8, across all cuts.
#[derive(Debug, Clone, Default)]
struct Utf8 {
    /// The bytes of a character that is not complete: three at most.
    tail: [u8; 3],
    length: usize,
}

impl Utf8 {
    fn is_whole(&self) -> bool {
        self.length == 0
    }

    /// Whether these bytes go on from those before; `at` is their place under the mask.
    fn push(&mut self, masked: &[u8], mask: [u8; 4], at: u64) -> bool {
        const PLAIN: usize = 512;
        let mut plain = [0; PLAIN];
        let mut keys = (0..4).cycle().skip((at % 4) as usize).map(|key: usize| mask[key]);
        for part in masked.chunks(PLAIN - self.tail.len()) {
            let end = self.length + part.len();
            plain[..self.length].copy_from_slice(&self.tail[..self.length]);
            for ((to, from), key) in plain[self.length..end].iter_mut().zip(part).zip(&mut keys) {
                *to = from ^ key;
            }
            let rest = match std::str::from_utf8(&plain[..end]) {
                Ok(_) => &[],
                Err(error) if error.error_len().is_none() => &plain[error.valid_up_to()..end],
                Err(_) => return false,
            };
            self.length = rest.len();
            self.tail[..rest.len()].copy_from_slice(rest);
        }
        true
    }
}
