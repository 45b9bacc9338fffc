//! Rights that end: what was opened with them ends too, held requests and streams alike (D8).

use std::time::Instant;

use encke_testkit::{PATIENCE, Raw, tokens::Issuer, wait_for};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{HANDSHAKE, now, token, with_tokens};

/// What is held until something comes, on each transport that holds.
const HELD: [(&str, &str); 4] = [
    ("GET /longpoll?wait=60&channel=news", ""),
    ("GET /sse?channel=news", ""),
    ("GET /iframe?callback=f&channel=news", ""),
    ("GET /ws?channel=news", HANDSHAKE),
];
const MANY: usize = 5_000;

fn request(line: &str, rest: &str, token: &str) -> String {
    let head = format!("{line}&token={token} HTTP/1.1{rest}\nHost: a\n\n");
    head.replace('\n', "\r\n")
}

/// Reads to the end of an answer: that of a batch, of a chunked body, of a problem, or the last words of a WebSocket.
async fn read_to_the_end(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => all.extend_from_slice(&buffer[..read]),
            _ => break,
        }
        let seen = String::from_utf8_lossy(&all);
        if seen.ends_with("\r\n0\r\n\r\n")
            || ["\"messages\"", "urn:encke:problem:"].iter().any(|end| seen.contains(end))
        {
            break;
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d8_who_is_revoked_reads_no_later_message_on_any_of_5000_connections() {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let issuer = Issuer::es256();
    let gateway = with_tokens(
        &issuer,
        "[limits]\nconnections_per_address = \"unlimited\"\nsubscriptions_per_subject = \"unlimited\"\n[log.retention]\nage = \"1h\"",
    );
    let (anna, bob) =
        ["anna", "bob"].map(|who| token(&issuer, who, r#""subscribe":["news"]"#, now() + 600)).into();
    let mut connections = Vec::with_capacity(MANY);
    for number in 0..MANY {
        let (line, rest) = HELD[number % HELD.len()];
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        stream.write_all(request(line, rest, &anna).as_bytes()).await.unwrap();
        connections.push(stream);
    }
    let mut other = Raw::connect(gateway.address()).await;
    other.request(&format!("GET /sse?channel=news&token={bob}"), b"").await;
    wait_for("all to subscribe", async || gateway.metric("encke_subscriptions").await == MANY as u64 + 1)
        .await;
    gateway.publish("news", "before").await;
    wait_for("all to have read it", async || gateway.metric("encke_delivered_total").await > MANY as u64)
        .await;
    other.read_to("before").await;

    let began = Instant::now();
    let revoke = br#"{"whom":{"subject":"anna"},"for":"1h"}"#;
    let answer = gateway.request("POST /admin/api/revoke\nContent-Type: application/json", revoke).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answered = began.elapsed();
    gateway.publish("news", "after").await;
    other.read_to("after").await;

    let mut heard = 0;
    for stream in &mut connections {
        let seen = timeout(PATIENCE, read_to_the_end(stream)).await.unwrap();
        assert!(seen.contains("before"), "{seen}");
        heard += usize::from(seen.contains("after"));
    }
    let ended = began.elapsed();
    println!(
        "{MANY} connections: the revocation was answered after {answered:?}, all had been told of their end after \
         {ended:?}, {heard} heard what came later"
    );
    drop(connections);
    assert_eq!(heard, 0);
    wait_for("all of hers to end", async || gateway.metric("encke_subscriptions").await == 1).await;
    for (line, rest) in HELD {
        let mut again = Raw::connect(gateway.address()).await;
        again.request(&format!("{line}&token={anna}{rest}"), b"").await;
        assert_eq!(again.head().await.status, 401, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d8_a_token_that_expires_ends_what_it_opened() {
    let issuer = Issuer::es256();
    let gateway = with_tokens(&issuer, "");
    let token = token(&issuer, "anna", r#""subscribe":["news"]"#, now() + 2);
    let mut connections = Vec::new();
    for (line, rest) in HELD {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        stream.write_all(request(line, rest, &token).as_bytes()).await.unwrap();
        connections.push(stream);
    }
    wait_for("all to subscribe", async || gateway.metric("encke_subscriptions").await == HELD.len() as u64)
        .await;
    let mut seen = Vec::new();
    for stream in &mut connections {
        seen.push(timeout(PATIENCE, read_to_the_end(stream)).await.unwrap());
    }
    gateway.publish("news", "after").await;
    assert!(seen.iter().all(|seen| !seen.contains("after")), "{seen:?}");
}
