//! What whoever runs the node sees of its live subscriptions, and does to them.

use std::{net::IpAddr, sync::Arc, sync::atomic::Ordering};

use encke_core::{ChannelName, Cursor, Gap, Pattern, Selector, Timestamp};

use crate::{
    Action, Ban, BanId, Banned, Denied, End, Grant, Hub, NoticeKind, Noticed, SubscriptionId, TooManyBans,
    Whom,
    registry::{Live, Order},
};

/// How many subscriptions are looked at before others get their turn.
const SLICE: usize = 1_000;

/// A live subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriptionInfo {
    /// Its number.
    pub id: SubscriptionId,
    /// The word by which it is counted: its transport.
    pub label: &'static str,
    /// The verified subject.
    pub subject: Option<Arc<str>>,
    /// What the client calls itself.
    pub client: Option<Arc<str>>,
    /// From where.
    pub address: Option<IpAddr>,
    /// Since when.
    pub began: Timestamp,
    /// Until when its grant holds.
    pub expires: Option<Timestamp>,
    /// What it follows.
    pub selectors: Vec<Selector>,
    /// The seq from which on it follows each of them.
    pub begins: Vec<u64>,
    /// Its place.
    pub cursor: Cursor,
    /// Messages that it has read.
    pub messages: u64,
    /// Bytes of their data.
    pub bytes: u64,
    /// The last gaps that it was told of.
    pub gaps: Vec<Gap>,
}

/// Which live subscriptions: those of which everything is true that is said here.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this verified subject.
    pub subject: Option<String>,
    /// Of a client that calls itself this.
    pub client: Option<String>,
    /// From here.
    pub address: Option<IpAddr>,
    /// Counted by this word: the transport.
    pub label: Option<String>,
    /// They follow this channel, by its name or a pattern.
    pub follows: Option<ChannelName>,
}

impl Wanted {
    fn is(&self, live: &Live) -> bool {
        let view = live.view();
        let asker = view.grant.asker();
        self.label.as_ref().is_none_or(|label| label == live.label)
            && self.address.is_none_or(|address| asker.address == Some(address))
            && self.client.as_ref().is_none_or(|client| asker.client.as_deref() == Some(client))
            && self.subject.as_ref().is_none_or(|subject| view.grant.subject() == Some(subject))
            && self.follows.as_ref().is_none_or(|name| view.selectors.iter().any(|known| known.matches(name)))
    }
}

impl Hub {
    /// Up to `limit` live subscriptions of `whom` that came after `after`, in the order in which they came.
    ///
    /// It looks at all of them, in slices, so it is for people and administration.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`].
    pub async fn live(
        &self,
        grant: &Grant,
        whom: &Whom,
        after: Option<SubscriptionId>,
        limit: usize,
    ) -> Result<Vec<SubscriptionInfo>, Denied> {
        self.administer(grant)?;
        let mut found = Vec::new();
        self.each(whom, after, |live| {
            found.push(self.describe(live));
            found.len() < limit
        })
        .await;
        Ok(found)
    }

    /// Up to `limit` live subscriptions that are `wanted` and came after `after`, in the order in which they came.
    ///
    /// It looks at all of them, in slices.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`].
    pub async fn search(
        &self,
        grant: &Grant,
        wanted: &Wanted,
        after: Option<SubscriptionId>,
        limit: usize,
    ) -> Result<Vec<SubscriptionInfo>, Denied> {
        self.administer(grant)?;
        let mut found = Vec::new();
        self.each(&Whom::Everybody, after, |live| {
            if wanted.is(live) {
                found.push(self.describe(live));
            }
            found.len() < limit
        })
        .await;
        Ok(found)
    }

    /// Takes rights back: from now on nobody reads, publishes or opens anything by them, and what was opened ends, all
    /// of it or on the banned channels.
    ///
    /// # Errors
    /// [`BanError`] if the grant is not for [`Action::Administer`], or there are as many bans as there may be.
    pub async fn ban(&self, grant: &Grant, ban: Ban) -> Result<Banned, BanError> {
        self.administer(grant).map_err(BanError::Denied)?;
        let now = self.now();
        let id = self.inner.bans.insert(&ban, now, self.inner.config.bans).map_err(BanError::TooMany)?;
        let mut concerned = 0;
        self.each(&ban.whom, None, |live| {
            let (trusted, follows) = {
                let view = live.view();
                let follows = |on: &Selector| view.selectors.iter().any(|known| known.overlaps(on));
                (view.grant.is_trusted(), ban.on.as_ref().is_none_or(follows))
            };
            if follows && !trusted {
                concerned += 1;
                match &ban.on {
                    None => self.revoke(live),
                    Some(on) => self.kick(live, on),
                }
            }
            true
        })
        .await;
        self.inner.revoke_leases(&ban.whom, ban.on.as_ref()).await;
        Ok(Banned { id, concerned })
    }

