//! A WebSocket connection after its handshake.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep_until},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as CodecError, Message,
        protocol::{
            CloseFrame, Role, WebSocketConfig,
            frame::{
                Frame as RawFrame,
                coding::{Data, OpCode},
            },
        },
    },
};

use crate::{
    close::{CloseCode, fitting},
    error::SocketError,
    heartbeat::{Beat, Heartbeat},
    limits::SocketLimits,
    meter::Meter,
};

mod closing;

use closing::Phase;

/// Allocated for every connection as long as it lives, so a page and not the codec's 128 KiB.
const READ_BUFFER: usize = 4 << 10;
/// Small frames are gathered up to this before they are written, so that a backlog costs few writes.
const WRITE_BUFFER: usize = 16 << 10;
/// Room behind the largest frame: its own header, and at most one pong, one ping and one close frame of 127 bytes each.
const CONTROL_SPACE: usize = 2 << 10;

/// A whole message from the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A text message; the bytes are UTF-8.
    Text(Bytes),
    /// A binary message.
    Binary(Bytes),
}

/// A message to the peer; it goes out as one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text message. The bytes must be UTF-8; they are not looked at again, because one encoded message goes to
    /// many sockets.
    Text(Bytes),
    /// A binary message.
    Binary(Bytes),
}

