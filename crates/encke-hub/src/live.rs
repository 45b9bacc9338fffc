//! What whoever runs the system sees of its live subscriptions.

use std::{net::IpAddr, sync::Arc, sync::atomic::Ordering};

use encke_core::{ChannelName, Cursor, Gap, Pattern, Selector, Timestamp};

use crate::{
    Action, Denied, Grant, Hub, Joint, NoticeKind, Noticed, SubscriptionId, Whom,
    hub::Inner,
    orders::both,
    peers::{Question, Reply},
    registry::Live,
};

/// How many subscriptions are looked at before others get their turn.
const SLICE: usize = 1_000;

/// A live subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriptionInfo {
    /// Its number.
    pub id: SubscriptionId,
    /// The node that has it, where there may be several.
    pub node: Option<Arc<str>>,
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
    /// Of this number.
    pub id: Option<SubscriptionId>,
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
    /// Up to `limit` live subscriptions of `whom` at this node that came after `after`, in the order in which they came.
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
        self.inner
            .each(whom, after, |live| {
                found.push(self.inner.describe(live));
                found.len() < limit
            })
            .await;
        Ok(found)
    }

    /// Up to `limit` live subscriptions at all nodes that are `wanted` and whose numbers follow `after`, by number. Those
    /// of one node are in the order in which they came.
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
    ) -> Result<Joint<Vec<SubscriptionInfo>>, Denied> {
        self.administer(grant)?;
        let others = self.inner.cluster.ask(Question::Search(wanted.clone(), after, limit));
        let (mut found, others) = both(self.inner.search(wanted, after, limit), others).await;
        let others = others.of(|reply| match reply {
            Reply::Found(found) => Some(found),
            _ => None,
        });
        found.extend(others.answer.into_iter().flatten());
        found.sort_by_key(|info| info.id);
        found.truncate(limit);
        Ok(Joint::new(found, others.silent))
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

    /// Whether the grant is for whoever runs the node.
    ///
    /// # Errors
    /// [`Denied`] if not.
    pub fn administer(&self, grant: &Grant) -> Result<(), Denied> {
        let Ok(all) = Pattern::new("**") else { return Err(Denied::Undecided) };
        self.inner.permit(grant, Action::Administer, &Selector::Pattern(all), self.now())
    }
}

impl Inner {
    /// Looks at each of them until `look` has seen enough.
    pub(crate) async fn each(
        &self,
        whom: &Whom,
        mut after: Option<SubscriptionId>,
        mut look: impl FnMut(&Live) -> bool,
    ) {
        if let Whom::Subscription(id) = whom {
            if let Some(live) = self.registry.get(*id) {
                look(&live);
            }
            return;
        }
        loop {
            let some = self.registry.some(after, SLICE);
            let Some(last) = some.last() else { return };
            after = Some(last.id);
            if !some.iter().filter(|live| live.is(whom)).all(|live| look(live)) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Those of this node.
    pub(crate) async fn search(
        &self,
        wanted: &Wanted,
        after: Option<SubscriptionId>,
        limit: usize,
    ) -> Vec<SubscriptionInfo> {
        let whom = wanted.id.map_or(Whom::Everybody, Whom::Subscription);
        let mut found = Vec::new();
        self.each(&whom, after, |live| {
            if wanted.is(live) {
                found.push(self.describe(live));
            }
            found.len() < limit
        })
        .await;
        found
    }

    fn describe(&self, live: &Live) -> SubscriptionInfo {
        let view = live.view();
        let asker = view.grant.asker();
        let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        SubscriptionInfo {
            id: live.id,
            node: self.cluster.shown(),
            label: live.label,
            subject: view.grant.subject_arc().cloned(),
            client: asker.client.clone(),
            address: asker.address,
            began: live.began,
            expires: view.grant.expires(),
            selectors: view.selectors.clone(),
            begins: view.begins.clone(),
            cursor: Cursor { seq: load(&live.seq), ..self.engine.log().head() },
            messages: load(&live.messages),
            bytes: load(&live.bytes),
            gaps: view.gaps.iter().cloned().collect(),
        }
    }
}
