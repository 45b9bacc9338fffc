mod claims;
mod key;
mod key_set;

use std::{borrow::Cow, fmt, slice, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use encke_core::{ChannelName, Timestamp};
use encke_hub::{Access, Answer, Ask, Asker, Authorizer, Denied};
use jsonwebtoken::{Algorithm, decode_header};

use self::{
    claims::{Claims, Time},
    key::{Source, VerifyingKey},
    key_set::KeySet,
};
use crate::clock::Clock;

pub use self::key::{JwtKey, JwtKeyError};

/// Bytes of a token, at most.
const TOKEN: usize = 8 << 10;
/// Keys that are tried for one token, at most.
const TRIED: usize = 4;
/// How far apart two clocks may be, at most.
const LEEWAY: Duration = Duration::from_secs(60);
/// Types of tokens that are for access (RFC 8725, section 3.11): those of other kinds come from the same issuers.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// Decides by a JSON web token (RFC 7519) that its bearer brings.
///
/// `exp` is required, `nbf`, `iat`, `iss` and `aud` are honoured, `sub` is the verified subject, by `jti` a token can be
/// taken back, and the claim `encke` is what its bearer may. See the [crate's documentation](crate).
#[derive(Debug, Clone)]
pub struct Jwt {
    keys: Keys,
    rules: Rules,
}

#[derive(Debug, Clone)]
enum Keys {
    One(Arc<VerifyingKey>),
    Set(Arc<KeySet>),
}

/// What a token must say, beside that it is signed.
#[derive(Debug, Clone)]
struct Rules {
    audience: Option<Arc<str>>,
    issuer: Option<Arc<str>>,
    leeway: Duration,
    personal: bool,
    clock: Clock,
}

impl Jwt {
    /// Tokens that are signed by `key`.
    #[must_use]
    pub fn new(key: JwtKey) -> Self {
        let keys = match key.0 {
            Source::One(key) => Keys::One(Arc::new(key)),
            Source::Set(set) => Keys::Set(Arc::new(*set)),
        };
        let rules = Rules {
            audience: None,
            issuer: None,
            leeway: Duration::from_secs(5),
            personal: false,
            clock: Clock::default(),
        };
        Self { keys, rules }
    }

    /// Only tokens whose `aud` names this. Without it, only tokens that have none (RFC 7519, section 4.1.3).
    #[must_use]
    pub fn audience(mut self, name: &str) -> Self {
        self.rules.audience = Some(name.into());
        self
    }

    /// Only tokens whose `iss` is this.
    #[must_use]
    pub fn issuer(mut self, name: &str) -> Self {
        self.rules.issuer = Some(name.into());
        self
    }

    /// How far the issuer's clock may be from ours: 5 s without it, a minute at most.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway.min(LEEWAY);
        self
    }

    /// Whether each subject follows his own channel `@subject` without asking for it.
    #[must_use]
    pub fn personal(mut self, personal: bool) -> Self {
        self.rules.personal = personal;
        self
    }

    /// The clock, instead of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.rules.clock = Clock::new(clock);
        self
    }
}

impl Authorizer for Jwt {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        let Some(text) = &ask.asker.token else { return Answer::now(Err(Denied::Unauthenticated)) };
        let head = match Head::read(text) {
            Ok(head) => head,
            Err(flaw) => return Answer::now(Err(flaw.into())),
        };
        let set = match &self.keys {
            Keys::One(key) => return Answer::now(self.rules.decide(text, &head, slice::from_ref(key))),
            Keys::Set(set) => set,
        };
        let now = self.rules.clock.now();
        if !set.is_due(&head, now) {
            return Answer::now(self.rules.decide_by(set, text, &head));
        }
        let (set, rules, text) = (Arc::clone(set), self.rules.clone(), Arc::clone(text));
        Answer::later(async move {
            set.refresh(&head, now).await;
            rules.decide_by(&set, &text, &head)
        })
    }

    fn presented(&self, asker: &Asker) -> bool {
        asker.token.is_some()
    }
}

impl Rules {
    fn decide_by(&self, set: &KeySet, text: &str, head: &Head) -> Result<Access, Denied> {
        if !set.knows(head) && set.is_unsure() {
            return Err(Denied::Undecided);
        }
        self.decide(text, head, &set.keys())
    }

    fn decide(&self, text: &str, head: &Head, keys: &[VerifyingKey]) -> Result<Access, Denied> {
        let claims = verified(text, head, keys);
        claims.and_then(|claims| self.accept(&claims)).map_err(Denied::from)
    }

