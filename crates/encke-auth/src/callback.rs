//! Asks the application.

pub(crate) mod answer;
mod breaker;
mod cache;
mod config;
mod flight;
mod question;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use encke_core::{Selector, Timestamp};
use encke_fetch::Fetcher;
use encke_hub::{Access, Answer, Ask, Asker, Authorizer, Denied, Reads};
use http::HeaderName;
use tokio::sync::{Semaphore, watch};

pub use self::config::{CallbackConfig, CallbackError};
use self::{answer::Admission, breaker::Breaker, cache::Cache, flight::Flight, question::Key};
use crate::{clock::Clock, rights::SELECTORS};

/// Asks the application, by one POST with this JSON, and with some of the headers of the client's request:
///
/// ```json
/// {"action":"subscribe","channels":["news","chat.*"],"address":"192.0.2.7","client":"tab-1","token":".."}
/// ```
///
/// `channels` are names and patterns, none if all is wanted that is given without asking. `action` is `subscribe`,
/// `publish`, `presence`, `inspect`, `delete` or `administer`. The rest is there if it is known.
///
/// A 200 of type `application/json` admits, if it is exactly this:
///
/// ```json
/// {"sub":"42","ttl":60,"rights":{"subscribe":["news.**"],"publish":["chat.*"],"presence":["chat.*"],
///  "follow":["lobby"],"history":"5m","info":{"name":"Anna"}}}
/// ```
///
/// All of it is optional: `{}` allows what was asked for to somebody without a name. As soon as `rights` has one of the
/// lists `subscribe`, `publish` and `presence`, only what they say is allowed. The answer holds for `ttl` seconds, in
/// which the same is not asked again, and what was opened with it ends then. `follow` is what he gets without asking,
/// `history` how far back he may read, and `info` what others see of him.
///
/// 401 is [`Denied::Unauthenticated`] and 403 is [`Denied::Forbidden`], for all of the question. Everything else is
/// [`Denied::Undecided`]: a redirect, too slow, too large, another type, a field too many.
///
/// What is remembered is remembered by all that the application gets to see of the asker.
#[derive(Clone)]
pub struct Callback(Arc<Inner>);

struct Inner {
    config: CallbackConfig,
    fetcher: Fetcher,
    clock: Clock,
    free: Arc<Semaphore>,
    state: Mutex<State>,
}

struct State {
    admitted: Cache<Arc<Admission>>,
    refused: Cache<Denied>,
    /// The questions on their way.
    flights: HashMap<Key, Waiting>,
    breaker: Breaker,
}

type Decision = Result<Arc<Admission>, Denied>;
/// Where a decision will be.
type Waiting = watch::Receiver<Option<Decision>>;

/// What is known of what somebody asks for.
struct Known {
    parts: Vec<Arc<Admission>>,
    missing: Vec<Selector>,
}

impl Callback {
    /// Asks whom `config` names.
    ///
    /// # Errors
    /// [`CallbackError`] says what of `config` cannot be.
    pub fn new(config: CallbackConfig) -> Result<Self, CallbackError> {
        Self::timed(config, Clock::default())
    }

    /// The same with another clock than the system's.
    ///
    /// # Errors
    /// [`CallbackError`] says what of `config` cannot be.
    pub fn with_clock(
        config: CallbackConfig,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, CallbackError> {
        Self::timed(config, Clock::new(clock))
    }

    fn timed(config: CallbackConfig, clock: Clock) -> Result<Self, CallbackError> {
        config::check(&config)?;
        let state = State {
            admitted: Cache::new(config.remembered),
            refused: Cache::new(config.remembered),
            flights: HashMap::new(),
            breaker: Breaker::new(&config),
        };
        Ok(Self(Arc::new(Inner {
            fetcher: Fetcher::new(config.fetch.clone()).map_err(CallbackError::Trust)?,
            clock,
            free: Arc::new(Semaphore::new(config.fetch.requests.min(Semaphore::MAX_PERMITS))),
            state: Mutex::new(state),
            config,
        })))
    }
}

impl Authorizer for Callback {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        let credential = question::credential(&ask.asker, &self.0.config.headers);
        let known = self.0.known(&mut self.0.lock(), ask, &credential);
        if known.missing.is_empty()
            && let Some(access) = Admission::join(&known.parts, most(ask))
        {
            return Answer::now(Ok(access));
        }
        let (inner, ask) = (Arc::clone(&self.0), ask.clone());
        Answer::later(async move { inner.decide(ask, credential).await })
    }

