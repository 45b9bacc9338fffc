mod inner;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use encke_core::{
    Appended, ChannelInfo, ChannelName, LogInfo, Pattern, Publish, Selector, Since, Timestamp, Wakes,
};

use crate::{
    Action, Ask, Authorizer, Counts, Denied, Durability, End, Grant, Health, HubConfig, Identity, NoticeKind,
    PublishError, Reads, SubscribeError, Subscription, SubscriptionId, orders::both, registry::Live,
};

pub(crate) use inner::Inner;

/// How many readers are woken before others get their turn.
const WAKE_SLICE: usize = 512;

/// The running hub: a log behind an engine, and those who follow it. Cloning gives another handle to it.
#[derive(Clone)]
pub struct Hub {
    pub(crate) inner: Arc<Inner>,
    authorizer: Arc<dyn Authorizer>,
}

impl Hub {
    pub(crate) fn from_inner(inner: Arc<Inner>, authorizer: Arc<dyn Authorizer>) -> Self {
        Self { inner, authorizer }
    }

    /// Another handle to the same hub, for which `authorizer` decides.
    #[must_use]
    pub fn with_authorizer(&self, authorizer: impl Authorizer) -> Self {
        Self { inner: Arc::clone(&self.inner), authorizer: Arc::new(authorizer) }
    }

    /// What its authorizer looks at of a request.
    #[must_use]
    pub fn reads(&self) -> Reads {
        self.authorizer.reads()
    }

    /// Asks whether somebody may do something.
    ///
    /// # Errors
    /// [`Denied`] says why not.
    pub async fn authorize(&self, ask: &Ask) -> Result<Grant, Denied> {
        let decided = match self.authorizer.authorize(ask).await {
            Ok(access) => {
                let grant = Grant::new(access, Arc::clone(&ask.asker));
                self.inner.bans.check(&grant, self.inner.now()).map(|()| grant)
            }
            Err(denied) => Err(denied),
        };
        decided.inspect_err(|denied| {
            let who = Identity {
                client: ask.asker.client.clone(),
                address: ask.asker.address,
                ..Identity::default()
            };
            self.inner.refuse(*denied, ask.action, who, ask.selectors.first());
        })
    }

    /// Publishes a message and wakes those who wait for it.
    ///
    /// # Errors
    /// [`PublishError`] says why it was not stored.
    pub async fn publish(&self, grant: &Grant, publish: Publish) -> Result<Appended, PublishError> {
        let result = self.store(grant, publish).await;
        match result {
            Ok((appended, mut wakes)) => {
                self.inner.counters.publish(appended.repeated);
                while wakes.wake_some(WAKE_SLICE) {
                    tokio::task::yield_now().await;
                }
                Ok(appended)
            }
            Err(error) => {
                self.inner.counters.refuse();
                Err(error)
            }
        }
    }

    async fn store(&self, grant: &Grant, publish: Publish) -> Result<(Appended, Wakes), PublishError> {
        let now = self.inner.now();
        for channel in publish.channels() {
            self.inner.permit_channel(grant, Action::Publish, channel)?;
        }
        self.inner.publishes.take(grant).map_err(|retry| PublishError::TooMany { retry })?;
        let limit = self.inner.config.message_bytes;
        if publish.message().data().len() > limit {
            return Err(PublishError::TooLarge { limit });
        }
        // What the node itself publishes, notices among it, is no notice.
        let told = self.inner.notices.want(NoticeKind::Published) && !grant.is_trusted();
        let told = told.then(|| publish.channels().to_vec());
        let stored = self.inner.engine.publish(publish, now).await.map_err(PublishError::Engine)?;
        if let Some(channels) = told.filter(|_| !stored.0.repeated) {
            self.inner.tell_published(grant, stored.0.cursor.seq, channels);
        }
        Ok(stored)
    }

    /// Opens a subscription. `label` is the word by which it is counted. While the hub is being drained it reads what
    /// there is, and then ends.
    ///
    /// # Errors
    /// [`SubscribeError`] says why not.
    pub async fn subscribe(
        &self,
        grant: &Grant,
        label: &'static str,
        selectors: Vec<Selector>,
        since: Since,
    ) -> Result<Subscription, SubscribeError> {
        let opened = self.open(grant, label, selectors, since).await;
        self.inner.counters.subscribe(opened.is_ok());
        opened
    }

