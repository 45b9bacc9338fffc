//! Who asks is looked up in a real Redis.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use encke_auth::{StoredKey, StoredKeyConfig, StoredKeyError};
use encke_core::{Selector, Timestamp};
use encke_hub::{Access, Action, Ask, Asker, Authorizer as _, Denied, Grant, Hub, SubscribeError};
use encke_testkit::RedisServer;
use tokio::net::TcpListener;

fn config(url: &str) -> StoredKeyConfig {
    let mut config = StoredKeyConfig::new(url, "login:{token}".parse().unwrap());
    config.rights = Access::only([(Action::Subscribe, Selector::new("news.**").unwrap())]);
    config
}

fn hub(config: StoredKeyConfig) -> Hub {
    Hub::builder().authorizer(StoredKey::new(config).unwrap()).build().unwrap()
}

fn bearer(token: &str) -> Arc<Asker> {
    let mut asker = Asker::default();
    asker.token = Some(token.into());
    Arc::new(asker)
}

/// Asks, and checks the answer as the hub does before anything is read.
async fn subscribe(hub: &Hub, token: &str, channel: &str) -> Result<Grant, Denied> {
    let selectors = vec![Selector::new(channel).unwrap()];
    let ask = Ask::from_asker(bearer(token), Action::Subscribe, selectors.clone());
    let grant = hub.authorize(&ask).await?;
    match hub.subscribe(&grant, "test", selectors, encke_core::Since::Latest).await {
        Ok(_) => Ok(grant),
        Err(SubscribeError::Denied(denied)) => Err(denied),
        Err(other) => panic!("{other}"),
    }
}

async fn refused(hub: &Hub, token: &str, channel: &str) -> Denied {
    subscribe(hub, token, channel).await.unwrap_err()
}

