//! What coming and going costs, without any transport.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench is no library")]

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use divan::{Bencher, counter::ItemsCount};
use encke_core::{ChannelName, Pattern, Since};
use encke_hub::{Access, Action, Ask, Asker, Denied, Grant, Hub, HubConfig, PresenceConfig, Subscription};

/// Comings and goings of one iteration.
const MANY: usize = 1_000;

fn main() {
    divan::main();
}

fn by_token(ask: &Ask) -> Result<Access, Denied> {
    Ok(Access::open().for_subject(ask.asker.token.as_deref().unwrap_or_default()))
}

fn hub(kept: &[&str]) -> Hub {
    let channels = kept.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect();
    let presence = PresenceConfig { channels, members: usize::MAX, ..PresenceConfig::default() };
    let config = HubConfig { presence, subscriptions: usize::MAX, ..HubConfig::default() };
    Hub::builder().authorizer(by_token).config(config).build().unwrap()
}

fn grants(hub: &Hub, count: usize) -> Vec<Grant> {
    let grant = |subject: usize| {
        let asker = Asker::default().with_token(format!("subject-{subject}"));
        let ask = Ask::from_asker(Arc::new(asker), Action::Subscribe, Vec::new());
        match pin!(hub.authorize(&ask)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(grant) => grant.unwrap(),
            Poll::Pending => unreachable!("a closure answers at once"),
        }
    };
    (0..count).map(grant).collect()
}

fn come(hub: &Hub, grant: &Grant, channel: &ChannelName) -> Subscription {
    let subscribe = hub.subscribe(grant, "bench", vec![channel.clone().into()], Since::Latest);
    match pin!(subscribe).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(subscription) => subscription.unwrap(),
        Poll::Pending => unreachable!("an engine in memory answers at once"),
    }
}

/// Subscribes and drops again, beside `others` who stay.
fn come_and_go(bencher: Bencher<'_, '_>, kept: &[&str], others: usize) {
    let (hub, channel) = (hub(kept), ChannelName::new("chat.a").unwrap());
    let staying = grants(&hub, others);
    let _staying: Vec<_> = staying.iter().map(|grant| come(&hub, grant, &channel)).collect();
    let grants = grants(&hub, others + MANY).split_off(others);
    bencher.counter(ItemsCount::new(MANY)).bench_local(|| {
        grants.iter().for_each(|grant| drop(come(&hub, grant, &channel)));
    });
}

#[divan::bench(args = [0, 10_000])]
fn nobody_is_counted(bencher: Bencher<'_, '_>, others: usize) {
    come_and_go(bencher, &[], others);
}

#[divan::bench(args = [0, 10_000])]
fn others_are_counted(bencher: Bencher<'_, '_>, others: usize) {
    come_and_go(bencher, &["news.**", "game.*"], others);
}

#[divan::bench(args = [0, 10_000])]
fn all_are_counted(bencher: Bencher<'_, '_>, others: usize) {
    come_and_go(bencher, &["chat.*"], others);
}
