//! From the configuration of access to those who decide about it.

use std::{collections::HashMap, fmt, sync::Arc};

use bytes::Bytes;
use encke_auth::{
    AccessKeys, ByAddress, Callback, CallbackConfig, FirstOf, Jwt, JwtKey, Namespace, Namespaces, SignedUrl,
    StoredKey, StoredKeyConfig, Who,
};
use encke_hub::{Access, Action, Answer, Ask, Authorizer, Denied, Open, Trusted};

use crate::config::{
    AddressRange, Admin, Asymmetric, Auth, AuthKind, AuthName, CallbackAuth, Config, Hmac, JwtKey as Key,
    OpenTo, Redis, Rights, Route, RouteKind, Secret,
};

/// An authorizer that several routes share.
pub(crate) type Shared = Arc<dyn Authorizer>;

/// Those who decide about access, by name.
pub(crate) struct Authorizers {
    named: HashMap<String, Shared>,
    namespaces: Vec<Namespace>,
}

/// Somebody cannot decide as he was configured to.
#[derive(Debug)]
pub struct AuthorizerError {
    name: String,
    wrong: String,
}

impl fmt::Display for AuthorizerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the authorizer `{}` cannot be: {}", self.name, self.wrong)
    }
}

impl std::error::Error for AuthorizerError {}

impl Authorizers {
    pub(crate) fn new(config: &Config) -> Result<Self, AuthorizerError> {
        let mut named: HashMap<String, Shared> = HashMap::new();
        for auth in &config.auths {
            let authorizer = build(auth, &named)
                .map_err(|wrong| AuthorizerError { name: auth.name.clone(), wrong: wrong.to_string() })?;
            named.insert(auth.name.clone(), authorizer);
        }
        let namespaces = config.namespaces.iter().map(|namespace| {
            Namespace::new(namespace.pattern.as_str()).map(|built| {
                built
                    .may(who(namespace.subscribe), Action::Subscribe)
                    .may(who(namespace.publish), Action::Publish)
                    .may(who(namespace.presence), Action::Presence)
            })
        });
        let namespaces = namespaces.collect::<Result<_, _>>();
        let namespaces = namespaces
            .map_err(|error| AuthorizerError { name: "namespace".to_owned(), wrong: error.to_string() })?;
        Ok(Self { named, namespaces })
    }

    /// Who decides on a route.
    pub(crate) fn of(&self, route: &Route) -> Shared {
        let decides = match self.named(&route.auth) {
            Some(named) if changes(&route.kind) => Arc::new(FirstOf::new(named).or(Local(None))),
            Some(named) => named,
            None if changes(&route.kind) => Arc::new(Local(Some(Access::open()))),
            None => Arc::new(Open),
        };
        if self.namespaces.is_empty() {
            decides
        } else {
            Arc::new(Namespaces::new(decides, self.namespaces.iter().cloned()))
        }
    }

    fn named(&self, name: &AuthName) -> Option<Shared> {
        self.named.get(name.as_str()).cloned()
    }
}

/// Who decides about administration: the address, which the router has looked at, or a key.
pub(crate) fn of_admin(admin: &Admin) -> Result<Shared, AuthorizerError> {
    let failed =
        |wrong: &dyn fmt::Display| AuthorizerError { name: "admin".to_owned(), wrong: wrong.to_string() };
    match &admin.key {
        None => Ok(Arc::new(Trusted)),
        Some(key) => match AccessKeys::new().with("admin", key.expose(), Access::everything()) {
            Ok(keys) => Ok(Arc::new(keys)),
            Err(error) => Err(failed(&error)),
        },
    }
}

/// Whether a route changes the log, or shows all of it: programs on this machine that bring nothing are trusted there.
fn changes(kind: &RouteKind) -> bool {
    matches!(kind, RouteKind::Publish(_) | RouteKind::Channels(_))
}

/// Trusts programs on this machine; others have this, or are refused.
struct Local(Option<Access>);

impl Authorizer for Local {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        let access = ask.asker.address.and_then(|address| match address.to_canonical().is_loopback() {
            true => Some(Access::everything()),
            false => self.0.clone(),
        });
        Answer::now(access.ok_or(Denied::Unauthenticated))
    }
}

