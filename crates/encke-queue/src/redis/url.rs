use std::fmt;

use redis::{Client, ConnectionAddr, IntoConnectionInfo as _, ProtocolVersion};
use rustls::crypto::CryptoProvider;

/// Where a Redis is: `redis://user:password@host:6379/0`, or `redis+unix:///path/to/redis.sock`.
#[derive(Clone)]
pub struct RedisUrl(Client);

impl RedisUrl {
    /// Reads a URL. Nothing is connected yet.
    ///
    /// # Errors
    /// [`RedisUrlError`] if it is none, or of a scheme that is not spoken: TLS (`rediss://`) only in processes that have
    /// the TLS of encke-redis and a `CryptoProvider` of rustls installed.
    pub fn parse(url: &str) -> Result<Self, RedisUrlError> {
        let client = Client::open(url).map_err(|_| RedisUrlError)?;
        let is_tls = matches!(client.get_connection_info().addr(), ConnectionAddr::TcpTls { .. });
        // The client takes the provider of the process, and panics without one.
        if is_tls && CryptoProvider::get_default().is_none() {
            return Err(RedisUrlError);
        }
        Ok(Self(client))
    }

    /// With this password, in place of the one in the URL.
    ///
    /// # Errors
    /// [`RedisUrlError`] if that makes no URL any more.
    pub fn with_password(self, password: &str) -> Result<Self, RedisUrlError> {
        let info = self.0.get_connection_info().clone();
        let settings = info.redis_settings().clone().set_password(password);
        Client::open(info.set_redis_settings(settings)).map(Self).map_err(|_| RedisUrlError)
    }

    pub(super) fn client(&self) -> &Client {
        &self.0
    }

    /// A client of the protocol that can do both on one connection, publish and be told (Redis 6 and newer).
    pub(super) fn client_for_push(&self) -> redis::RedisResult<Client> {
        let info = self.0.get_connection_info().clone().into_connection_info()?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Client::open(info.set_redis_settings(settings))
    }
}

impl fmt::Display for RedisUrl {
    /// The place alone: no user, no password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.get_connection_info().addr(), f)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not the URL of a Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisUrlError;

impl fmt::Display for RedisUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the URL of a Redis; one looks like redis://127.0.0.1:6379")
    }
}

impl std::error::Error for RedisUrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_about_a_url_has_its_password() {
        let url = RedisUrl::parse("redis://anna:hush@localhost:7000/2").unwrap();
        let changed = url.clone().with_password("secret").unwrap();
        for text in [format!("{url} {url:?}"), format!("{changed} {changed:?}")] {
            assert!(text.contains("localhost:7000"), "{text}");
            assert!(!text.contains("hush") && !text.contains("secret") && !text.contains("anna"), "{text}");
        }
        for wrong in ["", "localhost", "http://localhost", "redis://", "redis://localhost:port"] {
            assert!(RedisUrl::parse(wrong).is_err(), "{wrong}");
        }
    }
}
