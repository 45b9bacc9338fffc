//! The plug of a page's line, for people to pull. It does what a broken network does: the page's connections are cut, and nothing
//! that it asks is answered. Encke knows nothing of it.

use std::{
    collections::HashMap,
    error, fmt, io, mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use encke::http::{Body, Params};
use hyper::{Method, Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Lines that are known, at most; beyond it those are forgotten that have no connection.
const LINES: usize = 1_000;
/// Seconds for which a plug stays pulled, at most.
const LONGEST: u64 = 60;

/// The lines of all pages, by the names that they give themselves in `?line=`.
#[derive(Clone, Default)]
pub(crate) struct Plug(Arc<Mutex<HashMap<String, Line>>>);

#[derive(Default)]
struct Line {
    /// Until when nothing gets through.
    pulled: Option<Instant>,
    /// The next publish is stored, and its answer lost.
    lose: bool,
    connections: Vec<Weak<CancellationToken>>,
}

impl Plug {
    fn lines(&self) -> MutexGuard<'_, HashMap<String, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a request answered that came by `connection`, which can be cut with its line from now on.
    pub(crate) async fn carry<B, F>(
        &self,
        request: Request<B>,
        connection: &Arc<CancellationToken>,
        answer: impl FnOnce(Request<B>) -> F,
    ) -> Result<Response<Body>, Cut>
    where
        F: Future<Output = Response<Body>>,
    {
        let path = request.uri().path();
        if path == "/plug" {
            return Ok(self.obey(&request));
        }
        let publishes = path == "/publish";
        let params = Params::parse(request.uri().query()).ok();
        let Some(line) = params.and_then(|params| params.get("line").map(str::to_owned)) else {
            return Ok(answer(request).await);
        };
        let lost = self.pass(&line, connection, publishes)?;
        let response = answer(request).await;
        if lost { Err(Cut) } else { Ok(response) }
    }

    /// Whether the answer is to be lost.
    fn pass(&self, line: &str, connection: &Arc<CancellationToken>, publishes: bool) -> Result<bool, Cut> {
        let mut lines = self.lines();
        if lines.len() >= LINES {
            lines.retain(|_, line| {
                line.is_pulled() || line.connections.iter().any(|one| one.strong_count() > 0)
            });
        }
        if lines.len() >= LINES {
            return Err(Cut);
        }
        let line = lines.entry(line.to_owned()).or_default();
        line.connections.retain(|one| one.strong_count() > 0 && one.as_ptr() != Arc::as_ptr(connection));
        line.connections.push(Arc::downgrade(connection));
        if line.is_pulled() { Err(Cut) } else { Ok(publishes && mem::take(&mut line.lose)) }
    }

    /// `POST ?line=..&pull=20` for so many seconds, `&pull=0` to put it back, `&lose=1` for the next answer.
    fn obey<B>(&self, request: &Request<B>) -> Response<Body> {
        let done = request.method() == Method::POST && self.change(request.uri().query()).is_some();
        let mut response = Response::new(Body::empty());
        *response.status_mut() = if done { StatusCode::NO_CONTENT } else { StatusCode::BAD_REQUEST };
        response
    }

    fn change(&self, query: Option<&str>) -> Option<()> {
        let params = Params::parse(query).ok()?;
        let seconds = params.number("pull", 0, LONGEST).ok()?;
        let mut lines = self.lines();
        let line = lines.get_mut(params.get("line")?)?;
        line.lose |= params.get("lose").is_some();
        if let Some(seconds) = seconds {
            line.pulled = Instant::now().checked_add(Duration::from_secs(seconds));
        }
        if line.is_pulled() {
            line.connections.drain(..).filter_map(|one| one.upgrade()).for_each(|one| one.cancel());
        }
        Some(())
    }
}

impl Line {
    fn is_pulled(&self) -> bool {
        self.pulled.is_some_and(|until| Instant::now() < until)
    }
}

/// There is no answer: the connection is gone.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the line was cut")
    }
}

impl error::Error for Cut {}

/// A connection that can be cut, also when it has become a WebSocket.
pub(crate) struct Wire<S> {
    stream: S,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    token: Arc<CancellationToken>,
}

impl<S> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        let token = Arc::new(CancellationToken::new());
        Self { stream, cut: Box::pin(CancellationToken::clone(&token).cancelled_owned()), token }
    }

    /// What cuts it.
    pub(crate) fn token(&self) -> Arc<CancellationToken> {
        Arc::clone(&self.token)
    }

    fn check(&self) -> io::Result<()> {
        if self.token.is_cancelled() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Whoever serves a connection always reads it, so this wakes him.
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(self.check());
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
