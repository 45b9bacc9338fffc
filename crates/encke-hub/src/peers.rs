//! The other nodes of the system: several hubs over one log, of which each knows what concerns all.
//!
//! [`Peers`] carries parcels between nodes and knows nothing of what is in them. Parcels may get lost; what matters is told
//! again. Each node says twice a second that it is there, and of which number its last *news* is: what has changed of its
//! members and of the bans that were made there. Whoever misses some, or hears of a node for the first time, asks for all
//! that there is, and gets it in parts. So presence is known everywhere, and a ban reaches whoever was cut off as soon as
//! he is back.
//!
//! A node of which nothing was heard for ten seconds is gone, and its members leave. A node that is cut off itself keeps what
//! it knows. Clocks of nodes should agree to about a second: leases and bans end by the clock.
//!
//! Orders and questions go to all nodes at once, and what they answer within a second is put together. Who does not answer is
//! named.
//!
//! What happens to members is told by one node, the eldest of those that know each other. The others keep what they see until
//! it must have been told; if the eldest dies, the next goes on there.

mod asking;
mod label;
mod nodes;
mod obey;
mod parcel;
mod table;
mod teller;
pub(crate) mod wire;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use encke_core::Timestamp;
use tokio::{sync::Notify, time::Instant};

use self::{
    asking::Asked,
    obey::Job,
    parcel::{News, Parcel},
    table::Table,
};
pub use self::{
    asking::Joint,
    nodes::{NodeInfo, NodeState},
};
pub(crate) use self::{parcel::Question, parcel::Reply};
use crate::{
    Answer, Node,
    ban::{BanRecord, Merged},
    hub::Inner,
    presence::{Ended, Origin},
};

/// Carries parcels between the nodes of a system.
///
/// Parcels of one node to another come in the order in which they were sent, those to all and those to it alone in one
/// order; or not at all, which should be seldom. Nobody but the nodes must be able to send any: they are obeyed.
pub trait Peers: Send + Sync + 'static {
    /// Is given the node that it works for, once, when the hub is built. It says when parcels can come and go
    /// ([`Node::connected`]), when they cannot ([`Node::disconnected`]), and hands over those that come
    /// ([`Node::receive`]).
    fn attach(&self, node: Node);

    /// Has a parcel go to one node, or to all others. It answers when there is room for the next; a parcel that cannot
    /// go is dropped.
    fn send(&self, to: Option<NodeId>, parcel: Bytes) -> Answer<()>;
}

impl<P: Peers + ?Sized> Peers for Arc<P> {
    fn attach(&self, node: Node) {
        (**self).attach(node);
    }

    fn send(&self, to: Option<NodeId>, parcel: Bytes) -> Answer<()> {
        (**self).send(to, parcel)
    }
}

/// One life of a node: a number drawn at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// How long others wait for an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a node is there of which nothing is heard, unless it is set.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// How often a node says in this time that it is there.
const BEATS: u32 = 20;

/// Nodes of one system. More are not known.
const NODES: usize = 1_000;

/// The node among others.
pub(crate) struct Cluster {
    pub(crate) id: NodeId,
    pub(crate) name: Arc<str>,
    peers: Option<Box<dyn Peers>>,
    /// The time between two beats.
    beat: Duration,
    table: Mutex<Table>,
    /// Bans and lifts of this node of which the others must be told.
    bans: Mutex<Vec<BanRecord>>,
    asked: Mutex<BTreeMap<u64, Asked>>,
    jobs: Mutex<Jobs>,
    /// The number of the last news.
    news: AtomicU64,
    /// Whether it has said farewell.
    gone: AtomicBool,
    /// Has the teller look what is to be told.
    pub(crate) tell: Arc<Notify>,
    work: Notify,
}

/// What is to be done for other nodes, orders first.
#[derive(Default)]
struct Jobs {
    orders: VecDeque<Job>,
    questions: VecDeque<Job>,
}

impl Cluster {
    /// Orders and questions of other nodes that wait; more are not answered.
    const JOBS: usize = 1_024;

    pub(crate) fn new(
        id: NodeId,
        name: Arc<str>,
        (peers, lease): (Option<Box<dyn Peers>>, Duration),
        began: Timestamp,
    ) -> Self {
        let beat = lease / BEATS;
        Self {
            id,
            name,
            peers,
            beat,
            table: Mutex::new(Table::new(id, began, beat)),
            bans: Mutex::default(),
            asked: Mutex::default(),
            jobs: Mutex::default(),
            news: AtomicU64::new(0),
            gone: AtomicBool::new(false),
            tell: Arc::default(),
            work: Notify::new(),
        }
    }

