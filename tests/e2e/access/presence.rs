//! Who is there, as others see it: over every transport, and after a client has died.

use std::{
    collections::BTreeMap,
    process::{Child, Command, Stdio},
};

use encke_testkit::{Raw, TestGateway, tokens::Issuer, wait_for};
use serde_json::Value;

use super::{HANDSHAKE, now, token, with_tokens};

const RIGHTS: &str = r#""subscribe":["chat"],"presence":["chat"]"#;
/// As short as a poll's pause can be, and longer than a reconnect takes.
const PRESENCE: &str = "[presence]\nchannels = [\"chat\"]\nlinger = \"500ms\"\nlease = \"3s\"";

/// The subjects on the channel, each with his connections.
async fn members(gateway: &TestGateway, token: &str) -> BTreeMap<String, u64> {
    let ask = br#"{"type":"presence","channel":"chat","limit":1000}"#;
    let answer = gateway.request(&format!("POST /command\nAuthorization: Bearer {token}"), ask).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    let members = answer["members"].as_array().unwrap();
    assert_eq!(answer["count"].as_u64().unwrap(), members.len() as u64);
    let of = |member: &Value| {
        (member["subject"].as_str().unwrap().to_owned(), member["connections"].as_u64().unwrap())
    };
    members.iter().map(of).collect()
}

fn are(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    expected.iter().map(|(subject, connections)| ((*subject).to_owned(), *connections)).collect()
}

async fn held(gateway: &TestGateway, line: &str, rest: &str, token: &str) -> Raw {
    let mut raw = Raw::connect(gateway.address()).await;
    raw.request(&format!("{line}&token={token}{rest}"), b"").await;
    raw
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_polls_holds_or_has_three_tabs_is_one_member() {
    let issuer = Issuer::es256();
    let gateway = with_tokens(&issuer, PRESENCE);
    let token = |who| token(&issuer, who, RIGHTS, now() + 600);
    let watcher = self::token(&issuer, "watcher", r#""presence":["chat"]"#, now() + 600);
    let (anna, bob, carl) = (token("anna"), token("bob"), token("carl"));

    let mut tabs = Vec::new();
    for (line, rest) in [
        ("GET /sse?channel=chat&client=one", ""),
        ("GET /iframe?callback=f&channel=chat&client=two", ""),
        ("GET /ws?channel=chat&client=three", HANDSHAKE),
    ] {
        let mut tab = held(&gateway, line, rest, &anna).await;
        tab.head().await;
        tabs.push(tab);
    }
    let poll = format!("GET /poll?channel=chat&token={bob}");
    assert_eq!(gateway.request(&poll, b"").await.status, 200);
    let _long = held(&gateway, "GET /longpoll?wait=60&channel=chat", "", &carl).await;
    let all = are(&[("anna", 3), ("bob", 1), ("carl", 1)]);
    wait_for("all to be there", async || members(&gateway, &watcher).await == all).await;

    // Whoever polls is there all the time; a tab that is closed is one connection less, and no leave.
    for _ in 0..10 {
        assert_eq!(gateway.request(&poll, b"").await.status, 200);
        assert!(members(&gateway, &watcher).await.contains_key("bob"));
    }
    tabs.pop();
    tabs.pop();
    wait_for("the tabs to be gone", async || members(&gateway, &watcher).await.get("anna") == Some(&1)).await;
    drop(tabs);
    wait_for("her to leave", async || !members(&gateway, &watcher).await.contains_key("anna")).await;
    wait_for("him to stop polling", async || members(&gateway, &watcher).await == are(&[("carl", 1)])).await;
}

/// A client that is killed when the test is done with it, if not before.
struct Client(Child);

impl Client {
    fn start(gateway: &TestGateway, transport: &str, token: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_encke-under-test"))
            .args(["subscribe", "chat", "--transport", transport, "--url", &gateway.url()])
            .env("ENCKE_TOKEN", token)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("a client that starts");
        Self(child)
    }

    /// SIGKILL: it has no time to say that it goes.
    fn kill(&mut self) {
        self.0.kill().expect("a child of ours");
        let _ = self.0.wait();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_killed_is_gone_on_every_transport() {
    let issuer = Issuer::es256();
    let gateway = with_tokens(&issuer, PRESENCE);
    let watcher = token(&issuer, "watcher", r#""presence":["chat"]"#, now() + 600);
    let transports = ["ws", "sse", "iframe", "longpoll", "poll"];
    let mut clients: Vec<_> = transports
        .iter()
        .map(|transport| Client::start(&gateway, transport, &token(&issuer, transport, RIGHTS, now() + 600)))
        .collect();
    let there = async || members(&gateway, &watcher).await.len();
    wait_for("all to be there", async || there().await == transports.len()).await;
    for (index, client) in clients.iter_mut().enumerate() {
        client.kill();
        let left = transports.len() - 1 - index;
        wait_for("the killed one to be gone", async || there().await == left).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_to_a_subject_says_whether_he_is_there() {
    let issuer = Issuer::es256();
    let gateway = with_tokens(&issuer, PRESENCE);
    let anna = token(&issuer, "anna", "", now() + 600);
    let send = async || {
        let answer = gateway.request("POST /publish?user=anna", b"hello").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice::<Value>(&answer.body).unwrap()["present"].clone()
    };
    assert_eq!(send().await, serde_json::json!({"anna": false}));
    // Her own channel is followed without asking.
    let mut stream = held(&gateway, "GET /sse?client=tab", "", &anna).await;
    stream.head().await;
    assert_eq!(send().await, serde_json::json!({"anna": true}));
    stream.read_to("\"@anna\"").await;
    drop(stream);
    wait_for("her to leave", async || send().await == serde_json::json!({"anna": false})).await;
}
