//! What all handles of a hub share.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use encke_core::{ChannelName, Log, Opening, Selector, Since, Timestamp};

use crate::{
    Action, Counts, Denied, Engine, Grant, HubConfig, Identity, Notice, SubscribeError, What,
    ban::Bans,
    counters::{Counters, Samples},
    notice::Notices,
    peers::Cluster,
    presence::Presence,
    quota::Quotas,
    refusal::{Refusal, Refusals},
    registry::Registry,
};

pub(crate) struct Inner {
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) config: HubConfig,
    pub(crate) registry: Registry,
    pub(crate) counters: Counters,
    pub(crate) publishes: Quotas,
    pub(crate) subscribes: Quotas,
    pub(crate) bans: Bans,
    pub(crate) notices: Notices,
    pub(crate) presence: Presence,
    pub(crate) refusals: Refusals,
    pub(crate) samples: Samples,
    pub(crate) began: Timestamp,
    pub(crate) draining: AtomicBool,
    pub(crate) cluster: Cluster,
}

impl Inner {
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Whether `grant` covers it, and nobody has taken that back.
    pub(crate) fn permit(
        &self,
        grant: &Grant,
        action: Action,
        wanted: &Selector,
        now: Timestamp,
    ) -> Result<(), Denied> {
        let permitted =
            grant.check(action, wanted, now).and_then(|()| self.bans.check_on(grant, wanted, now));
        permitted.inspect_err(|denied| self.refuse(*denied, action, Identity::of(grant, None), Some(wanted)))
    }

    pub(crate) fn permit_channel(
        &self,
        grant: &Grant,
        action: Action,
        channel: &ChannelName,
    ) -> Result<(), Denied> {
        self.permit(grant, action, &Selector::Channel(channel.clone()), self.now())
    }

    /// Remembers and tells that somebody might not do something.
    pub(crate) fn refuse(&self, why: Denied, action: Action, who: Identity, on: Option<&Selector>) {
        self.counters.deny();
        self.refusals.add(Refusal { at: self.now(), who: who.clone(), action, on: on.cloned(), why });
        self.tell(What::Refused(why), || who, on);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counters.counts(self.publishes.refused(), self.subscribes.refused())
    }

    pub(crate) fn tell(&self, what: What, who: impl FnOnce() -> Identity, on: Option<&Selector>) {
        let notice = || Notice { what, at: self.now(), who: who(), on: on.cloned(), also: Vec::new() };
        self.notices.tell(what.kind(), notice);
    }

    /// How a reader that holds `grant` begins at `since`, with what the engine must be asked for that.
    pub(crate) async fn opening(
        &self,
        log: &Log,
        grant: &Grant,
        selectors: &[Selector],
        since: Since,
        now: Timestamp,
    ) -> Result<Opening, SubscribeError> {
        let floor = grant.history().map(|age| now.before(age));
        let mut opening = Opening { floor, ..Opening::new(since, now) };
        if let Some(seek) = log.seek(selectors, &opening) {
            opening.sought = self.engine.seek(seek).await.map_err(SubscribeError::Engine)?;
        }
        Ok(opening)
    }

    /// A time to come back after, at random, so that not all come at once.
    pub(crate) fn spread(&self) -> Duration {
        let window = u64::try_from(self.config.drain_window.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(fastrand::u64(0..=window.min(60_000)))
    }

    /// Tells that a client has published.
    pub(crate) fn tell_published(&self, grant: &Grant, seq: u64, channels: Vec<ChannelName>) {
        let what = What::Published(seq);
        let mut channels = channels.into_iter().map(Selector::from);
        self.notices.tell(what.kind(), || Notice {
            what,
            at: self.now(),
            who: Identity::of(grant, None),
            on: channels.next(),
            also: channels.collect(),
        });
    }
}
