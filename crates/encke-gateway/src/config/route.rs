//! `[[route]]`: what is served where.

use super::{
    access::Access,
    auth::AuthName,
    diagnostic::Place,
    kind::{Dialect, Incoming, Kind, RouteKind, Ws},
    limits::Stream,
    options::{ChannelSource, FieldName},
    origins::Origins,
    path::RoutePath,
    section::{Section, read_nothing},
};

/// A path and what is served there.
///
/// A request is served by the first route that has its path, whose `when` parameter it has, and whose kind takes its
/// method: `publish` and `commands` take POST, `ws` an upgrade (in the dialect of EventTube only one that does not ask for the native
/// one), the others GET (and `channels` DELETE).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The path.
    pub path: RoutePath,
    /// The route is only for requests with this query parameter, whatever its value.
    pub when: Option<FieldName>,
    /// Who may use it, by address.
    pub access: Access,
    /// Who decides what of it one may use.
    pub auth: AuthName,
    /// Which web origins may use it, besides its own.
    pub origins: Origins,
    /// What is served, with its options.
    pub kind: RouteKind,
}

/// What a route has from the settings for all, unless it says otherwise.
#[derive(Debug, Clone, Default)]
pub(super) struct Inherited {
    pub(super) auth: AuthName,
    pub(super) origins: Origins,
    pub(super) stream: Stream,
}

/// The paths of the native dialect.
const STANDARD: [(&str, Kind); 14] = [
    ("/publish", Kind::Publish),
    ("/command", Kind::Commands),
    ("/poll", Kind::Poll),
    ("/longpoll", Kind::Longpoll),
    ("/sse", Kind::Sse),
    ("/iframe", Kind::Iframe),
    ("/ws", Kind::Ws),
    ("/channels", Kind::Channels),
    ("/channels/{channel}", Kind::Channels),
    ("/sdk/{file}", Kind::Sdk),
    ("/healthz", Kind::Health),
    ("/readyz", Kind::Ready),
    ("/metrics", Kind::Metrics),
    ("/", Kind::Page),
];

impl Route {
    /// Reads one `[[route]]`, and where it stands.
    pub(super) fn read(s: &mut Section<'_>, inherited: &Inherited) -> Option<(Self, Place)> {
        let at = s.place("path");
        let path = s.required::<RoutePath>("path");
        let Some(kind) = s.required::<Kind>("kind") else {
            s.forget_the_rest();
            return None;
        };
        let mut elsewhere = kind.names_of_others();
        if !kind.asks() {
            elsewhere
                .push(("auth", "`auth` belongs to what delivers, publishes or lists channels".to_owned()));
        }
        s.elsewhere(elsewhere);
        let when = s.optional("when");
        let auth = if kind.asks() {
            s.inherit("the auth for all", |s| s.get("auth", inherited.auth.clone()))
        } else {
            AuthName::default()
        };
        let inherited = &Inherited { auth: auth.clone(), ..inherited.clone() };
        let access = Access::read(s, kind.default_access(&auth));
        let origins =
            s.inherit("the origins for all", |s| Origins(s.list("origins", inherited.origins.0.clone())));
        let capture = path.as_ref().and_then(RoutePath::capture);
        let kind = kind.read(s, inherited, capture);
        let route = Self { path: path?, when, access, auth, origins, kind: kind? };
        if let Some(name) = route.unused_capture() {
            let right = format!("set channel = {{ segment = \"{name}\" }}, or write the path without it");
            s.wrong(at.clone(), format!("nothing reads the segment `{{{name}}}`"), right);
        }
        if route.kind == RouteKind::Sdk && !route.path.ends_in_capture() {
            let wrong = format!("{} cannot name a file of the SDK", route.path.as_str());
            s.wrong(at.clone(), wrong, "the last segment says which: \"/sdk/{file}\"");
        }
        Some((route, at))
    }

    /// The routes of the native dialect.
    pub(super) fn standard(inherited: &Inherited) -> Vec<Self> {
        let route = |(path, kind): (&str, Kind)| {
            let path = RoutePath::new(path).ok()?;
            let (options, _) = read_nothing(|s| kind.read(s, inherited, path.capture()));
            let auth = if kind.asks() { inherited.auth.clone() } else { AuthName::default() };
            let (access, origins) = (kind.default_access(&auth), inherited.origins.clone());
            Some(Self { path, when: None, access, auth, origins, kind: options? })
        };
        STANDARD.into_iter().filter_map(route).collect()
    }

    fn unused_capture(&self) -> Option<&str> {
        let used = self.kind == RouteKind::Sdk || matches!(self.kind.channel(), Some(ChannelSource::Segment));
        self.path.capture().filter(|_| !used)
    }

    /// Whether no request that `later` would serve gets past this route.
    pub(super) fn hides(&self, later: &Self) -> bool {
        let when = self.when.is_none() || self.when == later.when;
        when && self.kind.takes().covers(later.kind.takes()) && self.path.covers(&later.path)
    }

    /// Whether it lets every client on other machines publish, or delete what was published, unasked.
    pub(super) fn is_open_to_publish(&self) -> bool {
        if !self.auth.is_open() {
            return false;
        }
        let by = match &self.kind {
            RouteKind::Publish(_) | RouteKind::Channels(_) => &self.access,
            RouteKind::Commands { publishers } => publishers,
            RouteKind::Ws(Ws { dialect, .. }) => match dialect {
                Dialect::Native { incoming: Incoming::Publish, .. } => &self.access,
                Dialect::Native { incoming: Incoming::Commands { publishers }, .. }
                | Dialect::EventTube { publishers, .. } => publishers,
                Dialect::Native { incoming: Incoming::Ignore, .. } => return false,
            },
            _ => return false,
        };
        by.is_for_all() && self.access.is_for_all()
    }
}
