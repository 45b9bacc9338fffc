//! Publishing: many messages, each with its own result.

use encke_core::{Limit, LogConfig, Retention, Since};
use encke_hub::HubConfig;
use http::Method;
use serde_json::json;

use crate::desk::Desk;

#[tokio::test]
async fn messages_are_published_to_many_channels_each_with_its_result() {
    let desk = Desk::new();
    let mut hers = desk.follow("anna", "a", &["news", "sport", "@anna"], Since::Latest).await;
    // Keys out of order, a number beyond a double's exactness: JSON stays as it was published.
    let body = r#"{"messages":[
        {"channels":["news","sport"],"data":{"b": 12345678901234567890,"a":null},"name":"siren","key":"k1"},
        {"channel":"@anna","base64":"AP8="},
        {"channel":"nobody","data":null},
        {"channel":"news"},
        {"channel":"a.*","data":1},
        {"chanel":"news","data":1},
        {"channels":["news","sport"],"data":{"b": 12345678901234567890,"a":null},"name":"siren","key":"k1"},
        {"channel":"$system","data":"x"}
    ]}"#;
    let (status, answer) = desk.ask(Method::POST, "/publish", body).await;
    assert_eq!(status, 200);
    let results = answer["results"].as_array().unwrap();
    let seqs: Vec<_> = results.iter().map(|it| it["seq"].as_u64().unwrap_or_default()).collect();
    assert_eq!(seqs, [1, 2, 3, 0, 0, 0, 1, 4]);
    assert_eq!((&results[0]["subscribers"], &results[6]["repeated"]), (&json!(2), &json!(true)));
    assert_eq!(results[1]["present"], json!({ "anna": true }));
    for (index, expected) in
        [(3, "data, or base64"), (4, "cannot be part of a name"), (5, "did you mean `channel`?")]
    {
        assert_eq!(results[index]["status"], 400);
        assert!(results[index]["detail"].as_str().unwrap().contains(expected), "{}", results[index]);
    }
    let batch = hers.read(Limit::default()).await.unwrap();
    assert_eq!(batch.messages[0].message().as_text(), Some(r#"{"b": 12345678901234567890,"a":null}"#));
    assert_eq!(batch.messages[0].message().name(), Some("siren"));
    assert_eq!(batch.messages[1].message().data(), &b"\0\xff"[..]);
}

#[tokio::test]
async fn l7_what_is_too_much_is_refused() {
    let config = encke_admin::AdminConfig::default().batch(3);
    let retention = Retention { bytes: 1 << 20, ..Retention::default() };
    let log = LogConfig { bytes: 700, retention, ..LogConfig::default() };
    let desk = Desk::with(config, HubConfig { message_bytes: 100, ..HubConfig::default() }, log);
    let message = json!({ "channel": "a", "data": 1 });
    for count in [0, 4] {
        let body = json!({ "messages": vec![&message; count] }).to_string();
        let (status, detail) = desk.problem(Method::POST, "/publish", &body).await;
        assert!(status == 400 && detail == "messages has 1 to 3 items", "{detail}");
    }
    let long = json!({ "channel": "a", "data": "x".repeat(100) });
    let answer = desk.post("/publish", &json!({ "messages": [long, message, message] })).await;
    let status: Vec<_> =
        answer["results"].as_array().unwrap().iter().map(|it| it["status"].as_u64()).collect();
    assert_eq!(status, [Some(413), None, None]);
    let answer = desk.post("/publish", &json!({ "messages": [message, message] })).await;
    assert_eq!(
        (&answer["results"][1]["status"], &answer["results"][1]["retry_after"]),
        (&json!(507), &json!(5))
    );

    let body = " ".repeat(300 + (64 << 10) + 1);
    let (status, detail) = desk.problem(Method::POST, "/publish", &body).await;
    assert!(status == 413 && detail.contains("65836 bytes"), "{detail}");
    let deep =
        format!(r#"{{"messages":[{{"channel":"a","data":{}1{}}}]}}"#, "[".repeat(5_000), "]".repeat(5_000));
    let (status, _) = desk.ask(Method::POST, "/publish", &deep).await;
    assert!(status.is_success() || status.is_client_error(), "{status}");
}
