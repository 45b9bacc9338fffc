//! The nodes of the system, as whoever runs them sees them.

use std::sync::{Arc, atomic::Ordering};

use encke_core::Timestamp;

use super::{NodeId, Question, Reply, asking::Replied, lock, parcel::Parcel};
use crate::{Counts, Denied, Grant, Health, Hub, hub::Inner, orders::both};

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeInfo {
    /// The number of its life.
    pub id: NodeId,
    /// What it is called.
    pub name: Arc<str>,
    /// When it was made.
    pub began: Timestamp,
    /// Of encke.
    pub version: Arc<str>,
    /// How it is; nothing, if it did not answer.
    pub state: Option<NodeState>,
}

/// How a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeState {
    /// Whether it is being drained.
    pub draining: bool,
    /// How its engine is.
    pub health: Health,
    /// Its live subscriptions, for each label.
    pub subscriptions: Vec<(&'static str, usize)>,
    /// What it has done.
    pub counts: Counts,
    /// What it had done when, each second of the last minute, the oldest first.
    pub samples: Vec<(Timestamp, Counts)>,
}

impl NodeState {
    pub(super) fn of(inner: &Inner) -> Self {
        Self {
            draining: inner.draining.load(Ordering::SeqCst),
            health: inner.engine.health(),
            subscriptions: inner.registry.by_label(),
            counts: inner.counts(),
            samples: inner.samples.all(),
        }
    }
}

impl Hub {
    /// The nodes of the system, this one first.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub async fn nodes(&self, grant: &Grant) -> Result<Vec<NodeInfo>, Denied> {
        self.administer(grant)?;
        let cluster = &self.inner.cluster;
        let own = NodeInfo {
            id: cluster.id,
            name: Arc::clone(&cluster.name),
            began: self.inner.began,
            version: env!("CARGO_PKG_VERSION").into(),
            state: Some(NodeState::of(&self.inner)),
        };
        let mut states = cluster.ask(Question::State).await.replies;
        let table = lock(&cluster.table);
        let others = table.all().map(|(id, beat)| {
            let at = states.iter().position(|replied| replied.node == id);
            let state = at.and_then(|at| match states.swap_remove(at) {
                Replied { reply: Reply::State(state), .. } => Some(state),
                _ => None,
            });
            let (name, version) = (Arc::clone(&beat.name), Arc::clone(&beat.version));
            NodeInfo { id, name, began: beat.began, version, state }
        });
        Ok([own].into_iter().chain(others).collect())
    }

    /// Its name, where there may be other nodes.
    #[must_use]
    pub fn node_name(&self) -> Option<Arc<str>> {
        self.inner.cluster.shown()
    }

    /// Tells the other nodes that this one goes, so that they need not wait for it: for the end of a drain. Who was here
    /// has the time to come to another node.
    pub async fn farewell(&self) {
        self.inner.cluster.send(None, &Parcel::Farewell).await;
        self.inner.cluster.gone.store(true, Ordering::Relaxed);
    }
}

impl Inner {
    /// Tells the other nodes what they have to know, and does what they want, for ever.
    pub(crate) async fn keep_peers(&self) {
        if !self.cluster.is_shared() {
            return std::future::pending().await;
        }
        both(self.tell_peers(), self.obey_peers()).await;
    }
}
