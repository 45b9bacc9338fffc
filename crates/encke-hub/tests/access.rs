//! Who may what, and rights that are taken back (S1, D8).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use encke_core::{ChannelName, Limit, Message, Publish, Selector, Since, Timestamp};
use encke_hub::{
    Access, Action, Ask, Asker, Ban, BanError, Change, Denied, End, Grant, Hub, HubConfig, PublishError,
    Rate, SubscribeError, Subscription, Trusted, Whom,
};

/// A hub whose authorizer takes the token for what its bearer may: `anna:subscribe=news.*,publish=chat`.
fn hub() -> Hub {
    Hub::builder().authorizer(by_token).clock(|| Timestamp::from_millis(1_000)).build().unwrap()
}

fn by_token(ask: &Ask) -> Result<Access, Denied> {
    let token = ask.asker.token.as_deref().ok_or(Denied::Unauthenticated)?;
    let (subject, rights) = token.split_once(':').ok_or(Denied::Unauthenticated)?;
    let rights = rights.split(',').filter_map(|right| right.split_once('=')).map(|(action, selector)| {
        let action = match action {
            "subscribe" => Action::Subscribe,
            "publish" => Action::Publish,
            "presence" => Action::Presence,
            _ => Action::Inspect,
        };
        (action, Selector::new(selector).unwrap())
    });
    Ok(Access::only(rights).for_subject(subject).by_token(token).issued(Timestamp::from_millis(500)))
}

fn selector(text: &str) -> Selector {
    Selector::new(text).unwrap()
}

async fn granted(hub: &Hub, token: &str) -> Result<Grant, Denied> {
    let asker = Asker::default().with_token(token);
    hub.authorize(&Ask::from_asker(Arc::new(asker), Action::Subscribe, Vec::new())).await
}

async fn trusted(hub: &Hub) -> Grant {
    hub.with_authorizer(Trusted).authorize(&Ask::new(Action::Administer, Vec::new())).await.unwrap()
}

async fn follow(hub: &Hub, token: &str, channel: &str) -> Result<Subscription, SubscribeError> {
    let grant = granted(hub, token).await?;
    hub.subscribe(&grant, "test", vec![selector(channel)], Since::Latest).await
}

async fn say(hub: &Hub, channel: &str) {
    let grant = trusted(hub).await;
    let publish = Publish::new(ChannelName::new(channel).unwrap(), Message::text("hello"));
    hub.publish(&grant, publish).await.unwrap();
}

fn ban(whom: Whom, on: Option<&str>) -> Ban {
    Ban { whom, on: on.map(selector), until: Timestamp::from_millis(60_000), spares_new: false }
}

#[tokio::test]
async fn s1_a_grant_covers_what_it_names_and_what_its_subject_owns() {
    let hub = hub();
    let token = "anna:subscribe=news.*,subscribe=$notices,presence=chat,publish=chat";
    let cases = [
        ("news.eu", true),
        ("news.*", true),
        ("news.**", false),
        ("news", false),
        ("chat", false),
        ("@anna", true),
        ("@bob", false),
        ("@anna.x", false),
        ("$presence.chat", true),
        ("$presence.news.eu", false),
        ("$presence.@anna", true),
        ("$presence.@bob", false),
        ("$presence.*", false),
        ("$notices", true),
        ("$other", false),
        ("**", false),
    ];
    for (channel, expected) in cases {
        assert_eq!(follow(&hub, token, channel).await.is_ok(), expected, "{channel}");
    }
}

