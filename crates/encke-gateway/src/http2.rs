//! HTTP/2: one connection that holds many requests.

use std::{
    cell::Cell,
    convert::Infallible,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use encke_http::Body;
use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::{body::Incoming, rt::Executor, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, Sleep, sleep, sleep_until},
};
use tokio_util::task::TaskTracker;

use crate::{config::Limits, visitor::Visitor};

/// How long a client that was told to leave, and has nothing open, may stay.
const LEAVE: Duration = Duration::from_secs(1);
/// What a stream is given at a time, so that an answer without end or of any size waits here and not in a send queue.
const PIECE: usize = 16 << 10;

/// What one HTTP/2 connection may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http2Limits {
    /// Requests at a time.
    pub streams: u32,
    /// Bytes of a request's body that are taken before they are read.
    pub stream_window: u32,
    /// The same, of all requests together.
    pub connection_window: u32,
    /// Bytes of an answer that wait for the peer.
    pub send_buffer: u32,
    /// Between two pings.
    pub ping: Duration,
    /// From a ping to its answer.
    pub pong: Duration,
}

impl Default for Http2Limits {
    /// As many streams as browsers and proxies expect, and windows and buffers that hold one publish of the default size
    /// each; a peer that is gone is noticed like one of a WebSocket.
    fn default() -> Self {
        Self {
            streams: 128,
            stream_window: 64 << 10,
            connection_window: 256 << 10,
            send_buffer: 64 << 10,
            ping: Duration::from_secs(25),
            pong: Duration::from_secs(10),
        }
    }
}

/// Serves a connection until it ends, is idle, misses a deadline, or is closed and done.
pub(crate) async fn serve<S>(
    stream: S,
    visitor: Arc<Visitor>,
    deadline: Instant,
    mut closing: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let node = visitor.node();
    let answering = Arc::clone(&visitor);
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = Arc::clone(&answering).answer(request);
        async move { Ok::<_, Infallible>(answer.await.map(Pieces::of)) }
    });
    let builder = builder(&node.limits, node.http2, &node.tasks);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // hyper has no deadline for a silence, neither before the first request nor between two.
    let mut look = pin!(sleep_until(deadline));
    let idle = node.limits.idle.max(node.limits.head);
    let (mut leaving, mut closed) = (false, false);
    loop {
        let leave = tokio::select! {
            // How a connection ends is its peer's affair.
            _ = connection.as_mut() => return,
            () = look.as_mut() => match visitor.next_look(if leaving { Duration::ZERO } else { idle }) {
                Some(at) => {
                    look.as_mut().reset(at.max(Instant::now() + LEAVE));
                    false
                }
                None if leaving || !visitor.has_spoken() => return,
                None => true,
            },
            () = visitor.told_to_leave(), if !leaving => true,
            changed = closing.wait_for(|closing| *closing), if !closed => {
                closed = true;
                changed.is_ok()
            }
        };
        if leave {
            leaving = true;
            connection.as_mut().graceful_shutdown();
            look.as_mut().reset(Instant::now() + LEAVE);
        }
    }
}

fn builder(limits: &Limits, http2: Http2Limits, tasks: &TaskTracker) -> http2::Builder<Streams> {
    let streams = Streams { tasks: tasks.clone(), write_stall: limits.write_stall };
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(http2.ping)
        .keep_alive_timeout(http2.pong)
        .max_concurrent_streams(http2.streams)
        .initial_stream_window_size(http2.stream_window)
        .initial_connection_window_size(http2.connection_window)
        .max_send_buf_size(usize::try_from(http2.send_buffer).unwrap_or(usize::MAX))
        .max_header_list_size(u32::try_from(limits.header_bytes.as_u64()).unwrap_or(u32::MAX))
        .enable_connect_protocol();
    builder
}

/// Runs the requests of a connection. One whose peer takes nothing of the answer for too long is reset, with everything
/// that it holds: the connection may be in order, so the guard below it sees nothing.
#[derive(Clone)]
struct Streams {
    tasks: TaskTracker,
    write_stall: Duration,
}

tokio::task_local! {
    static PROGRESS: Cell<Progress>;
}

/// What an answer did while its stream was looked after.
#[derive(Clone, Copy)]
enum Progress {
    Nothing,
    /// It was asked, and has nothing to give.
    Waits,
    /// It gave something, and was not asked for more: the peer does not take it.
    Gave,
}

impl<F: Future + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let deadline = self.write_stall;
        self.tasks.spawn(async move {
            let mut stream = pin!(stream);
            let mut stalled: Option<Pin<Box<Sleep>>> = None;
            poll_fn(|cx| {
                let poll = || (stream.as_mut().poll(cx).is_ready(), PROGRESS.with(Cell::get));
                match PROGRESS.sync_scope(Cell::new(Progress::Nothing), poll) {
                    (true, _) => return Poll::Ready(()),
                    (false, Progress::Nothing) => {}
                    (false, Progress::Waits) => stalled = None,
                    (false, Progress::Gave) => stalled = Some(Box::pin(sleep(deadline))),
                }
                stalled.as_mut().map_or(Poll::Pending, |timer| timer.as_mut().poll(cx))
            })
            .await;
        });
    }
}

/// An answer that is given in small pieces, and tells how it gets on.
struct Pieces {
    body: Body,
    rest: Bytes,
}

impl Pieces {
    fn of(body: Body) -> Self {
        Self { body, rest: Bytes::new() }
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(frame))) => return Poll::Ready(Some(Ok(frame))),
                Some(Err(never)) => match never {},
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = self.poll_rest(cx);
        let progress = if frame.is_ready() { Progress::Gave } else { Progress::Waits };
        // Whoever polls it elsewhere has a guard of his own.
        let _ = PROGRESS.try_with(|cell| cell.set(progress));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(rest.saturating_add(body.lower()));
        if let Some(upper) = body.upper() {
            hint.set_upper(rest.saturating_add(upper));
        }
        hint
    }
}
