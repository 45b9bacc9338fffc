//! A bus within this process, which can be cut and can lose what it carries.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock},
};

use bytes::Bytes;
use encke_hub::{Answer, Node, NodeId, Peers};

pub(crate) struct Local(Mutex<State>);

struct State {
    /// Those that are not cut off.
    nodes: BTreeMap<NodeId, Node>,
    /// Those to whom nothing comes, without their knowing it.
    deaf: BTreeSet<NodeId>,
    /// Of a hundred parcels so many are lost.
    loss: u32,
    random: fastrand::Rng,
}

/// One node's part of it.
pub(crate) struct LocalPeers {
    local: Arc<Local>,
    node: OnceLock<Node>,
}

impl Local {
    pub(crate) fn new(seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self(Mutex::new(State { nodes: BTreeMap::new(), deaf: BTreeSet::new(), loss: 0, random }))
    }

    /// Has nothing come to a node, or everything again. It is not told.
    pub(crate) fn deafen(&self, id: NodeId, is_deaf: bool) {
        let deaf = &mut self.0.lock().unwrap().deaf;
        let _ = if is_deaf { deaf.insert(id) } else { deaf.remove(&id) };
    }

    pub(crate) fn peers(self: &Arc<Self>) -> Arc<LocalPeers> {
        Arc::new(LocalPeers { local: Arc::clone(self), node: OnceLock::new() })
    }

    /// Has so many of a hundred parcels be lost.
    pub(crate) fn lose(&self, loss: u32) {
        self.0.lock().unwrap().loss = loss;
    }
}

impl LocalPeers {
    pub(crate) fn cut(&self, is_cut: bool) {
        let node = self.node.get().unwrap();
        if is_cut {
            self.local.0.lock().unwrap().nodes.remove(&node.id());
            node.disconnected();
        } else {
            self.local.0.lock().unwrap().nodes.insert(node.id(), node.clone());
            node.connected();
        }
    }
}

impl Peers for LocalPeers {
    fn attach(&self, node: Node) {
        assert!(self.node.set(node).is_ok());
        self.cut(false);
    }

    fn send(&self, to: Option<NodeId>, parcel: Bytes) -> Answer<()> {
        let own = self.node.get().unwrap().id();
        let receivers: Vec<_> = {
            let mut state = self.local.0.lock().unwrap();
            let State { nodes, deaf, loss, random } = &mut *state;
            let is_up = nodes.contains_key(&own);
            let meant =
                |id: &NodeId| is_up && *id != own && !deaf.contains(id) && to.is_none_or(|to| to == *id);
            nodes
                .iter()
                .filter(|(id, _)| meant(id) && random.u32(..100) >= *loss)
                .map(|(_, node)| node.clone())
                .collect()
        };
        receivers.iter().for_each(|node| node.receive(&parcel));
        Answer::now(())
    }
}
