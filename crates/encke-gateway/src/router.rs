//! Which route answers a request.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use encke_admin::AdminService;
use encke_http::{
    Body, Params, PathChannel, Peer, allow, decode, method_not_allowed, problem_response, protect, take_body,
};
use encke_hub::Hub;
use encke_wire::Problem;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header, uri::Authority};
use hyper::{body::Incoming, ext::Protocol};
use tower_service::Service;

use crate::{
    authorizers::Authorizers,
    config::{Access, Admin, Config, FieldName, Route, RouteKind, RoutePath, Takes},
    metrics::Metrics,
    pages,
    proxy::{Address, Client},
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
    /// It trusts programs on this machine, and pages must not pass for one: a name of theirs can be made to lead here.
    by_local_name: bool,
}

impl Bound {
    fn new(hub: &Hub, config: &Config, authorizers: &Authorizers, route: &Route) -> Self {
        Self {
            path: route.path.clone(),
            when: route.when.clone(),
            access: route.access.clone(),
            takes: route.kind.takes(),
            kind: route.kind.name(),
            target: Target::new(&hub.with_authorizer(authorizers.of(route)), config, route),
            by_local_name: false,
        }
    }

    /// The page, and the tree of the API below it.
    fn admin(admin: &Admin, api: AdminService) -> [Self; 2] {
        let route = |path: RoutePath, target| Self {
            path,
            when: None,
            access: admin.access.clone(),
            takes: Takes::Others,
            kind: "admin",
            target,
            by_local_name: admin.key.is_none(),
        };
        [route(admin.path.clone(), Target::AdminPage), route(admin.api_below(), Target::Admin(api))]
    }
}

impl Router {
    /// The routes of `config`, and the administration if it is here.
    pub(crate) fn new(
        hub: Hub,
        config: &Config,
        authorizers: &Authorizers,
        admin: Option<(&Admin, AdminService)>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let bind = |route: &Route| Bound::new(&hub, config, authorizers, route);
        let routes = config.routes.iter().map(bind);
        let admin = admin.into_iter().flat_map(|(admin, api)| Bound::admin(admin, api));
        let routes = admin.chain(routes).collect();
        Self { hub, routes, metrics, began: Instant::now(), asked: AtomicU64::new(0) }
    }

    /// The administration, and what tells how the node is.
    pub(crate) fn of_admin(
        hub: Hub,
        config: &Config,
        authorizers: &Authorizers,
        (admin, api): (&Admin, AdminService),
        metrics: Arc<Metrics>,
    ) -> Self {
        let tells =
            |route: &&Route| matches!(route.kind, RouteKind::Health | RouteKind::Ready | RouteKind::Metrics);
        let bind = |route: &Route| Bound::new(&hub, config, authorizers, route);
        let routes = config.routes.iter().filter(tells).map(bind).chain(Bound::admin(admin, api)).collect();
        Self { hub, routes, metrics, began: Instant::now(), asked: AtomicU64::new(0) }
    }

