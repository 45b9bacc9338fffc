//! Who is on a channel, so that polls and long-polls count without flapping.
//!
//! A *member* of a channel is one verified subject; where there is none, one client by the name that it calls itself;
//! and where there is none either, one subscription, as soon as it is held. One who is on three tabs is one member with
//! three connections. Somebody without a name who answers and goes, as a poll does, is no member: nobody could tell that
//! he comes again. Nor is whoever follows a pattern a member of the channels that match it.
//!
//! A member is there by *leases*. A live subscription holds one; when it is dropped the lease lasts
//! [`linger`](PresenceConfig::linger) longer, the time to come back, or [`lease`](PresenceConfig::lease) where
//! [`Subscription::keep_lease`](crate::Subscription::keep_lease) was called. Coming back in time is no leave and no
//! join. Whoever unfollows a channel, or is revoked, banned or kicked, leaves at once. [`Hub::maintain`] ends the leases
//! that are over, so a leave comes up to a second late.
//!
//! Nodes that know each other tell each other of their members, and each knows those of all. One who is on two of them is
//! one member. What happens is told once, by the eldest of them.
//!
//! Beside the channels there is the node: whoever is a member of a channel is *connected*, and where notices of that
//! are wanted, everybody who subscribes. What came before they were wanted is not told later.

mod lease;
mod member;
mod membership;
mod shared;
mod store;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use encke_core::{ChannelName, Pattern, Selector, Timestamp};
use tokio::sync::Notify;

use crate::{
    Action, Denied, Grant, Hub, NoticeKind, Whom, hub::Inner, notice::Notices, reserved::own_channel,
};

pub(crate) use self::lease::Lease;
pub use self::member::{Member, MemberKey, MemberKeyError, Members};
use self::store::Store;
pub(crate) use self::{
    shared::{Ended, Origin, SeatState, Share},
    store::{Place, Seat},
};

/// Members that are looked at or that leave before others get their turn.
const SLICE: usize = 1_000;

/// Where it is kept who is there, for how long, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceConfig {
    /// On the channels of these patterns, and always on personal ones (`@subject`). None by default.
    pub channels: Vec<Pattern>,
    /// How long a member stays whose last connection has ended.
    pub linger: Duration,
    /// How long a member stays from one poll to the next.
    pub lease: Duration,
    /// Members of all channels together, and those that are connected; who is more is not shown
    /// ([`Counts::members_not_kept`](crate::Counts::members_not_kept)).
    pub members: usize,
    /// Connections of one member on one channel that differ in transport or client name; more are not counted
    /// ([`Counts::members_not_kept`](crate::Counts::members_not_kept)).
    pub connections: usize,
    /// Bytes of what the application tells of a member; more is not shown.
    pub info: usize,
    /// Whether members see each other's addresses.
    pub addresses: bool,
}

impl Default for PresenceConfig {
    fn default() -> Self {
        Self {
            channels: Vec::new(),
            linger: Duration::from_secs(5),
            lease: Duration::from_secs(60),
            members: 100_000,
            connections: 64,
            info: 4 << 10,
            addresses: false,
        }
    }
}

impl PresenceConfig {
    fn keeps(&self, channel: &ChannelName) -> bool {
        match channel.as_str().as_bytes().first() {
            Some(b'@') => true,
            Some(b'$') => false,
            _ => self.channels.iter().any(|pattern| pattern.matches(channel)),
        }
    }

    /// Those channels among `selectors` on which it is kept who is there.
    pub(crate) fn kept(&self, selectors: &[Selector]) -> Vec<ChannelName> {
        let kept = selectors.iter().filter_map(|selector| match selector {
            Selector::Channel(name) if self.keeps(name) => Some(name.clone()),
            _ => None,
        });
        kept.collect()
    }
}

/// How many are where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PresenceCounts {
    /// Channels that have a member.
    pub channels: usize,
    /// Members of all channels together.
    pub members: usize,
    /// Who is connected, as far as it is kept.
    pub connected: usize,
}