#[tokio::test]
async fn s1_an_open_hub_keeps_what_is_owned_closed() {
    let hub = Hub::builder().build().unwrap();
    let grant = hub.authorize(&Ask::new(Action::Subscribe, Vec::new())).await.unwrap();
    let open =
        async |channel| hub.subscribe(&grant, "test", vec![selector(channel)], Since::Latest).await.is_ok();
    for public in ["news", "**", "$presence.news"] {
        assert!(open(public).await, "{public}");
    }
    for owned in ["@anna", "$notices", "$presence.@anna", "$presence.**"] {
        assert!(!open(owned).await, "{owned}");
    }
    for channel in ["@anna", "$notices", "$presence.news"] {
        let publish = Publish::new(ChannelName::new(channel).unwrap(), Message::text("forged"));
        let refused = hub.publish(&grant, publish).await;
        assert_eq!(refused.unwrap_err(), PublishError::Denied(Denied::Forbidden), "{channel}");
    }
    assert_eq!(hub.administer(&grant), Err(Denied::Forbidden));
}

#[tokio::test]
async fn a_wildcard_hears_nothing_that_is_owned() {
    let hub = Hub::builder().build().unwrap();
    let grant = hub.authorize(&Ask::new(Action::Subscribe, Vec::new())).await.unwrap();
    let mut all = hub.subscribe(&grant, "test", vec![selector("**")], Since::Latest).await.unwrap();
    for channel in ["@anna", "$notices", "news"] {
        say(&hub, channel).await;
    }
    let batch = all.next(Limit::default()).await.unwrap();
    let names: Vec<_> = batch.messages.iter().map(|message| message.channel().as_str().to_owned()).collect();
    assert_eq!(names, ["news"]);
}

