//! One connection: its deadlines, and how it ends.

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use encke_http::{problem_response, protect};
use encke_wire::Problem;
use http::{HeaderValue, Request, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpStream, sync::watch, time::sleep};

use crate::{admission::Refusal, config::Limits, router::Router, stream::Stream};

/// Serves a connection until it ends, misses a deadline, or is closed and done.
pub(crate) async fn serve(
    stream: Stream,
    peer: IpAddr,
    router: Arc<Router>,
    limits: &Limits,
    mut closing: watch::Receiver<bool>,
) {
    // hyper has one deadline for every head, and it runs while a connection waits for its next request. So it is
    // the long one; the first request has a shorter one, which is ours.
    let spoke = AtomicBool::new(false);
    let service = service_fn(|request: Request<Incoming>| {
        spoke.store(true, Ordering::Relaxed);
        let router = Arc::clone(&router);
        async move { Ok::<_, Infallible>(router.answer(request, peer).await) }
    });
    let mut connection =
        pin!(builder(limits).serve_connection(TokioIo::new(stream), service).with_upgrades());
    let mut silence = pin!(sleep(limits.head));
    let mut closed = false;
    loop {
        tokio::select! {
            // How a connection ends is its peer's affair.
            _ = connection.as_mut() => return,
            () = silence.as_mut(), if !silence.is_elapsed() => {
                if !spoke.load(Ordering::Relaxed) {
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

/// Tells a client that is not admitted so, in bounded time.
pub(crate) async fn refuse(stream: TcpStream, refusal: Refusal) {
    const PATIENCE: Duration = Duration::from_secs(1);
    let problem = match refusal {
        Refusal::Address => Problem::too_many("there are too many connections from your address"),
        Refusal::Total => Problem::overloaded("there are too many connections"),
    };
    let problem = problem.after(Duration::from_secs(10));
    let service = service_fn(|_: Request<Incoming>| {
        let mut response = problem_response(&problem);
        protect(response.headers_mut());
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Whether the client listens is its affair.
    let _ = tokio::time::timeout(PATIENCE, connection).await;
}
