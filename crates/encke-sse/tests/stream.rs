//! The life of a stream, on a clock of the test's own.
#![expect(clippy::unwrap_used, reason = "what cannot be is a test that fails")]

use std::time::Duration;

use bytes::Bytes;
use encke_core::{ChannelName, LogConfig, Message, Publish, Retention};
use encke_http::{Body, StreamConfig};
use encke_hub::{Action, Ask, Hub};
use encke_sse::{Sse, SseConfig, SseService};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use tokio::time::Instant;
use tower_service::Service;

async fn get(service: &mut SseService, target: &str) -> Response<Body> {
    service.call(Request::get(target).body(Empty::<Bytes>::new()).unwrap()).await.unwrap()
}

/// The next piece of the stream, or `None` at its end.
async fn next(body: &mut Body) -> Option<String> {
    let frame = body.frame().await?.unwrap();
    Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
}

async fn publish(hub: &Hub, text: &str) {
    let news = ChannelName::new("news").unwrap();
    let grant = hub.authorize(&Ask::new(Action::Publish, vec![news.clone().into()])).await.unwrap();
    hub.publish(&grant, Publish::new(news, Message::text(text))).await.unwrap();
}

fn epoch(hub: &Hub) -> String {
    hub.log_info().head.epoch.to_string()
}

#[tokio::test(start_paused = true)]
async fn d4_a_cursor_from_the_first_byte_and_with_each_heartbeat() {
    let hub = Hub::builder().build().unwrap();
    let stream = StreamConfig { heartbeat: Duration::from_secs(15), ..StreamConfig::default() };
    let mut service = Sse::service(hub.clone(), SseConfig::default().stream(stream));
    let mut body = get(&mut service, "/sse?channel=quiet").await.into_body();
    let epoch = epoch(&hub);
    assert_eq!(next(&mut body).await, Some(format!("retry: 2000\nid: {epoch}-0\n\n")));

    // Others are busy: a quiet channel's place moves with the log, so that it does not age.
    publish(&hub, "elsewhere").await;
    let began = Instant::now();
    assert_eq!(next(&mut body).await, Some(format!(":\nid: {epoch}-1\n\n")));
    assert!(began.elapsed() >= Duration::from_secs(15));
    assert_eq!(next(&mut body).await, Some(format!(":\nid: {epoch}-1\n\n")));
}

#[tokio::test(start_paused = true)]
async fn what_there_is_comes_with_the_opening() {
    let hub = Hub::builder().build().unwrap();
    let mut service = Sse::service(hub.clone(), SseConfig::default());
    publish(&hub, "one").await;
    publish(&hub, "two").await;
    let mut body = get(&mut service, "/sse?channel=news&since=earliest").await.into_body();
    let first = next(&mut body).await.unwrap();
    assert!(first.contains("\"one\"") && first.contains("\"two\""), "{first}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_by_age_and_by_bytes_and_loses_nothing() {
    let hub = Hub::builder().build().unwrap();
    let stream = StreamConfig { age: Duration::from_secs(100), bytes: 2_000, ..StreamConfig::default() };
    let mut service = Sse::service(hub.clone(), SseConfig::default().stream(stream));
    let mut body = get(&mut service, "/sse?channel=news").await.into_body();
    let began = Instant::now();
    let mut last = String::new();
    while let Some(piece) = next(&mut body).await {
        last = piece;
    }
    let age = began.elapsed();
    assert!((Duration::from_secs(90)..=Duration::from_secs(110)).contains(&age), "{age:?}");
    assert_eq!(last, format!("retry: 0\nid: {}-0\n\n", epoch(&hub)));

    // One stream after the other, each from where the one before it ended.
    for index in 0..40 {
        publish(&hub, &format!("{index:0100}")).await;
    }
    let mut since = "earliest".to_owned();
    let (mut seen, mut streams) = (Vec::new(), 0);
    while seen.len() < 40 {
        streams += 1;
        assert!(streams < 100, "every stream brings something");
        let mut body = get(&mut service, &format!("/sse?channel=news&since={since}")).await.into_body();
        while let Some(piece) = next(&mut body).await {
            for line in piece.lines() {
                if let Some(id) = line.strip_prefix("id: ") {
                    since = id.to_owned();
                } else if let Some((_, data)) = line.split_once("\"data\":\"") {
                    seen.push(data.trim_end_matches("\"}").parse::<usize>().unwrap());
                }
            }
            if seen.len() == 40 {
                break;
            }
        }
    }
    assert_eq!(seen, (0..40).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn d9_a_reader_that_lags_costs_nothing_and_gets_a_gap() {
    let retention = Retention { count: 10, ..Retention::default() };
    let hub = Hub::builder().log(LogConfig { retention, ..LogConfig::default() }).build().unwrap();
    let mut service = Sse::service(hub.clone(), SseConfig::default());
    let mut body = get(&mut service, "/sse?channel=news").await.into_body();
    next(&mut body).await.unwrap();
    for index in 0..1_000 {
        publish(&hub, &format!("{index}")).await;
    }
    let piece = next(&mut body).await.unwrap();
    let gap = format!("\"from\":\"{0}-0\",\"to\":\"{0}-990\",\"reason\":\"slow\"", epoch(&hub));
    assert!(piece.starts_with("event: gap\ndata: ") && piece.contains(&gap), "{piece}");
    assert_eq!(piece.matches("\"type\":\"message\"").count(), 10, "{piece}");
    assert!(hub.log_info().bytes < 10 * 300);
}

#[tokio::test(start_paused = true)]
async fn a_drain_says_when_to_come_back_and_goes_on_saying_so() {
    let hub = Hub::builder().build().unwrap();
    let mut service = Sse::service(hub.clone(), SseConfig::default());
    let mut body = get(&mut service, "/sse?channel=news").await.into_body();
    next(&mut body).await.unwrap();
    publish(&hub, "last").await;
    hub.drain().await;
    let mut text = String::new();
    while let Some(piece) = next(&mut body).await {
        text.push_str(&piece);
    }
    assert!(text.contains("\"last\""), "what was acknowledged is delivered before the end: {text}");
    assert!(text.contains("retry: ") && text.ends_with("-1\n\n"), "{text}");

    // One who comes now gets what there is, and when to come back. A browser gives up for ever on a status.
    let response = get(&mut service, "/sse?channel=news&since=earliest").await;
    assert_eq!(response.status(), 200);
    let all = String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert!(all.contains("\"last\"") && all.matches("retry: ").count() == 2, "{all}");
}
