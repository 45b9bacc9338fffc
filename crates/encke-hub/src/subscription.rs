use std::{
    fmt,
    future::poll_fn,
    mem,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use encke_core::{Batch, ChannelName, Cursor, Gap, GapReason, Limit, Selector, Since, Tail, Timestamp};

use crate::{
    Action, Denied, Grant, Identity, SubscribeError, SubscriptionId, What,
    hub::Inner,
    registry::{Live, Order},
};

/// A reader of the hub: a cursor and a waker, ended by its grant, by a drain, or by being dropped.
///
/// Nothing is queued for it and no task runs for it. Whoever holds it drives it.
pub struct Subscription {
    inner: Arc<Inner>,
    tail: Tail,
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
        Self { inner, tail, live, expires, given: Vec::new(), changes: Vec::new(), waits: false, last: None }
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

    /// Takes what there is, perhaps nothing, and waits for nothing.
    ///
    /// # Errors
    /// [`End`] if it may not read any more.
    pub fn read(&mut self, limit: Limit) -> Result<Batch, End> {
        self.obey();
        self.check()?;
        let batch = self.tail.read(limit);
        self.deliver(&batch);
        Ok(batch)
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
            match self.tail.poll_read(cx.waker(), limit, batch) {
                // An order that came before the waker was there woke nobody.
                Poll::Pending if self.live.is_ordered() => {}
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => {
                    self.deliver(batch);
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Err(self.why())),
            }
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
            self.inner.permit(grant, Action::Subscribe, selector, now)?;
        }
        self.inner.subscribes.take(grant).map_err(|retry| SubscribeError::TooMany { retry })?;
        let limit = self.inner.config.selectors;
        if self.tail.len() + selectors.len() > limit {
            return Err(SubscribeError::TooManySelectors { limit });
        }
        let floor = grant.history().map(|age| now.before(age));
        let kept = self.inner.config.presence.kept(&selectors);
        let cursor = self.tail.follow_above(floor, selectors, since, now)?;
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

    /// Holds `grant` from now on instead of what it was opened and followed with, and ends when that ends. What it does
    /// not cover is followed no longer, and what it gives without asking is followed too; each is a [`Change`].
    ///
    /// # Errors
    /// [`SubscribeError`] if the grant is another subject's, or its subject has as many subscriptions as he may; then
    /// nothing has changed.
    pub fn renew(&mut self, grant: &Grant) -> Result<(), SubscribeError> {
        let now = self.inner.now();
        let known = self.live.view().grant.clone();
        if known.subject().is_some() && known.subject() != grant.subject() {
            return Err(Denied::Forbidden.into());
        }
        if let Some(subject) = grant.subject_arc() {
            self.inner.registry.name(&self.live, subject, &self.inner.config)?;
        }
        let lost = |selector: &Selector| {
            !self.given.contains(selector)
                && self.inner.permit(grant, Action::Subscribe, selector, now).is_err()
        };
        let lost: Vec<_> = self.selectors().filter(lost).collect();
        self.drop_all(lost);
        self.live.view().grant = grant.clone();
        let kept = self.inner.config.presence.kept(&self.selectors().collect::<Vec<_>>());
        self.live.renew_lease(&self.inner, kept);
        self.expire_at(grant.expires());
        self.obey_one(Order::Follow(grant.clone(), grant.follows().to_vec()));
        Ok(())
    }

    /// Does what others have ordered; returns whether anything has changed by it.
    fn obey(&mut self) -> bool {
        if self.live.is_ordered() {
            for order in self.live.take_orders() {
                self.obey_one(order);
            }
        }
        !self.changes.is_empty()
    }

    fn obey_one(&mut self, order: Order) {
        match order {
            Order::Follow(grant, selectors) => {
                for selector in selectors {
                    let known = self.selectors().any(|known| known == selector);
                    if known {
                        continue;
                    }
                    // What is refused is told as what it is: not followed.
                    let followed = self.follow(&grant, vec![selector.clone()], Since::Latest);
                    if followed.is_ok() && grant.is_trusted() {
                        self.given.push(selector.clone());
                    }
                    self.changes.push(match followed {
                        Ok(cursor) => Change::Followed(selector, cursor),
                        Err(_) => Change::Unfollowed(selector),
                    });
                }
            }
            Order::Unfollow(selector) => {
                let lost = self.selectors().filter(|known| known.overlaps(&selector)).collect();
                self.drop_all(lost);
            }
            Order::Leave(selectors) => self.drop_all(selectors),
            // Whoever ordered it has compared the subjects.
            Order::Renew(grant) => drop(self.renew(&grant)),
        }
    }

    fn drop_all(&mut self, selectors: Vec<Selector>) {
        for selector in selectors {
            if self.unfollow(&selector) {
                self.changes.push(Change::Unfollowed(selector));
            }
        }
    }

    fn expire_at(&mut self, expires: Option<Timestamp>) {
        self.inner.registry.expire_at(&self.live, mem::replace(&mut self.expires, expires), expires);
    }

    /// Shows others what is followed now.
    fn show(&self) {
        let mut view = self.live.view();
        (view.selectors, view.begins) = self.tail.begins().unzip();
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
        let head = self.inner.engine.log().head().seq;
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
            Some(End::Drained { .. }) | None => Ok(()),
        }
    }
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
