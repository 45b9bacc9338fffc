//! What applications put into Redis reaches those who follow the gateway, and the other way.

use std::time::Duration;

use encke_testkit::{RedisServer, TestGateway, Transport, conformance::Reader, wait_for};

use crate::publish_all;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_of_a_stream_are_published_and_bad_ones_are_buried() {
    let redis = RedisServer::start();
    for number in 0..50 {
        redis.run(&["XADD", "jobs", "*", "channel", "news", "data", &number.to_string()]);
    }
    redis.run(&["XADD", "jobs", "*", "channel", "", "data", "nobody's"]);
    let url = redis.url();
    let toml = format!("[[queue]]\nname = 'jobs'\nurl = '{url}'\nstream = 'jobs'\n");
    let gateway = TestGateway::start(&toml);
    redis.run(&["XADD", "jobs", "*", "channel", "news", "data", "50"]);
    let mut reader = Reader::new(&gateway.url(), Transport::Sse, &["news"], "earliest");
    assert_eq!(reader.numbers(51).await, (0..51).collect::<Vec<_>>());
    wait_for("the dead letter", async || redis.run(&["XLEN", "jobs.dead"]).trim() == "1").await;
    wait_for("the queue to be done", async || gateway.metric("encke_queue_published_total").await == 51)
        .await;
    assert_eq!(gateway.metric("encke_queue_buried_total").await, 1);
    gateway.stop().await;
}

/// The chat of seed 001 has clients that PUBLISH and PSUBSCRIBE: they and those of the gateway hear each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_over_plain_pub_sub_goes_on_both_ways() {
    let redis = RedisServer::start();
    let url = redis.url();
    let toml = format!("[[bridge]]\nname = 'chat'\nurl = '{url}'\npatterns = ['news']\nmirror = ['news']\n");
    let gateway = TestGateway::start(&toml);
    let mut old = redis::Client::open(url).unwrap().get_connection().unwrap();
    old.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut heard = old.as_pubsub();
    heard.psubscribe("*").unwrap();

    let mut reader = Reader::new(&gateway.url(), Transport::Ws, &["news"], "latest");
    reader.place().await;
    wait_for("the bridge", async || gateway.metric("encke_bridge_up").await == 1).await;
    redis.run(&["PUBLISH", "news", "7"]);
    assert_eq!(reader.numbers(1).await, [7]);
    assert_eq!(heard.get_message().unwrap().get_payload_bytes(), b"7");

    publish_all(&[gateway.url()], [8]).await;
    assert_eq!(heard.get_message().unwrap().get_payload_bytes(), b"8");
    assert_eq!(reader.numbers(1).await, [8]);
    redis.run(&["PUBLISH", "news", "9"]);
    assert_eq!(reader.numbers(1).await, [9], "nothing came back");
    drop(heard);
    gateway.stop().await;
}