/// The server's side of a WebSocket connection, over any byte stream that follows the handshake.
///
/// One task drives it, in one of two styles. The `poll_*` functions let it wait at once for the peer's messages and
/// for something to send; the async functions are the same, one at a time. All of them also keep the heartbeat and the
/// deadlines, so while one is waited for, nothing else needs a timer.
///
/// [`poll_recv`](Self::poll_recv) has to be polled as long as the socket is open, by a driver that has something to send
/// too: what is not read is not heard, and who is not heard is given up.
///
/// What waits for the peer is bounded ([`SocketLimits::sent_frame`]): ask [`poll_ready`](Self::poll_ready) before each
/// [`feed`](Self::feed). While an answer to a ping waits for a peer that does not read, nothing more is read from it.
///
/// When a function has failed (but with [`SocketError::Full`]) or [`poll_recv`](Self::poll_recv) has given `None`, the
/// socket has already begun to close with the right code; [`finish`](Self::finish) or
/// [`poll_closed`](Self::poll_closed) ends it in bounded time.
#[derive(Debug)]
pub struct Socket<S> {
    codec: WebSocketStream<Meter<S>>,
    limits: SocketLimits,
    heartbeat: Heartbeat,
    /// A ping or pong of ours may not be with the peer yet.
    control_due: bool,
    phase: Phase,
    /// Set to a deadline or earlier: it is moved only when it fires or comes too late, not with every message.
    timer: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// A socket over `stream`, where `early` are bytes after the handshake that the HTTP layer has already read.
    /// It is ready at once; it is async because the codec wants a waker.
    pub async fn new(stream: S, early: Bytes, limits: &SocketLimits) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(WRITE_BUFFER + limits.sent_frame + CONTROL_SPACE)
            .max_message_size(Some(limits.message))
            .max_frame_size(Some(limits.message));
        let meter = Meter::new(stream, early, limits);
        let timer = Box::pin(sleep_until(meter.heard() + limits.ping_after));
        Self {
            codec: WebSocketStream::from_raw_socket(meter, Role::Server, Some(config)).await,
            limits: *limits,
            heartbeat: Heartbeat::new(limits),
            control_due: false,
            phase: Phase::Open,
            timer,
        }
    }

    /// The next message. `None` when the socket is closing, by either side; pings are answered inside.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Incoming, SocketError>>> {
        if !self.is_open() {
            return Poll::Ready(None);
        }
        let result = match self.poll_incoming(cx) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(ready!(self.poll_deadlines(cx))),
        };
        Poll::Ready(result.map_err(|error| self.fail(error)).transpose())
    }

    /// Whether a frame can be fed: what was fed before has left, but for one buffer of 16 KiB.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        self.poll_outgoing(cx, Sink::poll_ready)
    }

    /// Takes a frame. It is sent with the next [`poll_flush`](Self::poll_flush), or before when a buffer is full.
    pub fn feed(&mut self, frame: Frame) -> Result<(), SocketError> {
        if !self.is_open() {
            return Err(SocketError::Closed);
        }
        let (bytes, kind) = match frame {
            Frame::Text(bytes) => (bytes, Data::Text),
            Frame::Binary(bytes) => (bytes, Data::Binary),
        };
        if bytes.len() > self.limits.sent_frame {
            return Err(SocketError::Full);
        }
        debug_assert!(kind != Data::Text || std::str::from_utf8(&bytes).is_ok(), "text must be UTF-8");
        let frame = RawFrame::message(bytes, OpCode::Data(kind), true);
        match self.start_send(Message::Frame(frame)) {
            Err(SocketError::Full) => Err(SocketError::Full),
            result => result.map_err(|error| self.fail(error)),
        }
    }

    /// Hands all that was fed to the stream.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        self.poll_outgoing(cx, Sink::poll_flush)
    }

    /// [`poll_recv`](Self::poll_recv) as a future. Nothing is lost when it is dropped.
    pub async fn recv(&mut self) -> Option<Result<Incoming, SocketError>> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`poll_flush`](Self::poll_flush) as a future.
    pub async fn flush(&mut self) -> Result<(), SocketError> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Waits until the frame can be taken, takes it and flushes it.
    pub async fn send(&mut self, frame: Frame) -> Result<(), SocketError> {
        poll_fn(|cx| self.poll_ready(cx)).await?;
        self.feed(frame)?;
        self.flush().await
    }

    fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Incoming>, SocketError>> {
        loop {
            // No reading while an answer waits: a peer that only pings gets no second answer queued.
            ready!(self.poll_control(cx))?;
            let message = match ready!(Pin::new(&mut self.codec).poll_next(cx)) {
                Some(message) => message.map_err(|error| self.explain(error))?,
                None => {
                    self.phase = Phase::flushing(&self.limits);
                    return Poll::Ready(Ok(None));
                }
            };
            match message {
                Message::Text(text) => return Poll::Ready(Ok(Some(Incoming::Text(text.into())))),
                Message::Binary(bytes) => return Poll::Ready(Ok(Some(Incoming::Binary(bytes)))),
                Message::Ping(_) => self.control_due = true,
                // The codec answers a close frame, and then gives `None`. The meter has heard the pong.
                Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Ready when no ping or pong of ours waits for the peer.
    fn poll_control(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        if self.control_due {
            ready!(Pin::new(&mut self.codec).poll_flush(cx)).map_err(|error| self.explain(error))?;
            self.control_due = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_outgoing(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut WebSocketStream<Meter<S>>>, &mut Context<'_>) -> Poll<Result<(), CodecError>>,
    ) -> Poll<Result<(), SocketError>> {
        if !self.is_open() {
            return Poll::Ready(Err(SocketError::Closed));
        }
        let result = match poll(Pin::new(&mut self.codec), cx) {
            Poll::Ready(result) => result.map_err(|error| self.explain(error)),
            Poll::Pending => Err(ready!(self.poll_deadlines(cx))),
        };
        Poll::Ready(result.map_err(|error| self.fail(error)))
    }

    /// Pings when it is time to. Ready when the peer has missed a deadline.
    fn poll_deadlines(&mut self, cx: &mut Context<'_>) -> Poll<SocketError> {
        loop {
            let now = Instant::now();
            let meter = self.codec.get_mut();
            if let Err(violation) = meter.expire(now) {
                return Poll::Ready(SocketError::Violation(violation));
            }
            // Whether a peer lives can only be judged while it is listened to.
            let next = match meter.blocked().map(|since| since + self.limits.write_stall) {
                Some(stalled) if now >= stalled => return Poll::Ready(SocketError::Stalled),
                Some(stalled) => stalled,
                None => match self.heartbeat.beat(meter.heard(), now) {
                    Beat::Wait(until) => until,
                    Beat::Silent => return Poll::Ready(SocketError::Silent),
                    Beat::Ping => match self.ping(cx) {
                        Ok(()) => continue,
                        Err(error) => return Poll::Ready(error),
                    },
                },
            };
            let next = meter.deadline().map_or(next, |deadline| deadline.min(next));
            ready!(self.poll_timer(cx, next));
        }
    }

    /// Ready at `at`, or before.
    fn poll_timer(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        if at < self.timer.deadline() || self.timer.is_elapsed() {
            self.timer.as_mut().reset(at);
        }
        self.timer.as_mut().poll(cx)
    }

    fn ping(&mut self, cx: &mut Context<'_>) -> Result<(), SocketError> {
        self.start_send(Message::Ping(Bytes::new()))?;
        self.control_due = true;
        match self.poll_control(cx) {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()),
        }
    }

    fn start_send(&mut self, message: Message) -> Result<(), SocketError> {
        Pin::new(&mut self.codec).start_send(message).map_err(|error| self.explain(error))
    }

    /// The codec's error, or the meter's that is behind it.
    fn explain(&self, error: CodecError) -> SocketError {
        match self.codec.get_ref().violation() {
            Some(violation) if matches!(error, CodecError::Io(_)) => SocketError::Violation(violation),
            _ => SocketError::from_codec(error),
        }
    }

    /// Begins to close as the error demands.
    fn fail(&mut self, error: SocketError) -> SocketError {
        self.phase = match error.close_code() {
            Some(code) => {
                self.start_close(code, &error.to_string());
                Phase::flushing(&self.limits)
            }
            None => Phase::Ended,
        };
        error
    }

    fn start_close(&mut self, code: CloseCode, reason: &str) {
        let frame = CloseFrame { code: code.code().into(), reason: fitting(reason).into() };
        // It fails only where the stream has failed or the peer has closed first; then nobody waits for it.
        let _ = self.start_send(Message::Close(Some(frame)));
    }
}
