use std::{
    net::IpAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use encke_core::{ChannelName, Limit, Pattern, Selector, Since, Timestamp};
use encke_hub::{
    Access, Action, Ask, Asker, Denied, Grant, Hub, HubConfig, Members, Notice, PresenceConfig, Subscription,
    What,
};

/// A hub whose clock stands, until it is told otherwise. It keeps members on `chat.*`.
pub(crate) struct Node {
    pub(crate) hub: Hub,
    pub(crate) clock: Arc<AtomicU64>,
}

/// The token is the subject: `trusted` may everything, `deaf` may not see who is there, `late` may read one second.
fn access(ask: &Ask) -> Result<Access, Denied> {
    Ok(match ask.asker.token.as_deref() {
        None => Access::open(),
        Some("trusted") => Access::everything(),
        Some("deaf") => Access::only([(Action::Subscribe, Selector::new("**").unwrap())]).for_subject("deaf"),
        Some("late") => Access::open().history(Duration::from_secs(1)),
        Some(subject) => {
            let info = format!("{{\"name\":\"{subject}\"}}");
            Access::open().for_subject(subject).by_token(subject).info(info.into())
        }
    })
}

impl Node {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut PresenceConfig)) -> Self {
        let clock = Arc::new(AtomicU64::new(1_000_000));
        let mut presence =
            PresenceConfig { channels: vec![Pattern::new("chat.*").unwrap()], ..Default::default() };
        change(&mut presence);
        let now = Arc::clone(&clock);
        let hub = Hub::builder()
            .authorizer(access)
            .clock(move || Timestamp::from_millis(now.load(Ordering::Relaxed)))
            .config(HubConfig { presence, ..HubConfig::default() })
            .build()
            .unwrap();
        Self { hub, clock }
    }

    pub(crate) async fn grant(&self, subject: &str, client: &str) -> Grant {
        let mut asker = Asker::default().from_address(IpAddr::from([192, 0, 2, 1]));
        if !subject.is_empty() {
            asker = asker.with_token(subject);
        }
        if !client.is_empty() {
            asker = asker.with_client(client);
        }
        self.hub.authorize(&Ask::from_asker(Arc::new(asker), Action::Subscribe, Vec::new())).await.unwrap()
    }

    pub(crate) async fn open(
        &self,
        subject: &str,
        client: &str,
        label: &'static str,
        follows: &str,
    ) -> Subscription {
        let grant = self.grant(subject, client).await;
        self.hub.subscribe(&grant, label, vec![Selector::new(follows).unwrap()], Since::Latest).await.unwrap()
    }

    pub(crate) async fn poll(&self, subject: &str, client: &str, follows: &str) {
        let mut subscription = self.open(subject, client, "poll", follows).await;
        subscription.keep_lease();
        subscription.read(Limit::default()).await.unwrap();
    }

    pub(crate) async fn members(&self, name: &str) -> Members {
        self.hub.members(&self.grant("trusted", "").await, &channel(name), None, 100).unwrap()
    }

    /// The keys of all members, in their order.
    pub(crate) async fn keys(&self, name: &str) -> Vec<String> {
        self.members(name).await.members.iter().map(|member| member.key.to_string()).collect()
    }

    /// Lets time pass, and everything happen that is due.
    pub(crate) async fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds * 1_000, Ordering::Relaxed);
        let mut maintain = pin!(self.hub.maintain());
        let keep = tokio::time::timeout(Duration::from_millis(1), &mut maintain);
        assert!(keep.await.is_err());
    }

    /// What has happened since the last call, beginning with the first.
    pub(crate) fn told(&self) -> Vec<Notice> {
        match pin!(self.hub.notices()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(noticed) => noticed.notices,
            Poll::Pending => Vec::new(),
        }
    }

    pub(crate) fn whats(&self) -> Vec<What> {
        self.told().iter().map(|notice| notice.what).collect()
    }
}

pub(crate) fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

pub(crate) fn hold(subscription: &mut Subscription) {
    let mut batch = subscription.empty_batch();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(subscription.poll_read(&mut cx, Limit::default(), &mut batch).is_pending());
}
