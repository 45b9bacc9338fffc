//! The hub: rights, limits, ends.
#![expect(clippy::unwrap_used, reason = "what cannot be is a test that fails")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use encke_core::{
    AppendError, ChannelName, Key, Limit, LogConfig, Message, Publish, Retention, Selector, Since, Timestamp,
};
use encke_hub::{
    Access, Action, Answer, Ask, Asker, Authorizer, Denied, End, EngineError, Grant, Hub, HubConfig,
    PublishError, SubscribeError,
};
use tokio::time::Instant;

fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

fn selector(name: &str) -> Selector {
    Selector::new(name).unwrap()
}

fn message(channel_name: &str, text: &str) -> Publish {
    Publish::new(channel(channel_name), Message::text(text))
}

/// Knows one token, which allows reading `news.*` and publishing to `news.eu`.
struct Token {
    expires: Option<Timestamp>,
}

impl Authorizer for Token {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        let access = match ask.asker.token.as_deref() {
            None => Err(Denied::Unauthenticated),
            Some("good") => {
                let allowed =
                    [(Action::Subscribe, selector("news.*")), (Action::Publish, selector("news.eu"))];
                let access = Access::only(allowed).for_subject("reader");
                Ok(match self.expires {
                    Some(expires) => access.until(expires),
                    None => access,
                })
            }
            Some(_) => Err(Denied::Forbidden),
        };
        // Decided elsewhere, as an access service would.
        Answer::later(async move {
            tokio::task::yield_now().await;
            access
        })
    }
}

async fn grant(hub: &Hub, token: Option<&str>) -> Result<Grant, Denied> {
    let asker = token.map_or_else(Asker::default, |token| Asker::default().with_token(token));
    let ask = Ask::from_asker(Arc::new(asker), Action::Subscribe, vec![selector("news.eu")]);
    hub.authorize(&ask).await
}

async fn open(hub: &Hub) -> Grant {
    grant(hub, None).await.unwrap()
}

