//! `[[authorizer]]`: who decides about access, each under a name that routes refer to.

use std::time::Duration;

use encke_auth::KeyTemplate;
use encke_core::Selector;
use encke_fetch::Url;
use http::HeaderName;

use super::{
    access::AddressRange,
    auth_options::Kind,
    diagnostic::Place,
    options::FieldName,
    scalar::Scalar,
    secret::Secret,
    section::{Section, nearest},
};

/// A way to decide about access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The name that routes refer to it by.
    pub name: String,
    /// How it decides.
    pub kind: AuthKind,
}

/// How access is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthKind {
    /// By a JSON Web Token.
    Jwt(Jwt),
    /// By a signature in the query.
    Signed(Signed),
    /// By a key that a server has.
    Key {
        /// The keys.
        keys: Vec<Secret>,
        /// What its bearer may.
        rights: Rights,
    },
    /// By where the request comes from.
    Address {
        /// From these.
        networks: Vec<AddressRange>,
        /// Whoever comes from there may this.
        rights: Rights,
    },
    /// By asking the application.
    Callback(Callback),
    /// By a key that the application has stored in Redis.
    Redis(Redis),
    /// By the first of others whose credentials are there.
    First {
        /// Their names.
        of: Vec<String>,
    },
}

/// What the bearer of a credential may that does not say it itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rights {
    /// Everything, as whoever runs the gateway.
    Trusted,
    /// Everything that nobody owns.
    Open,
    /// This.
    Only {
        /// What he may follow.
        subscribe: Vec<Selector>,
        /// Where he may publish.
        publish: Vec<Selector>,
        /// Where he may see who is there.
        presence: Vec<Selector>,
    },
}

/// Options of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwt {
    /// What verifies them.
    pub key: JwtKey,
    /// The `aud` that they must have.
    pub audience: Option<String>,
    /// The `iss` that they must have.
    pub issuer: Option<String>,
    /// How wrong the clocks may be.
    pub leeway: Duration,
    /// Each subject follows its own channel without asking.
    pub personal: bool,
}

/// What verifies a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwtKey {
    /// A shared secret, with the algorithm.
    Secret(Secret, Hmac),
    /// A public key in PEM.
    Public(String, Option<Asymmetric>),
    /// Keys at a URL.
    Jwks(Url),
}

/// Options of signed URLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What signs them.
    pub secret: Secret,
    /// How long one may be valid.
    pub max_age: Duration,
}

/// Options of the callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Where the application is asked.
    pub url: Url,
    /// The headers of a request that it is shown.
    pub headers: Vec<HeaderName>,
    /// How long it may take to answer.
    pub timeout: Duration,
    /// How long an answer holds that does not say.
    pub ttl: Duration,
    /// An authority in PEM that may sign its certificate, beside those of the system.
    pub ca: Option<String>,
}

/// Options of keys stored in Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redis {
    /// Where Redis is; it may hold a password.
    pub url: Secret,
    /// The key, with what it takes from the request: `user:{cookie.id}`.
    pub key: KeyTemplate,
    /// The field, if the key is a hash.
    pub field: Option<String>,
    /// How long Redis may take to answer.
    pub timeout: Duration,
    /// How long an answer holds.
    pub ttl: Duration,
    /// What a subject may whose value does not say.
    pub rights: Rights,
}

/// Algorithms with a shared secret (RFC 7518, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Hmac {
    Hs256,
    Hs384,
    Hs512,
}

/// Algorithms with a public key (RFC 7518, section 3.1, and RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the RFCs'")]
pub enum Asymmetric {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Auth {
    /// Reads one `[[authorizer]]`, and where it stands.
    pub(super) fn read(s: &mut Section<'_>) -> Option<(Self, Place)> {
        let at = s.place("name");
        let name = s.required::<FieldName>("name");
        let Some(kind) = s.required::<Kind>("kind") else {
            s.forget_the_rest();
            return None;
        };
        s.elsewhere(kind.names_of_others());
        let kind = kind.read(s);
        if name.as_ref().is_some_and(|name| name.as_str() == OPEN) {
            s.wrong(at.clone(), format!("`{OPEN}` is the name of no check at all"), "another name");
        }
        Some((Self { name: name?.as_str().to_owned(), kind: kind? }, at))
    }

    /// The names of the others that it refers to.
    pub(super) fn others(&self) -> &[String] {
        match &self.kind {
            AuthKind::First { of } => of,
            _ => &[],
        }
    }
}

/// What a route names that checks nothing.
const OPEN: &str = "open";

/// The name of who decides, or `open`: nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthName(FieldName);

impl AuthName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether nobody decides.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.as_str() == OPEN
    }
}

impl Default for AuthName {
    fn default() -> Self {
        Self(FieldName::open())
    }
}

impl Scalar for AuthName {
    fn right() -> String {
        "the name of an [[authorizer]], or \"open\"".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        FieldName::parse(text).map(Self)
    }

    fn show(&self) -> String {
        self.0.show()
    }
}

/// Refuses two of one name, and names of none. One of others may only name those before it.
pub(super) fn check(
    s: &mut Section<'_>,
    auths: &[(Auth, Place)],
    used: impl Iterator<Item = (AuthName, Place)>,
) {
    let names = || auths.iter().map(|(auth, _)| auth.name.as_str());
    for (index, (auth, at)) in auths.iter().enumerate() {
        let before: Vec<&str> = names().take(index).collect();
        if before.contains(&auth.name.as_str()) {
            s.wrong(at.clone(), format!("there is another authorizer named `{}`", auth.name), "another name");
        }
        for other in auth.others().iter().filter(|other| !before.contains(&other.as_str())) {
            let wrong = format!("there is no authorizer named `{other}` before `{}`", auth.name);
            s.wrong(at.clone(), wrong, near(other, before.iter().copied()));
        }
    }
    for (name, at) in used.filter(|(name, _)| !name.is_open()) {
        if !names().any(|known| known == name.as_str()) {
            let wrong = format!("there is no authorizer named `{}`", name.as_str());
            s.wrong(at, wrong, near(name.as_str(), names()));
        }
    }
}

fn near<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> String {
    nearest(name, names).map_or_else(
        || format!("define it: [[authorizer]] name = \"{name}\", kind = .."),
        |near| format!("did you mean `{near}`?"),
    )
}
