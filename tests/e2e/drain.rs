//! SIGTERM: everybody is sent away one after the other, with a hint, and nothing acknowledged is lost (S4).

use std::time::{Duration, Instant};

use encke_testkit::{Raw, TestGateway};
use tokio::{net::TcpStream, task::JoinSet, time::sleep};

const CLIENTS: usize = 500;
const WINDOW: Duration = Duration::from_secs(2);
/// The drain's own step.
const STEP: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sse,
    Iframe,
    Ws,
    Longpoll,
}

const KINDS: [Kind; 4] = [Kind::Sse, Kind::Iframe, Kind::Ws, Kind::Longpoll];

impl Kind {
    fn request(self) -> &'static str {
        match self {
            Self::Sse => "GET /sse?channel=news",
            Self::Iframe => "GET /iframe?channel=news&callback=f",
            Self::Ws => {
                "GET /ws?channel=news\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
            }
            // It would end with each message, so it waits where none comes.
            Self::Longpoll => "GET /longpoll?channel=quiet&wait=60",
        }
    }

    /// The last that comes.
    fn end(self) -> &'static str {
        match self {
            Self::Sse | Self::Iframe => "\r\n0\r\n\r\n",
            Self::Ws => "drained",
            Self::Longpoll => "\"}",
        }
    }
}

/// How it was for one client.
struct Told {
    kind: Kind,
    at: Instant,
    /// Everything that it read.
    text: String,
}

async fn follow(mut raw: Raw, kind: Kind) -> Told {
    let mut text = raw.read_to(kind.end()).await;
    let at = Instant::now();
    if kind == Kind::Ws {
        raw.send(b"\x88\x82\0\0\0\0\x03\xF4").await;
    }
    text += &raw.read_to_end().await;
    Told { kind, at, text }
}

/// The numbers that follow `before`, each time that it is there.
fn numbers(text: &str, before: &str) -> Vec<u64> {
    let rests = text.split(before).skip(1);
    let number = |rest: &str| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    rests.filter_map(number).collect()
}

impl Told {
    /// Checks what was read: everything from the first message on, the place behind it, and the hint. Returns the
    /// number of the last message.
    fn check(&self, epoch: &str) -> u64 {
        let seqs = numbers(&self.text, "\"seq\":");
        let last = seqs.len() as u64;
        assert!(seqs.iter().copied().eq(1..=last), "{:?} {seqs:?}", self.kind);
        let tail = &self.text[self.text.floor_char_boundary(self.text.len().saturating_sub(400))..];
        let place = format!("{epoch}-{last}");
        match self.kind {
            Kind::Sse => {
                let (_, end) = tail.rsplit_once("retry: ").unwrap();
                assert!(end.contains(&format!("\nid: {place}\n\n")), "{tail}");
            }
            Kind::Iframe => assert!(tail.contains(&format!("z(\"{place}\",")), "{tail}"),
            Kind::Ws => {
                for part in [
                    "\"type\":\"error\"",
                    "urn:encke:problem:draining",
                    "\"retry_after\":",
                    "\u{3}\u{FFFD}drained",
                ] {
                    assert!(tail.contains(part), "{part}: {tail}");
                }
            }
            Kind::Longpoll => {
                assert!(self.text.starts_with("HTTP/1.1 200 OK\r\n"), "{tail}");
                assert!(self.text.contains("connection: close\r\n"), "{tail}");
                assert!(tail.contains("{\"messages\":[],\"cursor\":\""), "{tail}");
            }
        }
        last
    }
}

/// The times after which clients are told to come back, in milliseconds, where their hint is as fine as that.
fn retries(told: &[Told]) -> Vec<u64> {
    let last = |told: &Told| match told.kind {
        Kind::Sse => numbers(&told.text, "retry: ").pop(),
        Kind::Iframe => {
            let (_, end) = told.text.rsplit_once("z(\"")?;
            numbers(end, "\",").pop()
        }
        Kind::Ws | Kind::Longpoll => None,
    };
    told.iter().filter_map(last).collect()
}