    fn reads(&self) -> Reads {
        Reads::nothing().headers(self.0.config.headers.iter().cloned())
    }

    fn presented(&self, asker: &Asker) -> bool {
        asker.token.is_some() || self.0.config.headers.iter().any(|name| asker.headers.contains_key(name))
    }
}

/// Selectors that one decision is put together of, at most. More is asked for as a whole.
fn most(ask: &Ask) -> usize {
    SELECTORS + ask.selectors.len()
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn headers(&self) -> &[HeaderName] {
        &self.config.headers
    }

    async fn decide(self: Arc<Self>, ask: Ask, credential: Key) -> Result<Access, Denied> {
        let (mut parts, answer) = self.begin(&ask, &credential, false)?;
        if let Some(answer) = answer {
            parts.push(landed(answer).await?);
        }
        if let Some(access) = Admission::join(&parts, most(&ask)) {
            return Ok(access);
        }
        // He has become somebody else meanwhile, or the parts are too many.
        let (_, answer) = self.begin(&ask, &credential, true)?;
        let whole = landed(answer.ok_or(Denied::Undecided)?).await?;
        Admission::join(&[whole], usize::MAX).ok_or(Denied::Undecided)
    }

    /// What is known, and where the answer to the rest will be, or to the `whole`.
    fn begin(
        self: &Arc<Self>,
        ask: &Ask,
        credential: &Key,
        whole: bool,
    ) -> Result<(Vec<Arc<Admission>>, Option<Waiting>), Denied> {
        let mut state = self.lock();
        let known = if whole {
            Known { parts: Vec::new(), missing: ask.selectors.clone() }
        } else {
            self.known(&mut state, ask, credential)
        };
        if known.missing.is_empty() && !known.parts.is_empty() {
            return Ok((known.parts, None));
        }
        let key = question::key(credential, ask.action, &known.missing);
        if let Some(denied) = state.refused.get(&key, self.clock.now()) {
            return Err(denied);
        }
        if let Some(answer) = state.flights.get(&key) {
            return Ok((known.parts, Some(answer.clone())));
        }
        let (flight, answer) = Flight::begin(self, &mut state, key, *credential, ask, known.missing)?;
        drop(state);
        tokio::spawn(flight.fly());
        Ok((known.parts, Some(answer)))
    }

    fn known(&self, state: &mut State, ask: &Ask, credential: &Key) -> Known {
        let now = self.clock.now();
        let mut known = Known { parts: Vec::new(), missing: Vec::new() };
        let mut look = |asked: &[Selector]| {
            let key = question::key(credential, ask.action, asked);
            match state.admitted.get(&key, now) {
                Some(part) if known.parts.iter().any(|other| Arc::ptr_eq(other, &part)) => {}
                Some(part) => known.parts.push(part),
                None => known.missing.extend_from_slice(asked),
            }
        };
        if ask.selectors.is_empty() {
            look(&[]);
        }
        ask.selectors.chunks(1).for_each(look);
        known
    }
}

/// The answer to a question on its way. Without one, the question could not be decided.
async fn landed(mut answer: Waiting) -> Decision {
    let decision = answer.wait_for(Option::is_some).await.ok().and_then(|decision| decision.clone());
    decision.unwrap_or(Err(Denied::Undecided))
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("config", &self.0.config).finish_non_exhaustive()
    }
}