#[tokio::test]
async fn a_subject_may_what_is_configured_and_json_says_it_itself() {
    let redis = RedisServer::start();
    redis.run(&["SET", "login:anna", "42"]);
    redis.run(&[
        "SET",
        "login:bert",
        r#"{"sub":"43","ttl":5,"rights":{"subscribe":["chat"],"follow":["lobby"]}}"#,
    ]);
    redis.run(&["SET", "login:cleo", r#"{"sub":"44","rights":{"follow":["lobby"]}}"#]);
    redis.run(&["SET", "other:dora", "45"]);
    let hub = hub(config(&redis.url()));

    assert_eq!(subscribe(&hub, "anna", "news.eu").await.unwrap().subject(), Some("42"));
    assert!(subscribe(&hub, "anna", "@42").await.is_ok());
    assert_eq!(refused(&hub, "anna", "@43").await, Denied::Forbidden);
    assert_eq!(refused(&hub, "anna", "chat").await, Denied::Forbidden);

    let bert = subscribe(&hub, "bert", "chat").await.unwrap();
    assert_eq!((bert.subject(), bert.follows().len()), (Some("43"), 1));
    assert_eq!(
        refused(&hub, "bert", "news.eu").await,
        Denied::Forbidden,
        "its lists replace the configured ones"
    );
    let cleo = subscribe(&hub, "cleo", "news.eu").await.unwrap();
    assert_eq!((cleo.subject(), cleo.follows().len()), (Some("44"), 1), "without lists they are added to");
    for nobody in ["dora", "none", "", "anna ", "../anna", "*"] {
        assert_eq!(refused(&hub, nobody, "news.eu").await, Denied::Unauthenticated, "{nobody}");
    }
}

#[tokio::test]
async fn s1_no_odd_value_admits() {
    let redis = RedisServer::start();
    // Right but for its length.
    let large = format!(r#"{{"sub":"42"}}{}"#, " ".repeat(20_000));
    let values = [
        " ",
        "42 ",
        "4 2",
        "42\n",
        "\"42\"",
        "[42]",
        "a:1:{s:4:\"user\";i:42;}",
        "\u{e9}",
        "a.*",
        "<html>",
        "{",
        "{}",
        r#"{"sub":null}"#,
        r#"{"sub":42}"#,
        r#"{"sub":""}"#,
        r#"{"sub":"42","admin":true}"#,
        r#"{"sub":"42"}{}"#,
        r#"{"sub":"42","rights":{"subscribe":"news.**"}}"#,
        r#"{"sub":"42","rights":{"subscribe":["news.**",""]}}"#,
        r#"{"sub":"42","rights":[]}"#,
        r#"{"sub":"42","ttl":0}"#,
        r#"{"rights":{"subscribe":["news.**"]}}"#,
        &large,
    ];
    let hub = hub(config(&redis.url()));
    let mut admitted = 0;
    for value in values {
        redis.run(&["SET", "login:odd", value]);
        match subscribe(&hub, "odd", "news.eu").await {
            Ok(_) => admitted += 1,
            Err(denied) => assert_eq!(denied, Denied::Undecided, "{value}"),
        }
    }
    redis.run(&["SET", "login:odd", ""]);
    assert_eq!(refused(&hub, "odd", "news.eu").await, Denied::Unauthenticated);
    redis.run(&["DEL", "login:odd"]);
    redis.run(&["LPUSH", "login:odd", "42"]);
    assert_eq!(refused(&hub, "odd", "news.eu").await, Denied::Undecided, "a list");
    assert_eq!(admitted, 0, "of {}", values.len() + 2);
    redis.run(&["SET", "login:odd", "42"]);
    assert!(subscribe(&hub, "odd", "news.eu").await.is_ok(), "the control");
}

#[tokio::test]
async fn a_field_of_a_hash_is_looked_up() {
    let redis = RedisServer::start();
    let large = format!(r#"{{"sub":"42"}}{}"#, " ".repeat(20_000));
    redis.run(&["HSET", "login:anna", "user", "42", "other", "43", "large", &large]);
    redis.run(&["SET", "login:bert", "44"]);
    let with = |field: &str| {
        let mut config = config(&redis.url());
        config.field = Some(field.to_owned());
        hub(config)
    };
    let hub = with("user");
    assert_eq!(subscribe(&hub, "anna", "news.eu").await.unwrap().subject(), Some("42"));
    assert_eq!(refused(&hub, "none", "news.eu").await, Denied::Unauthenticated);
    assert_eq!(refused(&hub, "bert", "news.eu").await, Denied::Undecided, "no hash");
    assert_eq!(refused(&with("none"), "anna", "news.eu").await, Denied::Unauthenticated);
    assert_eq!(refused(&with("large"), "anna", "news.eu").await, Denied::Undecided);
}

#[tokio::test]
async fn s1_a_deleted_key_ends_what_it_opened() {
    let redis = RedisServer::start();
    redis.run(&["SET", "login:anna", "42"]);
    redis.run(&["SET", "login:bert", r#"{"sub":"43","ttl":5}"#]);
    redis.run(&["SET", "login:cleo", r#"{"sub":"44","ttl":5000}"#]);
    let time = Arc::new(AtomicU64::new(1_700_000_000_000));
    let now = Arc::clone(&time);
    let clock = move || Timestamp::from_millis(now.load(Ordering::SeqCst));
    let stored = StoredKey::with_clock(config(&redis.url()), clock.clone()).unwrap();
    let hub = Hub::builder().authorizer(stored).clock(clock).build().unwrap();

    let start = Timestamp::from_millis(1_700_000_000_000);
    for (token, seconds) in [("anna", 60), ("bert", 5), ("cleo", 60)] {
        let grant = subscribe(&hub, token, "news.eu").await.unwrap();
        assert_eq!(grant.expires(), Some(start.after(Duration::from_secs(seconds))), "{token}");
    }
    let grant = subscribe(&hub, "anna", "news.eu").await.unwrap();
    redis.run(&["DEL", "login:anna"]);
    assert_eq!(refused(&hub, "anna", "news.eu").await, Denied::Unauthenticated, "nothing is remembered");
    time.fetch_add(60_000, Ordering::SeqCst);
    let selectors = vec![Selector::new("news.eu").unwrap()];
    let ended = hub.subscribe(&grant, "test", selectors, encke_core::Since::Latest).await;
    assert!(matches!(ended, Err(SubscribeError::Denied(Denied::Expired))));
}

#[tokio::test]
async fn s1_a_redis_that_is_not_there_admits_nobody_until_it_is_back() {
    let mut redis = RedisServer::start();
    redis.run(&["SET", "login:anna", "42"]);
    let hub = hub(config(&redis.url()));
    assert!(subscribe(&hub, "anna", "news.eu").await.is_ok());

    redis.kill();
    let mut admitted = 0;
    for _ in 0..5 {
        match subscribe(&hub, "anna", "news.eu").await {
            Ok(_) => admitted += 1,
            Err(denied) => assert_eq!(denied, Denied::Undecided),
        }
    }
    assert_eq!(admitted, 0);

    redis.restart();
    redis.run(&["SET", "login:anna", "42"]);
    back(&hub).await;
}

/// Waits until somebody who is stored is admitted again.
async fn back(hub: &Hub) {
    let admitted = async {
        while let Err(denied) = subscribe(hub, "anna", "news.eu").await {
            assert_eq!(denied, Denied::Undecided);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), admitted).await.unwrap();
}

#[tokio::test]
async fn s1_a_redis_that_hangs_admits_nobody_until_it_goes_on() {
    let redis = RedisServer::start();
    redis.run(&["SET", "login:anna", "42"]);
    let mut config = config(&redis.url());
    config.deadline = Duration::from_millis(100);
    let hub = hub(config);
    back(&hub).await;
    redis.stop_process();
    for _ in 0..3 {
        assert_eq!(refused(&hub, "anna", "news.eu").await, Denied::Undecided);
    }
    redis.continue_process();
    back(&hub).await;
}

#[tokio::test]
async fn s1_what_is_not_redis_admits_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let talking = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let urls = [&silent, &talking].map(|listener| format!("redis://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        while let Ok((socket, _)) = talking.accept().await {
            let _ = socket.try_write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n42");
        }
    });
    for url in urls {
        let mut config = config(&url);
        config.deadline = Duration::from_millis(200);
        assert_eq!(refused(&hub(config), "anna", "news.eu").await, Denied::Undecided);
    }
}

#[tokio::test]
async fn a_password_that_becomes_right_is_tried_again() {
    let redis = RedisServer::start();
    redis.run(&["SET", "login:anna", "42"]);
    redis.run(&["ACL", "SETUSER", "gate", "on", ">right", "~*", "+@all"]);
    let with = |password: &str| hub(config(&redis.url_as("gate", password)));
    assert!(subscribe(&with("right"), "anna", "news.eu").await.is_ok());
    let hub = with("later");
    for _ in 0..2 {
        assert_eq!(refused(&hub, "anna", "news.eu").await, Denied::Undecided);
    }
    redis.run(&["ACL", "SETUSER", "gate", ">later"]);
    assert!(subscribe(&hub, "anna", "news.eu").await.is_ok());
}

#[tokio::test]
async fn look_ups_at_a_time_are_bounded() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&format!("redis://{}", silent.local_addr().unwrap()));
    config.requests = 1;
    let hub = hub(config);
    let waiting = subscribe(&hub, "anna", "news.eu");
    // The one that waits for Redis is dropped when the other is refused: it did not have to wait.
    tokio::select! {
        biased;
        _ = waiting => panic!("nobody answers"),
        denied = refused(&hub, "bert", "news.eu") => assert_eq!(denied, Denied::Undecided),
    }
}

#[test]
fn what_cannot_be_reached_is_refused_at_once_and_no_password_is_shown() {
    for url in ["", "redis", "http://127.0.0.1/", "rediss://127.0.0.1/", "redis://:secret@127.0.0.1/x"] {
        let error = StoredKey::new(config(url)).map(|_| ()).unwrap_err();
        assert_eq!(error, StoredKeyError::Url, "{url}");
    }
    let stored = StoredKey::new(config("redis://:secret@127.0.0.1/0")).unwrap();
    assert!(!format!("{stored:?}").contains("secret"));
    assert!(stored.presented(&bearer("")) && !stored.presented(&Asker::default()));
}
