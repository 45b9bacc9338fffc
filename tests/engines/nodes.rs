//! Several gateways over one Redis are one log.

use encke_testkit::{CutProxy, Raw, RedisServer, TestGateway, Transport, conformance::Reader, wait_for};

use crate::{LONG, publish_all};

fn over(redis: &RedisServer) -> String {
    format!("engine.url = '{}'\n{LONG}", redis.url())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d10_ten_thousand_messages_by_two_nodes_and_all_transports() {
    const COUNT: u64 = 10_000;
    const SEED: u64 = 20_261_121;
    let redis = RedisServer::start();
    let (first, second) = (TestGateway::over(&over(&redis)).await, TestGateway::over(&over(&redis)).await);
    let nodes = [first.address(), second.address()];
    let proxy = CutProxy::before(nodes.to_vec()).await;
    let urls = [first.url(), second.url()];
    let publisher = tokio::spawn(async move { publish_all(&urls, 0..COUNT).await });

    let mut random = fastrand::Rng::with_seed(SEED);
    let mut reader = Reader::new(&proxy.url(), Transport::Ws, &["news"], "earliest");
    let (mut switches, mut moves) = ([0usize; 5], 0);
    let mut expected = 0;
    let mut next_change = 0;
    while expected < COUNT {
        let number = reader.numbers(1).await[0];
        assert_eq!(number, expected, "D10: after {switches:?} switches, gaps {:?}", reader.gaps);
        expected += 1;
        if expected > next_change {
            next_change = expected + random.u64(1..200);
            let transport = random.usize(0..Transport::ALL.len());
            switches[transport] += 1;
            reader.switch(Transport::ALL[transport]);
            // Each connection goes to one of them at random; this one to the one that it was not at.
            if random.bool() {
                moves += 1;
                proxy.aim(vec![nodes[moves % 2]]);
                proxy.cut();
            }
        }
    }
    publisher.await.unwrap();
    assert!(reader.gaps.is_empty(), "{:?}", reader.gaps);
    assert!(switches.iter().all(|count| *count > 0) && moves > 0, "{switches:?} {moves}");
    println!(
        "received {COUNT}, lost 0, repeated 0, over {switches:?} switches and {moves} moves between nodes"
    );
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s5_while_redis_is_away_nothing_is_acknowledged_and_streams_stay() {
    let mut redis = RedisServer::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let (first, second) = (TestGateway::over(&over(&redis)).await, TestGateway::over(&over(&redis)).await);
    let mut reader = Reader::new(&second.url(), Transport::Sse, &["news"], "latest");
    reader.place().await;
    publish_all(&[first.url()], 0..10).await;
    assert_eq!(reader.numbers(10).await, (0..10).collect::<Vec<_>>());

    redis.stop_process();
    let refused = first.request("POST /publish?channel=news", b"10").await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    let page = second.request("GET /poll?channel=news&since=-5", b"").await;
    assert_eq!(page.status, 200, "what is in memory is served: {}", page.text());
    redis.continue_process();

    // Nothing was lost that was answered; what was not is there once or not at all, and is repeated with its key.
    let urls = [first.url(), second.url()];
    publish_all(&urls, 11..100).await;
    let after = reader.numbers(89).await;
    let unanswered = usize::from(after[0] == 10);
    let rest = reader.numbers(unanswered).await;
    let all: Vec<_> = after.into_iter().chain(rest).skip(unanswered).collect();
    assert_eq!(all, (11..100).collect::<Vec<_>>());
    assert!(reader.gaps.is_empty(), "{:?}", reader.gaps);

    // It comes back as another, perhaps without what it had: a new epoch, and so a gap for everyone.
    redis.kill();
    redis.restart();
    wait_for("the nodes to find it", async || {
        first.request("POST /publish?channel=other", b"x").await.status == 200
    })
    .await;
    publish_all(&urls, 100..200).await;
    let mut numbers = Vec::new();
    while numbers.last() != Some(&199) {
        numbers.extend(reader.numbers(1).await);
    }
    assert_eq!(reader.gaps.iter().map(|gap| gap.reason.as_str()).collect::<Vec<_>>(), ["epoch"]);
    assert!(numbers.ends_with(&(100..200).collect::<Vec<_>>()), "{numbers:?}");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_what_is_ordered_at_one_node_holds_at_the_other() {
    let redis = RedisServer::start();
    let toml = format!("presence.channels = ['news']\n{}", over(&redis));
    let (first, second) = (TestGateway::over(&toml).await, TestGateway::over(&toml).await);
    wait_for("the nodes to know each other", async || {
        let nodes = first.request("GET /admin/api/nodes", b"").await.text();
        nodes.matches("\"answered\":true").count() == 2
    })
    .await;
    let mut visitor = Raw::connect(second.address()).await;
    visitor.request("GET /sse?channel=news&client=anna", b"").await;
    assert_eq!(visitor.head().await.status, 200);

    // Who is at one of them is present at the other, and in its lists.
    wait_for("the member", async || {
        let members = first.request("GET /admin/api/channels/news/members", b"").await.text();
        members.contains("\"clients\":[\"anna\"]")
    })
    .await;
    let clients = first.request("GET /admin/api/clients?client=anna", b"").await.text();
    assert_eq!(clients.matches("\"transport\":\"sse\"").count(), 1, "{clients}");

    let ban = b"{\"whom\":{\"client\":\"anna\"},\"for\":\"1h\"}";
    let banned = first.request("POST /admin/api/bans", ban).await;
    assert!(banned.status == 200 && !banned.text().contains("silent"), "{}", banned.text());
    visitor.read_to("\r\n0\r\n\r\n").await;
    let refused = second.request("GET /poll?channel=news&client=anna", b"").await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    first.stop().await;
    second.stop().await;
}