    async fn open(
        &self,
        grant: &Grant,
        label: &'static str,
        selectors: Vec<Selector>,
        since: Since,
    ) -> Result<Subscription, SubscribeError> {
        let inner = &self.inner;
        let now = inner.now();
        for selector in &selectors {
            inner.permit(grant, Action::Subscribe, selector, now)?;
        }
        inner.subscribes.take(grant).map_err(|retry| SubscribeError::TooMany { retry })?;
        let limit = inner.config.selectors;
        if selectors.len() > limit {
            return Err(SubscribeError::TooManySelectors { limit });
        }
        let kept = inner.config.presence.kept(&selectors);
        let log = inner.engine.log();
        let opening = inner.opening(&log, grant, &selectors, since, now).await?;
        let tail = log.open_as(label, selectors, &opening)?;
        let live = Live::new(label, now, grant.clone(), tail.begins().unzip(), tail.stop_handle());
        let live = inner.registry.insert(live, &inner.config)?;
        // Looked at after it is entered: either the drain and the ban find it, or it finds them.
        if self.is_draining() {
            live.end(End::Drained { retry: inner.spread() });
        }
        if !inner.engine.log().is(&log) {
            live.end(End::Drained { retry: Duration::ZERO });
        }
        let mut subscription = Subscription::new(Arc::clone(inner), tail, live);
        for selector in subscription.selectors() {
            inner.bans.check_on(grant, &selector, now)?;
        }
        subscription.open_lease(kept);
        Ok(subscription)
    }

    /// Removes a channel's messages. False if there is no such channel.
    ///
    /// # Errors
    /// [`PublishError`] if the grant does not cover it or the engine cannot.
    pub async fn delete(&self, grant: &Grant, channel: &ChannelName) -> Result<bool, PublishError> {
        self.inner.permit_channel(grant, Action::Delete, channel)?;
        self.inner.engine.delete(channel).await.map_err(PublishError::Engine)
    }

    /// One channel, if it exists.
    ///
    /// # Errors
    /// [`Denied`] if the grant does not cover it.
    pub fn channel(&self, grant: &Grant, name: &ChannelName) -> Result<Option<ChannelInfo>, Denied> {
        self.inner.permit_channel(grant, Action::Inspect, name)?;
        Ok(self.inner.engine.log().channel(name))
    }

    /// The first `limit` channels that match `pattern` and whose names follow `after`, by name.
    ///
    /// # Errors
    /// [`Denied`] if the grant does not cover the pattern.
    pub async fn channels(
        &self,
        grant: &Grant,
        pattern: &Pattern,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ChannelInfo>, Denied> {
        self.inner.permit(grant, Action::Inspect, &Selector::Pattern(pattern.clone()), self.inner.now())?;
        let mut found = Vec::new();
        self.each_channel(Some(pattern), after, |channel| {
            found.push(channel.info());
            found.len() < limit
        })
        .await;
        Ok(found)
    }

    /// What the log holds as a whole.
    #[must_use]
    pub fn log_info(&self) -> LogInfo {
        self.inner.engine.log().info()
    }

    /// How its engine is.
    #[must_use]
    pub fn health(&self) -> Health {
        self.inner.engine.health()
    }

    /// What a stored message outlives.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.inner.engine.durability()
    }

    /// What the hub has done.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.inner.counts()
    }

    /// The number of live subscriptions for each label.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<(&'static str, usize)> {
        self.inner.registry.by_label()
    }

    /// The limits that it was made with.
    #[must_use]
    pub fn config(&self) -> &HubConfig {
        &self.inner.config
    }

    /// What the hub's clock says.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.now()
    }

    /// Removes what is too old and ends what has expired, every second, and talks with the other nodes, for ever: for a
    /// task of the host's.
    pub async fn maintain(&self) {
        both(self.keep(), self.inner.keep_peers()).await;
    }

    async fn keep(&self) {
        let mut every = tokio::time::interval(Duration::from_secs(1));
        loop {
            every.tick().await;
            let now = self.inner.now();
            self.inner.registry.expire(now);
            self.inner.bans.expire(now);
            while self.inner.expire_members(now) {
                tokio::task::yield_now().await;
            }
            self.inner.samples.add(now, self.counts());
            self.inner.publishes.forget();
            self.inner.subscribes.forget();
            while self.inner.engine.expire(now).await {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Whether [`Hub::drain`] has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.inner.draining.load(Ordering::SeqCst)
    }

    /// Ends the live subscriptions, spread over the window, and new ones as soon as they have read what there is (S4).
    /// Publishing goes on.
    ///
    /// Returns when all have been told; those that hold them may still be writing.
    pub async fn drain(&self) {
        const STEP: Duration = Duration::from_millis(100);
        self.inner.draining.store(true, Ordering::SeqCst);
        let steps = self.inner.config.drain_window.as_millis().div_ceil(STEP.as_millis()).max(1);
        let steps = usize::try_from(steps).unwrap_or(usize::MAX);
        let slice = self.inner.registry.len().div_ceil(steps).max(1);
        let mut every = tokio::time::interval(STEP);
        let mut last: Option<SubscriptionId> = None;
        loop {
            every.tick().await;
            let some = self.inner.registry.some(last, slice);
            some.iter().for_each(|live| live.end(End::Drained { retry: self.inner.spread() }));
            match some.last() {
                Some(live) => last = Some(live.id),
                None => break,
            }
        }
    }

    /// The number of live subscriptions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.registry.len()
    }

    /// Whether nobody subscribes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("config", &self.inner.config).finish_non_exhaustive()
    }
}
