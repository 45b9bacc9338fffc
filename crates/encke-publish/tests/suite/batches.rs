//! Several commands in one request.

use crate::served::Served;

const BATCH: &str = "Content-Type: application/x-ndjson\r\n";

#[tokio::test]
async fn each_line_has_its_reply_in_order() {
    let served = Served::start().await;
    let lines = [
        r#"{"type":"publish","id":1,"channel":"news","data":1}"#,
        r#"{"type":"authenticate","id":2,"token":"anna_1000_news"}"#,
        "",
        r#"{"type":"publish","id":3,"channel":"news","data":1}"#,
        r#"{"type":"fly","id":4}"#,
    ];
    let (status, body) = served.post("/command", BATCH, &lines.join("\n")).await;
    assert_eq!(status, 200);
    // What is authenticated in between holds for what follows.
    let begins = [
        r#"{"results":[{"type":"error","id":1,"problem":{"type":"urn:encke:problem:unauthenticated""#,
        r#",{"type":"authenticated","id":2,"subject":"anna""#,
        r#",{"type":"published","id":3,"cursor":""#,
        r#",{"type":"error","id":4,"problem":{"type":"urn:encke:problem:bad-request""#,
    ];
    let mut rest = body.as_str();
    for begin in begins {
        let at = rest.find(begin).unwrap_or_else(|| panic!("{begin} in {body}"));
        rest = &rest[at + begin.len()..];
    }
    assert!(body.ends_with("]}"));
}

#[tokio::test]
async fn a_batch_has_a_limit() {
    let served = Served::start().await;
    for (lines, status) in [(0, 400), (1, 200), (4, 200), (5, 400)] {
        let body = "{\"type\":\"ping\"}\n".repeat(lines);
        assert_eq!(served.post("/command", BATCH, &body).await.0, status, "{lines}");
    }
}
