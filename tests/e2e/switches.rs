//! D10: transports are equal, also for one client that changes between them and is cut.

use std::time::{Duration, Instant};

use encke_client::Client;
use encke_core::{ChannelName, Message};
use encke_testkit::{CutProxy, TestGateway, Transport, conformance::Reader};

/// Retention that keeps all of it.
const LONG: &str = "log.retention.count = 20_000\nlog.retention.bytes = \"64MiB\"";

/// Publishes numbers as fast as they are acknowledged.
async fn publish_all(url: String, count: u64) {
    let client = Client::new(&url).unwrap();
    let news = [ChannelName::new("news").unwrap()];
    for number in 0..count {
        client.publish(&news, &Message::json(number.to_string())).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d10_ten_thousand_messages_over_random_switches_and_cuts() {
    const COUNT: u64 = 10_000;
    const SEED: u64 = 20_261_121;
    let gateway = TestGateway::start(LONG);
    let proxy = CutProxy::start(gateway.address()).await;
    let publisher = tokio::spawn(publish_all(gateway.url(), COUNT));

    let mut random = fastrand::Rng::with_seed(SEED);
    let mut reader = Reader::new(&proxy.url(), Transport::Ws, &["news"], "earliest");
    let mut switches = [0usize; 5];
    let mut expected = 0;
    let mut next_change = 0;
    while expected < COUNT {
        let number = reader.numbers(1).await[0];
        assert_eq!(
            number,
            expected,
            "D10: after {switches:?} switches and {} cuts, gaps {:?}",
            proxy.cuts(),
            reader.gaps
        );
        expected += 1;
        if expected > next_change {
            next_change = expected + random.u64(1..200);
            if random.bool() {
                let transport = random.usize(0..Transport::ALL.len());
                switches[transport] += 1;
                reader.switch(Transport::ALL[transport]);
            } else {
                proxy.cut();
            }
        }
    }
    publisher.await.unwrap();
    assert!(reader.gaps.is_empty(), "{:?}", reader.gaps);
    assert!(switches.iter().all(|count| *count > 0) && proxy.cuts() > 0, "{switches:?} {}", proxy.cuts());
    println!("received {COUNT}, lost 0, repeated 0, over {switches:?} switches and {} cuts", proxy.cuts());
}

#[tokio::test]
async fn d10_killed_in_mid_stream_resumed_on_another() {
    const MORE: u64 = 1_000;
    for (index, from) in Transport::ALL.into_iter().enumerate() {
        let to = Transport::ALL[(index + 1) % Transport::ALL.len()];
        let gateway = TestGateway::start(LONG);
        let url = gateway.url();
        let publisher = tokio::spawn(publish_all(url.clone(), 500));
        let mut reader = Reader::new(&url, from, &["news"], "earliest");
        let before = reader.numbers(200).await;
        let cursor = reader.cursor();
        drop(reader);
        publisher.await.unwrap();
        publish_all(url.clone(), MORE).await;

        let began = Instant::now();
        let mut reader = Reader::new(&url, to, &["news"], &cursor);
        let after = reader.numbers(usize::try_from(300 + MORE).unwrap()).await;
        let all: Vec<_> = before.into_iter().chain(after).collect();
        let published: Vec<_> = (0..500).chain(0..MORE).collect();
        assert_eq!(all, published, "from {from} to {to}");
        assert!(reader.gaps.is_empty());
        let took = began.elapsed().max(Duration::from_millis(1));
        println!("{from} -> {to}: received {}, lost 0, repeated 0, caught up in {took:?}", all.len());
    }
}
