//! How long a request is held, on a clock of the test's own.
#![expect(clippy::unwrap_used, reason = "what cannot be is a test that fails")]

use std::time::Duration;

use bytes::Bytes;
use encke_core::{ChannelName, Message, Publish};
use encke_http::{Body, PullConfig};
use encke_hub::{Action, Ask, Hub};
use encke_longpoll::{LongPoll, LongPollConfig, LongPollService};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use tokio::time::{Instant, sleep};
use tower_service::Service;

async fn get(service: &LongPollService, target: &str) -> Response<Body> {
    service.clone().call(Request::get(target).body(Empty::<Bytes>::new()).unwrap()).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn publish(hub: &Hub, message: Message) {
    let news = ChannelName::new("news").unwrap();
    let grant = hub.authorize(&Ask::new(Action::Publish, vec![news.clone().into()])).await.unwrap();
    hub.publish(&grant, Publish::new(news, message)).await.unwrap();
}

fn after(hub: &Hub, delay: u64, texts: &'static [&'static str]) {
    let hub = hub.clone();
    tokio::spawn(async move {
        for text in texts {
            sleep(Duration::from_millis(delay)).await;
            publish(&hub, Message::text(*text)).await;
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_hold_ends_with_the_first_message_or_with_the_time() {
    let hub = Hub::builder().build().unwrap();
    let service = LongPoll::service(hub.clone(), LongPollConfig::default());
    let began = Instant::now();
    let response = get(&service, "/longpoll?channel=news&wait=10").await;
    assert_eq!(response.status(), 200);
    let body = text(response).await;
    assert_eq!(body, format!("{{\"messages\":[],\"cursor\":\"{}\"}}", hub.log_info().head));
    let held = began.elapsed();
    assert!((Duration::from_secs(9)..=Duration::from_secs(10)).contains(&held), "{held:?}");

    after(&hub, 3_000, &["hello"]);
    let began = Instant::now();
    assert!(text(get(&service, "/longpoll?channel=news").await).await.contains("\"hello\""));
    assert!(began.elapsed() < Duration::from_secs(4));

    let began = Instant::now();
    get(&service, "/longpoll?channel=news&wait=0").await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(get(&service, "/longpoll?channel=news&wait=61").await.status(), 400);
    assert!(hub.is_empty(), "nothing is left of requests that were answered");
}

#[tokio::test(start_paused = true)]
async fn linger_gathers_a_burst_into_one_answer() {
    let hub = Hub::builder().build().unwrap();
    let service = LongPoll::service(hub.clone(), LongPollConfig::default());
    after(&hub, 10, &["a", "b", "c", "d", "e"]);
    let saw = text(get(&service, "/longpoll?channel=news").await).await;
    assert_eq!(saw.matches("\"type\"").count(), 1, "{saw}");
    sleep(Duration::from_secs(1)).await;

    after(&hub, 10, &["a", "b", "c", "d", "e"]);
    let gathered = text(get(&service, "/longpoll?channel=news&linger=200").await).await;
    assert_eq!(gathered.matches("\"type\"").count(), 5, "{gathered}");
    assert!(gathered.ends_with(&format!("\"cursor\":\"{}\"}}", hub.log_info().head)), "{gathered}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_went_away_frees_everything_at_once() {
    let hub = Hub::builder().build().unwrap();
    let service = LongPoll::service(hub.clone(), LongPollConfig::default());
    let held = tokio::spawn(async move { get(&service, "/longpoll?channel=news").await });
    while hub.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(hub.log_info().channels, 1);
    held.abort();
    assert!(held.await.is_err());
    assert!(hub.is_empty());
    assert_eq!(hub.log_info().channels, 0, "a channel that nobody needs is forgotten");
}

#[tokio::test(start_paused = true)]
async fn one_raw_message_for_each_answer_and_a_cookie_lose_nothing() {
    let hub = Hub::builder().build().unwrap();
    let pull = PullConfig::default().cookie(true);
    let service = LongPoll::service(hub.clone(), LongPollConfig::default().pull(pull).one(true));
    let request = |cookie: Option<&str>| {
        let mut request = Request::get("/subscribe?channel=news&wait=5");
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let mut service = service.clone();
        async move { service.call(request).await.unwrap() }
    };
    let cookie_of = |response: &Response<Body>| {
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    };

    let quiet = request(None).await;
    assert_eq!(quiet.status(), 204);
    let mut cookie = cookie_of(&quiet);
    // All between two requests, which is where such a loop loses them.
    for message in [Message::text("one"), Message::json("{\"n\":2}"), Message::binary(&b"\xff"[..])] {
        publish(&hub, message).await;
    }
    let expected: [(&str, &[u8]); 3] = [
        ("text/plain; charset=utf-8", b"one"),
        ("application/json", b"{\"n\":2}"),
        ("application/octet-stream", b"\xff"),
    ];
    for (content_type, data) in expected {
        let response = request(Some(&cookie)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], content_type);
        cookie = cookie_of(&response);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), data);
    }
    assert_eq!(request(Some(&cookie)).await.status(), 204);
}

#[tokio::test(start_paused = true)]
async fn a_drain_answers_the_held_and_closes_their_connections() {
    let hub = Hub::builder().build().unwrap();
    let service = LongPoll::service(hub.clone(), LongPollConfig::default());
    let late = service.clone();
    let held = tokio::spawn(async move { get(&service, "/longpoll?channel=news").await });
    while hub.is_empty() {
        tokio::task::yield_now().await;
    }
    hub.drain().await;
    let response = held.await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["connection"], "close");
    assert!(text(response).await.starts_with("{\"messages\":[],\"cursor\":"));

    // One who comes back at once is slowed down, and gets what has come meanwhile.
    let began = Instant::now();
    after(&hub, 500, &["meanwhile"]);
    let response = get(&late, "/longpoll?channel=news").await;
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    assert_eq!(response.headers()["connection"], "close");
    assert!(text(response).await.contains("\"meanwhile\""));
}
