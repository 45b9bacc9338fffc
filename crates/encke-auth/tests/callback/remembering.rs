use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use encke_core::{Limit, Message, Publish, Since};
use encke_hub::{Action, Ask, Asker, Denied, End, Trusted};
use tokio::task::JoinSet;

use crate::application::{Application, Asked, Asking, Reply, nobody, with_cookie};

fn no() -> Reply {
    Reply::new("401 Who", "text/plain", "")
}

#[tokio::test]
async fn equal_questions_at_the_same_time_are_one_request() {
    let application = Application::start(|_| Reply::json(r#"{"sub":"42"}"#)).await;
    application.shut();
    let asking = Asking::new(&application.url());
    let (mut tasks, begun) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..100 {
        let (asking, begun) = (asking.clone(), Arc::clone(&begun));
        tasks.spawn(async move {
            begun.fetch_add(1, Ordering::SeqCst);
            asking.subscribe(&with_cookie("id=1"), &["news", "chat"]).await
        });
    }
    application.was_asked(1).await;
    while begun.load(Ordering::SeqCst) < 100 {
        tokio::task::yield_now().await;
    }
    application.open();
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 100);
    assert_eq!(application.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn equal_questions_on_several_threads_are_one_request() {
    let application = Application::start(|_| Reply::json("{}")).await;
    let asking = Asking::new(&application.url());
    let mut tasks = JoinSet::new();
    for number in 0..400 {
        let asking = asking.clone();
        let channel = format!("c{}", number % 4);
        tasks.spawn(async move { asking.subscribe(&nobody(), &[&channel]).await });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    assert_eq!(application.count(), 4);
}

#[tokio::test]
async fn who_leaves_takes_the_answer_from_nobody() {
    let application = Application::start(|_| Reply::json("{}")).await;
    application.shut();
    let asking = Asking::new(&application.url());
    let ask = |asking: Asking| async move { asking.subscribe(&nobody(), &["news"]).await };
    let first = tokio::spawn(ask(asking.clone()));
    application.was_asked(1).await;
    let second = tokio::spawn(ask(asking.clone()));
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    application.open();
    assert!(second.await.unwrap().is_ok());
    assert!(asking.subscribe(&nobody(), &["news"]).await.is_ok());
    assert_eq!(application.count(), 1);
}

#[tokio::test]
async fn an_answer_is_remembered_for_its_time() {
    for (body, millis) in [(r#"{"ttl":7}"#, 7_000), ("{}", 60_000), (r#"{"ttl":1000000}"#, 3_600_000)] {
        let application = Application::start(move |_| Reply::json(body)).await;
        let asking = Asking::new(&application.url());
        let first = asking.subscribe(&nobody(), &["news"]).await.unwrap();
        assert_eq!(first.expires(), Some(asking.clock.now().after(Duration::from_millis(millis))), "{body}");
        asking.clock.pass(millis - 1);
        let again = asking.subscribe(&nobody(), &["news"]).await.unwrap();
        assert_eq!((again.expires(), application.count()), (first.expires(), 1), "{body}");
        asking.clock.pass(1);
        asking.subscribe(&nobody(), &["news"]).await.unwrap();
        assert_eq!(application.count(), 2, "{body}");
    }
}

#[tokio::test]
async fn a_refusal_is_remembered_for_a_second() {
    for (reply, denied) in [
        ("401 Who", Denied::Unauthenticated),
        ("403 No", Denied::Forbidden),
        ("500 Error", Denied::Undecided),
    ] {
        let application = Application::start(move |_| Reply::new(reply, "text/plain", "")).await;
        let asking = Asking::new(&application.url());
        for (pass, count) in [(0, 1), (999, 1), (1, 2)] {
            asking.clock.pass(pass);
            assert_eq!(asking.subscribe(&nobody(), &["news"]).await.unwrap_err(), denied);
            assert_eq!(application.count(), count);
        }
    }
}

#[tokio::test]
async fn only_what_is_not_known_is_asked() {
    let application = Application::start(|_| Reply::json(r#"{"sub":"42"}"#)).await;
    let asking = Asking::new(&application.url());
    for channels in [&["a", "b"][..], &["b"], &["b", "c", "a"], &["c"], &["a", "b", "c"], &["d", "a", "e"]] {
        let grant = asking.subscribe(&nobody(), channels).await.unwrap();
        assert_eq!(grant.subject(), Some("42"));
        asking.clock.pass(1_000);
    }
    let asked: Vec<_> = application.asked().into_iter().map(|asked| asked.body).collect();
    assert_eq!(
        asked,
        [
            r#"{"action":"subscribe","channels":["a","b"]}"#,
            r#"{"action":"subscribe","channels":["c"]}"#,
            r#"{"action":"subscribe","channels":["d","e"]}"#,
        ]
    );
    let grant = asking.subscribe(&nobody(), &["a", "e"]).await.unwrap();
    let first_asked = asking.clock.now().before(Duration::from_secs(6));
    assert_eq!(grant.expires(), Some(first_asked.after(Duration::from_secs(60))), "the sooner of the two");
    asking.ask(&nobody(), Action::Publish, &["a"]).await.unwrap();
    assert_eq!(application.count(), 4, "another action is another question");
}

#[tokio::test]
async fn who_has_become_somebody_else_is_asked_about_as_a_whole() {
    let count = AtomicUsize::new(0);
    let decide =
        move |_: &Asked| Reply::json(&format!(r#"{{"sub":"{}"}}"#, count.fetch_add(1, Ordering::SeqCst)));
    let application = Application::start(decide).await;
    let asking = Asking::new(&application.url());
    assert_eq!(asking.subscribe(&nobody(), &["a"]).await.unwrap().subject(), Some("0"));
    assert_eq!(asking.subscribe(&nobody(), &["a", "b"]).await.unwrap().subject(), Some("2"));
    assert_eq!(asking.subscribe(&nobody(), &["b", "a"]).await.unwrap().subject(), Some("2"));
    assert_eq!(application.count(), 3);
}

#[tokio::test]
async fn s1_two_users_share_no_decision() {
    let decide = |asked: &Asked| {
        let anna = asked.head.contains("cookie: id=anna") || asked.body.contains(r#""token":"anna""#);
        let home =
            asked.body.contains(r#""address":"192.0.2.1""#) || asked.body.contains(r#""client":"anna""#);
        if anna || home { Reply::json(r#"{"sub":"anna"}"#) } else { no() }
    };
    let application = Application::start(decide).await;
    let asking = Asking::new(&application.url());
    let asker = |change: &dyn Fn(&mut Asker)| {
        let mut asker = Asker::default();
        change(&mut asker);
        Arc::new(asker)
    };
    let pairs = [
        (with_cookie("id=anna"), with_cookie("id=bert")),
        (with_cookie("id=anna"), with_cookie("id=ann")),
        (with_cookie("id=anna"), nobody()),
        (
            asker(&|asker| asker.token = Some("anna".into())),
            asker(&|asker| asker.token = Some("bert".into())),
        ),
        (
            asker(&|asker| asker.token = Some("anna".into())),
            asker(&|asker| asker.token = Some("anna ".into())),
        ),
        (
            asker(&|asker| asker.address = "192.0.2.1".parse().ok()),
            asker(&|asker| asker.address = "192.0.2.2".parse().ok()),
        ),
        (
            asker(&|asker| asker.client = Some("anna".into())),
            asker(&|asker| asker.client = Some("bert".into())),
        ),
    ];
    let mut mixed = 0;
    for round in 0..10 {
        for (anna, other) in &pairs {
            let (anna, other) =
                tokio::join!(asking.subscribe(anna, &["news"]), asking.subscribe(other, &["news"]));
            mixed += usize::from(anna.is_err()) + usize::from(other.is_ok());
        }
        asking.clock.pass(if round % 2 == 0 { 500 } else { 1_000 });
    }
    assert_eq!(mixed, 0, "of 140 decisions");
}

#[tokio::test]
async fn s1_what_is_open_lives_on_until_it_expires() {
    let application = Application::start(|_| Reply::json(r#"{"ttl":60}"#)).await;
    let asking = Asking::new(&application.url());
    let news = encke_core::ChannelName::new("news").unwrap();
    let ask = Ask::new(Action::Subscribe, vec![news.clone().into()]);
    let grant = asking.hub.authorize(&ask).await.unwrap();
    let mut open =
        asking.hub.subscribe(&grant, "test", vec![news.clone().into()], Since::Latest).await.unwrap();

    application.shut();
    let trusted = asking.hub.with_authorizer(Trusted);
    let writer = trusted.authorize(&Ask::new(Action::Publish, vec![])).await.unwrap();
    let publish = || Publish::new(news.clone(), Message::text("still here"));
    asking.clock.pass(59_999);
    trusted.publish(&writer, publish()).await.unwrap();
    assert_eq!(open.read(Limit::default()).await.unwrap().messages.len(), 1);
    asking.clock.pass(1);
    let hub = asking.hub.clone();
    let keeping = tokio::spawn(async move { hub.maintain().await });
    assert_eq!(open.next(Limit::default()).await.unwrap_err(), End::Expired);
    keeping.abort();
    assert_eq!(application.count(), 1);
}
