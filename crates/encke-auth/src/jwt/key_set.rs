use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use encke_core::Timestamp;
use encke_fetch::{FetchConfig, Fetcher, Url};
use http::{Request, StatusCode, Uri, header, uri::Scheme};
use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{Head, JwtKeyError, key::VerifyingKey};

/// How long keys are used without a look whether they are still the ones.
const FRESH: Duration = Duration::from_secs(600);
/// How long after a look a token by an unknown key is a reason for the next one.
const PAUSE: Duration = Duration::from_secs(30);
/// How long after a look that failed.
const RETRY: Duration = Duration::from_secs(5);
/// How long a look takes at most.
const DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of a set, at most.
const BYTES: usize = 256 << 10;
/// Keys of a set, at most.
const KEYS: usize = 64;

/// The keys behind a URL. They are fetched when a token comes that needs it, by one request at a time, and kept when
/// that fails.
pub(super) struct KeySet {
    url: Url,
    fetcher: Fetcher,
    keys: ArcSwap<Vec<VerifyingKey>>,
    /// When the keys are no longer fresh, in milliseconds.
    fresh: AtomicU64,
    /// When the next look may be, in milliseconds.
    next: AtomicU64,
    /// Whether the last look failed, or there was none.
    failed: AtomicBool,
    turn: Arc<Mutex<()>>,
}

impl KeySet {
    pub(super) fn new(url: Url, trusted: Option<Bytes>) -> Result<Self, JwtKeyError> {
        if !is_secure(url.uri()) {
            return Err(JwtKeyError::Insecure);
        }
        let config = FetchConfig {
            deadline: DEADLINE,
            answer_bytes: BYTES,
            requests: 1,
            kept: 0,
            trusted,
            ..FetchConfig::default()
        };
        Ok(Self {
            url,
            fetcher: Fetcher::new(config).map_err(JwtKeyError::Trust)?,
            keys: ArcSwap::default(),
            fresh: AtomicU64::new(0),
            next: AtomicU64::new(0),
            failed: AtomicBool::new(true),
            turn: Arc::default(),
        })
    }

    pub(super) fn keys(&self) -> Arc<Vec<VerifyingKey>> {
        self.keys.load_full()
    }

    /// Whether one of the keys may have signed it.
    pub(super) fn knows(&self, head: &Head) -> bool {
        self.keys.load().iter().any(|key| key.is_for(head))
    }

    /// Whether the keys are to be fetched before this is decided.
    pub(super) fn is_due(&self, head: &Head, now: Timestamp) -> bool {
        let over = |moment: &AtomicU64| moment.load(Ordering::Acquire) <= now.as_millis();
        over(&self.next) && (over(&self.fresh) || !self.knows(head))
    }

    /// Whether a key that is not there may yet be one of the issuer's.
    pub(super) fn is_unsure(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Fetches the keys, or waits for whoever is about it; with keys at hand it does not wait for others.
    pub(super) async fn refresh(self: &Arc<Self>, head: &Head, now: Timestamp) {
        let turn = Arc::clone(&self.turn);
        let turn = if self.knows(head) {
            let Ok(turn) = turn.try_lock_owned() else { return };
            turn
        } else {
            turn.lock_owned().await
        };
        if !self.is_due(head, now) {
            return;
        }
        let set = Arc::clone(self);
        // A task of its own, because whoever asks may go away while others wait for the same answer.
        let load = tokio::spawn(async move {
            set.load(now).await;
            drop(turn);
        });
        drop(load.await);
    }

    async fn load(&self, now: Timestamp) {
        let loaded = self.fetch().await;
        let set = |moment: &AtomicU64, time: Timestamp| moment.store(time.as_millis(), Ordering::Release);
        let failed = loaded.is_err();
        match loaded {
            Ok(keys) => {
                self.keys.store(Arc::new(keys));
                set(&self.fresh, now.after(FRESH));
                set(&self.next, now.after(PAUSE));
            }
            Err(reason) => {
                tracing::warn!(url = %self.url, reason, "the keys of the tokens' issuer cannot be fetched");
                set(&self.next, now.after(RETRY));
            }
        }
        self.failed.store(failed, Ordering::Release);
    }

    async fn fetch(&self) -> Result<Vec<VerifyingKey>, String> {
        let request = Request::get(self.url.uri()).header(header::ACCEPT, "application/json");
        let request = request.body(Bytes::new()).map_err(|error| error.to_string())?;
        let answer = self.fetcher.fetch(request).await.map_err(|error| error.to_string())?;
        if answer.status() != StatusCode::OK {
            return Err(format!("the answer is {}", answer.status()));
        }
        read(answer.body())
    }
}

/// The keys of a set that can be used. Those that are for something else are passed over.
fn read(json: &[u8]) -> Result<Vec<VerifyingKey>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }

    let Set { keys } = serde_json::from_slice(json).map_err(|_| "the answer is no set of keys")?;
    if keys.len() > KEYS {
        return Err(format!("there are more than {KEYS} keys"));
    }
    let keys = keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    Ok(keys.filter_map(|key| VerifyingKey::from_jwk(&key)).collect())
}

fn is_secure(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    uri.scheme() == Some(&Scheme::HTTPS)
        || host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("url", &self.url).finish_non_exhaustive()
    }
}
