//! Which route answers a request.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use encke_http::{
    Body, Params, PathChannel, Peer, allow, decode, method_not_allowed, problem_response, protect, take_body,
};
use encke_hub::Hub;
use encke_wire::Problem;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header, uri::Authority,
};
use hyper::body::Incoming;
use tower_service::Service;

use crate::{
    config::{Access, Config, FieldName, RoutePath, Takes},
    metrics::Metrics,
    pages,
    services::Target,
};

/// The routes in the order in which they are tried.
pub(crate) struct Router {
    hub: Hub,
    routes: Vec<Bound>,
    pub(crate) metrics: Arc<Metrics>,
    began: Instant,
    /// Milliseconds from `began` to the last request.
    asked: AtomicU64,
}

struct Bound {
    path: RoutePath,
    when: Option<FieldName>,
    access: Access,
    takes: Takes,
    kind: &'static str,
    target: Target,
}

impl Router {
    pub(crate) fn new(hub: Hub, config: &Config, metrics: Arc<Metrics>) -> Self {
        let bind = |route: &crate::config::Route| Bound {
            path: route.path.clone(),
            when: route.when.clone(),
            access: route.access.clone(),
            takes: route.kind.takes(),
            kind: route.kind.name(),
            target: Target::new(&hub, config, route),
        };
        let routes = config.routes.iter().map(bind).collect();
        Self { hub, routes, metrics, began: Instant::now(), asked: AtomicU64::new(0) }
    }

    /// How long nobody has asked for anything.
    pub(crate) fn quiet_for(&self) -> Duration {
        let asked = Duration::from_millis(self.asked.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(asked)
    }

    /// Answers a request from `peer`.
    pub(crate) async fn answer(&self, mut request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let asked = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.asked.store(asked, Ordering::Relaxed);
        let (kind, mut response) = match self.find(&request) {
            _ if !has_host(&request) => {
                let problem = Problem::bad_request("a request has exactly one Host header, and a host in it");
                ("none", problem_response(&problem))
            }
            Some((route, segment)) if route.access.admits(peer) => {
                let channel = decode(segment).map(|channel| PathChannel(channel.into_owned()));
                request.extensions_mut().insert(Peer(peer));
                let response = match channel {
                    Ok(channel) => {
                        request.extensions_mut().insert(channel);
                        self.call(&route.target, request, peer).await
                    }
                    Err(problem) => problem_response(&problem),
                };
                (route.kind, response)
            }
            Some((route, _)) => {
                let problem = Problem::forbidden("this route is not open to your address");
                (route.kind, problem_response(&problem))
            }
            None => ("none", problem_response(&self.not_found(request.uri()))),
        };
        protect(response.headers_mut());
        // A client that stays on this connection would never find the node that takes over.
        if self.hub.is_draining() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.metrics.request(kind, response.status());
        response
    }

    /// The first route for such requests on this path; failing that the first on this path, which says what is wrong.
    fn find<'a>(&self, request: &'a Request<Incoming>) -> Option<(&Bound, &'a str)> {
        let takes = takes(request.method(), request.headers());
        let on_path = || {
            self.routes.iter().filter_map(|route| {
                let segment = route.path.matches(request.uri().path())?;
                has(request.uri(), route.when.as_ref()).then_some((route, segment))
            })
        };
        on_path().find(|(route, _)| route.takes.covers(takes)).or_else(|| on_path().next())
    }

    async fn call(&self, target: &Target, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let answer = match target.clone() {
            Target::Poll(mut service) => service.call(request),
            Target::LongPoll(mut service) => service.call(request),
            Target::Sse(mut service) => service.call(request),
            Target::Iframe(mut service) => service.call(request),
            Target::Publish(mut service) => service.call(request),
            Target::Channels(mut service) => service.call(request),
            Target::Sdk(mut service) => service.call(request),
            Target::Ws(target) => {
                let may_publish = target.publishers.admits(peer);
                let mut service = if may_publish { target.publishing } else { target.listening };
                service.call(request)
            }
            own => return self.show(&own, &request),
        };
        answer.await.unwrap_or_else(|never| match never {})
    }

    /// What the gateway itself has to say.
    fn show(&self, target: &Target, request: &Request<Incoming>) -> Response<Body> {
        match *request.method() {
            Method::GET | Method::HEAD => {}
            Method::OPTIONS => return allow(&[Method::GET]),
            _ => return method_not_allowed(&[Method::GET]),
        }
        let mut response = match target {
            Target::Metrics => self.metrics.show(),
            Target::Page => pages::start(),
            Target::Ready if self.hub.is_draining() => {
                problem_response(&Problem::draining("this node is being drained"))
            }
            _ => pages::text("ok\n"),
        };
        if request.method() == Method::HEAD {
            take_body(&mut response);
        }
        response
    }

    fn not_found(&self, uri: &Uri) -> Problem {
        let known = self.routes.iter().map(|route| route.path.as_str());
        let distance = |path: &str| {
            // A name in braces is like no segment that somebody would write.
            let fixed = path.split_once("/{").map_or(path, |(before, _)| before);
            strsim::damerau_levenshtein(fixed, uri.path())
        };
        let near = known.map(|path| (distance(path), path)).min();
        match near {
            Some((distance, path)) if distance <= 3 && uri.path().len() < RoutePath::MAX_LEN => {
                Problem::not_found(format!("there is no such path; did you mean {path}?"))
            }
            _ => Problem::not_found("there is no such path"),
        }
    }
}

/// What a route must take to answer the request. A preflight is for the request that it announces.
fn takes(method: &Method, headers: &HeaderMap) -> Takes {
    let announced = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD);
    let announces_post = *method == Method::OPTIONS && announced.is_some_and(|method| method == "POST");
    let asked =
        headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|names| names.to_str().ok());
    if *method == Method::POST || announces_post {
        Takes::Post
    } else if !headers.contains_key(header::UPGRADE) {
        Takes::Others
    } else if asked.flat_map(|names| names.split(',')).any(|name| name.trim() == encke_ws::PROTOCOL) {
        Takes::Upgrade
    } else {
        Takes::ForeignUpgrade
    }
}

fn has(uri: &Uri, parameter: Option<&FieldName>) -> bool {
    let Some(name) = parameter else { return true };
    Params::parse(uri.query()).is_ok_and(|params| params.all(name.as_str()).next().is_some())
}

/// Whether the request says to which host, once (RFC 9112, section 3.2).
fn has_host(request: &Request<Incoming>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.is_empty() || is_host(host.as_bytes()),
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// Whether it is a host, perhaps with a port, and nothing else.
fn is_host(text: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(text) else { return false };
    let Some(rest) = authority.as_str().strip_prefix(authority.host()) else { return false };
    let port = rest.strip_prefix(':').unwrap_or(rest);
    port.is_empty() || port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}
