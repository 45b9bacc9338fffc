//! The byte stream with a watch on it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::{
    limits::SocketLimits,
    watch::{Violation, Watch},
};

/// Passes bytes through, and follows them: what the peer sends by a [`Watch`], what it takes by a clock.
///
/// After a violation the bytes that came before it can still be read; then every read fails.
#[derive(Debug)]
pub struct Meter<S> {
    io: S,
    /// Bytes that whoever held the stream before has already read.
    early: Bytes,
    watch: Watch,
    violation: Option<Violation>,
    heard: Instant,
    write_blocked: Option<Instant>,
    flush_blocked: Option<Instant>,
}

impl<S> Meter<S> {
    /// A meter over `io`, where `early` are bytes of the stream that were already read from it.
    pub fn new(io: S, early: Bytes, limits: &SocketLimits) -> Self {
        let now = Instant::now();
        Self {
            io,
            early,
            watch: Watch::new(limits, now),
            violation: None,
            heard: now,
            write_blocked: None,
            flush_blocked: None,
        }
    }

    /// What the peer did, if it is why reads fail.
    pub fn violation(&self) -> Option<Violation> {
        self.violation
    }

    /// When the message that is coming in must be complete. The peer may fall silent, so whoever owns the meter
    /// keeps a timer for it and then calls [`expire`](Self::expire).
    pub fn deadline(&self) -> Option<Instant> {
        self.watch.deadline()
    }

    /// Judges silence: from now on reads fail if the deadline has passed.
    pub fn expire(&mut self, now: Instant) -> Result<(), Violation> {
        self.watch.expire(now).inspect_err(|violation| self.violation = Some(*violation))
    }

    /// When the peer was last seen alive: it sent something, or took something after it had been slow to.
    pub fn heard(&self) -> Instant {
        self.heard
    }

    /// Since when the peer has taken nothing of what waits for it. Over a stream that buffers by itself, such as TLS,
    /// that is since a flush began to wait, whatever the buffer has taken since.
    pub fn blocked(&self) -> Option<Instant> {
        self.write_blocked.into_iter().chain(self.flush_blocked).min()
    }

    /// The stream itself, past the watch.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.io
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Meter<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(violation) = this.violation {
            return Poll::Ready(Err(refusal(violation)));
        }
        let before = buf.filled().len();
        if this.early.is_empty() {
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        } else {
            let take = this.early.len().min(buf.remaining());
            buf.put_slice(&this.early[..take]);
            this.early.advance(take);
        }
        let new = &buf.filled()[before..];
        if new.is_empty() {
            return Poll::Ready(Ok(()));
        }
        this.heard = Instant::now();
        if let Err(breach) = this.watch.inspect(new, this.heard) {
            this.violation = Some(breach.violation);
            buf.set_filled(before + breach.clean);
            // Nothing read would look like the end of the stream.
            if breach.clean == 0 {
                return Poll::Ready(Err(refusal(breach.violation)));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Meter<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let result = Pin::new(&mut this.io).poll_write(cx, buf);
        note(&result, &mut this.write_blocked, &mut this.heard);
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let result = Pin::new(&mut this.io).poll_flush(cx);
        note(&result, &mut this.flush_blocked, &mut this.heard);
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Notes since when a step waits, or that it waits no more.
fn note<T>(step: &Poll<io::Result<T>>, blocked: &mut Option<Instant>, heard: &mut Instant) {
    if step.is_pending() {
        blocked.get_or_insert_with(Instant::now);
    } else if blocked.take().is_some() {
        *heard = Instant::now();
    }
}

fn refusal(violation: Violation) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, violation.to_string())
}
