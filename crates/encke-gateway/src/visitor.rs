//! Who is at the other end of one connection, and what he has open.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use encke_http::{Body, Keep, Scheme};
use http::{Request, Response, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::{sync::Notify, time::Instant};

use crate::{
    admission::{Counted, Refusal},
    gateway::Node,
    proxy::{Address, Source},
};

/// Answers the requests of one connection.
pub(crate) struct Visitor {
    node: Arc<Node>,
    source: Source,
    /// That of the connection, where it is known: before one without TLS, there may be a proxy with it.
    scheme: Option<Scheme>,
    spoke: AtomicBool,
    leave: Notify,
    activity: Mutex<Activity>,
}

/// The requests that are held, where they are counted.
struct Activity {
    open: usize,
    /// Since when there is none.
    quiet_since: Instant,
}

/// A request that is held.
struct Held {
    visitor: Arc<Visitor>,
    _counted: Option<Counted>,
}

impl Visitor {
    pub(crate) fn new(node: Arc<Node>, source: Source, scheme: Option<Scheme>) -> Arc<Self> {
        let activity = Mutex::new(Activity { open: 0, quiet_since: Instant::now() });
        Arc::new(Self { node, source, scheme, spoke: AtomicBool::new(false), leave: Notify::new(), activity })
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request has come.
    pub(crate) fn has_spoken(&self) -> bool {
        self.spoke.load(Ordering::Relaxed)
    }

    /// Ready when the connection should take no new requests, because the node takes leave.
    pub(crate) async fn told_to_leave(&self) {
        self.leave.notified().await;
    }

    /// When it may have been quiet for `idle`; `None`: it has been.
    pub(crate) fn next_look(&self, idle: Duration) -> Option<Instant> {
        let (now, activity) = (Instant::now(), self.activity());
        if activity.open > 0 {
            return Some(now + idle);
        }
        Some(activity.quiet_since + idle).filter(|at| self.has_spoken() && *at > now)
    }

    /// Answers a request. Where others share the connection, it takes a place of its client's for as long as it is held.
    ///
    /// It is on the heap and gone with the answer's head: hyper keeps the room for it while the body lasts, and longer.
    pub(crate) fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(self.respond(request))
    }

    async fn respond(self: Arc<Self>, mut request: Request<Incoming>) -> Response<Body> {
        self.spoke.store(true, Ordering::Relaxed);
        let (router, version) = (&self.node.router, request.version());
        let client = match self.node.proxies.client(self.source, self.scheme, request.headers()) {
            Ok(client) => client,
            Err(problem) => return router.refuse(&problem, version),
        };
        if version != Version::HTTP_2 && self.source != Source::Requests {
            return router.answer(request, client).await;
        }
        let keep = match Arc::clone(&self).hold(client.address) {
            Ok(held) => Keep::new(held),
            Err(refusal) => {
                router.metrics.refuse(refusal);
                return router.refuse(&refusal.problem(), version);
            }
        };
        request.extensions_mut().insert(keep.clone());
        let response = router.answer(request, client).await;
        if router.is_draining() {
            self.leave.notify_one();
        }
        if response.body().is_end_stream() {
            return response;
        }
        response.map(|body| Body::stream(Kept { body, _keep: keep }))
    }

    fn hold(self: Arc<Self>, address: Address) -> Result<Held, Refusal> {
        let counted = address.counted().map(|address| self.node.admission.count(address)).transpose()?;
        self.activity().open += 1;
        Ok(Held { visitor: self, _counted: counted })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut activity = self.visitor.activity();
        activity.open -= 1;
        activity.quiet_since = Instant::now();
    }
}

/// An answer that holds its request.
struct Kept {
    body: Body,
    _keep: Keep,
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