/// How many there are in each tenth of the window, from times in milliseconds.
fn tenths(times: impl Iterator<Item = u128>) -> [usize; 10] {
    let mut tenths = [0; 10];
    for time in times {
        tenths[usize::try_from(time * 10 / (WINDOW.as_millis() + 1)).unwrap().min(9)] += 1;
    }
    tenths
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_sends_everybody_away_in_turn_and_loses_nothing() {
    let mut gateway = TestGateway::start("drain.window = '2s'");
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let kind = KINDS[number % KINDS.len()];
        let mut raw = Raw::connect(gateway.address()).await;
        raw.request(kind.request(), b"").await;
        // A long poll says nothing before its end.
        if kind != Kind::Longpoll {
            raw.read_to("\r\n\r\n").await;
        }
        clients.spawn(follow(raw, kind));
    }
    while gateway.hub().len() < CLIENTS {
        sleep(Duration::from_millis(5)).await;
    }
    for number in 0..20 {
        gateway.publish("news", &number.to_string()).await;
    }
    let epoch = gateway.hub().log_info().head.epoch.to_string();
    let acknowledged = gateway.hub().log_info().head.seq;
    let begin = Instant::now();
    gateway.begin_stop();

    let mut told = Vec::new();
    let mut newcomer = None;
    while told.len() < CLIENTS {
        // Publishing goes on, and those who are still there read it. At the very end nobody would answer.
        if begin.elapsed() < WINDOW / 2 {
            gateway.publish("news", "meanwhile").await;
        }
        if newcomer.is_none() && gateway.hub().is_draining() {
            assert_eq!(gateway.request("GET /readyz", b"").await.status, 503);
            let mut raw = Raw::connect(gateway.address()).await;
            raw.request("GET /sse?channel=news&since=earliest", b"").await;
            newcomer = Some(raw.read_to_end().await);
        }
        sleep(Duration::from_millis(10)).await;
        while let Some(client) = clients.try_join_next() {
            told.push(client.unwrap());
        }
    }
    let address = gateway.address();
    gateway.stop().await;
    assert!(TcpStream::connect(address).await.is_err(), "somebody still listens");

    for client in &told {
        let last = client.check(&epoch);
        assert!(client.kind == Kind::Longpoll || last >= acknowledged, "{last} of {acknowledged}");
    }
    // Who came too late got what there was, and was sent on.
    let newcomer = newcomer.unwrap();
    assert!(
        numbers(&newcomer, "\"seq\":").len() as u64 >= acknowledged && newcomer.contains("retry: "),
        "{newcomer}"
    );

    // No earlier than in its turn: a machine that is busy makes it later, never earlier.
    told.sort_by_key(|client| client.at);
    let slice = CLIENTS.div_ceil((WINDOW.as_millis() / STEP.as_millis()) as usize);
    for (number, client) in told.iter().enumerate() {
        let turn = STEP * u32::try_from(number / slice).unwrap();
        assert!(client.at - begin >= turn, "client {number} after {:?}, before {turn:?}", client.at - begin);
    }
    let ends = tenths(told.iter().map(|client| (client.at - begin).as_millis()));
    let returns = retries(&told);
    assert_eq!(returns.len(), CLIENTS / 2);
    let spread = tenths(returns.iter().map(|retry| u128::from(*retry)));
    println!("ends in each tenth of the window {ends:?}, returns {spread:?}");
    // Twice the mean is five standard deviations away.
    assert!(spread.iter().all(|count| *count <= 2 * returns.len() / 10), "{spread:?}");
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_holds_nothing_up() {
    let gateway = TestGateway::start("drain.window = '0s'");
    let mut idle = Raw::connect(gateway.address()).await;
    idle.request("GET /healthz", b"").await;
    assert_eq!(idle.answer().await.status, 200);
    gateway.stop().await;
    assert_eq!(idle.read_to_end().await, "");
}