#[tokio::test]
async fn s1_access_fails_closed() {
    let hub = Hub::builder().authorizer(Token { expires: None }).build().unwrap();
    assert_eq!(grant(&hub, None).await.err(), Some(Denied::Unauthenticated));
    assert_eq!(grant(&hub, Some("bad")).await.err(), Some(Denied::Forbidden));

    let grant = grant(&hub, Some("good")).await.unwrap();
    assert_eq!(grant.subject(), Some("reader"));
    let mut subscription =
        hub.subscribe(&grant, "test", vec![selector("news.*")], Since::Earliest).await.unwrap();
    for (selectors, why) in [("sport.eu", "another channel"), ("**", "more than was granted")] {
        let refused = hub.subscribe(&grant, "test", vec![selector(selectors)], Since::Latest).await;
        assert_eq!(refused.err(), Some(SubscribeError::Denied(Denied::Forbidden)), "{why}");
        let refused = subscription.follow(&grant, vec![selector(selectors)], Since::Latest).await;
        assert_eq!(refused.err(), Some(SubscribeError::Denied(Denied::Forbidden)), "{why}");
    }
    let refused = hub.publish(&grant, message("news.us", "no")).await;
    assert_eq!(refused.err(), Some(PublishError::Denied(Denied::Forbidden)));
    assert!(hub.channel(&grant, &channel("news.eu")).is_err());
    assert!(hub.delete(&grant, &channel("news.eu")).await.is_err());

    hub.publish(&grant, message("news.eu", "yes")).await.unwrap();
    assert_eq!(subscription.next(Limit::default()).await.unwrap().messages.len(), 1);
    let counts = hub.counts();
    assert_eq!((counts.published, counts.refused, counts.subscribed, counts.turned_away), (1, 1, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn d8_what_a_grant_opened_ends_with_it() {
    let now = Arc::new(AtomicU64::new(1_000));
    let clock = Arc::clone(&now);
    let hub = Hub::builder()
        .authorizer(Token { expires: Some(Timestamp::from_millis(5_000)) })
        .clock(move || Timestamp::from_millis(clock.load(Ordering::Relaxed)))
        .build()
        .unwrap();
    let grant = grant(&hub, Some("good")).await.unwrap();
    let mut subscription =
        hub.subscribe(&grant, "test", vec![selector("news.eu")], Since::Earliest).await.unwrap();
    hub.publish(&grant, message("news.eu", "before")).await.unwrap();

    now.store(5_000, Ordering::Relaxed);
    let keeper = hub.clone();
    let keeper = tokio::spawn(async move { keeper.maintain().await });
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Also what was there before: replay is authorised now, like live.
    assert_eq!(subscription.next(Limit::default()).await.err(), Some(End::Expired));
    assert!(subscription.read(Limit::default()).await.is_err());
    let refused = hub.subscribe(&grant, "test", vec![selector("news.eu")], Since::Latest).await;
    assert_eq!(refused.err(), Some(SubscribeError::Denied(Denied::Expired)));
    keeper.abort();
}

/// Grants what is asked for: without a token for ever, with one until the moment that it names.
struct Until;

impl Authorizer for Until {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        let until = ask.asker.token.as_deref().map(|token| Timestamp::from_millis(token.parse().unwrap()));
        Answer::now(Ok(until.into_iter().fold(Access::everything(), Access::until)))
    }
}

#[tokio::test(start_paused = true)]
async fn d8_what_was_followed_later_ends_with_its_own_grant() {
    let now = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&now);
    let hub = Hub::builder()
        .authorizer(Until)
        .clock(move || Timestamp::from_millis(clock.load(Ordering::Relaxed)))
        .build()
        .unwrap();
    let (ever, late) = (open(&hub).await, grant(&hub, Some("9000")).await.unwrap());
    let soon = grant(&hub, Some("5000")).await.unwrap();
    let mut subscription = hub.subscribe(&ever, "test", vec![selector("a")], Since::Latest).await.unwrap();
    subscription.follow(&soon, vec![selector("b")], Since::Latest).await.unwrap();
    subscription.follow(&late, vec![selector("c")], Since::Latest).await.unwrap();
    let _keeper = tokio::spawn({
        let hub = hub.clone();
        async move { hub.maintain().await }
    });

    now.store(4_999, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(subscription.read(Limit::default()).await.is_ok());
    now.store(5_000, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(subscription.read(Limit::default()).await.err(), Some(End::Expired));
}

#[tokio::test]
async fn s2_every_limit_refuses_by_its_name() {
    let log = LogConfig { channels: 2, places: 2, keys: 1, patterns: 1, ..LogConfig::default() };
    let config = HubConfig { message_bytes: 10, selectors: 2, subscriptions: 2, ..HubConfig::default() };
    let hub = Hub::builder().log(log).config(config).build().unwrap();
    let grant = open(&hub).await;
    let refused = |refusal| Some(PublishError::Engine(EngineError::Refused(refusal)));

    let error = hub.publish(&grant, message("a", "12345678901")).await.err();
    assert_eq!(error, Some(PublishError::TooLarge { limit: 10 }));
    let error =
        hub.publish(&grant, message("a", "x").also_to(channel("b")).also_to(channel("c"))).await.err();
    assert_eq!(error, refused(AppendError::TooManyPlaces));
    hub.publish(&grant, message("a", "x").also_to(channel("b"))).await.unwrap();
    assert_eq!(hub.publish(&grant, message("c", "x")).await.err(), refused(AppendError::TooManyChannels));
    let keyed = |key: &str| message("a", "x").with_key(Key::new(key).unwrap());
    hub.publish(&grant, keyed("one")).await.unwrap();
    assert!(hub.publish(&grant, keyed("one")).await.unwrap().repeated);
    assert_eq!(hub.publish(&grant, keyed("two")).await.err(), refused(AppendError::TooManyKeys));

    let three = ["a", "b", "c"].map(selector).to_vec();
    let error = hub.subscribe(&grant, "test", three, Since::Latest).await.err();
    assert_eq!(error, Some(SubscribeError::TooManySelectors { limit: 2 }));
    let mut first = hub.subscribe(&grant, "test", vec![selector("a")], Since::Latest).await.unwrap();
    assert!(matches!(
        first.follow(&grant, vec![selector("new")], Since::Latest).await,
        Err(SubscribeError::Log(_))
    ));
    first.follow(&grant, vec![selector("x.*")], Since::Latest).await.unwrap();
    assert!(first.follow(&grant, vec![selector("b")], Since::Latest).await.is_err());
    let error = hub.subscribe(&grant, "test", vec![selector("y.*")], Since::Latest).await.err();
    assert!(matches!(error, Some(SubscribeError::Log(_))));
    let _second = hub.subscribe(&grant, "test", vec![selector("b")], Since::Latest).await.unwrap();
    let error = hub.subscribe(&grant, "test", vec![selector("b")], Since::Latest).await.err();
    assert_eq!(error, Some(SubscribeError::TooManySubscriptions));
    drop(first);
    assert!(hub.subscribe(&grant, "test", vec![selector("b")], Since::Latest).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn s4_a_drain_delivers_and_spreads() {
    const CLIENTS: usize = 1_000;
    let config = HubConfig { drain_window: Duration::from_secs(10), ..HubConfig::default() };
    let hub = Hub::builder().config(config).build().unwrap();
    let grant = open(&hub).await;
    let began = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut subscription =
            hub.subscribe(&grant, "test", vec![selector("news")], Since::Latest).await.unwrap();
        clients.push(tokio::spawn(async move {
            let mut read = 0;
            loop {
                match subscription.next(Limit::default()).await {
                    Ok(batch) => read += batch.messages.len(),
                    Err(End::Drained { retry }) => return (read, retry, began.elapsed()),
                    Err(end) => panic!("{end:?}"),
                }
            }
        }));
    }
    hub.publish(&grant, message("news", "before")).await.unwrap();
    hub.drain().await;
    // Publishing goes on, and whoever comes now reads what there is before he is told to leave.
    hub.publish(&grant, message("news", "after")).await.unwrap();
    let mut late = hub.subscribe(&grant, "test", vec![selector("news")], Since::Earliest).await.unwrap();
    assert_eq!(late.next(Limit::default()).await.unwrap().messages.len(), 2);
    assert!(matches!(late.next(Limit::default()).await, Err(End::Drained { .. })));
    drop(late);

    let mut seconds = [0usize; 12];
    for client in clients {
        let (read, retry, ended) = client.await.unwrap();
        assert_eq!(read, 1, "the last message is read before the end");
        assert!(retry <= Duration::from_secs(10));
        seconds[usize::try_from(ended.as_secs()).unwrap()] += 1;
    }
    assert!(hub.is_empty());
    let busiest = seconds.iter().max().unwrap();
    assert!(*busiest <= 2 * CLIENTS / 10, "{seconds:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_goes_without_a_publish() {
    let now = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&now);
    let retention = Retention { age: Duration::from_secs(60), ..Retention::default() };
    let hub = Hub::builder()
        .log(LogConfig { retention, ..LogConfig::default() })
        .clock(move || Timestamp::from_millis(clock.load(Ordering::Relaxed)))
        .build()
        .unwrap();
    let grant = open(&hub).await;
    for index in 0..5_000 {
        hub.publish(&grant, message(&format!("c{index}"), "x")).await.unwrap();
    }
    assert_eq!(hub.log_info().channels, 5_000);
    now.store(60_000, Ordering::Relaxed);
    let keeper = hub.clone();
    let keeper = tokio::spawn(async move { keeper.maintain().await });
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((hub.log_info().channels, hub.log_info().bytes), (0, 0));
    keeper.abort();
}
