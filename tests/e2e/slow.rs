//! Clients that stop reading: they cost what they cost when they stopped, and nobody else notices (D9, S2, S6).

use std::time::Instant;

use encke_testkit::{GatewayProcess, PATIENCE, Raw, metric, wait_for};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

const SLOW: usize = 2_000;
const MESSAGE: usize = 64 << 10;
const MIB: usize = 1 << 20;
/// What the gateway may hold beside its readers: what its one channel retains, and frames.
const RETAINED: &str = "4MiB";
const FRAMES: &str = "8MiB";
/// What it may grow by between two looks: allocators have moods, readers of what has passed must have no share in it.
const SLACK: usize = 24 * MIB;

/// What each kind of client asks for before it falls silent.
const REQUESTS: [&str; 4] = [
    "GET /sse?channel=flood HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /iframe?channel=flood&callback=f HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /ws?channel=flood HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "GET /longpoll?channel=flood HTTP/1.1\r\nHost: a\r\n\r\nGET /longpoll?channel=flood&since=earliest HTTP/1.1\r\nHost: a\r\n\r\n\
     GET /longpoll?channel=flood&since=earliest HTTP/1.1\r\nHost: a\r\n\r\n",
];

/// A client with a small window, so that its silence is felt at once.
async fn silent(gateway: &GatewayProcess, request: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut stream = socket.connect(gateway.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Publishes so many bytes, each message only when a reader has as many bytes as there were before it.
async fn publish(publisher: &mut Raw, reader: &mut Raw, bytes: usize) {
    let data = vec![b'x'; MESSAGE - 8];
    for number in 0..bytes / MESSAGE {
        let body = [&data[..], format!("{number:08}").as_bytes()].concat();
        publisher.request("POST /publish?channel=flood", &body).await;
        assert_eq!(publisher.answer().await.status, 200);
        reader.skip(MESSAGE).await;
    }
    reader.read_to(&format!("{:08}\"}}\n\n", bytes / MESSAGE - 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_follow_what_slow_readers_leave_unread() {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let gateway = GatewayProcess::start(
        env!("CARGO_BIN_EXE_encke-under-test"),
        &[
            ("ENCKE_LIMITS__CONNECTIONS_PER_ADDRESS", "unlimited"),
            ("ENCKE_LIMITS__WRITE_STALL", "12s"),
            ("ENCKE_LOG__RETENTION__BYTES", RETAINED),
            ("ENCKE_LOG__FRAME_BYTES", FRAMES),
            ("ENCKE_STREAM__BYTES", "1GiB"),
        ],
    );
    let mut slow = Vec::new();
    for number in 0..SLOW {
        slow.push(silent(&gateway, REQUESTS[number % REQUESTS.len()]).await);
    }
    let all = SLOW as u64;
    wait_for("all to subscribe", async || metric(gateway.address(), "encke_subscriptions").await == all)
        .await;
    let mut reader = Raw::connect_as_from_afar(gateway.address()).await;
    reader.request("GET /sse?channel=flood", b"").await;
    reader.read_to("id: ").await;
    let mut publisher = Raw::connect(gateway.address()).await;

    let connected = gateway.memory();
    let begin = Instant::now();
    publish(&mut publisher, &mut reader, 64 * MIB).await;
    let (early, early_slow) = (gateway.memory(), metric(gateway.address(), "encke_subscriptions").await);
    publish(&mut publisher, &mut reader, 192 * MIB).await;
    let (late, late_slow) = (gateway.memory(), metric(gateway.address(), "encke_subscriptions").await);
    println!(
        "connected {} MiB; after 64 MiB {} MiB ({early_slow} subscriptions); after 256 MiB {} MiB ({late_slow}); {:?}",
        connected / MIB,
        early / MIB,
        late / MIB,
        begin.elapsed(),
    );
    assert!(early < connected + SLOW * MESSAGE + SLACK, "more than a message for each that stopped");
    assert!(late < early + SLACK, "{} MiB more", late.saturating_sub(early) / MIB);

    // The slow ones are cut, and the others still served.
    wait_for("the slow ones to be cut", async || metric(gateway.address(), "encke_connections").await <= 3)
        .await;
    for mut stream in slow {
        let mut rest = Vec::new();
        // What was on its way still comes, and then the end or a reset.
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the end of a slow reader");
        assert!(rest.len() < 2 * MIB, "{}", rest.len());
    }
    publish(&mut publisher, &mut reader, MIB).await;
    println!("cut: {} MiB", gateway.memory() / MIB);
}