    /// Whether there may be other nodes.
    pub(crate) fn is_shared(&self) -> bool {
        self.peers.is_some()
    }

    /// Its name, where there may be others.
    pub(crate) fn shown(&self) -> Option<Arc<str>> {
        self.is_shared().then(|| Arc::clone(&self.name))
    }

    /// Whether what one node does for all is for this one to do.
    pub(crate) fn leads(&self) -> bool {
        let table = lock(&self.table);
        self.peers.is_none() || table.is_up() && table.leads(Instant::now())
    }

    pub(crate) fn attach(&self, node: Node) {
        if let Some(peers) = &self.peers {
            peers.attach(node);
        }
    }

    /// Has the others be told of a ban or its end.
    pub(crate) fn tell_ban(&self, record: &BanRecord) {
        if self.is_shared() {
            lock(&self.bans).push(record.clone());
            self.tell.notify_one();
        }
    }

    async fn send(&self, to: Option<NodeId>, parcel: &Parcel) {
        if let Some(peers) = self.peers.as_ref().filter(|_| !self.gone.load(Ordering::Relaxed)) {
            peers.send(to, parcel.write(self.id)).await;
        }
    }

    fn add_job(&self, job: Job) {
        let mut jobs = lock(&self.jobs);
        let queue = if job.is_question() { &mut jobs.questions } else { &mut jobs.orders };
        // What nobody waits for is not more than there are bans and nodes, and must be done.
        if queue.len() < Self::JOBS || !matches!(job, Job::Answer(..)) {
            queue.push_back(job);
        }
        drop(jobs);
        self.work.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// Parcels come and go from now on.
    pub(crate) fn connected(&self) {
        let cluster = &self.cluster;
        lock(&cluster.table).connect(Instant::now(), self.now());
        cluster.tell.notify_one();
    }

    /// No parcel comes or goes.
    pub(crate) fn disconnected(&self) {
        lock(&self.cluster.table).disconnect(Instant::now());
        self.presence.lead(false, &self.notices);
    }

    /// Takes in what has come from another node.
    pub(crate) fn receive(&self, bytes: &[u8]) {
        let Some((from, parcel)) = Parcel::read(bytes).filter(|(from, _)| *from != self.cluster.id) else {
            return;
        };
        let (cluster, now) = (&self.cluster, Instant::now());
        match parcel {
            Parcel::Beat(beat) => {
                let bans = self.bans.digest(self.now());
                let heard = lock(&cluster.table).hear(from, beat, bans, now);
                if heard.is_new {
                    cluster.tell.notify_one();
                }
                if heard.is_elder {
                    self.presence.lead(false, &self.notices);
                }
                if heard.tells {
                    // What happened before has reached it, and it has told it.
                    now.checked_sub(4 * cluster.beat).inspect(|moment| self.presence.told_before(*moment));
                }
            }
            Parcel::News(news) => {
                let report = lock(&cluster.table).news(from, news.number, now);
                self.take_in(from, report, news);
            }
            Parcel::Part(index, last, news) => {
                let report = lock(&cluster.table).part(from, news.number, (index, last), now);
                self.take_in(from, report, news);
                if let Some(before) = report.filter(|_| last) {
                    cluster.add_job(Job::Forget(Ended { node: from, before, until: Timestamp::default() }));
                }
            }
            Parcel::Want => {
                lock(&cluster.table).want(from);
                cluster.tell.notify_one();
            }
            Parcel::Question(number, question) => {
                // From now on, however long it takes to look at all subscriptions.
                if let Question::Ban(record) = &question {
                    self.merge_ban(record.clone());
                }
                cluster.add_job(Job::Answer(from, number, question));
            }
            Parcel::Reply(number, reply) => cluster.take_reply(number, from, reply),
            Parcel::Farewell => {
                if let Some(before) = lock(&cluster.table).farewell(from) {
                    let until = self.now().after(self.config.presence.linger);
                    cluster.add_job(Job::Forget(Ended { node: from, before, until }));
                }
            }
        }
    }

    fn take_in(&self, node: NodeId, report: Option<u64>, news: News) {
        match report {
            Some(report) => self.report_members(Origin { node, report }, news.seats),
            // Something is missing: it is asked for.
            None => self.cluster.tell.notify_one(),
        }
        for record in news.bans {
            if self.merge_ban(record.clone()) == Merged::New {
                self.cluster.add_job(Job::Enforce(record));
            }
        }
    }

    fn merge_ban(&self, record: BanRecord) -> Merged {
        self.bans.merge(record, self.now(), self.config.bans)
    }
}
