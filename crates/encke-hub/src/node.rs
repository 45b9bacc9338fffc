//! What whoever runs the node sees of the node itself, and what is done to it by what works for it.

use std::{
    cmp::Reverse,
    sync::{Arc, Weak},
    time::Duration,
};

use encke_core::{LogConfig, Timestamp};

use crate::{
    BanId, BanInfo, Counts, Denied, End, Grant, Hub, Joint, NodeId, Refusal,
    hub::Inner,
    peers::{Question, Reply},
};

/// A node, as the engine sees that works for it, and what joins it with others.
#[derive(Clone)]
pub struct Node {
    id: NodeId,
    inner: Weak<Inner>,
}

impl Node {
    /// Over what a renewal spreads the returns.
    const WINDOW: Duration = Duration::from_secs(2);

    pub(crate) fn new(inner: &Arc<Inner>) -> Self {
        Self { id: inner.cluster.id, inner: Arc::downgrade(inner) }
    }

    /// The number of its life, under which other nodes know it.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Whether there is still such a node.
    #[must_use]
    pub fn lives(&self) -> bool {
        self.inner.strong_count() > 0
    }

    /// Parcels of other nodes come from now on, and those of this one go. What was missed is asked for.
    pub fn connected(&self) {
        if let Some(inner) = self.inner.upgrade() {
            inner.connected();
        }
    }

    /// Parcels come and go no longer. The node keeps what it knows of the others.
    pub fn disconnected(&self) {
        if let Some(inner) = self.inner.upgrade() {
            inner.disconnected();
        }
    }

    /// Hands over a parcel that has come, one at a time. What is none is left alone, and so are the node's own.
    pub fn receive(&self, parcel: &[u8]) {
        if let Some(inner) = self.inner.upgrade() {
            inner.receive(parcel);
        }
    }

    /// Ends all live subscriptions, because the engine feeds another log from now on: another life of it, or the same
    /// after more was missed than can be made good. Whoever comes back continues, or is told of a gap.
    pub fn renew(&self) {
        let Some(inner) = self.inner.upgrade() else { return };
        let window = inner.spread().min(Self::WINDOW);
        let mut last = None;
        loop {
            let some = inner.registry.some(last, 1_000);
            let Some(live) = some.last() else { return };
            last = Some(live.id);
            some.iter().for_each(|live| live.end(End::Drained { retry: window.mul_f64(fastrand::f64()) }));
        }
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Node")
    }
}

impl Hub {
    /// The first `limit` bans in force whose numbers follow `after`.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub fn bans(&self, grant: &Grant, after: Option<BanId>, limit: usize) -> Result<Vec<BanInfo>, Denied> {
        self.administer(grant)?;
        Ok(self.inner.bans.some(self.now(), after, limit))
    }

    /// How many bans there are.
    #[must_use]
    pub fn ban_count(&self) -> usize {
        self.inner.bans.len()
    }

    /// The last refusals at all nodes, at most `limit`, the newest first. Each node remembers a thousand.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub async fn refusals(&self, grant: &Grant, limit: usize) -> Result<Joint<Vec<Refusal>>, Denied> {
        self.administer(grant)?;
        let others = self.inner.cluster.ask(Question::Refusals(limit)).await.of(|reply| match reply {
            Reply::Refusals(refusals) => Some(refusals),
            _ => None,
        });
        let mut all = self.inner.refusals.all();
        if !others.answer.is_empty() {
            all.extend(others.answer.into_iter().flatten());
            all.sort_by_key(|refusal| Reverse(refusal.at));
        }
        all.truncate(limit);
        Ok(Joint::new(all, others.silent))
    }

    /// What it had done when, each second of the last minute, the oldest first. Nothing, unless the host runs
    /// [`Hub::maintain`].
    #[must_use]
    pub fn samples(&self) -> Vec<(Timestamp, Counts)> {
        self.inner.samples.all()
    }

    /// Whether what one node does for all is for this one to do. Always, where there is one.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.inner.cluster.leads()
    }

    /// When it was made.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        self.inner.began
    }

    /// The limits of its log.
    #[must_use]
    pub fn log_config(&self) -> LogConfig {
        self.inner.engine.log().config().clone()
    }
}
