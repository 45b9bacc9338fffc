//! Webhooks go on where they were: after a restart, and at another gateway of the same log.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use encke_testkit::{RedisServer, TestGateway, wait_for};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::publish_all;

/// The application's side: takes what comes, or not.
#[derive(Clone)]
struct Receiver {
    url: String,
    taken: Arc<Mutex<Vec<u64>>>,
    shut: Arc<AtomicBool>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = Self { url, taken: Arc::default(), shut: Arc::default() };
        let own = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.serve(stream).await });
            }
        });
        receiver
    }

    /// Answers the requests of a connection until it is closed.
    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await.ok()? == 0 {
                    return None;
                }
                if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = text.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.ok()?;
            let status = if self.shut.load(Ordering::Relaxed) {
                "503 Service Unavailable"
            } else {
                let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
                let messages = json["messages"].as_array().unwrap();
                self.taken
                    .lock()
                    .unwrap()
                    .extend(messages.iter().map(|message| message["data"].as_u64().unwrap()));
                "204 No Content"
            };
            stream
                .write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes())
                .await
                .ok()?;
        }
    }

    async fn wait_for(&self, last: u64) -> Vec<u64> {
        wait_for("the webhook", async || self.taken.lock().unwrap().last() == Some(&last)).await;
        self.taken.lock().unwrap().clone()
    }

    fn toml(&self) -> String {
        let secret = "0123456789abcdef0123";
        format!("[[webhook]]\nurl = '{}'\nsecret = '{secret}'\nchannels = ['news']\n", self.url)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_taken_before_a_restart_is_sent_after_it() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start().await;
    let toml =
        format!("engine.data = '{}'\ndrain.window = '1s'\n{}", folder.path().display(), receiver.toml());
    let gateway = TestGateway::over(&toml).await;
    publish_all(&[gateway.url()], 0..50).await;
    receiver.wait_for(49).await;
    receiver.shut.store(true, Ordering::Relaxed);
    publish_all(&[gateway.url()], 50..100).await;
    gateway.stop().await;

    receiver.shut.store(false, Ordering::Relaxed);
    let gateway = TestGateway::over(&toml).await;
    let mut taken = receiver.wait_for(99).await;
    // Whoever ended before the place was written down sends again what he had sent.
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken, (0..100).collect::<Vec<_>>());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_gateways_one_sends_and_then_the_other() {
    let redis = RedisServer::start();
    let receiver = Receiver::start().await;
    let toml = format!("engine.url = '{}'\ndrain.window = '1s'\n{}", redis.url(), receiver.toml());
    let (first, second) = (TestGateway::over(&toml).await, TestGateway::over(&toml).await);
    // It begins with what is published once one of them leads.
    wait_for("one to lead", async || first.hub().leads() || second.hub().leads()).await;
    wait_for("its place", async || {
        let answer = first.request("GET /poll?channel=probe", b"").await;
        answer.text().contains("-1\"")
    })
    .await;
    publish_all(&[first.url(), second.url()], 0..50).await;
    assert_eq!(receiver.wait_for(49).await, (0..50).collect::<Vec<_>>(), "each once, in order");
    let (leader, other) = if first.hub().leads() { (first, second) } else { (second, first) };
    leader.stop().await;
    publish_all(&[other.url()], 50..100).await;
    let mut taken = receiver.wait_for(99).await;
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken, (0..100).collect::<Vec<_>>());
    other.stop().await;
}