#[tokio::test]
async fn d8_who_is_banned_reads_no_later_message_and_opens_nothing() {
    let hub = hub();
    let admin = trusted(&hub).await;
    let (anna, bob) = ("anna:subscribe=news", "bob:subscribe=news");
    let mut hers = follow(&hub, anna, "news").await.unwrap();
    let mut his = follow(&hub, bob, "news").await.unwrap();
    let before = granted(&hub, anna).await.unwrap();

    let banned = hub.ban(&admin, ban(Whom::Subject("anna".into()), None)).await.unwrap();
    assert_eq!(banned.concerned, 1);
    say(&hub, "news").await;
    assert_eq!(hers.next(Limit::default()).await.unwrap_err(), End::Revoked);
    assert_eq!(hers.read(Limit::default()).await.unwrap_err(), End::Revoked);
    assert_eq!(his.next(Limit::default()).await.unwrap().messages.len(), 1);

    assert_eq!(granted(&hub, anna).await.unwrap_err(), Denied::Revoked);
    let late = hub.subscribe(&before, "test", vec![selector("news")], Since::Earliest).await;
    assert_eq!(late.unwrap_err(), SubscribeError::Denied(Denied::Revoked));
    assert!(hub.lift_ban(&admin, banned.id).unwrap());
    assert!(!hub.lift_ban(&admin, banned.id).unwrap());
    assert!(follow(&hub, anna, "news").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn d8_who_is_drained_and_then_banned_reads_nothing_more() {
    let hub = hub();
    let admin = trusted(&hub).await;
    let mut hers = follow(&hub, "anna:subscribe=news", "news").await.unwrap();
    say(&hub, "news").await;
    hub.drain().await;
    hub.ban(&admin, ban(Whom::Subject("anna".into()), None)).await.unwrap();
    assert_eq!(hers.next(Limit::default()).await.unwrap_err(), End::Revoked);
}

#[tokio::test]
async fn what_was_issued_after_a_revocation_is_valid() {
    let hub = hub();
    let admin = trusted(&hub).await;
    let now = Arc::new(AtomicU64::new(1_000));
    let clock = Arc::clone(&now);
    let newer = hub.with_authorizer(move |ask: &Ask| {
        by_token(ask).map(|access| access.issued(Timestamp::from_millis(clock.load(Ordering::Relaxed) + 1)))
    });
    let revoked = Ban { spares_new: true, ..ban(Whom::Subject("anna".into()), None) };
    hub.ban(&admin, revoked).await.unwrap();
    assert_eq!(granted(&hub, "anna:subscribe=news").await.unwrap_err(), Denied::Revoked);
    assert!(granted(&newer, "anna:subscribe=news").await.is_ok());
}

#[tokio::test]
async fn d8_who_is_kicked_from_one_channel_keeps_the_others() {
    let hub = hub();
    let admin = trusted(&hub).await;
    let token = "anna:subscribe=news,subscribe=chat.*";
    let grant = granted(&hub, token).await.unwrap();
    let wanted = vec![selector("news"), selector("chat.*")];
    let mut hers = hub.subscribe(&grant, "test", wanted, Since::Latest).await.unwrap();
    let waiting = tokio::spawn(async move {
        let batch = hers.next(Limit::default()).await.unwrap();
        assert!(batch.messages.is_empty());
        (hers.take_changes(), hers)
    });
    tokio::task::yield_now().await;

    let kicked = hub.ban(&admin, ban(Whom::Subject("anna".into()), Some("chat.eu"))).await.unwrap();
    assert_eq!(kicked.concerned, 1);
    let (changes, mut hers) = waiting.await.unwrap();
    assert_eq!(changes, [Change::Unfollowed(selector("chat.*"))]);
    say(&hub, "chat.eu").await;
    say(&hub, "news").await;
    let batch = hers.next(Limit::default()).await.unwrap();
    assert_eq!(batch.messages.len(), 1);
    for (channel, expected) in [("chat.eu", false), ("chat.*", false), ("chat.us", true), ("news", true)] {
        assert_eq!(follow(&hub, token, channel).await.is_ok(), expected, "{channel}");
    }
}

#[tokio::test]
async fn others_can_order_what_is_followed() {
    let hub = hub();
    let admin = trusted(&hub).await;
    let mut hers = follow(&hub, "anna:subscribe=news", "news").await.unwrap();
    let whom = Whom::Subscription(hers.id());
    assert_eq!(hub.follow_for(&admin, &whom, &[selector("extra")]).await.unwrap().answer, 1);
    hers.next(Limit::default()).await.unwrap();
    assert!(matches!(&hers.take_changes()[..], [Change::Followed(extra, _)] if extra.as_str() == "extra"));
    say(&hub, "extra").await;
    assert_eq!(hers.next(Limit::default()).await.unwrap().messages.len(), 1);

    assert_eq!(hub.unfollow_for(&admin, &whom, &selector("extra")).await.unwrap().answer, 1);
    assert!(hers.read(Limit::default()).await.unwrap().messages.is_empty());
    assert_eq!(hers.take_changes(), [Change::Unfollowed(selector("extra"))]);
    let shown = hub.live(&admin, &whom, None, 10).await.unwrap();
    assert_eq!(shown[0].selectors, [selector("news")]);
    assert_eq!((shown[0].messages, shown[0].subject.as_deref()), (1, Some("anna")));
    assert_eq!(hub.disconnect(&admin, &whom).await.unwrap().answer, 1);
    assert_eq!(hers.next(Limit::default()).await.unwrap_err(), End::Revoked);
}

#[tokio::test]
async fn a_renewed_grant_keeps_what_it_covers() {
    let hub = hub();
    let grant = granted(&hub, "anna:subscribe=*").await.unwrap();
    let wanted = vec![selector("news"), selector("chat")];
    let mut hers = hub.subscribe(&grant, "test", wanted, Since::Latest).await.unwrap();
    let less = granted(&hub, "anna:subscribe=news").await.unwrap();
    hers.renew(&less).unwrap();
    assert_eq!(hers.take_changes(), [Change::Unfollowed(selector("chat"))]);
    let admin = trusted(&hub).await;
    hub.follow_for(&admin, &Whom::Subscription(hers.id()), &[selector("given")]).await.unwrap();
    hers.read(Limit::default()).await.unwrap();
    hers.renew(&less).unwrap();
    assert!(hers.selectors().any(|known| known == selector("given")), "it was not hers to lose");
    let other = granted(&hub, "bob:subscribe=*").await.unwrap();
    assert_eq!(hers.renew(&other), Err(Denied::Forbidden.into()));
    assert_eq!(hub.renew(&less), 1);
    assert_eq!(hub.renew(&other), 0);
}

#[tokio::test]
async fn s2_bans_are_bounded_and_only_for_whoever_runs_the_node() {
    let config = HubConfig { bans: 1, ..HubConfig::default() };
    let hub = Hub::builder().config(config).build().unwrap();
    let anybody = hub.authorize(&Ask::new(Action::Administer, Vec::new())).await.unwrap();
    let far = Timestamp::from_millis(u64::MAX);
    let one = |name: &str| Ban { until: far, ..ban(Whom::Subject(name.into()), None) };
    let refused = hub.ban(&anybody, one("anna")).await.unwrap_err();
    assert_eq!(refused, BanError::Denied(Denied::Forbidden));

    let admin = trusted(&hub).await;
    let first = hub.ban(&admin, one("anna")).await.unwrap();
    assert_eq!(hub.ban(&admin, one("anna")).await.unwrap().id, first.id, "the same ban again");
    assert!(matches!(hub.ban(&admin, one("bob")).await, Err(BanError::TooMany(_))));
    hub.ban(&admin, Ban { whom: Whom::Everybody, ..one("anna") }).await.unwrap_err();
    assert_eq!(hub.bans(&admin, None, 10).unwrap().len(), 1);
    assert!(hub.bans(&admin, Some(first.id), 10).unwrap().is_empty());
    assert!(hub.lift_ban(&admin, first.id).unwrap());
    hub.ban(&admin, Ban { whom: Whom::Everybody, ..one("anna") }).await.unwrap();
    assert_eq!(hub.authorize(&Ask::new(Action::Subscribe, Vec::new())).await.unwrap_err(), Denied::Revoked);
    assert!(hub.with_authorizer(Trusted).authorize(&Ask::new(Action::Publish, Vec::new())).await.is_ok());
}

#[tokio::test]
async fn a_ban_waits_for_nobody_who_holds_on() {
    let hub = hub();
    let admin = trusted(&hub).await;
    let mut held = Vec::new();
    for _ in 0..5_000 {
        held.push(follow(&hub, "anna:subscribe=news", "news").await.unwrap());
    }
    let ended = hub.ban(&admin, ban(Whom::Token("anna:subscribe=news".into()), None)).await.unwrap();
    assert_eq!(ended.concerned, 5_000);
    say(&hub, "news").await;
    for subscription in &mut held {
        let read = tokio::time::timeout(Duration::from_secs(5), subscription.next(Limit::default()));
        assert_eq!(read.await.unwrap().unwrap_err(), End::Revoked);
    }
}

#[tokio::test]
async fn s6_each_subject_has_its_quota() {
    let rate = Rate { per_second: NonZeroU32::MIN, burst: NonZeroU32::new(3).unwrap() };
    let config = HubConfig {
        publish_rate: Some(rate),
        subscribe_rate: Some(rate),
        subscriptions_per_subject: 2,
        ..HubConfig::default()
    };
    let hub = Hub::builder().authorizer(by_token).config(config).build().unwrap();
    let anna = granted(&hub, "anna:publish=news,subscribe=news").await.unwrap();
    let news = || Publish::new(ChannelName::new("news").unwrap(), Message::text("hello"));
    for _ in 0..3 {
        hub.publish(&anna, news()).await.unwrap();
    }
    let refused = hub.publish(&anna, news()).await.unwrap_err();
    assert!(matches!(refused, PublishError::TooMany { retry } if retry <= Duration::from_secs(1)));
    let bob = granted(&hub, "bob:publish=news").await.unwrap();
    hub.publish(&bob, news()).await.unwrap();
    hub.publish(&trusted(&hub).await, news()).await.unwrap();

    let open = async || hub.subscribe(&anna, "test", vec![selector("news")], Since::Latest).await;
    let (first, _second) = (open().await.unwrap(), open().await.unwrap());
    assert_eq!(open().await.unwrap_err(), SubscribeError::TooManyOfSubject { limit: 2 });
    drop(first);
    assert!(matches!(open().await.unwrap_err(), SubscribeError::TooMany { .. }));
}
