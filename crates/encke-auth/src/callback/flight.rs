use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use encke_core::Selector;
use encke_hub::{Action, Ask, Denied};
use http::Request;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{
    Decision, Inner, State, Waiting,
    answer::{self, Admission, Answer},
    breaker::Pass,
    question::{self, Key},
};

/// A question on its way, for all who ask the same. It lands when it is dropped, whatever happened to it.
pub(super) struct Flight {
    inner: Arc<Inner>,
    key: Key,
    credential: Key,
    action: Action,
    asked: Vec<Selector>,
    request: Option<Request<Bytes>>,
    pass: Pass,
    outcome: Outcome,
    waiting: watch::Sender<Option<Decision>>,
    _permit: OwnedSemaphorePermit,
}

struct Outcome {
    /// Whether there was anybody who could answer.
    there: bool,
    answer: Result<Answer, Denied>,
}

impl Flight {
    /// A question that [flies](Self::fly) once, and where its answer will be.
    ///
    /// # Errors
    /// [`Denied::Undecided`] if it may not be asked now.
    pub(super) fn begin(
        inner: &Arc<Inner>,
        state: &mut State,
        key: Key,
        credential: Key,
        ask: &Ask,
        asked: Vec<Selector>,
    ) -> Result<(Self, Waiting), Denied> {
        let uri = inner.config.url.uri();
        let request = question::request(uri, inner.headers(), &ask.asker, ask.action, &asked);
        let request = Some(request.ok_or(Denied::Undecided)?);
        let permit = Arc::clone(&inner.free).try_acquire_owned().map_err(|_| Denied::Undecided)?;
        let pass = state.breaker.pass(inner.clock.now()).ok_or(Denied::Undecided)?;
        let (waiting, answer) = watch::channel(None);
        state.flights.insert(key, answer.clone());
        let outcome = Outcome { there: false, answer: Err(Denied::Undecided) };
        let (inner, action) = (Arc::clone(inner), ask.action);
        let flight =
            Self { inner, key, credential, action, asked, request, pass, outcome, waiting, _permit: permit };
        Ok((flight, answer))
    }

    /// Asks.
    pub(super) async fn fly(mut self) {
        let Some(request) = self.request.take() else { return };
        match self.inner.fetcher.fetch(request).await {
            Ok(answer) => {
                self.outcome.there = !answer::is_gone(answer.status());
                self.outcome.answer = answer::decide(&answer);
                if let Err(Denied::Undecided) = self.outcome.answer {
                    tracing::debug!(
                        status = answer.status().as_u16(),
                        "the callback's answer decides nothing"
                    );
                }
            }
            Err(error) => tracing::debug!(%error, "the callback gave no answer"),
        }
    }

    /// Keeps what was decided, by each channel where it is for all of them.
    fn keep(&mut self, state: &mut State) -> Decision {
        let config = &self.inner.config;
        let now = self.inner.clock.now();
        if state.breaker.settle(self.pass, self.outcome.there, now, fastrand::f64()) {
            tracing::warn!("nobody answers the callback: it is left alone for a while");
        }
        match std::mem::replace(&mut self.outcome.answer, Err(Denied::Undecided)) {
            Ok(answer) => {
                let ttl: Duration = answer.ttl.unwrap_or(config.ttl).min(config.longest_ttl);
                let until = now.after(ttl);
                let admission = Arc::new(Admission::new(answer, self.action, &self.asked, now, until));
                let mut keep = |asked: &[Selector]| {
                    let key = question::key(&self.credential, self.action, asked);
                    state.admitted.insert(key, Arc::clone(&admission), now, until);
                };
                if self.asked.is_empty() {
                    keep(&[]);
                }
                self.asked.chunks(1).for_each(keep);
                Ok(admission)
            }
            Err(denied) => {
                state.refused.insert(self.key, denied, now, now.after(config.refusal_ttl));
                Err(denied)
            }
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let inner = Arc::clone(&self.inner);
        let mut state = inner.lock();
        let decision = self.keep(&mut state);
        state.flights.remove(&self.key);
        drop(state);
        self.waiting.send_replace(Some(decision));
    }
}
