//! The configuration of the gateway: plain data, read once and checked, that cannot be wrong afterwards.
//!
//! [`Sources`] names where it comes from (later wins: defaults, a TOML file, the environment, flags), and
//! [`Sources::load`] gives the [`Config`] with the effective [`Settings`] and warnings, or all that is wrong with it.
//! `examples/encke.toml` lists every key with its default.
//!
//! Values are read by hand from a tree that knows where each was set, not by serde: so one pass finds all errors, each
//! with its place, whichever source it came from.

mod access;
mod admin;
mod auth;
mod auth_options;
mod checks;
mod diagnostic;
mod engine;
mod feeds;
mod kind;
mod kind_options;
mod limits;
mod listener;
mod log;
mod logging;
mod namespace;
mod notices;
mod options;
mod origins;
mod path;
mod presence;
mod route;
mod scalar;
mod secret;
mod section;
mod settings;
mod sources;

use std::net::{Ipv4Addr, SocketAddr};

use encke_core::LogConfig;

pub use self::{
    access::{Access, AddressRange},
    admin::Admin,
    auth::{
        Asymmetric, Auth, AuthKind, AuthName, Callback as CallbackAuth, Hmac, Jwt, JwtKey, Redis, Rights,
        Signed,
    },
    diagnostic::{Diagnostic, Errors},
    engine::{Engine, RedisEngine, RedisMode},
    feeds::{Bridge, Queue},
    kind::{Answer, Dialect, Iframe, Incoming, Longpoll, Poll, Publish, RouteKind, Sse, Takes, Ws},
    limits::{Drain, Limits, Stream, WsLimits},
    logging::{Levels, LogFormat, Logging},
    namespace::{Namespace, OpenTo},
    notices::{Notices, Webhook},
    options::{Callback, ChannelSource, EmptyBody, FieldName, MediaType, Order, Payload},
    origins::{AllowedOrigin, Origins, WebOrigin},
    path::RoutePath,
    presence::Presence,
    route::Route,
    secret::{FilePath, Secret},
    settings::{Setting, Settings},
    sources::Sources,
};
use self::{
    diagnostic::Finding,
    route::Inherited,
    section::{Report, Section, read_root},
};
use crate::{Http2Limits, ProxyConfig, TlsConfig};

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the gateway listens.
    pub listen: SocketAddr,
    /// What this node is called among others: the name of its machine and its port, unless another is configured.
    pub node: String,
    /// The routes, in the order in which they are tried: first those of the file, then the standard ones, unless
    /// `default_routes = false`.
    pub routes: Vec<Route>,
    /// Who may decide about access.
    pub auths: Vec<Auth>,
    /// What is open to whom, before anybody decides.
    pub namespaces: Vec<Namespace>,
    /// Where it is kept who is there.
    pub presence: Presence,
    /// What the application is told.
    pub notices: Notices,
    /// Where it is pushed to.
    pub webhooks: Vec<Webhook>,
    /// The queues whose jobs are published.
    pub queues: Vec<Queue>,
    /// What is joined with plain pub/sub.
    pub bridges: Vec<Bridge>,
    /// The administration, if it is on.
    pub admin: Option<Admin>,
    /// What clients may use.
    pub limits: Limits,
    /// Where order and history live.
    pub engine: Engine,
    /// The limits of the log.
    pub log: LogConfig,
    /// Of WebSocket connections.
    pub ws: WsLimits,
    /// How the process ends.
    pub drain: Drain,
    /// What the process says of itself.
    pub logging: Logging,
    /// With which certificates it speaks TLS, if it does.
    pub tls: Option<TlsConfig>,
    /// Which peers are proxies.
    pub proxies: ProxyConfig,
    /// Of HTTP/2 connections.
    pub http2: Http2Limits,
}

/// What [`Sources::load`] gives.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is valid, but deserves a thought.
    pub warnings: Vec<Diagnostic>,
    /// Every effective value, and where it was set.
    pub settings: Settings,
}

impl Sources {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// All that is wrong: if the file is no TOML, every error of its syntax; else every setting that is unknown, of the
    /// wrong type, out of range, or in conflict with another.
    pub fn load(&self) -> Result<Loaded, Errors> {
        let file = self.file.as_ref();
        let tree = self.tree().map_err(|findings| Errors::new(findings, file))?;
        let mut report = Report::default();
        let (config, warnings) = read_root(tree, &mut report, Config::read);
        if !report.findings.is_empty() {
            return Err(Errors::new(report.findings, file));
        }
        let warnings = warnings.into_iter().map(|warning| Diagnostic::warning(warning, file)).collect();
        Ok(Loaded { config, warnings, settings: Settings::new(report.lines, file) })
    }
}

impl Config {
    fn read(s: &mut Section<'_>) -> (Self, Vec<Finding>) {
        let listen = s.get("listen", SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)));
        let default_routes = s.get("default_routes", true);
        let origins_at = s.place("origins");
        let origins = Origins(s.list("origins", Vec::new()));
        let auth_at = s.place("auth");
        let auth = s.get("auth", AuthName::default());
        let auths: Vec<_> = s.tables("authorizer", Auth::read).into_iter().flatten().collect();
        let namespaces = s.tables("namespace", Namespace::read).into_iter().flatten().collect();
        let presence = s.section("presence", Presence::read);
        let notices = s.section("notices", Notices::read);
        let webhooks = s.tables("webhook", Webhook::read).into_iter().flatten().collect();
        let node = s.optional::<FieldName>("node");
        let node = node.map_or_else(|| node_name(listen.port()), |name| name.as_str().to_owned());
        let queues = s.tables("queue", |s| Queue::read(s, &node)).into_iter().flatten().collect();
        let bridges = s.tables("bridge", Bridge::read).into_iter().flatten().collect();
        let admin = s.section("admin", |s| Admin::read(s, listen));
        let tls = s.section("tls", listener::read_tls);
        let http2 = s.section("http2", listener::read_http2);
        let proxies = s.section("proxy", listener::read_proxy);
        let (limits, message_at) = s.section("limits", Limits::read);
        let log = s.section("log", |s| log::read(s, &limits, &message_at));
        let engine = s.section("engine", Engine::read);
        let stream = s.section("stream", |s| Stream::read(s, Stream::default()));
        let ws = s.section("ws", WsLimits::read);
        let drain = s.section("drain", Drain::read);
        let logging = s.section("logging", Logging::read);
        let inherited = Inherited { auth, origins, stream };
        let configured: Vec<_> =
            s.tables("route", |s| Route::read(s, &inherited)).into_iter().flatten().collect();
        checks::refuse_hidden(s, &configured);
        checks::refuse_open(s, listen, &configured);
        let named = configured.iter().map(|(route, at)| (route.auth.clone(), at.clone()));
        auth::check(s, &auths, named.chain([(inherited.auth.clone(), auth_at)]));
        let warnings = checks::warnings((&inherited.origins, origins_at));
        let auths = auths.into_iter().map(|(auth, _)| auth).collect();
        let mut routes: Vec<Route> = configured.into_iter().map(|(route, _)| route).collect();
        if default_routes {
            routes.extend(Route::standard(&inherited));
        }
        let config = Self {
            listen,
            routes,
            auths,
            namespaces,
            presence,
            notices,
            webhooks,
            node,
            queues,
            bridges,
            admin,
            limits,
            engine,
            log,
            ws,
            drain,
            logging,
            tls,
            proxies,
            http2,
        };
        (config, warnings)
    }
}

/// What the node on this machine that listens on `port` is called, if nobody says.
fn node_name(port: u16) -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    format!("{}-{port}", if name.is_empty() { "encke" } else { name })
}
