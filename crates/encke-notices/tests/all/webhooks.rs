//! Webhooks, to a receiver that is not always well.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::support::{
    Got, Manner, Receiver, SECRET, client, config, hub, publish, run, selector, until, webhook,
};
use encke_core::Since;
use encke_hub::{Access, Action, Ask, Denied, NoticeKind, Trusted, Whom};
use encke_notices::{Notices, NoticesConfig, Webhook};
use encke_wire::{Received, ReceivedMessage};
use tokio::task::JoinHandle;

/// The numbers that requests carried.
fn numbers(got: &[Got]) -> Vec<u64> {
    got.iter().flat_map(Got::messages).map(|message| message.data.as_u64().unwrap()).collect()
}

/// What was taken, after checking of all requests that each goes on after the last that was taken, or is it again.
///
/// `unsure` are those whose answer may not have arrived: the receiver was killed right after.
fn taken_in_order(got: &[Got], unsure: &[usize]) -> Vec<u64> {
    let mut taken: Vec<u64> = Vec::new();
    let mut last: Option<&Got> = None;
    for (index, request) in got.iter().enumerate() {
        assert!(request.is_signed_with(SECRET), "request {index}");
        assert!(!request.is_signed_with(b"another secret, as long"), "request {index}");
        assert_eq!(request.path, "/hook");
        let numbers = numbers(std::slice::from_ref(request));
        let again = last.is_some_and(|last| last.body == request.body);
        if again {
            assert!(
                unsure.contains(&(index - 1)) || !got[index - 1].taken,
                "request {index} was taken before"
            );
        } else {
            let next = taken.last().map_or(1, |last| last + 1);
            assert_eq!(numbers.first(), Some(&next), "request {index} goes on from the last that was taken");
        }
        assert!(numbers.is_sorted() && numbers.len() <= 100);
        if request.taken && taken.last() != numbers.last() {
            taken.extend(numbers);
            last = Some(request);
        }
    }
    taken
}

