//! The way from an open socket to none, in bounded time.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::{Sink, Stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::Socket;
use crate::{close::CloseCode, limits::SocketLimits};

/// Where a socket is on its way to the end. Each step but the first and the last knows when it must be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Messages pass.
    Open,
    /// We sent a close frame; the peer has not answered.
    Closing(Instant),
    /// Nothing more is listened to; our last frames leave.
    Flushing(Instant),
    /// The server ends the stream first, so that it and not the client holds TIME_WAIT (RFC 6455 7.1.1).
    Ending(Instant),
    /// The peer ends it as well. To drop the stream over unread bytes would reset it, and the peer might never see
    /// our close frame.
    Lingering(Instant),
    /// The stream can be dropped.
    Ended,
}

impl Phase {
    /// The first step when we close an intact socket.
    pub(super) fn closing(limits: &SocketLimits) -> Self {
        Self::Closing(Instant::now() + limits.close_wait)
    }

    /// The first step when the connection has failed (RFC 6455 7.1.7).
    pub(super) fn failed(limits: &SocketLimits) -> Self {
        Self::Flushing(Instant::now() + limits.close_wait)
    }

    /// The first step when the peer closed and the codec has answered.
    pub(super) fn answered(limits: &SocketLimits) -> Self {
        Self::failed(limits)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Begins to close with this code and a reason (cut to 123 bytes). Nothing happens if it has begun already.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        if self.is_open() {
            self.start_close(code, reason);
            self.phase = Phase::closing(&self.limits);
        }
    }

    /// Goes on closing, with 1000 if it has not begun. Ready when the stream can be dropped: both sides have closed,
    /// or [`SocketLimits::close_wait`] is over.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let (until, step) = match self.phase {
                Phase::Open => {
                    self.close(CloseCode::Normal, "");
                    continue;
                }
                Phase::Closing(until) => (until, self.poll_answer(cx).map(|()| Phase::Flushing(until))),
                Phase::Flushing(until) => {
                    (until, Pin::new(&mut self.codec).poll_flush(cx).map(|_| Phase::Ending(until)))
                }
                Phase::Ending(until) => {
                    let ended = Pin::new(self.codec.get_mut()).poll_shutdown(cx);
                    (until, ended.map(|_| Phase::Lingering(until)))
                }
                Phase::Lingering(until) => (until, self.poll_linger(cx).map(|()| Phase::Ended)),
                Phase::Ended => return Poll::Ready(()),
            };
            self.phase = match step {
                Poll::Ready(phase) => phase,
                Poll::Pending if Instant::now() >= until => Phase::Ended,
                Poll::Pending => {
                    ready!(self.poll_timer(cx, until));
                    self.phase
                }
            };
        }
    }

    /// Closes with this code and reason, unless it has begun already, and waits until the stream can be dropped.
    pub async fn finish(mut self, code: CloseCode, reason: &str) {
        self.close(code, reason);
        poll_fn(|cx| self.poll_closed(cx)).await;
    }

    /// Ready when the peer has closed, or broken off. What it says until then is read past.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // The answer comes only after our own frame has left; its failure shows in the reading.
        let _ = Pin::new(&mut self.codec).poll_flush(cx);
        while let Some(Ok(_)) = ready!(Pin::new(&mut self.codec).poll_next(cx)) {}
        Poll::Ready(())
    }

    /// Ready when the peer's side of the stream has ended.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let stream = self.codec.get_mut().get_mut();
        let mut scratch = [0; 1024];
        loop {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}
