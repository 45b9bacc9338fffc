//! `[[authorizer]]`: who decides about access, each under a name that routes refer to.

use std::time::Duration;

use encke_core::Selector;
use http::{HeaderName, Uri};

use super::{
    access::AddressRange,
    diagnostic::Place,
    limits::TIMES,
    options::FieldName,
    scalar::{Choice, Scalar, quoted},
    secret::{Secret, read_file},
    section::{Section, nearest, read_nothing},
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
    pub key: String,
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

/// An `http` or `https` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(pub Uri);

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

/// The word after `kind =`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Jwt,
    Signed,
    Key,
    Address,
    Callback,
    Redis,
    First,
}

impl Choice for Kind {
    const ALL: &'static [(&'static str, Self)] = &[
        ("jwt", Self::Jwt),
        ("signed", Self::Signed),
        ("key", Self::Key),
        ("address", Self::Address),
        ("callback", Self::Callback),
        ("redis", Self::Redis),
        ("first", Self::First),
    ];
}

impl Kind {
    fn names_of_others(self) -> Vec<(&'static str, String)> {
        let names = |kind: Self| read_nothing(|s| drop(kind.read(s))).1;
        let all =
            Self::ALL.iter().flat_map(|(word, kind)| names(*kind).into_iter().map(move |name| (name, *word)));
        all.map(|(name, word)| (name, format!("`{name}` belongs to `{word}`, not to `{}`", self.word())))
            .collect()
    }

    fn read(self, s: &mut Section<'_>) -> Option<AuthKind> {
        Some(match self {
            Self::Jwt => AuthKind::Jwt(Jwt::read(s)?),
            Self::Signed => {
                let secret = Secret::read(s, "secret", "secret_file", 32);
                let max_age = s.get_in("max_age", Duration::from_secs(7 * 86_400), TIMES);
                AuthKind::Signed(Signed { secret: secret?, max_age })
            }
            Self::Key => {
                let key = Secret::read(s, "secret", "secret_file", 20);
                let rights = Rights::read(s, Rights::Trusted);
                AuthKind::Key { keys: vec![key?], rights }
            }
            Self::Address => {
                let rights = Rights::read(s, Rights::Open);
                AuthKind::Address { networks: s.nonempty_list("networks")?, rights }
            }
            Self::Callback => AuthKind::Callback(Callback::read(s)?),
            Self::Redis => AuthKind::Redis(Redis::read(s)?),
            Self::First => {
                let of: Vec<FieldName> = s.nonempty_list("of")?;
                AuthKind::First { of: of.iter().map(|name| name.as_str().to_owned()).collect() }
            }
        })
    }
}

impl Rights {
    /// Reads them; `default` if none is named.
    fn read(s: &mut Section<'_>, default: Self) -> Self {
        let lists = ["subscribe", "publish", "presence"];
        if lists.iter().any(|list| s.has(list)) {
            s.also_known(&["trusted"]);
            s.refuse("trusted", "beside lists of what is allowed");
            let mut list = |key| s.list(key, Vec::new());
            return Self::Only {
                subscribe: list("subscribe"),
                publish: list("publish"),
                presence: list("presence"),
            };
        }
        s.also_known(&lists);
        match (s.get("trusted", default == Self::Trusted), default) {
            (true, _) => Self::Trusted,
            (false, Self::Trusted) => Self::Open,
            (false, default) => default,
        }
    }
}

impl Jwt {
    fn read(s: &mut Section<'_>) -> Option<Self> {
        let key = JwtKey::read(s);
        let text = |name: Option<Text>| name.map(|Text(text)| text);
        Some(Self {
            audience: text(s.optional("audience")),
            issuer: text(s.optional("issuer")),
            leeway: s.get_in("leeway", Duration::from_secs(5), Duration::ZERO..=Duration::from_secs(60)),
            personal: s.get("personal", false),
            key: key?,
        })
    }
}

impl JwtKey {
    fn read(s: &mut Section<'_>) -> Option<Self> {
        if s.has("jwks") {
            s.also_known(&["secret", "secret_file", "public_key_file", "algorithm"]);
            return s.optional("jwks").map(Self::Jwks);
        }
        if s.has("public_key_file") {
            s.also_known(&["secret", "secret_file", "jwks"]);
            let pem = read_file(s, "public_key_file");
            let algorithm = s.optional("algorithm");
            return pem.map(|pem| Self::Public(pem, algorithm));
        }
        s.also_known(&["public_key_file", "jwks"]);
        let algorithm = s.get("algorithm", Hmac::Hs256);
        Secret::read(s, "secret", "secret_file", 32).map(|secret| Self::Secret(secret, algorithm))
    }
}

impl Callback {
    fn read(s: &mut Section<'_>) -> Option<Self> {
        let usual = [http::header::COOKIE, http::header::AUTHORIZATION];
        let url = s.required("url");
        Some(Self {
            headers: s.list("headers", usual.to_vec()),
            timeout: s.get_in("timeout", Duration::from_secs(2), TIMES),
            ttl: s.get_in("ttl", Duration::from_secs(60), TIMES),
            ca: read_file(s, "ca_file"),
            url: url?,
        })
    }
}

impl Redis {
    fn read(s: &mut Section<'_>) -> Option<Self> {
        let url = Secret::read(s, "url", "url_file", 1);
        let key = s.required::<Text>("key");
        Some(Self {
            field: s.optional("field").map(|Text(field)| field),
            timeout: s.get_in("timeout", Duration::from_secs(2), TIMES),
            ttl: s.get_in("ttl", Duration::from_secs(60), TIMES),
            rights: Rights::read(s, Rights::Open),
            url: url?,
            key: key?.0,
        })
    }
}

impl Choice for Hmac {
    const ALL: &'static [(&'static str, Self)] =
        &[("HS256", Self::Hs256), ("HS384", Self::Hs384), ("HS512", Self::Hs512)];
}

impl Choice for Asymmetric {
    const ALL: &'static [(&'static str, Self)] = &[
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("PS256", Self::Ps256),
        ("PS384", Self::Ps384),
        ("PS512", Self::Ps512),
        ("ES256", Self::Es256),
        ("ES384", Self::Es384),
        ("EdDSA", Self::EdDsa),
    ];
}

impl Scalar for Url {
    fn right() -> String {
        "a URL such as \"https://app.example/access\"".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        let url: Uri = text.parse().map_err(|_| None)?;
        let known = matches!(url.scheme_str(), Some("http" | "https"));
        let authority = url.authority().ok_or(None)?;
        if authority.as_str().contains('@') {
            return Err(Some("a URL is logged: it may hold no password".to_owned()));
        }
        if known { Ok(Self(url)) } else { Err(None) }
    }

    fn show(&self) -> String {
        quoted(&self.0.to_string())
    }
}

/// Any text of 1 to 1,024 bytes.
pub(super) struct Text(pub(super) String);

impl Scalar for Text {
    fn right() -> String {
        "a text of 1 to 1024 bytes".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        if (1..=1_024).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(None) }
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}
