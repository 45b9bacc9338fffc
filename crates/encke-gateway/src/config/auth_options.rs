//! Reading the options of each way to decide about access.

use std::time::Duration;

use encke_auth::{KeyTemplate, KeyTemplateError};
use encke_fetch::{Url, UrlError};

use super::{
    auth::{Asymmetric, AuthKind, Callback, Hmac, Jwt, JwtKey, Redis, Rights, Signed},
    limits::TIMES,
    options::FieldName,
    scalar::{Choice, Scalar, quoted},
    secret::{Secret, read_file},
    section::{Section, read_nothing},
};

/// The word after `kind =`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
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
    pub(super) fn names_of_others(self) -> Vec<(&'static str, String)> {
        let names = |kind: Self| read_nothing(|s| drop(kind.read(s))).1;
        let all =
            Self::ALL.iter().flat_map(|(word, kind)| names(*kind).into_iter().map(move |name| (name, *word)));
        all.map(|(name, word)| (name, format!("`{name}` belongs to `{word}`, not to `{}`", self.word())))
            .collect()
    }

    pub(super) fn read(self, s: &mut Section<'_>) -> Option<AuthKind> {
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
        let key = s.required::<Template>("key");
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
        text.parse().map_err(|error: UrlError| Some(error.to_string()))
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

/// A key template, and how it was written.
struct Template(KeyTemplate, String);

impl Scalar for Template {
    fn right() -> String {
        "a key with one place that the request fills, such as \"visitor:{cookie.id}\"".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        let template = text.parse().map_err(|error: KeyTemplateError| Some(error.to_string()))?;
        Ok(Self(template, text.to_owned()))
    }

    fn show(&self) -> String {
        quoted(&self.1)
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
