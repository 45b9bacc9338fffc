//! Requests to other servers: bounded in time and size, over TLS, and never redirected.
//!
//! An answer that redirects is an answer like any other: whoever is asked is who was configured. The environment names
//! no proxy, and a URL holds no password.

mod config;
mod error;
mod fetcher;
mod trust;
mod url;

pub use config::FetchConfig;
pub use error::{FetchError, TrustError};
pub use fetcher::Fetcher;
pub use url::{Url, UrlError};
