//! Nodes that are one system, and people who come to them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use encke_core::{ChannelName, Limit, Pattern, Selector, Since, Timestamp};
use encke_hub::{
    Access, Action, Ask, Asker, Ban, Denied, End, Grant, Hub, HubConfig, Notice, Peers, PresenceConfig,
    Subscription, Whom,
};
use tokio::{task::JoinHandle, time::Instant};

/// What joins nodes.
pub(crate) trait Bus {
    async fn join(&self) -> Link;
}

/// What joins one node with the others, and how it is cut off from them and joined again.
pub(crate) struct Link {
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) cut: Box<dyn Fn(bool) + Send>,
}

pub(crate) struct Site<B> {
    pub(crate) bus: B,
    began: Instant,
}

/// A node that runs, until it is dropped as if it were killed.
pub(crate) struct Node {
    pub(crate) hub: Hub,
    pub(crate) name: String,
    link: Link,
    upkeep: JoinHandle<()>,
    told: Arc<Mutex<Vec<Notice>>>,
    reader: JoinHandle<()>,
}

/// How long a node is there of which nothing is heard.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// How long somebody has to come back.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// When all tests begin, in milliseconds.
const START: u64 = 1_763_714_460_000;

/// The token is the subject; `root` may everything.
fn access(ask: &Ask) -> Result<Access, Denied> {
    Ok(match ask.asker.token.as_deref() {
        None => Access::open(),
        Some("root") => Access::everything(),
        Some(subject) => Access::open().for_subject(subject).by_token(subject),
    })
}

impl<B: Bus> Site<B> {
    pub(crate) fn new(bus: B) -> Self {
        Self { bus, began: Instant::now() }
    }

    pub(crate) async fn node(&self, name: &str) -> Node {
        let link = self.bus.join().await;
        let began = self.began;
        let clock = move || Timestamp::from_millis(START).after(began.elapsed());
        let chat = vec![Pattern::new("chat.*").unwrap()];
        let presence =
            PresenceConfig { channels: chat, members: 2_000, linger: LINGER, ..PresenceConfig::default() };
        let hub = Hub::builder()
            .peers(Arc::clone(&link.peers))
            .node(name)
            .node_lease(LEASE)
            .authorizer(access)
            .clock(clock)
            .config(HubConfig { presence, ..HubConfig::default() })
            .build()
            .unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let (kept, reading) = (Arc::clone(&told), hub.clone());
        let reader = tokio::spawn(async move {
            loop {
                let noticed = reading.notices().await;
                kept.lock().unwrap().extend(noticed.notices);
            }
        });
        let keeping = hub.clone();
        let upkeep = tokio::spawn(async move { keeping.maintain().await });
        Node { hub, name: name.to_owned(), link, upkeep, told, reader }
    }

    /// Nodes that know each other.
    pub(crate) async fn nodes<const N: usize>(&self) -> [Node; N] {
        let mut nodes = Vec::new();
        for index in 0..N {
            // The eldest is the first.
            tokio::time::sleep(Duration::from_millis(2)).await;
            nodes.push(self.node(&format!("node-{index}")).await);
        }
        for node in &nodes {
            eventually("they know each other", async || node.known().await.len() == N).await;
        }
        nodes.try_into().ok().unwrap()
    }
}

impl Node {
    pub(crate) fn cut(&self) {
        (self.link.cut)(true);
    }

    pub(crate) fn mend(&self) {
        (self.link.cut)(false);
    }

    pub(crate) async fn grant(&self, subject: &str, client: &str) -> Result<Grant, Denied> {
        let mut asker = Asker::default();
        if !subject.is_empty() {
            asker = asker.with_token(subject);
        }
        if !client.is_empty() {
            asker = asker.with_client(client);
        }
        self.hub.authorize(&Ask::from_asker(Arc::new(asker), Action::Subscribe, Vec::new())).await
    }

    pub(crate) async fn root(&self) -> Grant {
        self.grant("root", "").await.unwrap()
    }

    pub(crate) async fn open(&self, subject: &str, client: &str, follows: &str) -> Subscription {
        let grant = self.grant(subject, client).await.unwrap();
        self.hub.subscribe(&grant, "ws", vec![Selector::new(follows).unwrap()], Since::Latest).await.unwrap()
    }

    /// The keys of a channel's members with their connections, in their order.
    pub(crate) async fn members(&self, channel: &str) -> Vec<(String, usize)> {
        let channel = ChannelName::new(channel).unwrap();
        let page = self.hub.members(&self.root().await, &channel, None, 1_000).unwrap();
        assert_eq!(page.count, page.members.len());
        page.members.iter().map(|member| (member.key.to_string(), member.connections())).collect()
    }

    /// What it has told so far: what, on which channel, as whom.
    pub(crate) fn told(&self) -> Vec<Notice> {
        self.told.lock().unwrap().clone()
    }

    /// The names of the nodes that it knows, its own first.
    pub(crate) async fn known(&self) -> Vec<String> {
        let nodes = self.hub.nodes(&self.root().await).await.unwrap();
        nodes.iter().map(|node| node.name.to_string()).collect()
    }

    pub(crate) async fn ban(&self, subject: &str, on: Option<&str>) -> encke_hub::Banned {
        let until = self.hub.now().after(Duration::from_secs(3_600));
        let on = on.map(|on| Selector::new(on).unwrap());
        let ban = Ban { whom: Whom::Subject(subject.into()), on, until, spares_new: false };
        self.hub.ban(&self.root().await, ban).await.unwrap()
    }

    /// Ends as a process does.
    pub(crate) fn die(self) {
        self.cut();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.upkeep.abort();
        self.reader.abort();
    }
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(18);
    while !is_so().await {
        assert!(Instant::now() < patience, "it does not come: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Why it has ended, if it has.
pub(crate) async fn ended(subscription: &mut Subscription) -> Option<End> {
    subscription.read(Limit::default()).await.err()
}
