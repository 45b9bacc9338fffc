//! Random subscriptions that come, go and are sent away, beside a naive model that keeps every connection ever.

mod check;
mod naive;

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use encke_core::{ChannelName, Limit, Pattern, Selector, Since, Timestamp};
use proptest::{collection::vec, prelude::*};

use self::naive::{Naive, Seat, is};
use super::PresenceConfig;
use crate::{Access, Action, Ask, Asker, Denied, Grant, Hub, HubConfig, Notice, Subscription, Whom};

const LINGER: u64 = 5_000;
const LEASE: u64 = 60_000;
const CHANNELS: [&str; 4] = ["chat.a", "chat.b", "plain", "@s1"];
/// Subjects and clients' names.
const PEOPLE: [(&str, &str); 6] =
    [("", ""), ("", "c1"), ("s1", ""), ("s1", "c1"), ("s1", "c2"), ("s2", "c1")];
const LABELS: [&str; 2] = ["held", "away"];

#[derive(Debug, Clone)]
enum Op {
    Advance(u64),
    /// With the label 1 it answers and goes.
    Open {
        who: usize,
        channels: Vec<usize>,
        label: usize,
    },
    Hold(usize),
    Drop(usize),
    Follow(usize, usize),
    Unfollow(usize, usize),
    Renew(usize, usize),
    /// Has somebody leave: a subject, a client, a token, or the owner of a subscription.
    Disconnect(usize),
    /// Has subjects leave one channel.
    Kick(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let (which, channel, who) = (|| 0..12usize, || 0..CHANNELS.len(), || 0..PEOPLE.len());
    prop_oneof![
        6 => prop_oneof![Just(0u64), 0..10_000u64, 0..70_000u64].prop_map(Op::Advance),
        8 => (who(), vec(channel(), 0..3), 0..2usize)
            .prop_map(|(who, channels, label)| Op::Open { who, channels, label }),
        4 => which().prop_map(Op::Hold),
        6 => which().prop_map(Op::Drop),
        2 => (which(), channel()).prop_map(|(which, channel)| Op::Follow(which, channel)),
        2 => (which(), channel()).prop_map(|(which, channel)| Op::Unfollow(which, channel)),
        1 => (which(), who()).prop_map(|(which, who)| Op::Renew(which, who)),
        1 => (0..4usize).prop_map(Op::Disconnect),
        1 => (0..2usize).prop_map(Op::Kick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn members_are_those_of_a_naive_model(ops in vec(op(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut world = World::new();
        for op in &ops {
            runtime.block_on(world.step(op));
            world.check();
        }
        world.end();
    }
}

/// Who is there, and since when.
type Present = BTreeMap<Seat, u64>;

struct Reader {
    subscription: Subscription,
    who: usize,
    label: usize,
    follows: BTreeSet<usize>,
    pending: bool,
}

struct World {
    hub: Hub,
    clock: Arc<AtomicU64>,
    readers: Vec<Reader>,
    naive: Naive,
    /// Who was there after the last step, and since when.
    present: Present,
    /// Who is there by what notices said.
    told: BTreeSet<Seat>,
}

fn access(ask: &Ask) -> Result<Access, Denied> {
    Ok(match ask.asker.token.as_deref() {
        None => Access::open(),
        Some("trusted") => Access::everything(),
        Some(subject) => Access::open().for_subject(subject).by_token(subject),
    })
}

fn grant(hub: &Hub, token: &str, client: &str) -> Grant {
    let mut asker = Asker::default();
    if !token.is_empty() {
        asker = asker.with_token(token);
    }
    if !client.is_empty() {
        asker = asker.with_client(client);
    }
    let ask = Ask::from_asker(Arc::new(asker), Action::Subscribe, Vec::new());
    match pin!(hub.authorize(&ask)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(grant) => grant.unwrap(),
        Poll::Pending => panic!("the authorizer waits"),
    }
}

fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

fn may(who: usize, channel: usize) -> bool {
    CHANNELS[channel] != "@s1" || PEOPLE[who].0 == "s1"
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(AtomicU64::new(1_000_000));
        let presence = PresenceConfig {
            channels: vec![Pattern::new("chat.*").unwrap()],
            linger: Duration::from_millis(LINGER),
            lease: Duration::from_millis(LEASE),
            ..PresenceConfig::default()
        };
        let config = HubConfig { presence, ..HubConfig::default() };
        let at = Arc::clone(&clock);
        let hub = Hub::builder()
            .authorizer(access)
            .clock(move || Timestamp::from_millis(at.load(Ordering::Relaxed)))
            .config(config)
            .build()
            .unwrap();
        let world = Self {
            hub,
            clock,
            readers: Vec::new(),
            naive: Naive::default(),
            present: Present::new(),
            told: BTreeSet::new(),
        };
        assert!(world.notices().is_empty());
        world
    }

    fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// What has happened; from the first call on notices are kept.
    fn notices(&self) -> Vec<Notice> {
        match pin!(self.hub.notices()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(noticed) => noticed.notices,
            Poll::Pending => Vec::new(),
        }
    }

    async fn step(&mut self, op: &Op) {
        match op {
            Op::Advance(millis) => {
                self.clock.fetch_add(*millis, Ordering::Relaxed);
                while self.hub.inner.expire_members(self.hub.now()) {}
            }
            Op::Open { who, channels, label } => self.open(*who, channels, *label).await,
            Op::Hold(which) => self.hold(*which),
            Op::Drop(which) => {
                if *which < self.readers.len() {
                    let reader = self.readers.remove(*which);
                    let length = if reader.label == 1 { LEASE } else { LINGER };
                    self.naive.leave(&reader, |_| true, Some(self.now() + length));
                }
            }
            Op::Follow(which, index) => self.follow(*which, *index).await,
            Op::Unfollow(which, index) => {
                if let Some(reader) = self.readers.get_mut(*which) {
                    let followed = reader.follows.remove(index);
                    assert_eq!(reader.subscription.unfollow(&channel(CHANNELS[*index]).into()), followed);
                    self.naive.leave(reader, |place| place == Some(CHANNELS[*index]), None);
                }
            }
            Op::Renew(which, who) => self.renew(*which, *who),
            Op::Disconnect(whom) => self.disconnect(*whom).await,
            Op::Kick(index) => self.kick(*index).await,
        }
    }

    async fn open(&mut self, who: usize, channels: &[usize], label: usize) {
        let grant = grant(&self.hub, PEOPLE[who].0, PEOPLE[who].1);
        let follows: BTreeSet<_> = channels.iter().copied().filter(|index| may(who, *index)).collect();
        let selectors = follows.iter().map(|index| channel(CHANNELS[*index]).into()).collect();
        let mut subscription =
            self.hub.subscribe(&grant, LABELS[label], selectors, Since::Latest).await.unwrap();
        if label == 1 {
            subscription.keep_lease();
        }
        let named = PEOPLE[who] != ("", "");
        let reader = Reader { subscription, who, label, follows, pending: !named && label == 0 };
        if named {
            self.naive.attend(&reader);
        }
        self.readers.push(reader);
    }

    fn hold(&mut self, which: usize) {
        let Some(reader) = self.readers.get_mut(which) else { return };
        let mut batch = reader.subscription.empty_batch();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(reader.subscription.poll_read(&mut cx, Limit::default(), &mut batch).is_pending());
        if std::mem::take(&mut reader.pending) {
            self.naive.attend(reader);
        }
    }

    async fn follow(&mut self, which: usize, index: usize) {
        let Some(reader) = self.readers.get_mut(which) else { return };
        if !may(reader.who, index) {
            return;
        }
        let grant = grant(&self.hub, PEOPLE[reader.who].0, PEOPLE[reader.who].1);
        reader
            .subscription
            .follow(&grant, vec![channel(CHANNELS[index]).into()], Since::Latest)
            .await
            .unwrap();
        reader.follows.insert(index);
        reader.pending = false;
        self.naive.attend(reader);
    }

    fn renew(&mut self, which: usize, who: usize) {
        let Some(reader) = self.readers.get_mut(which) else { return };
        let known = PEOPLE[reader.who].0;
        let grant = grant(&self.hub, PEOPLE[who].0, PEOPLE[who].1);
        let renewed = reader.subscription.renew(&grant);
        assert_eq!(renewed.is_ok(), known.is_empty() || known == PEOPLE[who].0);
        if renewed.is_err() {
            return;
        }
        assert!(reader.subscription.take_changes().is_empty());
        reader.who = who;
        if !self.naive.held(reader.subscription.id().0).is_empty() {
            self.naive.renew(reader, self.clock.load(Ordering::Relaxed));
        } else if PEOPLE[who] != ("", "") {
            reader.pending = false;
            self.naive.attend(reader);
        }
    }

    async fn disconnect(&mut self, whom: usize) {
        let whom = match whom {
            0 => Whom::Subject("s1".into()),
            1 => Whom::Client("c1".into()),
            2 => Whom::Token("s2".into()),
            _ => Whom::Everybody,
        };
        self.hub.disconnect(&grant(&self.hub, "trusted", ""), &whom).await.unwrap();
        self.naive.revoke(&whom, |_| true);
        let (naive, who) = (&mut self.naive, |reader: &Reader| PEOPLE[reader.who]);
        self.readers.retain(|reader| {
            let gone = is(&whom, who(reader).0, who(reader).1);
            if gone {
                naive.leave(reader, |_| true, None);
            }
            !gone
        });
    }

    async fn kick(&mut self, index: usize) {
        let (whom, selector) = (Whom::Subject("s1".into()), Selector::new(CHANNELS[index]).unwrap());
        self.hub.unfollow_for(&grant(&self.hub, "trusted", ""), &whom, &selector).await.unwrap();
        self.naive.revoke(&whom, |place| place == Some(CHANNELS[index]));
        // Whoever is held obeys before it reads on.
        for reader in self.readers.iter_mut().filter(|reader| PEOPLE[reader.who].0 == "s1") {
            let _ = reader.subscription.read(Limit::default()).await.unwrap();
            let _ = reader.subscription.take_changes();
            reader.follows.remove(&index);
            self.naive.leave(reader, |place| place == Some(CHANNELS[index]), None);
        }
    }

    /// When everybody is gone nothing is kept.
    fn end(mut self) {
        for reader in std::mem::take(&mut self.readers) {
            self.naive.leave(&reader, |_| true, Some(self.now() + LEASE));
        }
        self.clock.fetch_add(LEASE, Ordering::Relaxed);
        while self.hub.inner.expire_members(self.hub.now()) {}
        self.check();
        let kept = self.hub.inner.presence.store.lock().unwrap().kept();
        assert_eq!(kept, [0; 5]);
    }
}
