//! Requests that are wrong in every way that we know: each is refused or cut, and nobody else notices (S3).

mod bodies;
mod frames;
mod heads;
mod mutants;
mod params;

use std::{collections::HashSet, net::SocketAddr};

use encke_testkit::{Answer, Raw, TestGateway};
use tokio::task::JoinSet;

/// Requests at a time.
const AT_A_TIME: usize = 16;

/// A client that went away is noticed late if it left bytes that nobody reads: with the end of the wait, or with a
/// heartbeat that cannot be written.
const CONFIG: &str = "
[drain]
window = '0s'

[stream]
heartbeat = '500ms'

[[route]]
path = '/longpoll'
kind = 'longpoll'
wait = '1s'

[[route]]
path = '/jsonp'
kind = 'poll'
jsonp = true

[[route]]
path = '/kept'
kind = 'poll'
cookie = true

[[route]]
path = '/by-header'
kind = 'poll'
channel = { header = 'x-channel' }
";

/// Bytes that somebody sends, and what must become of them.
#[derive(Clone)]
struct Case {
    name: String,
    bytes: Vec<u8>,
    expect: Expect,
}

#[derive(Debug, Clone, Copy)]
enum Expect {
    /// The request is understood and refused: 4xx with a problem.
    Problem,
    /// It is not understood: 4xx or the end of the stream.
    Refused,
    /// So is this, which is only half of something.
    Cut,
    /// One answer whose lines each hold a problem.
    Lines,
    /// One answer, and no second one to what is hidden in the first request's body.
    Once,
    /// The upgrade succeeds; then comes an error frame.
    ErrorFrame,
    /// The upgrade succeeds; then the connection is failed.
    Failed,
    /// Odd but right, so it is answered well.
    Fine,
    /// Made by chance, so it may be right or wrong: anything but a failure of ours.
    Survived,
}

impl Case {
    fn new(name: impl Into<String>, expect: Expect, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into(), expect }
    }

    /// A GET of `target`, with header lines each ended by CR LF.
    fn get(expect: Expect, target: &str, headers: &str) -> Self {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        Self::new(format!("GET {target:.80} {headers:.60}"), expect, request)
    }

    /// A POST of `body` to `target`.
    fn post(expect: Expect, target: &str, headers: &str, body: &[u8]) -> Self {
        let head =
            format!("POST {target} HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        Self::new(
            format!("POST {target:.80} {headers:.60} {shown:?}"),
            expect,
            [head.as_bytes(), body].concat(),
        )
    }

    async fn run(&self, address: SocketAddr) {
        let mut raw = Raw::connect(address).await;
        raw.send(&self.bytes).await;
        if matches!(self.expect, Expect::Cut | Expect::Survived) {
            raw.finish().await;
        }
        match self.expect {
            Expect::Problem => self.check_problem(&raw.answer().await),
            Expect::Refused | Expect::Cut => {
                let status = raw.answer_or_end().await.map(|answer| answer.status);
                self.check(status.is_none_or(|status| (400..500).contains(&status)), &status);
            }
            Expect::Lines => {
                let answer = raw.answer().await;
                let results: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
                let problems = results["results"].as_array().unwrap();
                let refused =
                    |problem: &serde_json::Value| matches!(problem["status"].as_u64(), Some(400..500));
                self.check(answer.status == 200 && problems.iter().all(refused), &answer.text());
            }
            Expect::Once => {
                let all = raw.read_to_end().await;
                self.check(all.matches("HTTP/1.1 ").count() <= 1 && !all.contains(" 500 "), &all);
            }
            Expect::ErrorFrame => {
                raw.read_to("\r\n\r\n").await;
                let status = raw.read_to("\"status\":4").await;
                self.check(status.contains("\"type\":\"error\""), &status);
            }
            Expect::Failed => {
                raw.read_to("\r\n\r\n").await;
                let rest = raw.read_to_end().await;
                self.check(!rest.contains("\"type\":\"published\""), &rest);
            }
            Expect::Survived => {
                while !raw.seen().contains("\r\n\r\n") && raw.read_more().await {}
                self.check(!raw.seen().starts_with("HTTP/1.1 5"), &raw.seen());
            }
            Expect::Fine => {
                let head = raw.head().await;
                self.check(matches!(head.status, 200 | 204 | 304), &head);
            }
        }
    }

    fn check_problem(&self, answer: &Answer) {
        let refused = (400..500).contains(&answer.status);
        let media_type = answer.header("content-type");
        // The parser answers by itself what is too large for a head.
        let shown = media_type == Some("application/problem+json") || answer.status == 431;
        self.check(refused && shown, answer);
    }

    fn check(&self, right: bool, seen: &dyn std::fmt::Debug) {
        assert!(right, "{:?}: {}: {seen:?}", self.expect, self.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_malformed_request_is_refused_or_cut_and_others_are_served() {
    let gateway = TestGateway::start(CONFIG);
    let mut other = Raw::connect(gateway.address()).await;
    other.request("GET /sse?channel=news", b"").await;
    other.read_to("id: ").await;

    let cases: Vec<Case> = [heads::cases(), params::cases(), bodies::cases(), frames::cases()].concat();
    let mut known = HashSet::new();
    let twice = cases.iter().find(|case| !known.insert(&case.bytes));
    assert!(twice.is_none(), "twice: {}", twice.unwrap().name);
    let wrong = cases.iter().filter(|case| !matches!(case.expect, Expect::Fine)).count();
    assert!(wrong >= 500, "{wrong}");
    let cases = cases.into_iter().chain(mutants::cases()).collect::<Vec<_>>();
    let all = cases.len();
    let mut running = JoinSet::new();
    let mut failed = 0;
    for case in cases {
        if running.len() == AT_A_TIME {
            failed += usize::from(running.join_next().await.unwrap().is_err());
        }
        let address = gateway.address();
        running.spawn(async move { case.run(address).await });
    }
    while let Some(result) = running.join_next().await {
        failed += usize::from(result.is_err());
    }
    assert_eq!(failed, 0, "of {all}; each is shown above");
    println!("{wrong} malformed requests refused or cut, {} odd ones survived", all - wrong);

    gateway.publish("news", "still here").await;
    other.read_to("\"data\":\"still here\"").await;
    drop(other);
    gateway.quiet().await;
    gateway.stop().await;
}
