use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::oneshot;

use super::{Cluster, NodeId, PATIENCE, Question, Reply, lock, parcel::Parcel};

/// What the nodes of a system have said together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Joint<T> {
    /// What those have said that answered.
    pub answer: T,
    /// The names of those that did not.
    pub silent: Vec<Arc<str>>,
}

impl<T> Joint<T> {
    pub(crate) fn new(answer: T, silent: Vec<Arc<str>>) -> Self {
        Self { answer, silent }
    }
}

/// A question that others have not all answered.
pub(super) struct Asked {
    missing: BTreeMap<NodeId, Arc<str>>,
    replies: Vec<Replied>,
    done: Option<oneshot::Sender<()>>,
}

/// The answer of a node.
pub(crate) struct Replied {
    pub(crate) node: NodeId,
    pub(crate) name: Arc<str>,
    pub(crate) reply: Reply,
}

/// What others have answered.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) replies: Vec<Replied>,
    pub(crate) silent: Vec<Arc<str>>,
}

/// Asks no longer when it is dropped.
struct Asking<'a> {
    cluster: &'a Cluster,
    number: u64,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        lock(&self.cluster.asked).remove(&self.number);
    }
}

impl Cluster {
    /// Questions at a time; to more nobody answers.
    const QUESTIONS: usize = 1_024;

    /// Asks all other nodes, and waits for their answers, but not for long.
    pub(crate) async fn ask(&self, question: Question) -> Heard {
        let (missing, is_up) = {
            let table = lock(&self.table);
            (table.names(), table.is_up())
        };
        if missing.is_empty() {
            return Heard::default();
        }
        let silent = missing.values().cloned().collect();
        let (done, all) = oneshot::channel();
        let asking = Asking { cluster: self, number: fastrand::u64(..) };
        {
            let mut asked = lock(&self.asked);
            if asked.len() >= Self::QUESTIONS || !is_up {
                return Heard { replies: Vec::new(), silent };
            }
            asked.insert(asking.number, Asked { missing, replies: Vec::new(), done: Some(done) });
        }
        let answers = async {
            self.send(None, &Parcel::Question(asking.number, question)).await;
            let _ = all.await;
        };
        let _ = tokio::time::timeout(PATIENCE, answers).await;
        match lock(&self.asked).remove(&asking.number) {
            Some(Asked { missing, replies, .. }) => {
                Heard { replies, silent: missing.into_values().collect() }
            }
            None => Heard { replies: Vec::new(), silent },
        }
    }

    pub(super) fn take_reply(&self, number: u64, from: NodeId, reply: Reply) {
        let mut asked = lock(&self.asked);
        let Some(question) = asked.get_mut(&number) else { return };
        if let Some(name) = question.missing.remove(&from) {
            question.replies.push(Replied { node: from, name, reply });
        }
        let done = if question.missing.is_empty() { question.done.take() } else { None };
        drop(asked);
        if let Some(done) = done {
            let _ = done.send(());
        }
    }
}

impl Heard {
    /// What of the answers is of the kind that was asked for. Who answered something else has not answered.
    pub(crate) fn of<T>(self, read: impl Fn(Reply) -> Option<T>) -> Joint<Vec<T>> {
        let mut joint = Joint::new(Vec::new(), self.silent);
        for Replied { name, reply, .. } in self.replies {
            match read(reply) {
                Some(answer) => joint.answer.push(answer),
                None => joint.silent.push(name),
            }
        }
        joint
    }
}
