//! Who may: authorizers by token, signed URL, access key, callback and stored key.
//!
//! Each is an [`Authorizer`](encke_hub::Authorizer). A route has one, by
//! [`Hub::with_authorizer`](encke_hub::Hub::with_authorizer); two of them join others.
//!
//! | authorizer | decides by | allows |
//! |---|---|---|
//! | [`Jwt`] | a JSON web token: `Authorization: Bearer`, `?token=` | what its claim `encke` lists |
//! | [`SignedUrl`] | `?key=` or `?publish_key=`, which the application signed | the channels of the URL, until `expires` |
//! | [`AccessKeys`] | a key as token, for servers | what the key was given |
//! | [`ByAddress`] | the client's address | what its network was given |
//! | [`Callback`] | the application, which is asked | what it answers |
//! | `StoredKey`, with the feature `redis` | a key in Redis, named by a cookie, token or header | what is stored there |
//! | [`FirstOf`] | whichever of several knows what was brought | what that one allows |
//! | [`Namespaces`] | another one, and rules by channel | what is open to all, and what that one allows |
//!
//! An own one is a function:
//!
//! ```
//! use encke_auth::{AccessKeys, FirstOf, Jwt, JwtKey, Namespace, Namespaces, Who};
//! use encke_hub::{Access, Action, Ask, Denied, Hub};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hub = Hub::builder().build()?;
//!
//! // Pages come with a token, the application's servers with a key; the news are open to all.
//! let tokens = Jwt::new(JwtKey::hmac(b"a secret of thirty-two bytes, or more")?).audience("chat.example");
//! let keys = AccessKeys::new().with("shop", "kZ3rUq0v9xW7tYb2LmNc", Access::everything())?;
//! let news = Namespace::new("news.**")?.may(Who::Anyone, Action::Subscribe);
//! let route = hub.with_authorizer(Namespaces::new(FirstOf::new(keys).or(tokens), [news]));
//!
//! // Or as you like it.
//! let own = hub.with_authorizer(|ask: &Ask| match ask.asker.token.as_deref() {
//!     Some("open sesame") => Ok(Access::open()),
//!     _ => Err(Denied::Unauthenticated),
//! });
//! # Ok(())
//! # }
//! ```
//!
//! # Tokens
//!
//! ```json
//! {
//!   "exp": 1767225600,
//!   "sub": "anna",
//!   "jti": "7f3k2q9x",
//!   "encke": {
//!     "subscribe": ["news.**"],
//!     "publish": ["chat.*"],
//!     "presence": ["chat.*"],
//!     "follow": ["lobby"],
//!     "history": "5m",
//!     "info": { "name": "Anna" }
//!   }
//! }
//! ```
//!
//! `exp` is required. The subject owns the channel `@anna`; he follows `lobby` without asking for it; others see `info`
//! where he is a member. The key is bound to one algorithm, and the token's header has no say in it: keys that it names or
//! brings along (`jku`, `jwk`, `x5u`, `x5c`) are not looked at. A refusal tells nothing but whether the token has expired;
//! the reason is in the log, at the level debug.
//!
//! # Limits
//!
//! | what | limit | beyond it |
//! |---|---|---|
//! | a token | 8 KiB | refused |
//! | its selectors | 128 | refused |
//! | its `info` | 1 KiB, 32 levels | refused |
//! | leeway between clocks | 5 s, 60 s at most | refused |
//! | a secret | 32 bytes at least (`HS384` 48, `HS512` 64) | no authorizer |
//! | an RSA key | 2048 to 8192 bits | no authorizer; passed over in a set |
//! | a key set | 256 KiB, 64 keys, 5 s | the old keys stay |
//! | looks at a key set | every 10 min; every 30 s for unknown keys, every 5 s when it failed | the keys at hand |
//! | keys tried for a token | 4 | refused |
//! | a signed URL | 128 channels, 7 days ahead | refused |
//! | access keys | 1,000, of 20 to 512 bytes | no authorizer |
//! | a callback's answer | 64 KiB, 5 s | undecided |
//! | callbacks at a time | 64 | undecided |
//! | what a callback remembers | 10,000 decisions and refusals, at most an hour | asked again |
//! | what a request brings to a stored key | 256 visible ASCII characters | refused |
//! | a stored value | 16 KiB, 2 s, 256 look-ups at a time | undecided |

mod access_keys;
mod by_address;
mod callback;
mod clock;
mod first_of;
mod jwt;
mod namespaces;
mod rights;
mod signed_url;
#[cfg(feature = "redis")]
mod stored;

pub use access_keys::{AccessKeyError, AccessKeys};
pub use by_address::{ByAddress, NetworkError};
pub use callback::{Callback, CallbackConfig, CallbackError};
pub use first_of::FirstOf;
pub use jwt::{Jwt, JwtKey, JwtKeyError};
pub use namespaces::{Namespace, NamespaceError, Namespaces, Who};
pub use signed_url::{Link, LinkError, SignedUrl};
#[cfg(feature = "redis")]
pub use stored::{KeyTemplate, KeyTemplateError, StoredKey, StoredKeyConfig, StoredKeyError};
