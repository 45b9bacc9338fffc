//! Tokens that admit nobody, and whoever signs them.

mod issuer;
mod said;
mod signed;
mod spelled;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

pub use issuer::Issuer;

/// The audience of good tokens.
pub const AUDIENCE: &str = "encke.example";
/// The issuer of good tokens.
pub const ISSUER: &str = "https://issuer.example";

/// A token, and what is wrong with it.
pub type Broken = (String, String);

/// A token that admits for an hour, by an authorizer that wants [`AUDIENCE`] and [`ISSUER`]; `now` is in seconds.
#[must_use]
pub fn good(issuer: &Issuer, now: u64) -> String {
    issuer.token(header(issuer).to_string(), claims(now).to_string())
}

/// Tokens that no authorizer may accept that trusts `issuer`, each for one reason. They allow everything, and all but what
/// is wrong with them is right.
#[must_use]
pub fn broken(issuer: &Issuer, now: u64) -> Vec<Broken> {
    [spelled::broken(issuer, now), signed::broken(issuer, now), said::broken(issuer, now)].concat()
}

fn header(issuer: &Issuer) -> Value {
    json!({ "alg": issuer.algorithm(), "typ": "JWT" })
}

fn claims(now: u64) -> Value {
    json!({
        "exp": now + 3_600,
        "iat": now,
        "aud": AUDIENCE,
        "iss": ISSUER,
        "sub": "anna",
        "encke": { "subscribe": ["**"], "publish": ["**"], "presence": ["**"] },
    })
}

/// An object with another value for one field, or without it.
fn with(object: &Value, field: &str, value: impl Into<Option<Value>>) -> String {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove(field);
        fields.extend(value.into().map(|value| (field.to_owned(), value)));
    }
    object.to_string()
}

/// An object that begins with more fields, which are written as they are.
fn beginning_with(object: &Value, fields: &str) -> String {
    object.to_string().replacen('{', &format!("{{{fields},"), 1)
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
