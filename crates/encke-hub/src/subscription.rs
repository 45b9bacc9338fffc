use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use encke_core::{Batch, Cursor, Gap, Limit, Selector, Since, Tail};

use crate::{Action, Grant, SubscribeError, hub::Inner, registry::Id};

/// A reader of the hub: a cursor and a waker, ended by its grant, by a drain, or by being dropped.
///
/// Nothing is queued for it and no task runs for it. Whoever holds it drives it.
pub struct Subscription {
    inner: Arc<Inner>,
    tail: Tail,
    id: Id,
    end: Arc<OnceLock<End>>,
    /// The head when the end was noticed: the last that is read.
    last: Option<u64>,
}

/// Why a subscription came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The node is being drained. All that there was has been read.
    Drained {
        /// When to come back: spread, so that not all come at once.
        retry: Duration,
    },
    /// The grant's time is over.
    Expired,
    /// The grant was taken back.
    Revoked,
}

impl Subscription {
    pub(crate) fn new(inner: Arc<Inner>, tail: Tail, id: Id, end: Arc<OnceLock<End>>) -> Self {
        Self { inner, tail, id, end, last: None }
    }

    /// Its place: whoever continues from here misses nothing.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.tail.cursor()
    }

    /// What it follows.
    pub fn selectors(&self) -> impl Iterator<Item = Selector> {
        self.tail.selectors()
    }

    /// Whether it follows nothing (yet).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tail.is_empty()
    }

    /// Takes the gaps that following has found, which else come with the first batch: for those who tell the place
    /// before it.
    #[must_use]
    pub fn take_gaps(&mut self) -> Vec<Gap> {
        let gaps = self.tail.take_gaps();
        self.inner.counters.deliver(0, gaps.len());
        gaps
    }

    /// A batch with nothing in it, to be filled by [`Subscription::poll_read`].
    #[must_use]
    pub fn empty_batch(&self) -> Batch {
        self.tail.empty_batch()
    }

    /// Takes what there is, perhaps nothing, and waits for nothing.
    ///
    /// # Errors
    /// [`End`] if it may not read any more.
    pub fn read(&mut self, limit: Limit) -> Result<Batch, End> {
        self.check()?;
        let batch = self.tail.read(limit);
        self.inner.counters.deliver(batch.messages.len(), batch.gaps.len());
        Ok(batch)
    }

    /// Replaces the contents of `batch` by what comes next, or waits for it.
    ///
    /// # Errors
    /// [`End`] when there will be no more.
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        limit: Limit,
        batch: &mut Batch,
    ) -> Poll<Result<(), End>> {
        self.check()?;
        if self.is_done() {
            return Poll::Ready(Err(self.why()));
        }
        match self.tail.poll_read(cx.waker(), limit, batch) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => {
                self.inner.counters.deliver(batch.messages.len(), batch.gaps.len());
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(_)) => Poll::Ready(Err(self.why())),
        }
    }

    /// Waits for what comes next.
    ///
    /// # Errors
    /// [`End`] when there will be no more.
    pub async fn next(&mut self, limit: Limit) -> Result<Batch, End> {
        let mut batch = self.empty_batch();
        poll_fn(|cx| self.poll_read(cx, limit, &mut batch)).await?;
        Ok(batch)
    }

    /// Follows more, beginning at `since`; returns the place that this is. The subscription then ends with whichever of
    /// its grants ends first (D8).
    ///
    /// # Errors
    /// [`SubscribeError`] names what refuses it; then nothing has changed.
    pub fn follow(
        &mut self,
        grant: &Grant,
        selectors: Vec<Selector>,
        since: Since,
    ) -> Result<Cursor, SubscribeError> {
        let now = self.inner.now();
        for selector in &selectors {
            grant.check(Action::Subscribe, selector, now)?;
        }
        let limit = self.inner.config.selectors;
        if self.tail.len() + selectors.len() > limit {
            return Err(SubscribeError::TooManySelectors { limit });
        }
        let cursor = self.tail.follow(selectors, since, now)?;
        if let Some(expires) = grant.expires() {
            self.inner.registry.shorten(self.id, expires);
        }
        Ok(cursor)
    }

    /// Follows `selector` no longer. False if it did not.
    #[must_use]
    pub fn unfollow(&mut self, selector: &Selector) -> bool {
        self.tail.unfollow(selector)
    }

    /// Whether a drain has let through all that there was when this was first noticed. On a channel that never falls
    /// quiet there would always be more.
    fn is_done(&mut self) -> bool {
        if self.end.get().is_none() {
            return false;
        }
        let head = self.inner.engine.log().head().seq;
        self.tail.cursor().seq >= *self.last.get_or_insert(head)
    }

    fn why(&self) -> End {
        self.end.get().copied().unwrap_or(End::Revoked)
    }

    /// Rights end at once, also before what is there to read (D8); a drain lets the rest through.
    fn check(&self) -> Result<(), End> {
        match self.end.get() {
            Some(end @ (End::Expired | End::Revoked)) => Err(*end),
            Some(End::Drained { .. }) | None => Ok(()),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.inner.registry.remove(self.id);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("tail", &self.tail).field("end", &self.end.get()).finish()
    }
}
