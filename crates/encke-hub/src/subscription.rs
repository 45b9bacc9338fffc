mod orders;

use std::{
    fmt,
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use encke_core::{
    Batch, ChannelName, Cursor, Gap, GapReason, Limit, Older, Opening, Page, Selector, Since, Tail, Timestamp,
};

use crate::{
    Action, Answer, EngineError, Grant, Identity, SubscribeError, SubscriptionId, What, hub::Inner,
    registry::Live,
};

/// A reader of the hub: a cursor and a waker, ended by its grant, by a drain, or by being dropped.
///
/// Nothing is queued for it and no task runs for it. Whoever holds it drives it.
pub struct Subscription {
    inner: Arc<Inner>,
    tail: Tail,
    /// What it waits for that is not in memory any more.
    older: Option<(Older, Answer<Result<Page, EngineError>>)>,
    live: Arc<Live>,
    expires: Option<Timestamp>,
    /// What those who run the node have ordered to be followed, whatever its own grant covers.
    given: Vec<Selector>,
    /// What others have ordered, and its holder was not told yet.
    changes: Vec<Change>,
    /// Whether it is a member as soon as it is held.
    waits: bool,
    /// The head when the end was noticed: the last that is read.
    last: Option<u64>,
}

/// What a subscription follows or not by somebody else's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It follows this too, and everything after the place comes.
    Followed(Selector, Cursor),
    /// It follows this no longer.
    Unfollowed(Selector),
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
    /// The engine cannot give what is to be read next. Whoever comes back loses nothing.
    Unavailable {
        /// When to come back: spread, so that not all come at once.
        retry: Duration,
    },
}

impl Change {
    /// What it is about, and the place from which on it is followed, if it is.
    #[must_use]
    pub fn parts(&self) -> (&Selector, Option<Cursor>) {
        match self {
            Self::Followed(selector, cursor) => (selector, Some(*cursor)),
            Self::Unfollowed(selector) => (selector, None),
        }
    }
}

impl Subscription {
    pub(crate) fn new(inner: Arc<Inner>, tail: Tail, live: Arc<Live>) -> Self {
        let expires = live.view().grant.expires();
        live.seq.store(tail.cursor().seq, std::sync::atomic::Ordering::Relaxed);
        Self {
            inner,
            tail,
            older: None,
            live,
            expires,
            given: Vec::new(),
            changes: Vec::new(),
            waits: false,
            last: None,
        }
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> SubscriptionId {
        self.live.id
    }

    pub(crate) fn open_lease(&mut self, kept: Vec<ChannelName>) {
        self.waits = self.live.open_lease(&self.inner, kept);
    }

    /// Has its client stay a member for [`PresenceConfig::lease`](crate::PresenceConfig::lease) after it is dropped: for
    /// those that answer and go, whose client comes again. A client without a subject and a name is no member then.
    pub fn keep_lease(&mut self) {
        self.live.keep_lease();
        self.waits = false;
    }

    /// Takes what others have ordered since the last look: whom it is held for should know.
    #[must_use]
    pub fn take_changes(&mut self) -> Vec<Change> {
        mem::take(&mut self.changes)
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
        self.live.note(&gaps);
        gaps
    }

    /// A batch with nothing in it, to be filled by [`Subscription::poll_read`].
    #[must_use]
    pub fn empty_batch(&self) -> Batch {
        self.tail.empty_batch()
    }

    /// Takes what there is, perhaps nothing, and waits for nothing but the engine.
    ///
    /// # Errors
    /// [`End`] if it may not read any more.
    pub async fn read(&mut self, limit: Limit) -> Result<Batch, End> {
        self.obey();
        loop {
            self.check()?;
            let batch = self.tail.read(limit);
            match self.tail.take_older() {
                Some(older) if is_empty(&batch) => {
                    let page = self.inner.engine.older(older.clone()).await;
                    self.supply(older, page)?;
                }
                _ => {
                    self.deliver(&batch);
                    return Ok(batch);
                }
            }
        }
    }

    /// Replaces the contents of `batch` by what comes next, or waits for it. It is empty where others have changed what
    /// is followed.
    ///
    /// # Errors
    /// [`End`] when there will be no more.
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        limit: Limit,
        batch: &mut Batch,
    ) -> Poll<Result<(), End>> {
        if mem::take(&mut self.waits) {
            self.live.attend(&self.inner, Vec::new());
        }
        loop {
            if self.obey() {
                batch.messages.clear();
                batch.gaps.clear();
                batch.cursor = self.cursor();
                return Poll::Ready(Ok(()));
            }
            self.check()?;
            if self.is_done() {
                return Poll::Ready(Err(self.why()));
            }
            if self.poll_older(cx)?.is_pending() {
                return Poll::Pending;
            }
            match self.tail.poll_read(cx.waker(), limit, batch) {
                // An order that came before the waker was there woke nobody.
                Poll::Pending if self.live.is_ordered() => {}
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if is_empty(batch) => {
                    if let Some(older) = self.tail.take_older() {
                        let answer = self.inner.engine.older(older.clone());
                        self.older = Some((older, answer));
                    }
                }
                Poll::Ready(Ok(())) => {
                    self.deliver(batch);
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Err(self.why())),
            }
        }
    }