    /// Lifts a ban. False if there is none of this number.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`].
    pub fn lift_ban(&self, grant: &Grant, ban: BanId) -> Result<bool, Denied> {
        self.administer(grant)?;
        Ok(self.inner.bans.lift(ban))
    }

    /// Ends the live subscriptions of `whom`, who may come back. Returns how many.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`].
    pub async fn disconnect(&self, grant: &Grant, whom: &Whom) -> Result<usize, Denied> {
        let ended = self.order(grant, whom, |live| self.revoke(live)).await?;
        self.inner.revoke_leases(whom, None).await;
        Ok(ended)
    }

    /// Has the live subscriptions of `whom` follow `selectors` too, as if they had been asked for. Returns how many.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`].
    pub async fn follow_for(
        &self,
        grant: &Grant,
        whom: &Whom,
        selectors: &[Selector],
    ) -> Result<usize, Denied> {
        self.order(grant, whom, |live| live.order(Order::Follow(grant.clone(), selectors.to_vec()))).await
    }

    /// Has the live subscriptions of `whom` follow `selector` no longer. Returns how many.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`].
    pub async fn unfollow_for(
        &self,
        grant: &Grant,
        whom: &Whom,
        selector: &Selector,
    ) -> Result<usize, Denied> {
        let ordered = self.order(grant, whom, |live| self.kick(live, selector)).await?;
        self.inner.revoke_leases(whom, Some(selector)).await;
        Ok(ordered)
    }

    /// What has happened since the last look, or what happens next. Notices are kept from the first call on; there is
    /// one reader.
    pub async fn notices(&self) -> Noticed {
        self.notices_of(&NoticeKind::ALL).await
    }

    /// Like [`Hub::notices`], and from now on only those of these kinds are kept.
    pub async fn notices_of(&self, kinds: &[NoticeKind]) -> Noticed {
        self.inner.notices.next(kinds).await
    }

    async fn order(&self, grant: &Grant, whom: &Whom, order: impl Fn(&Live)) -> Result<usize, Denied> {
        self.administer(grant)?;
        let mut count = 0;
        self.each(whom, None, |live| {
            order(live);
            count += 1;
            true
        })
        .await;
        Ok(count)
    }

    /// Ends it, and has it leave at once: who holds it may be writing for long.
    fn revoke(&self, live: &Live) {
        live.end(End::Revoked);
        live.end_lease(&self.inner);
    }

    fn kick(&self, live: &Live, on: &Selector) {
        live.order(Order::Unfollow(on.clone()));
        live.unattend(&self.inner, |channel| on.matches(channel));
    }

    /// Looks at each of them until `look` has seen enough.
    async fn each(
        &self,
        whom: &Whom,
        mut after: Option<SubscriptionId>,
        mut look: impl FnMut(&Live) -> bool,
    ) {
        if let Whom::Subscription(id) = whom {
            if let Some(live) = self.inner.registry.get(*id) {
                look(&live);
            }
            return;
        }
        loop {
            let some = self.inner.registry.some(after, SLICE);
            let Some(last) = some.last() else { return };
            after = Some(last.id);
            if !some.iter().filter(|live| live.is(whom)).all(|live| look(live)) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Whether the grant is for whoever runs the node.
    ///
    /// # Errors
    /// [`Denied`] if not.
    pub fn administer(&self, grant: &Grant) -> Result<(), Denied> {
        let Ok(all) = Pattern::new("**") else { return Err(Denied::Undecided) };
        self.inner.permit(grant, Action::Administer, &Selector::Pattern(all), self.now())
    }

    fn describe(&self, live: &Live) -> SubscriptionInfo {
        let view = live.view();
        let asker = view.grant.asker();
        let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        SubscriptionInfo {
            id: live.id,
            label: live.label,
            subject: view.grant.subject_arc().cloned(),
            client: asker.client.clone(),
            address: asker.address,
            began: live.began,
            expires: view.grant.expires(),
            selectors: view.selectors.clone(),
            begins: view.begins.clone(),
            cursor: Cursor { seq: load(&live.seq), ..self.inner.engine.log().head() },
            messages: load(&live.messages),
            bytes: load(&live.bytes),
            gaps: view.gaps.iter().cloned().collect(),
        }
    }
}

/// Why nobody was banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BanError {
    /// The grant is not for it.
    Denied(Denied),
    /// There are as many bans as there may be.
    TooMany(TooManyBans),
}

impl std::fmt::Display for BanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Denied(denied) => std::fmt::Display::fmt(denied, f),
            Self::TooMany(many) => std::fmt::Display::fmt(many, f),
        }
    }
}

impl std::error::Error for BanError {}
