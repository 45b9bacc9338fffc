use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use encke_wire::Problem;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body::Body as HttpBody;

use crate::{Body, Origins, problem_response};

/// What answers the requests of one route, once their origin and method are right.
///
/// It is not how a transport is driven (nothing is): it is what the services of all routes have in common, so
/// that HEAD, OPTIONS, CORS and problems are written once.
pub trait Endpoint: Send + Sync + 'static {
    /// The methods that [`Endpoint::answer`] takes. HEAD is answered wherever GET is.
    const METHODS: &'static [Method];
    /// Whether it also takes CONNECT, by which an upgrade is asked for over HTTP/2 (RFC 8441).
    const TUNNELS: bool = false;

    /// The origins whose pages may use the route.
    fn origins(&self) -> &Origins;

    /// Answers, or says what is wrong.
    fn answer<B>(
        &self,
        parts: Parts,
        body: B,
    ) -> impl Future<Output = Result<Response<Body>, Problem>> + Send
    where
        B: HttpBody<Data: Send, Error: Send> + Send + 'static;
}

/// An [`Endpoint`] as a `tower` service, for any body, that never fails.
#[derive(Debug)]
pub struct Service<E> {
    endpoint: Arc<E>,
}

impl<E> Service<E> {
    /// The service of an endpoint.
    #[must_use]
    pub fn new(endpoint: E) -> Self {
        Self { endpoint: Arc::new(endpoint) }
    }
}

impl<E> Clone for Service<E> {
    fn clone(&self) -> Self {
        Self { endpoint: Arc::clone(&self.endpoint) }
    }
}

/// The answer to come of a [`Service`].
pub type ResponseFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<E, B> tower_service::Service<Request<B>> for Service<E>
where
    E: Endpoint,
    B: HttpBody<Data: Send, Error: Send> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        let endpoint = Arc::clone(&self.endpoint);
        Box::pin(async move { Ok(respond(&*endpoint, request).await) })
    }
}

async fn respond<E, B>(endpoint: &E, request: Request<B>) -> Response<Body>
where
    E: Endpoint,
    B: HttpBody<Data: Send, Error: Send> + Send + 'static,
{
    let (parts, body) = request.into_parts();
    let mut response = match endpoint.origins().check(&parts) {
        Err(problem) => problem_response(&problem),
        Ok(cors) if parts.method == Method::OPTIONS => {
            let mut response = allow(E::METHODS);
            cors.apply_preflight(allowed(E::METHODS), response.headers_mut());
            response
        }
        Ok(cors) => {
            let head = parts.method == Method::HEAD;
            let known = E::METHODS.contains(&parts.method)
                || head && E::METHODS.contains(&Method::GET)
                || E::TUNNELS && parts.method == Method::CONNECT;
            let mut response = if known {
                endpoint.answer(parts, body).await.unwrap_or_else(|problem| problem_response(&problem))
            } else {
                method_not_allowed(E::METHODS)
            };
            if head {
                take_body(&mut response);
            }
            cors.apply(response.headers_mut());
            response
        }
    };
    protect(response.headers_mut());
    response
}

/// The answer to OPTIONS: the methods that a route has.
#[must_use]
pub fn allow(methods: &[Method]) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, allowed(methods));
    response
}

/// The answer to a method that a route does not have, with those that it has.
#[must_use]
pub fn method_not_allowed(methods: &[Method]) -> Response<Body> {
    let allowed = allowed(methods);
    let detail = format!("use one of {}", allowed.to_str().unwrap_or_default());
    let mut response = problem_response(&Problem::method_not_allowed(detail));
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}

fn allowed(methods: &[Method]) -> HeaderValue {
    let mut names: Vec<_> = methods.iter().map(Method::as_str).collect();
    if methods.contains(&Method::GET) {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

/// The answer to HEAD: leaves the headers that the body would have had (RFC 9110, section 9.3.2).
pub fn take_body(response: &mut Response<Body>) {
    let body = std::mem::take(response.body_mut());
    if let Some(length) = body.size_hint().exact()
        && !matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
}

/// What every answer carries, errors too: no cache may keep or change it, none may give it to a page of another
/// origin, and no browser guess its type. Of caches an answer may have said otherwise.
pub fn protect(headers: &mut HeaderMap) {
    let no_store = HeaderValue::from_static("no-store, no-transform");
    headers.entry(header::CACHE_CONTROL).or_insert(no_store);
    headers.entry(header::VARY).or_insert(HeaderValue::from_static("origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
