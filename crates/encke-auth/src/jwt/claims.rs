use std::fmt;

use encke_core::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Visitor},
};

use crate::rights::{Rights, named, object};

/// The end of the year 9999. What lies beyond it was mostly meant in milliseconds.
const LAST: u64 = 253_402_300_799;

/// What a token says (RFC 7519, section 4.1), and in `encke` what its bearer may. Other claims are passed over.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) exp: Time,
    #[serde(default, deserialize_with = "named")]
    pub(super) nbf: Option<Time>,
    #[serde(default, deserialize_with = "named")]
    pub(super) iat: Option<Time>,
    #[serde(default, deserialize_with = "named")]
    pub(super) iss: Option<String>,
    #[serde(default, deserialize_with = "named")]
    pub(super) aud: Option<Audience>,
    #[serde(default, deserialize_with = "named")]
    pub(super) sub: Option<String>,
    #[serde(default, deserialize_with = "named")]
    pub(super) jti: Option<String>,
    #[serde(default)]
    pub(super) encke: Rights,
}

impl Claims {
    pub(super) fn read(json: &[u8]) -> serde_json::Result<Self> {
        let mut from = serde_json::Deserializer::from_slice(json);
        let claims = object(&mut from)?;
        from.end().map(|()| claims)
    }
}

/// A moment, in seconds, which may have a fraction (RFC 7519, section 2: NumericDate).
#[derive(Debug, Clone, Copy)]
pub(super) struct Time(pub(super) Timestamp);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Seconds;

        impl Visitor<'_> for Seconds {
            type Value = u64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds since 1970, until the year 9999")
            }

            fn visit_u64<E>(self, seconds: u64) -> Result<u64, E> {
                Ok(seconds)
            }

            fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<u64, E> {
                if !(0.0..=1e12).contains(&seconds) {
                    return Err(E::custom("a time is no such number"));
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "it is in bounds"
                )]
                Ok(seconds as u64)
            }
        }

        let seconds = from.deserialize_any(Seconds)?;
        if seconds > LAST {
            return Err(D::Error::custom("a time is in seconds, not in milliseconds"));
        }
        Ok(Self(Timestamp::from_millis(seconds * 1_000)))
    }
}

/// For whom a token is: one name, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(super) fn names(&self, wanted: &str) -> bool {
        match self {
            Self::One(name) => name == wanted,
            Self::Several(names) => names.iter().any(|name| name == wanted),
        }
    }
}
