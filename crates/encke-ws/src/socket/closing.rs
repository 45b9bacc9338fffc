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

/// What is read past before the stream is dropped at any rate: more than a peer can have had under way when it had no
/// reason yet to stop, and no more than that of a flood.
const LINGER: usize = 1 << 20;

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
    /// our close frame. So many bytes are still read past.
    Lingering(Instant, usize),
    /// The stream can be dropped.
    Ended,
}

impl Phase {
    /// The first step when we close an intact socket.
    pub(super) fn closing(limits: &SocketLimits) -> Self {
        Self::Closing(Instant::now() + limits.close_wait)
    }

    /// The first step when the connection has failed (RFC 6455 7.1.7), or the peer closed and the codec has answered.
    pub(super) fn flushing(limits: &SocketLimits) -> Self {
        Self::Flushing(Instant::now() + limits.close_wait)
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
    /// [`SocketLimits::close_wait`] is over, or the peer has gone on for a mebibyte.
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
                    (until, ended.map(|_| Phase::Lingering(until, LINGER)))
                }
                Phase::Lingering(until, left) => (
                    until,
                    self.poll_linger(cx, left).map(|left| match left {
                        0 => Phase::Ended,
                        left => Phase::Lingering(until, left),
                    }),
                ),
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

    /// Ready with what is left to read past; with nothing when the peer's side of the stream has ended.
    fn poll_linger(&mut self, cx: &mut Context<'_>, left: usize) -> Poll<usize> {
        let mut scratch = [0; 4 << 10];
        let mut buf = ReadBuf::new(&mut scratch);
        // After an error nothing is in the buffer, as after the end.
        let _ = ready!(Pin::new(self.codec.get_mut().get_mut()).poll_read(cx, &mut buf));
        match buf.filled().len() {
            0 => Poll::Ready(0),
            read => Poll::Ready(left.saturating_sub(read)),
        }
    }
}
