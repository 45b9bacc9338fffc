//! When to ask a silent peer whether it is still there, and when to give it up.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::SocketLimits;

/// What to do about a peer that was last heard at some instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Nothing before this instant.
    Wait(Instant),
    /// Send a ping, now.
    Ping,
    /// The last ping was answered by nothing.
    Silent,
}

#[derive(Debug)]
pub(crate) struct Heartbeat {
    ping_after: Duration,
    pong_within: Duration,
    /// When the last ping was sent, while nothing has been heard since.
    pinged: Option<Instant>,
}

impl Heartbeat {
    pub(crate) fn new(limits: &SocketLimits) -> Self {
        Self { ping_after: limits.ping_after, pong_within: limits.pong_within, pinged: None }
    }

    /// What to do `now`, where the peer was last `heard` at an instant not after it.
    pub(crate) fn beat(&mut self, heard: Instant, now: Instant) -> Beat {
        self.pinged = self.pinged.filter(|pinged| heard < *pinged);
        match self.pinged {
            Some(pinged) if now >= pinged + self.pong_within => Beat::Silent,
            Some(pinged) => Beat::Wait(pinged + self.pong_within),
            None if now >= heard + self.ping_after => {
                self.pinged = Some(now);
                Beat::Ping
            }
            None => Beat::Wait(heard + self.ping_after),
        }
    }
}