/// The members, as far as this node knows.
#[derive(Default)]
pub(crate) struct Presence {
    store: Mutex<Store>,
    /// Has other nodes be told what has changed here.
    changed: Arc<Notify>,
}

/// What of presence becomes notices.
const TOLD: [NoticeKind; 6] = [
    NoticeKind::Connected,
    NoticeKind::Disconnected,
    NoticeKind::Joined,
    NoticeKind::Left,
    NoticeKind::Occupied,
    NoticeKind::Vacated,
];

impl Presence {
    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acts on the store, and has notices of what comes of it in the order in which it happened: they are queued before
    /// anybody else acts, and their reader is woken when the lock is gone.
    fn act<R>(&self, notices: &Notices, act: impl FnOnce(&mut Store) -> R) -> R {
        let mut store = self.lock();
        store.tells = TOLD.into_iter().any(|kind| notices.want(kind));
        let result = act(&mut store);
        let happened = store.take_happened();
        let told = store.voice.hear(happened, notices);
        let changed = store.has_changed();
        drop(store);
        if told {
            notices.wake();
        }
        if changed {
            self.changed.notify_one();
        }
        result
    }
}

impl Inner {
    /// Ends some of the leases that are over. Returns whether there may be more.
    pub(crate) fn expire_members(&self, now: Timestamp) -> bool {
        self.presence.act(&self.notices, |store| store.expire(now, SLICE))
    }

    /// Has those of `whom` leave who are away and would come back, on what `on` selects. Those who are connected leave
    /// with their subscriptions.
    pub(crate) async fn revoke_leases(&self, whom: &Whom, on: Option<&Selector>) {
        let mut after = None;
        loop {
            let now = self.now();
            after = self.presence.act(&self.notices, |store| store.revoke(whom, on, after, SLICE, now));
            if after.is_none() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Hub {
    /// Up to `limit` members of a channel, by their keys: those that follow `after`. At most 1,000 at a time.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Presence`] there.
    pub fn members(
        &self,
        grant: &Grant,
        channel: &ChannelName,
        after: Option<&MemberKey>,
        limit: usize,
    ) -> Result<Members, Denied> {
        self.inner.permit_channel(grant, Action::Presence, channel)?;
        let (limit, now) = (limit.clamp(1, SLICE), self.now());
        Ok(self.inner.presence.act(&self.inner.notices, |store| store.list(channel, after, limit, now)))
    }

    /// How many members a channel has.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Presence`] there.
    pub fn member_count(&self, grant: &Grant, channel: &ChannelName) -> Result<usize, Denied> {
        self.inner.permit_channel(grant, Action::Presence, channel)?;
        Ok(self.inner.presence.act(&self.inner.notices, |store| store.count(channel)))
    }

    /// Whether it is kept who is on a channel; if not, it has no members whoever follows it.
    #[must_use]
    pub fn keeps_members(&self, channel: &ChannelName) -> bool {
        self.inner.config.presence.keeps(channel)
    }

    /// Whether somebody follows the own channel of `subject`, or he is connected as far as that is kept. Nobody follows
    /// the channel of one whose name cannot be a channel's.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Publish`] on his channel.
    pub fn is_present(&self, grant: &Grant, subject: &str) -> Result<bool, Denied> {
        let Some(own) = own_channel(subject) else { return Ok(false) };
        self.inner.permit_channel(grant, Action::Publish, &own)?;
        let key = MemberKey::Subject(subject.into());
        let is_present = |store: &mut Store| store.count(&own) > 0 || store.is_connected(key);
        Ok(self.inner.presence.act(&self.inner.notices, is_present))
    }

    /// How many are where, in all.
    #[must_use]
    pub fn presence_counts(&self) -> PresenceCounts {
        self.inner.presence.act(&self.inner.notices, |store| store.counts())
    }
}

#[cfg(test)]
mod model;
