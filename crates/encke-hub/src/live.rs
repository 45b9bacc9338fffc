//! What whoever runs the node sees of its live subscriptions, and does to them.

use std::{net::IpAddr, sync::Arc, sync::atomic::Ordering};

use encke_core::{Cursor, Gap, Pattern, Selector, Timestamp};

use crate::{
    Action, Ban, Denied, End, Grant, Hub, NoticeKind, Noticed, SubscriptionId, TooManyBans, Whom,
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
    /// Its place.
    pub cursor: Cursor,
    /// Messages that it has read.
    pub messages: u64,
    /// Bytes of their data.
    pub bytes: u64,
    /// The last gaps that it was told of.
    pub gaps: Vec<Gap>,
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

    /// Takes rights back: from now on nobody reads, publishes or opens anything by them, and what was opened ends, all
    /// of it or on the banned channels. Returns how many live subscriptions that concerned.
    ///
    /// # Errors
    /// [`BanError`] if the grant is not for [`Action::Administer`], or there are as many bans as there may be.
    pub async fn ban(&self, grant: &Grant, ban: Ban) -> Result<usize, BanError> {
        self.administer(grant).map_err(BanError::Denied)?;
        let now = self.now();
        self.inner.bans.insert(&ban, now, self.inner.config.bans).map_err(BanError::TooMany)?;
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
                    None => live.end(End::Revoked),
                    Some(on) => live.order(Order::Unfollow(on.clone())),
                }
            }
            true
        })
        .await;
        Ok(concerned)
    }

    /// Lifts a ban. False if there is none.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`].
    pub fn lift_ban(&self, grant: &Grant, whom: &Whom, on: Option<&Selector>) -> Result<bool, Denied> {
        self.administer(grant)?;
        Ok(self.inner.bans.lift(whom, on))
    }

    /// Ends the live subscriptions of `whom`, who may come back. Returns how many.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`].
    pub async fn disconnect(&self, grant: &Grant, whom: &Whom) -> Result<usize, Denied> {
        self.order(grant, whom, |live| live.end(End::Revoked)).await
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
        self.order(grant, whom, |live| live.order(Order::Unfollow(selector.clone()))).await
    }

    /// Has the live subscriptions of the client and subject of `grant` hold it from now on. Returns how many: none if
    /// the grant has no verified subject, because what a client calls itself proves nothing.
    pub async fn renew(&self, grant: &Grant) -> usize {
        let Some(subject) = grant.subject() else { return 0 };
        let client = grant.asker().client.clone();
        let mut renewed = 0;
        self.each(&Whom::Subject(subject.into()), None, |live| {
            if live.view().grant.asker().client == client {
                live.order(Order::Renew(grant.clone()));
                renewed += 1;
            }
            true
        })
        .await;
        renewed
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
            cursor: Cursor { seq: load(&live.seq), ..self.log_info().head },
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
