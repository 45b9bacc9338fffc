use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// The clock of something that is held: when to show that it lives, and when it is old.
///
/// Its one timer is set again only when it fires, so a busy stream never touches it.
#[derive(Debug)]
pub struct Pulse {
    heartbeat: Duration,
    last: Instant,
    ends_at: Instant,
    timer: Pin<Box<Sleep>>,
}

/// What a [`Pulse`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Nothing was sent for a heartbeat's time.
    Quiet,
    /// The age is reached.
    Old,
}

impl Pulse {
    /// A clock that begins now. The age is varied by a tenth, because what began together should not end together.
    #[must_use]
    pub fn new(heartbeat: Duration, age: Duration) -> Self {
        let now = Instant::now();
        let ends_at = now + age.mul_f64(0.9 + 0.2 * fastrand::f64());
        let timer = Box::pin(sleep_until(ends_at.min(now + heartbeat)));
        Self { heartbeat, last: now, ends_at, timer }
    }

    /// Something was sent.
    pub fn touch(&mut self) {
        self.last = Instant::now();
    }

    /// Ready when there is something to do. After [`Beat::Quiet`] the next heartbeat begins.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Beat> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            if now >= self.ends_at {
                return Poll::Ready(Beat::Old);
            }
            let quiet = now >= self.last + self.heartbeat;
            if quiet {
                self.last = now;
            }
            self.timer.as_mut().reset(self.ends_at.min(self.last + self.heartbeat));
            if quiet {
                return Poll::Ready(Beat::Quiet);
            }
        }
    }
}