    /// How long nobody has asked for anything.
    pub(crate) fn quiet_for(&self) -> Duration {
        let asked = Duration::from_millis(self.asked.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(asked)
    }

    /// Whether clients should find another node.
    pub(crate) fn is_draining(&self) -> bool {
        self.hub.is_draining()
    }

    /// Answers a request from `client`.
    pub(crate) async fn answer(&self, mut request: Request<Incoming>, client: Client) -> Response<Body> {
        let version = request.version();
        let asked = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.asked.store(asked, Ordering::Relaxed);
        let (kind, response) = match self.find(&request) {
            _ if !has_host(&request) => {
                let problem = Problem::bad_request("a request has exactly one Host header, and a host in it");
                ("none", problem_response(&problem))
            }
            Some((route, _)) if route.by_local_name && !has_local_host(&request) => {
                let detail = "without a key this is asked by the name localhost, or by an address";
                (route.kind, problem_response(&Problem::forbidden(detail)))
            }
            Some((route, segment)) if client.address.is_admitted(&route.access) => {
                let channel = decode(segment).map(|channel| PathChannel(channel.into_owned()));
                if let Some(address) = client.address.known() {
                    request.extensions_mut().insert(Peer(address));
                }
                if let Some(scheme) = client.scheme {
                    request.extensions_mut().insert(scheme);
                }
                let response = match channel {
                    Ok(channel) => {
                        request.extensions_mut().insert(channel);
                        self.call(&route.target, request, client.address).await
                    }
                    Err(problem) => problem_response(&problem),
                };
                (route.kind, response)
            }
            Some((route, _)) => {
                let problem = client.address.refusal();
                (route.kind, problem_response(&problem))
            }
            None => ("none", problem_response(&self.not_found(request.uri()))),
        };
        self.finish(kind, response, version)
    }

    /// Answers a request that no route sees.
    pub(crate) fn refuse(&self, problem: &Problem, version: Version) -> Response<Body> {
        self.finish("none", problem_response(problem), version)
    }

    fn finish(&self, kind: &'static str, mut response: Response<Body>, version: Version) -> Response<Body> {
        let status = response.status();
        let headers = response.headers_mut();
        protect(headers);
        if version == Version::HTTP_2 {
            // What concerns the connection is told by frames (RFC 9113, section 8.2.2).
            headers.remove(header::CONNECTION);
            headers.remove(header::UPGRADE);
        } else if self.is_draining() && status != StatusCode::SWITCHING_PROTOCOLS {
            // A client that stays on this connection would never find the node that takes over.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.metrics.request(kind, status);
        response
    }

    /// The first route for such requests on this path; failing that the first on this path, which says what is wrong.
    fn find<'a>(&self, request: &'a Request<Incoming>) -> Option<(&Bound, &'a str)> {
        let takes = takes(request);
        let on_path = || {
            self.routes.iter().filter_map(|route| {
                let segment = route.path.matches(request.uri().path())?;
                has(request.uri(), route.when.as_ref()).then_some((route, segment))
            })
        };
        on_path().find(|(route, _)| route.takes.covers(takes)).or_else(|| on_path().next())
    }

    async fn call(&self, target: &Target, request: Request<Incoming>, from: Address) -> Response<Body> {
        let answer = match target.clone() {
            Target::Poll(mut service) => service.call(request),
            Target::LongPoll(mut service) => service.call(request),
            Target::Sse(mut service) => service.call(request),
            Target::Iframe(mut service) => service.call(request),
            Target::Publish(mut service) => service.call(request),
            Target::Channels(mut service) => service.call(request),
            Target::Sdk(mut service) => service.call(request),
            Target::Admin(mut service) => service.call(request),
            Target::Commands(target) => target.of(from).call(request),
            Target::Ws(target) => target.of(from).call(request),
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
            Target::AdminPage => pages::admin(),
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
fn takes<B>(request: &Request<B>) -> Takes {
    let (method, headers) = (request.method(), request.headers());
    // Over HTTP/2 an upgrade is a CONNECT that names what to (RFC 8441, section 4).
    let upgrades = headers.contains_key(header::UPGRADE) || request.extensions().get::<Protocol>().is_some();
    let announced = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD);
    let announces_post = *method == Method::OPTIONS && announced.is_some_and(|method| method == "POST");
    let asked =
        headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|names| names.to_str().ok());
    if *method == Method::POST || announces_post {
        Takes::Post
    } else if !upgrades {
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

/// Whether the request says to which host, once (RFC 9112, section 3.2; RFC 9113, section 8.3.1).
fn has_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    let named = request.uri().authority().map(Authority::as_str);
    match (host, second) {
        (_, Some(_)) => false,
        _ if request.version() == Version::HTTP_2 => named.is_some_and(|named| {
            is_host(named.as_bytes())
                && host.is_none_or(|host| host.as_bytes().eq_ignore_ascii_case(named.as_bytes()))
        }),
        (Some(host), None) => host.is_empty() || is_host(host.as_bytes()),
        (None, None) => request.version() < Version::HTTP_11,
    }
}

/// Whether the host that it names is this machine whoever is asked for its address.
fn has_local_host(request: &Request<Incoming>) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let authority = request.uri().authority().cloned().or(host);
    authority.is_some_and(|authority| {
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok()
    })
}

/// Whether it is a host, perhaps with a port, and nothing else.
fn is_host(text: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(text) else { return false };
    let Some(rest) = authority.as_str().strip_prefix(authority.host()) else { return false };
    let port = rest.strip_prefix(':').unwrap_or(rest);
    port.is_empty() || port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}
