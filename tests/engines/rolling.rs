//! Gateways are restarted one after the other under load, and nobody loses anything (S4).

use std::time::Duration;

use encke_testkit::{CutProxy, GatewayProcess, RedisServer, Transport, conformance::Reader};
use tokio::{
    sync::watch,
    task::{JoinSet, spawn_blocking},
};

use crate::{PROGRAM, publish_all};

const CLIENTS: usize = 2_000;

fn start(redis: &str) -> GatewayProcess {
    let settings = [
        ("ENCKE_ENGINE__URL", redis),
        ("ENCKE_DRAIN__WINDOW", "2s"),
        ("ENCKE_LIMITS__CONNECTIONS_PER_ADDRESS", "10000"),
        ("ENCKE_LOG__RETENTION__COUNT", "100000"),
    ];
    GatewayProcess::start(PROGRAM, &settings)
}

/// Restarts a gateway: the others take its clients.
async fn restart(nodes: &mut Vec<GatewayProcess>, which: usize, redis: &RedisServer, proxy: &CutProxy) {
    let mut node = nodes.remove(which);
    let redis = redis.url();
    node.terminate();
    let restarted = spawn_blocking(move || {
        assert!(node.wait(), "it ends as it should");
        start(&redis)
    });
    nodes.insert(which, restarted.await.unwrap());
    proxy.aim(nodes.iter().map(GatewayProcess::address).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s4_a_rolling_restart_loses_nothing() {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let redis = RedisServer::start();
    let mut nodes = vec![start(&redis.url()), start(&redis.url())];
    let proxy = CutProxy::before(nodes.iter().map(GatewayProcess::address).collect()).await;

    let (ready, mut readies) = watch::channel(0);
    let (end, ends) = watch::channel(None::<u64>);
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        // Most hold a stream; those who ask again and again cost more of the machine than they prove.
        let transport = [Transport::Ws, Transport::Sse, Transport::Iframe, Transport::LongPoll][client % 4];
        let mut reader = Reader::new(&proxy.url(), transport, &["news"], "latest");
        let (ready, ends) = (ready.clone(), ends.clone());
        clients.spawn(async move {
            reader.place().await;
            ready.send_modify(|count| *count += 1);
            let first = reader.numbers(1).await[0];
            let mut next = first + 1;
            while ends.borrow().is_none_or(|end| next < end) {
                let number = reader.numbers(1).await[0];
                assert_eq!(number, next, "{transport}: lost or repeated, gaps {:?}", reader.gaps);
                next += 1;
            }
            assert!(reader.gaps.is_empty(), "{transport}: {:?}", reader.gaps);
            first
        });
    }
    readies.wait_for(|count| *count == CLIENTS).await.unwrap();

    let url = [proxy.url()];
    let (stop, stopped) = watch::channel(false);
    let publisher = tokio::spawn(async move {
        let mut number = 0;
        while !*stopped.borrow() {
            publish_all(&url, [number]).await;
            number += 1;
            // The pace of the load, which is shared by all clients.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        number
    });
    for which in [0, 1] {
        restart(&mut nodes, which, &redis, &proxy).await;
    }
    stop.send_replace(true);
    let published = publisher.await.unwrap();
    // One more, so that whoever waits for the next learns that there is none.
    end.send_replace(Some(published + 1));
    publish_all(&[proxy.url()], [published]).await;
    let mut done = 0;
    while let Some(first) = clients.join_next().await {
        assert_eq!(first.unwrap(), 0, "everybody was there from the first on");
        done += 1;
    }
    assert_eq!(done, CLIENTS);
    println!("{CLIENTS} clients, {published} messages, two restarts: lost 0, repeated 0");
}