fn build(auth: &Auth, named: &HashMap<String, Shared>) -> Result<Shared, Box<dyn std::error::Error>> {
    Ok(match &auth.kind {
        AuthKind::Jwt(jwt) => {
            let mut built = Jwt::new(key(&jwt.key)?).leeway(jwt.leeway).personal(jwt.personal);
            built = jwt.audience.iter().fold(built, |built, audience| built.audience(audience));
            Arc::new(jwt.issuer.iter().fold(built, |built, issuer| built.issuer(issuer)))
        }
        AuthKind::Signed(signed) => {
            Arc::new(SignedUrl::new(signed.secret.expose().as_bytes())?.ahead(signed.max_age))
        }
        AuthKind::Key { keys, rights } => {
            let with = |all: AccessKeys, key: &Secret| all.with(&auth.name, key.expose(), access(rights));
            Arc::new(keys.iter().try_fold(AccessKeys::new(), with)?)
        }
        AuthKind::Address { networks, rights } => Arc::new(by_address(networks, rights)?),
        AuthKind::Callback(callback) => Arc::new(ask(callback)?),
        AuthKind::Redis(redis) => Arc::new(look_up(redis)?),
        AuthKind::First { of } => {
            // The configuration allows only names of those before.
            let mut others = of.iter().filter_map(|name| named.get(name).cloned());
            let first = others.next().ok_or("it names nobody")?;
            Arc::new(others.fold(FirstOf::new(first), FirstOf::or))
        }
    })
}

fn key(key: &Key) -> Result<JwtKey, Box<dyn std::error::Error>> {
    Ok(match key {
        Key::Secret(secret, algorithm) => {
            let name = match algorithm {
                Hmac::Hs256 => "HS256",
                Hmac::Hs384 => "HS384",
                Hmac::Hs512 => "HS512",
            };
            JwtKey::hmac(secret.expose().as_bytes())?.algorithm(name)?
        }
        Key::Public(pem, None) => JwtKey::pem(pem)?,
        Key::Public(pem, Some(algorithm)) => JwtKey::pem(pem)?.algorithm(asymmetric(*algorithm))?,
        Key::Jwks(url) => JwtKey::jwks(&url.to_string(), None)?,
    })
}

fn asymmetric(algorithm: Asymmetric) -> &'static str {
    match algorithm {
        Asymmetric::Rs256 => "RS256",
        Asymmetric::Rs384 => "RS384",
        Asymmetric::Rs512 => "RS512",
        Asymmetric::Ps256 => "PS256",
        Asymmetric::Ps384 => "PS384",
        Asymmetric::Ps512 => "PS512",
        Asymmetric::Es256 => "ES256",
        Asymmetric::Es384 => "ES384",
        Asymmetric::EdDsa => "EdDSA",
    }
}

fn by_address(networks: &[AddressRange], rights: &Rights) -> Result<ByAddress, encke_auth::NetworkError> {
    let texts = networks.iter().flat_map(|range| match range {
        AddressRange::All => vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()],
        AddressRange::Loopback => vec!["127.0.0.0/8".to_owned(), "::1".to_owned()],
        AddressRange::Net(net) => vec![net.to_string()],
    });
    texts.into_iter().try_fold(ByAddress::new(), |all, network| all.with(&network, access(rights)))
}

fn ask(callback: &CallbackAuth) -> Result<Callback, encke_auth::CallbackError> {
    let mut config = CallbackConfig::new(callback.url.clone());
    config.headers.clone_from(&callback.headers);
    config.ttl = callback.ttl;
    config.fetch.deadline = callback.timeout;
    config.fetch.trusted = callback.ca.clone().map(Bytes::from);
    Callback::new(config)
}

fn look_up(redis: &Redis) -> Result<StoredKey, encke_auth::StoredKeyError> {
    let mut config = StoredKeyConfig::new(redis.url.expose(), redis.key.clone());
    config.field.clone_from(&redis.field);
    config.ttl = redis.ttl;
    config.deadline = redis.timeout;
    config.rights = access(&redis.rights);
    StoredKey::new(config)
}

fn access(rights: &Rights) -> Access {
    match rights {
        Rights::Trusted => Access::everything(),
        Rights::Open => Access::open(),
        Rights::Only { subscribe, publish, presence } => {
            let each = |action, selectors: &[encke_core::Selector]| {
                selectors.iter().map(|selector| (action, selector.clone())).collect::<Vec<_>>()
            };
            let all = [
                each(Action::Subscribe, subscribe),
                each(Action::Publish, publish),
                each(Action::Presence, presence),
            ];
            Access::only(all.concat())
        }
    }
}

fn who(open: OpenTo) -> Who {
    match open {
        OpenTo::Anyone => Who::Anyone,
        OpenTo::Known => Who::Known,
        OpenTo::Granted => Who::Granted,
        OpenTo::Nobody => Who::Nobody,
    }
}
