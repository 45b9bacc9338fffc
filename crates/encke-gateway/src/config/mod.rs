//! The configuration of the gateway: plain data, read once and checked, that cannot be wrong afterwards.
//!
//! [`Sources`] names where it comes from (later wins: defaults, a TOML file, the environment, flags), and
//! [`Sources::load`] gives the [`Config`] with the effective [`Settings`] and warnings, or all that is wrong with it.
//! `examples/encke.toml` lists every key with its default.
//!
//! Values are read by hand from a tree that knows where each was set, not by serde: so one pass finds all errors, each
//! with its place, whichever source it came from.

mod access;
mod checks;
mod diagnostic;
mod kind;
mod kind_options;
mod limits;
mod log;
mod logging;
mod options;
mod origins;
mod path;
mod route;
mod scalar;
mod section;
mod settings;
mod sources;

use std::net::{Ipv4Addr, SocketAddr};

use encke_core::LogConfig;

pub use self::{
    access::{Access, AddressRange},
    diagnostic::{Diagnostic, Errors},
    kind::{Answer, Dialect, Iframe, Incoming, Longpoll, Poll, Publish, RouteKind, Sse, Takes, Ws},
    limits::{Drain, Limits, Stream, WsLimits},
    logging::{Levels, LogFormat, Logging},
    options::{Callback, ChannelSource, EmptyBody, FieldName, MediaType, Order, Payload},
    origins::{AllowedOrigin, Origins, WebOrigin},
    path::RoutePath,
    route::Route,
    settings::{Setting, Settings},
    sources::Sources,
};
use self::{
    diagnostic::Finding,
    route::Inherited,
    section::{Report, Section, read_root},
};

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the gateway listens.
    pub listen: SocketAddr,
    /// The routes, in the order in which they are tried: first those of the file, then the standard ones, unless
    /// `default_routes = false`.
    pub routes: Vec<Route>,
    /// What clients may use.
    pub limits: Limits,
    /// The limits of the log.
    pub log: LogConfig,
    /// Of WebSocket connections.
    pub ws: WsLimits,
    /// How the process ends.
    pub drain: Drain,
    /// What the process says of itself.
    pub logging: Logging,
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
        let (limits, message_at) = s.section("limits", Limits::read);
        let log = s.section("log", |s| log::read(s, &limits, &message_at));
        let stream = s.section("stream", |s| Stream::read(s, Stream::default()));
        let ws = s.section("ws", WsLimits::read);
        let drain = s.section("drain", Drain::read);
        let logging = s.section("logging", Logging::read);
        let inherited = Inherited { origins, stream };
        let configured: Vec<_> =
            s.tables("route", |s| Route::read(s, &inherited)).into_iter().flatten().collect();
        checks::refuse_hidden(s, &configured);
        let warnings = checks::warnings(listen, (&inherited.origins, origins_at), &configured);
        let mut routes: Vec<Route> = configured.into_iter().map(|(route, _)| route).collect();
        if default_routes {
            routes.extend(Route::standard(&inherited));
        }
        (Self { listen, routes, limits, log, ws, drain, logging }, warnings)
    }
}