    fn accept(&self, claims: &Claims) -> Result<Access, Flaw> {
        let now = self.clock.now();
        let expires = claims.exp.0.after(self.leeway);
        let is_future = |time: Time| time.0 > now.after(self.leeway);
        if expires <= now {
            return Err(Flaw::Expired);
        }
        if claims.nbf.is_some_and(is_future) || claims.iat.is_some_and(is_future) {
            return Err(Flaw::Wrong("it is not valid yet".into()));
        }
        let meant = match (&self.audience, &claims.aud) {
            (Some(own), Some(named)) => named.names(own),
            (own, named) => own.is_none() && named.is_none(),
        };
        if !meant {
            return Err(Flaw::Wrong("it is for another audience".into()));
        }
        if self.issuer.as_ref().is_some_and(|issuer| claims.iss.as_deref() != Some(issuer)) {
            return Err(Flaw::Wrong("it is by another issuer".into()));
        }

        let mut access = claims.encke.access().until(expires);
        if let Some(subject) = &claims.sub {
            // One that cannot name his own channel could name others'.
            let own = ChannelName::new(&format!("@{subject}")).ok().filter(|_| !subject.is_empty());
            let own = own.ok_or(Flaw::Wrong("its subject cannot name a channel".into()))?;
            access = access.for_subject(subject);
            if self.personal {
                access = access.follows([own.into()]);
            }
        }
        if let Some(id) = &claims.jti {
            access = access.by_token(id);
        }
        if let Some(issued) = claims.iat {
            access = access.issued(issued.0);
        }
        Ok(access)
    }
}

/// What a token's header says about its signature. Keys that it brings along, or says where to find, are not looked at.
#[derive(Debug)]
struct Head {
    algorithm: Algorithm,
    id: Option<Box<str>>,
}

impl Head {
    fn read(text: &str) -> Result<Self, Flaw> {
        if text.len() > TOKEN {
            return Err(Flaw::Wrong(format!("it has more than {TOKEN} bytes").into()));
        }
        let head = decode_header(text).map_err(|_| Flaw::Wrong("its header cannot be read".into()))?;
        // What is critical must be understood (RFC 7515, section 4.1.11), and we know no extension.
        if head.crit.is_some() || head.enc.is_some() || head.zip.is_some() {
            return Err(Flaw::Wrong("its header asks for what is not known".into()));
        }
        if head.typ.is_some_and(|name| !TYPES.contains(&name.to_ascii_lowercase().as_str())) {
            return Err(Flaw::Wrong("it is of another type".into()));
        }
        Ok(Self { algorithm: head.alg, id: head.kid.map(Into::into) })
    }
}

/// What a token says that one of the keys signed. Nothing of it is read before.
fn verified(text: &str, head: &Head, keys: &[VerifyingKey]) -> Result<Claims, Flaw> {
    let parts = text.rsplit_once('.').and_then(|(message, signature)| {
        let (_, claims) = message.split_once('.')?;
        Some((message, claims, URL_SAFE_NO_PAD.decode(signature).ok()?))
    });
    let (message, claims, signature) = parts.ok_or(Flaw::Wrong("it has no three parts".into()))?;
    let mut keys = keys.iter().filter(|key| key.is_for(head)).take(TRIED);
    if !keys.any(|key| key.verifies(message.as_bytes(), &signature)) {
        return Err(Flaw::Wrong("no key signed it".into()));
    }
    let claims =
        URL_SAFE_NO_PAD.decode(claims).map_err(|_| Flaw::Wrong("its claims are not base64url".into()))?;
    Claims::read(&claims).map_err(|error| Flaw::Wrong(error.to_string().into()))
}

/// What is wrong with a token. Its bearer learns only whether it has expired.
#[derive(Debug)]
enum Flaw {
    Expired,
    Wrong(Cow<'static, str>),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("it has expired"),
            // A parser's words may quote the token.
            Self::Wrong(reason) => {
                reason.chars().take(200).try_for_each(|c| write!(f, "{}", c.escape_debug()))
            }
        }
    }
}

impl From<Flaw> for Denied {
    fn from(flaw: Flaw) -> Self {
        tracing::debug!(reason = %flaw, "a token is refused");
        match flaw {
            Flaw::Expired => Self::Expired,
            Flaw::Wrong(_) => Self::Unauthenticated,
        }
    }
}