    /// Hands over what the engine has been asked for.
    fn poll_older(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        let Some((_, answer)) = &mut self.older else { return Poll::Ready(Ok(())) };
        let Poll::Ready(page) = Pin::new(answer).poll(cx) else { return Poll::Pending };
        let supplied = self.older.take().map_or(Ok(()), |(asked, _)| self.supply(asked, page));
        Poll::Ready(supplied)
    }

    /// Hands over what the engine gave. A page that reaches no further would be asked for again and again.
    fn supply(&mut self, asked: Older, page: Result<Page, EngineError>) -> Result<(), End> {
        match page {
            Ok(page) if page.upto > asked.after.seq => {
                self.tail.supply(asked, page);
                Ok(())
            }
            _ => Err(End::Unavailable { retry: self.inner.spread() }),
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
    pub async fn follow(
        &mut self,
        grant: &Grant,
        selectors: Vec<Selector>,
        since: Since,
    ) -> Result<Cursor, SubscribeError> {
        let now = self.inner.now();
        self.permit(grant, &selectors, now)?;
        let log = self.inner.engine.log();
        let mut new = selectors.clone();
        new.retain(|selector| self.selectors().all(|known| known != *selector));
        let opening = self.inner.opening(&log, grant, &new, since, now).await?;
        self.follow_as(grant, selectors, &opening)
    }

    /// Follows what comes next.
    fn follow_on(&mut self, grant: &Grant, selectors: Vec<Selector>) -> Result<Cursor, SubscribeError> {
        let now = self.inner.now();
        self.permit(grant, &selectors, now)?;
        self.follow_as(grant, selectors, &Opening::new(Since::Latest, now))
    }

    fn permit(&self, grant: &Grant, selectors: &[Selector], now: Timestamp) -> Result<(), SubscribeError> {
        for selector in selectors {
            self.inner.permit(grant, Action::Subscribe, selector, now)?;
        }
        self.inner.subscribes.take(grant).map_err(|retry| SubscribeError::TooMany { retry })?;
        let limit = self.inner.config.selectors;
        if self.tail.len() + selectors.len() > limit {
            return Err(SubscribeError::TooManySelectors { limit });
        }
        Ok(())
    }

    fn follow_as(
        &mut self,
        grant: &Grant,
        selectors: Vec<Selector>,
        opening: &Opening,
    ) -> Result<Cursor, SubscribeError> {
        let kept = self.inner.config.presence.kept(&selectors);
        let cursor = self.tail.follow_as(selectors, opening)?;
        self.live.attend(&self.inner, kept);
        if grant.expires().is_some_and(|expires| self.expires.is_none_or(|known| expires < known)) {
            self.expire_at(grant.expires());
        }
        self.show();
        Ok(cursor)
    }

    /// Follows `selector` no longer. False if it did not.
    #[must_use]
    pub fn unfollow(&mut self, selector: &Selector) -> bool {
        let followed = self.tail.unfollow(selector);
        self.given.retain(|given| given != selector);
        self.live.unattend(&self.inner, |name| matches!(selector, Selector::Channel(own) if own == name));
        self.show();
        followed
    }

    fn deliver(&self, batch: &Batch) {
        self.inner.counters.deliver(batch.messages.len(), batch.gaps.len());
        self.live.deliver(batch);
        for gap in batch.gaps.iter().filter(|gap| gap.reason == GapReason::Slow) {
            let who = || Identity::of(&self.live.view().grant, Some(self.live.label));
            self.inner.tell(What::Slow, who, Some(&gap.channel));
        }
    }

    /// Whether a drain has let through all that there was when this was first noticed. On a channel that never falls
    /// quiet there would always be more.
    fn is_done(&mut self) -> bool {
        if self.live.ended().is_none() {
            return false;
        }
        let head = self.tail.head().seq;
        self.tail.cursor().seq >= *self.last.get_or_insert(head)
    }

    fn why(&self) -> End {
        self.live.ended().unwrap_or(End::Revoked)
    }

    /// Rights end at once, also before what is there to read (D8); a drain lets the rest through.
    fn check(&self) -> Result<(), End> {
        match self.live.ended() {
            Some(end @ (End::Expired | End::Revoked)) => Err(end),
            // Who is woken before the registry has looked at the time has had his all the same.
            _ if self.expires.is_some_and(|expires| expires <= self.inner.now()) => Err(End::Expired),
            Some(End::Drained { .. } | End::Unavailable { .. }) | None => Ok(()),
        }
    }
}

fn is_empty(batch: &Batch) -> bool {
    batch.messages.is_empty() && batch.gaps.is_empty()
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.inner.registry.remove(&self.live, self.expires);
        self.live.end_lease(&self.inner);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("tail", &self.tail).field("end", &self.live.ended()).finish()
    }
}
