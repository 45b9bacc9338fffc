//! Messages to one subject, and whether he was there for them.

use encke_client::Transport;

use crate::served::{Served, follow, message, wait_for};

const TO_42: &str = "/publish?user=42";

async fn is_present(served: &Served) -> bool {
    let receipt = served.publish(TO_42, "\"knock\"").await;
    assert!(receipt.contains(r#""present":{"42":"#), "{receipt}");
    receipt.contains(r#""42":true"#)
}

#[tokio::test]
async fn who_holds_on_is_there_until_a_linger_after_he_has_gone() {
    for transport in [Transport::Ws, Transport::Sse, Transport::LongPoll] {
        let served = Served::start().await;
        assert!(!is_present(&served).await, "{transport}");
        let client = served.client("tab-1", "42_1000000");
        let mut stream = follow(&client, transport, &["@42"]).await;
        let held = tokio::spawn(async move {
            let first = message(&mut stream).await;
            (stream, first)
        });
        wait_for("his presence", async || is_present(&served).await).await;
        let (mut stream, first) = held.await.unwrap();
        assert_eq!(first, "\"knock\"");
        let receipt = served.publish(TO_42, "\"hello\"").await;
        assert!(receipt.contains(r#""42":true"#), "{transport}: {receipt}");
        while message(&mut stream).await != "\"hello\"" {}

        drop(stream);
        wait_for("his absence", async || {
            served.pass(1_000);
            !is_present(&served).await
        })
        .await;
    }
}

#[tokio::test]
async fn who_polls_is_there_for_a_lease() {
    let served = Served::start().await;
    let poll = "/poll?channel=@42&token=42_1000000";
    assert_eq!(served.request("GET", poll, "", "").await.0, 200);
    assert!(is_present(&served).await);
    served.pass(59_000);
    assert!(is_present(&served).await);
    wait_for("the end of his lease", async || {
        served.pass(100);
        !is_present(&served).await
    })
    .await;
}

#[tokio::test]
async fn a_message_goes_to_subjects_and_channels_at_once() {
    let served = Served::start().await;
    let client = served.client("tab-1", "42_1000_news");
    let mut stream = follow(&client, Transport::Sse, &["@42", "news"]).await;
    let receipt = served.publish("/publish?user=43&user=42&channel=news", "1").await;
    assert!(receipt.ends_with(r#""subscribers":2,"present":{"42":true,"43":false}}"#), "{receipt}");
    assert_eq!(message(&mut stream).await, "1");
    let receipt = served.publish("/publish?channel=@43", "2").await;
    assert!(receipt.ends_with(r#""present":{"43":false}}"#), "{receipt}");
    let receipt = served.publish("/publish?channel=news", "3").await;
    assert!(!receipt.contains("present"), "{receipt}");

    let headers = "Authorization: Bearer app\r\nContent-Type: application/x-ndjson\r\n";
    let lines = "{\"user\":\"42\",\"data\":4}\n{\"users\":[\"42\",\"43\"],\"data\":5}\n{\"data\":6}";
    let (_, results) = served.post("/publish?user=44", headers, lines).await;
    for present in [r#"{"42":true}"#, r#"{"42":true,"43":false}"#, r#"{"44":false}"#] {
        assert!(results.contains(&format!("\"present\":{present}")), "{present}: {results}");
    }
}

#[tokio::test]
async fn s1_only_whoever_runs_the_node_publishes_to_a_subject() {
    let served = Served::start().await;
    let anna = "Authorization: Bearer anna_1000_news\r\n";
    for (headers, target, status) in [
        ("", TO_42, 401),
        (anna, TO_42, 403),
        (anna, "/publish?user=anna", 403),
        (anna, "/publish?channel=news&user=42", 403),
        (anna, "/publish?user=", 400),
        (anna, "/publish?channel=news", 200),
    ] {
        let (found, body) = served.post(target, headers, "1").await;
        assert_eq!(found, status, "{target}: {body}");
        assert!(!body.contains("present"), "{body}");
    }
}
