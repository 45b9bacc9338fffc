//! One connection: what is spoken on it, its deadlines, and how it ends.

use std::{convert::Infallible, net::IpAddr, pin::pin, sync::Arc, time::Duration};

use encke_http::{Scheme, problem_response, protect};
use encke_wire::Problem;
use http::{HeaderValue, Request, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::watch,
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_rustls::server::TlsStream;

use crate::{
    admission::Refusal,
    config::Limits,
    gateway::Node,
    http2,
    preface::{Http, http_of},
    proxy::{ProxyProtocol, Source},
    proxy_header::{self, HeaderError},
    stream::Stream,
    tls::Accepted,
    visitor::Visitor,
};

/// How long a client may take to hear why it is not served.
const PATIENCE: Duration = Duration::from_secs(1);

/// Serves a connection until it ends, misses a deadline, or is closed and done.
///
/// One deadline spans everything from here to the head of the first request: the PROXY protocol, TLS, and the guess at the
/// version of HTTP.
pub(crate) async fn serve(stream: Stream, peer: IpAddr, node: Arc<Node>, closing: watch::Receiver<bool>) {
    let deadline = Instant::now() + node.limits.head;
    // What is rare or soon over is on the heap, so that it does not widen every connection's task.
    let opening = Box::pin(timeout_at(deadline, open(stream, peer, &node)));
    let Ok(Some((opened, source))) = opening.await else { return };
    match opened {
        Opened::Clear(stream, http) => {
            let visitor = Visitor::new(node, source, None);
            match http {
                Http::One => serve_http1(stream, visitor, deadline, closing).await,
                Http::Two => Box::pin(http2::serve(stream, visitor, deadline, closing)).await,
            }
        }
        Opened::Tls(stream, http) => {
            let visitor = Visitor::new(node, source, Some(Scheme::Https));
            match http {
                Http::One => Box::pin(serve_http1(stream, visitor, deadline, closing)).await,
                Http::Two => Box::pin(http2::serve(stream, visitor, deadline, closing)).await,
            }
        }
    }
}

/// A connection on which requests can come.
enum Opened {
    Clear(Stream, Http),
    Tls(Box<TlsStream<Stream>>, Http),
}

/// Why none can come.
enum Failed {
    Gone,
    Wrong(&'static str),
    Refused(Refusal),
}

/// Finds out whose connection it is and what is spoken on it; says so if that is wrong.
async fn open(mut stream: Stream, peer: IpAddr, node: &Node) -> Option<(Opened, Source)> {
    let source = match whose(&mut stream, peer, node).await {
        Ok(source) => source,
        Err(failed) => {
            give_up(stream, failed, node).await;
            return None;
        }
    };
    let Some(tls) = &node.tls else {
        let http = http_of(&mut stream).await.ok()?;
        return Some((Opened::Clear(stream, http), source));
    };
    match Box::pin(tls.accept(stream)).await {
        Ok(Accepted::Tls(stream, http)) => return Some((Opened::Tls(stream, http), source)),
        Ok(Accepted::Clear(stream)) => give_up(stream, Failed::Wrong("this port speaks HTTPS"), node).await,
        Err(error) => tracing::debug!(%error, %peer, "no TLS"),
    }
    None
}

async fn whose(stream: &mut Stream, peer: IpAddr, node: &Node) -> Result<Source, Failed> {
    if !node.proxies.lists(peer) {
        return Ok(Source::Peer(peer));
    }
    if node.proxies.protocol != ProxyProtocol::ProxyProtocol {
        return Ok(Source::Requests);
    }
    let address = proxy_header::read(stream).await.map_err(|error| match error {
        HeaderError::Gone => Failed::Gone,
        HeaderError::Garbage => Failed::Wrong("a listed proxy must speak the PROXY protocol here"),
    })?;
    if let Some(address) = address {
        stream.count(node.admission.count(address).map_err(Failed::Refused)?);
    }
    Ok(Source::Named(address))
}

async fn give_up(mut stream: Stream, failed: Failed, node: &Node) {
    match failed {
        Failed::Gone => {}
        Failed::Refused(refusal) => {
            node.router.metrics.refuse(refusal);
            if node.tls.is_none() {
                refuse(stream, refusal).await;
            }
        }
        Failed::Wrong(detail) => {
            let body = Problem::bad_request(detail).to_json();
            let head = format!(
                "HTTP/1.1 400 Bad Request\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                Problem::CONTENT_TYPE,
                body.len()
            );
            let said = async {
                stream.write_all(&[head.as_bytes(), &body].concat()).await?;
                stream.shutdown().await
            };
            // Whether the client listens is its affair.
            let _ = timeout(PATIENCE, said).await;
        }
    }
}

async fn serve_http1<S>(
    stream: S,
    visitor: Arc<Visitor>,
    deadline: Instant,
    mut closing: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // hyper has one deadline for every head, and it runs while a connection waits for its next request. So it is
    // the long one; the first request has a shorter one, which is ours.
    let service = service_fn(|request: Request<Incoming>| {
        let answer = Arc::clone(&visitor).answer(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let builder = builder(&visitor.node().limits);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let mut silence = pin!(sleep_until(deadline));
    let mut closed = false;
    loop {
        tokio::select! {
            // How a connection ends is its peer's affair.
            _ = connection.as_mut() => return,
            () = silence.as_mut(), if !silence.is_elapsed() => {
                if !visitor.has_spoken() {
                    return;
                }
            }
            changed = closing.wait_for(|closing| *closing), if !closed => {
                closed = true;
                if changed.is_ok() {
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

fn builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle.max(limits.head))
        .max_buf_size(usize::try_from(limits.header_bytes.as_u64()).unwrap_or(usize::MAX));
    builder
}

impl Refusal {
    /// What a client is told.
    pub(crate) fn problem(self) -> Problem {
        let problem = match self {
            Self::Address => Problem::too_many("there are too many connections from your address"),
            Self::Total => Problem::overloaded("there are too many connections"),
        };
        problem.after(Duration::from_secs(10))
    }
}

/// Tells a client that is not admitted so, in bounded time.
pub(crate) async fn refuse(stream: impl AsyncRead + AsyncWrite + Unpin, refusal: Refusal) {
    let problem = refusal.problem();
    let service = service_fn(|_: Request<Incoming>| {
        let mut response = problem_response(&problem);
        protect(response.headers_mut());
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Whether the client listens is its affair.
    let _ = timeout(PATIENCE, connection).await;
}