#[tokio::test]
async fn d1_a_receiver_that_fails_and_is_killed_misses_nothing() {
    const MESSAGES: u64 = 5_000;
    let hub = hub(10_000);
    let mut random = fastrand::Rng::with_seed(7);
    let mut receiver = Receiver::open(move || match random.u8(0..100) {
        0..60 => Manner::Take,
        60..75 => Manner::Answer([400, 404, 429, 500, 503][random.usize(0..5)]),
        75..83 => Manner::Redirect,
        83..90 => Manner::HangUp,
        90..97 => Manner::HangUpAfter,
        _ => Manner::Stall,
    })
    .await;
    let webhook = webhook(&hub, receiver.address(), &["orders"]);
    let task = run(&webhook).await;

    let grant = client(&hub).await;
    let publisher = hub.clone();
    let publisher = tokio::spawn(async move {
        let mut random = fastrand::Rng::with_seed(8);
        for number in 1..=MESSAGES {
            publish(&publisher, &grant, "orders", number).await;
            if random.u8(0..10) == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    });
    let mut unsure = Vec::new();
    for kill in 1..=8 {
        until("some were taken", || webhook.state().delivered >= kill * MESSAGES / 10).await;
        receiver.kill().await;
        unsure.extend(receiver.requests().checked_sub(1));
        until("it is missed", || webhook.state().failing_since.is_some()).await;
        assert!(webhook.state().last_error.is_some());
        receiver.restart().await;
    }
    publisher.await.unwrap();
    until("all were taken", || webhook.state().delivered == MESSAGES).await;

    let state = webhook.state();
    assert_eq!((state.failing_since, state.lag, state.gone), (None, 0, false));
    assert_eq!(state.cursor.map(|cursor| cursor.seq), Some(MESSAGES));
    let got = receiver.got();
    assert_eq!(taken_in_order(&got, &unsure), (1..=MESSAGES).collect::<Vec<_>>());
    let failed = got.iter().filter(|request| !request.taken).count();
    println!("{MESSAGES} messages in {} requests, {failed} of them not taken, 8 kills", got.len());
    assert!(failed > 10);
    task.abort();
}

#[tokio::test]
async fn d1_what_retention_overtakes_is_a_gap() {
    let hub = hub(50);
    let receiver = Receiver::open(|| Manner::Answer(500)).await;
    let webhook = webhook(&hub, receiver.address(), &["orders"]);
    let task = run(&webhook).await;
    let grant = client(&hub).await;
    publish(&hub, &grant, "orders", 1).await;
    until("it fails", || webhook.state().failing_since.is_some()).await;
    for number in 2..=1_000 {
        publish(&hub, &grant, "orders", number).await;
    }
    assert_eq!(webhook.state().lag, 50, "what is retained of it");
    receiver.behave(|| Manner::Take);
    until("all was taken", || webhook.state().cursor.is_some_and(|cursor| cursor.seq == 1_000)).await;

    let (mut seqs, mut gaps) = (Vec::new(), Vec::new());
    for item in receiver.got().iter().filter(|got| got.taken).flat_map(|got| got.batch().messages) {
        match item {
            Received::Message(message) => seqs.push(message.seq),
            Received::Gap(gap) => {
                assert_eq!((gap.channel.as_str(), gap.reason.as_str(), seqs.len()), ("orders", "slow", 1));
                let seq = |cursor: &str| cursor.split_once('-').unwrap().1.parse::<u64>().unwrap();
                gaps.push((seq(&gap.from), seq(&gap.to)));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(gaps, [(1, 950)]);
    assert_eq!(seqs, [1].into_iter().chain(951..=1_000).collect::<Vec<_>>());
    assert_eq!(webhook.state().delivered, 51);
    task.abort();
}

#[tokio::test]
async fn s6_webhooks_do_not_disturb_each_other() {
    let hub = hub(10_000);
    let (ill, well) = (Receiver::open(|| Manner::Stall).await, Receiver::open(|| Manner::Take).await);
    let (first, second) =
        (webhook(&hub, ill.address(), &["orders"]), webhook(&hub, well.address(), &["orders", "news.*"]));
    let tasks = [run(&first).await, run(&second).await];
    let grant = client(&hub).await;
    for number in 1..=1_000 {
        publish(&hub, &grant, if number % 2 == 0 { "orders" } else { "news.eu" }, number).await;
    }
    until("one has all", || second.state().delivered == 1_000).await;
    assert_eq!(second.state().failing_since, None);
    assert_eq!(numbers(&well.got()), (1..=1_000).collect::<Vec<_>>());
    until("the other fails", || first.state().failing_since.is_some()).await;
    assert_eq!(first.state().delivered, 0);
    assert_eq!(first.state().last_error.as_deref(), Some("no answer before the deadline"));
    assert_eq!(first.state().lag, 500);

    ill.behave(|| Manner::Take);
    until("the other has its own", || first.state().delivered == 500).await;
    let taken: Vec<_> = ill.got().into_iter().filter(|got| got.taken).collect();
    assert_eq!(numbers(&taken), (1..=500).map(|half| 2 * half).collect::<Vec<_>>());
    tasks.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn a_receiver_that_is_gone_ends_it() {
    let hub = hub(100);
    let receiver = Receiver::open(|| Manner::Answer(410)).await;
    let webhook = webhook(&hub, receiver.address(), &["orders"]);
    let task = run(&webhook).await;
    publish(&hub, &client(&hub).await, "orders", 1).await;
    task.await.unwrap();
    let state = webhook.state();
    assert!(state.gone && state.failing_since.is_some() && state.delivered == 0);
    webhook.run().await;
    assert_eq!(receiver.requests(), 1);
}

#[tokio::test]
async fn it_goes_on_from_its_place() {
    let hub = hub(1_000);
    let receiver = Receiver::open(|| Manner::Take).await;
    let grant = client(&hub).await;
    publish(&hub, &grant, "orders", 1).await;
    let mut earliest = config(receiver.address(), &["orders"]);
    earliest.since = Since::Earliest;
    let webhook = Arc::new(Webhook::new(&hub, earliest.clone()).unwrap());
    for number in 2..=5 {
        let task = run(&webhook).await;
        publish(&hub, &grant, "orders", number).await;
        until("all are taken", || webhook.state().delivered == number).await;
        task.abort();
        let _ = task.await;
    }
    assert_eq!(numbers(&receiver.got()), [1, 2, 3, 4, 5]);

    // As an application that keeps the cursor does, where the log outlives the process.
    earliest.since = Since::After(receiver.got()[0].batch().cursor.parse().unwrap());
    let other = Arc::new(Webhook::new(&hub, earliest).unwrap());
    let task = run(&other).await;
    until("the rest is taken", || other.state().cursor.is_some_and(|cursor| cursor.seq == 5)).await;
    let rest = numbers(&receiver.got()).split_off(5);
    assert!(!rest.is_empty() && (1..=5).collect::<Vec<_>>().ends_with(&rest));
    task.abort();
}

#[tokio::test]
async fn whoever_ends_or_diverts_it_does_not_stop_it() {
    let hub = hub(1_000);
    let receiver = Receiver::open(|| Manner::Take).await;
    let webhook = webhook(&hub, receiver.address(), &["orders"]);
    let task = run(&webhook).await;
    let grant = client(&hub).await;
    let node = hub.with_authorizer(Trusted);
    let own = client(&node).await;
    let everybody = Whom::Everybody;
    for number in 1..=20 {
        match number % 4 {
            0 => node.disconnect(&own, &everybody).await.map(drop).unwrap(),
            1 => node.unfollow_for(&own, &everybody, &selector("orders")).await.map(drop).unwrap(),
            2 => node.follow_for(&own, &everybody, &[selector("news")]).await.map(drop).unwrap(),
            _ => {}
        }
        publish(&hub, &grant, "orders", number).await;
    }
    until("all are taken", || webhook.state().delivered >= 20).await;
    hub.drain().await;
    publish(&hub, &grant, "orders", 21).await;
    until("the last is taken too", || webhook.state().delivered >= 21).await;
    assert_eq!(numbers(&receiver.got()), (1..=21).collect::<Vec<_>>());
    task.abort();
}

#[tokio::test]
async fn notices_are_sent_by_kind() {
    let hub = hub(1_000);
    let refuses = Arc::new(AtomicBool::new(false));
    let refusing = Arc::clone(&refuses);
    let asked = hub.with_authorizer(move |_: &Ask| match refusing.load(Ordering::Relaxed) {
        true => Err(Denied::Forbidden),
        false => Ok(Access::open().for_subject("42")),
    });
    let notices = Arc::new(Notices::new(&hub, NoticesConfig { kinds: NoticeKind::ALL.to_vec() }));
    let running = Arc::clone(&notices);
    let tasks = [tokio::spawn(async move { running.run().await })];
    let (all, some) = (Receiver::open(|| Manner::Take).await, Receiver::open(|| Manner::Take).await);
    let every = webhook(&hub, all.address(), &["$notices"]);
    let mut refused = config(some.address(), &["$notices"]);
    refused.kinds = Some(vec![NoticeKind::Refused]);
    let refused = Arc::new(Webhook::new(&hub, refused).unwrap());
    let webhooks = [run(&every).await, run(&refused).await];
    // What happened before anybody wanted to know is not kept.
    tokio::task::yield_now().await;

    let grant = client(&asked).await;
    publish(&asked, &grant, "orders", 1).await;
    refuses.store(true, Ordering::Relaxed);
    let ask = Ask::new(Action::Subscribe, vec![selector("vault")]);
    asked.authorize(&ask).await.unwrap_err();
    until("both were told", || every.state().delivered == 2 && refused.state().delivered == 1).await;
    let told = |receiver: &Receiver| receiver.got().iter().flat_map(Got::messages).collect::<Vec<_>>();
    let field = |message: &ReceivedMessage, at| message.data.pointer(at).map(|value| value.to_string());
    for message in told(&all) {
        assert_eq!(field(&message, "/type"), message.name.map(|name| format!("{name:?}")));
    }
    assert_eq!(field(&told(&all)[0], "/seq").as_deref(), Some("1"));
    assert_eq!(field(&told(&all)[0], "/who/subject").as_deref(), Some("\"42\""));
    let refused = told(&some);
    assert_eq!(refused.len(), 1);
    assert_eq!(field(&refused[0], "/reason").as_deref(), Some("\"forbidden\""));
    assert_eq!(field(&refused[0], "/channel").as_deref(), Some("\"vault\""));
    assert_eq!(notices.counts().told, 2);
    tasks.iter().chain(&webhooks).for_each(JoinHandle::abort);
}

/// The function that the documentation shows believes what a webhook sends, and nothing else.
#[tokio::test]
async fn the_documented_check_is_right() {
    let hub = hub(100);
    let receiver = Receiver::open(|| Manner::Take).await;
    let webhook = webhook(&hub, receiver.address(), &["orders"]);
    let task = run(&webhook).await;
    publish(&hub, &client(&hub).await, "orders", 1).await;
    until("it is taken", || webhook.state().delivered == 1).await;
    task.abort();
    let got = receiver.got().remove(0);

    let page = include_str!("../../../../docs/spec/notices.md");
    let shown = page.split("```python\n").nth(1).and_then(|code| code.split("```").next()).unwrap();
    let (time, code) = got.signature.split_once(',').unwrap();
    let time: u64 = time.strip_prefix("t=").unwrap().parse().unwrap();
    let secret = std::str::from_utf8(SECRET).unwrap();
    let body = std::str::from_utf8(&got.body).unwrap();
    let right = format!("{code},t={time}");
    let cases = [
        (secret, got.signature.clone(), body.to_owned(), true),
        (secret, right, body.to_owned(), true),
        ("another secret", got.signature.clone(), body.to_owned(), false),
        (secret, got.signature.clone(), format!("{body} "), false),
        (secret, format!("t={},{code}", time + 1), body.to_owned(), false),
        (secret, format!("t={time}"), body.to_owned(), false),
        (secret, "t=now,v1=é".to_owned(), body.to_owned(), false),
        (secret, String::new(), body.to_owned(), false),
    ];
    let mut script = shown.to_owned();
    for (secret, signature, body, expected) in &cases {
        let python = if *expected { "True" } else { "False" };
        let call = format!("is_from_encke({secret:?}.encode(), {signature:?}, {body:?}.encode())");
        script.push_str(&format!("assert {call} is {python}\n"));
    }
    let old = format!("is_from_encke({secret:?}.encode(), {:?}, {body:?}.encode(), -1)", got.signature);
    script.push_str(&format!("assert {old} is False\nprint('checked')\n"));
    let output = std::process::Command::new("python3").arg("-c").arg(&script).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "checked\n", "{output:?}");
}
