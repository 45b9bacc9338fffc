//! What whoever runs the system does to live subscriptions, at all its nodes.

use std::{fmt, sync::Arc};

use encke_core::{Selector, Timestamp};

use crate::{
    Access, Asker, Ban, BanId, Banned, Denied, End, Grant, Hub, Joint, TooManyBans, Whom,
    ban::BanRecord,
    hub::Inner,
    peers::{Question, Reply},
    registry::{Live, Order},
};

impl Hub {
    /// Takes rights back: from now on nobody reads, publishes or opens anything by them, and what was opened ends, all
    /// of it or on the banned channels.
    ///
    /// # Errors
    /// [`BanError`] if the grant is not for [`Action::Administer`](crate::Action::Administer), or there are as many bans
    /// as there may be.
    pub async fn ban(&self, grant: &Grant, ban: Ban) -> Result<Banned, BanError> {
        self.administer(grant).map_err(BanError::Denied)?;
        let (inner, now) = (&self.inner, self.now());
        let record = inner.bans.insert(&ban, now, inner.config.bans).map_err(BanError::TooMany)?;
        let id = record.id;
        // The order goes first, because it is answered; whoever does not get it gets the news.
        let _news = News { inner, record: &record };
        let (others, here) =
            both(inner.cluster.order(Question::Ban(record.clone())), inner.enforce(&record)).await;
        Ok(Banned { id, concerned: here + others.answer, silent: others.silent })
    }

    /// Lifts a ban. False if there is none of this number.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub fn lift_ban(&self, grant: &Grant, ban: BanId) -> Result<bool, Denied> {
        self.administer(grant)?;
        let lifted = self.inner.bans.lift(ban, self.inner.config.bans);
        Ok(lifted.inspect(|record| self.inner.cluster.tell_ban(record)).is_some())
    }

    /// Ends the live subscriptions of `whom`, who may come back. Returns how many.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub async fn disconnect(&self, grant: &Grant, whom: &Whom) -> Result<Joint<usize>, Denied> {
        self.order(grant, self.inner.disconnect(whom), Question::Disconnect(whom.clone())).await
    }

    /// Has the live subscriptions of `whom` follow `selectors` too, as if they had been asked for. Returns how many.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub async fn follow_for(
        &self,
        grant: &Grant,
        whom: &Whom,
        selectors: &[Selector],
    ) -> Result<Joint<usize>, Denied> {
        let question = Question::Follow(whom.clone(), selectors.to_vec());
        self.order(grant, self.inner.follow_for(whom, selectors), question).await
    }

    /// Has the live subscriptions of `whom` follow `selector` no longer. Returns how many.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub async fn unfollow_for(
        &self,
        grant: &Grant,
        whom: &Whom,
        selector: &Selector,
    ) -> Result<Joint<usize>, Denied> {
        let question = Question::Unfollow(whom.clone(), selector.clone());
        self.order(grant, self.inner.unfollow_for(whom, selector), question).await
    }

    /// Has it done here and at all other nodes.
    async fn order(
        &self,
        grant: &Grant,
        here: impl Future<Output = usize>,
        question: Question,
    ) -> Result<Joint<usize>, Denied> {
        self.administer(grant)?;
        let (mut others, here) = both(self.inner.cluster.order(question), here).await;
        others.answer += here;
        Ok(others)
    }
}

/// Of a ban, told when the order has gone out, or when whoever gave it does not wait.
struct News<'a> {
    inner: &'a Inner,
    record: &'a BanRecord,
}

impl Drop for News<'_> {
    fn drop(&mut self) {
        self.inner.cluster.tell_ban(self.record);
    }
}

/// Both results, of which neither waits for the other.
pub(crate) async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    use std::{
        future::poll_fn,
        pin::pin,
        task::Poll::{Pending, Ready},
    };
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut of_a, mut of_b) = (None, None);
    poll_fn(|cx| {
        if of_a.is_none()
            && let Ready(result) = a.as_mut().poll(cx)
        {
            of_a = Some(result);
        }
        if of_b.is_none()
            && let Ready(result) = b.as_mut().poll(cx)
        {
            of_b = Some(result);
        }
        match (of_a.take(), of_b.take()) {
            (Some(a), Some(b)) => Ready((a, b)),
            (a, b) => {
                (of_a, of_b) = (a, b);
                Pending
            }
        }
    })
    .await
}

/// What is done at one node.
impl Inner {
    /// Ends what a ban takes away. Returns how many live subscriptions it concerned.
    pub(crate) async fn enforce(&self, BanRecord { since, lifted, ban, .. }: &BanRecord) -> usize {
        if *lifted {
            return 0;
        }
        let mut concerned = 0;
        self.each(&ban.whom, None, |live| {
            let (spared, follows) = {
                let view = live.view();
                let follows = |on: &Selector| view.selectors.iter().any(|known| known.overlaps(on));
                (is_spared(ban, *since, &view.grant), ban.on.as_ref().is_none_or(follows))
            };
            if follows && !spared {
                concerned += 1;
                match &ban.on {
                    None => self.revoke(live),
                    Some(on) => self.kick(live, on),
                }
            }
            true
        })
        .await;
        self.revoke_leases(&ban.whom, ban.on.as_ref()).await;
        concerned
    }

    pub(crate) async fn disconnect(&self, whom: &Whom) -> usize {
        let ended = self.each_counted(whom, |live| self.revoke(live)).await;
        self.revoke_leases(whom, None).await;
        ended
    }

    pub(crate) async fn follow_for(&self, whom: &Whom, selectors: &[Selector]) -> usize {
        let grant = Grant::new(Access::everything(), Arc::new(Asker::default()));
        self.each_counted(whom, |live| live.order(Order::Follow(grant.clone(), selectors.to_vec()))).await
    }

    pub(crate) async fn unfollow_for(&self, whom: &Whom, selector: &Selector) -> usize {
        let ordered = self.each_counted(whom, |live| self.kick(live, selector)).await;
        self.revoke_leases(whom, Some(selector)).await;
        ordered
    }

    async fn each_counted(&self, whom: &Whom, order: impl Fn(&Live)) -> usize {
        let mut count = 0;
        self.each(whom, None, |live| {
            order(live);
            count += 1;
            true
        })
        .await;
        count
    }

    /// Ends it, and has it leave at once: who holds it may be writing for long.
    fn revoke(&self, live: &Live) {
        live.end(End::Revoked);
        live.end_lease(self);
    }

    fn kick(&self, live: &Live, on: &Selector) {
        live.order(Order::Unfollow(on.clone()));
        live.unattend(self, |channel| on.matches(channel));
    }
}

impl crate::peers::Cluster {
    /// Has all other nodes do it. Returns how many live subscriptions it concerned there.
    async fn order(&self, question: Question) -> Joint<usize> {
        let heard = self.ask(question).await.of(|reply| match reply {
            Reply::Concerned(count) => Some(count),
            _ => None,
        });
        Joint::new(heard.answer.into_iter().sum(), heard.silent)
    }
}

/// Whether a ban leaves alone what was opened by this grant.
fn is_spared(ban: &Ban, since: Timestamp, grant: &Grant) -> bool {
    grant.is_trusted() || ban.spares_new && grant.issued().is_some_and(|issued| issued > since)
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

impl fmt::Display for BanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denied) => fmt::Display::fmt(denied, f),
            Self::TooMany(many) => fmt::Display::fmt(many, f),
        }
    }
}

impl std::error::Error for BanError {}
