//! Each command by POST, right and wrong.

use crate::served::Served;

const ANNA: &str = "Authorization: Bearer anna_1000_news_chat.*\r\nEncke-Client: tab-1\r\n";
const NAMELESS: &str = "Authorization: Bearer anna_1000_news_chat.*\r\n";
const NOBODY: &str = "Authorization: Bearer -_1000_news\r\nEncke-Client: tab-1\r\n";

#[tokio::test]
async fn commands_that_are_right() {
    let served = Served::start().await;
    let cases = [
        ("", r#"{"type":"ping","id":1}"#, r#"{"type":"pong","id":1}"#),
        (
            ANNA,
            r#"{"type":"publish","id":"a","channel":"news","data":1}"#,
            r#"{"type":"published","id":"a","cursor":""#,
        ),
        (
            ANNA,
            r#"{"type":"publish","channels":["news","chat.a"],"base64":"AP8="}"#,
            r#"{"type":"published","cursor":""#,
        ),
        (
            ANNA,
            r#"{"type":"presence","id":2,"channel":"chat.a"}"#,
            r#"{"type":"presence","id":2,"channel":"chat.a","count":0,"members":[]}"#,
        ),
        (
            "",
            r#"{"type":"authenticate","id":3,"token":"anna_1000_news"}"#,
            r#"{"type":"authenticated","id":3,"subject":"anna","expires":"1970-01-01T00:00:01.000Z","streams":0}"#,
        ),
        ("", r#"{"type":"authenticate","token":"-_1000_news"}"#, r#"{"type":"authenticated","expires":""#),
    ];
    for (headers, command, answer) in cases {
        let (status, body) = served.post("/command", headers, command).await;
        assert_eq!(status, 200, "{command}: {body}");
        assert!(body.starts_with(answer), "{command}: {body}");
    }
}

#[tokio::test]
async fn s1_commands_that_are_wrong_or_not_allowed() {
    let served = Served::start().await;
    let deep =
        format!(r#"{{"type":"publish","channel":"news","data":{}{}}}"#, "[".repeat(40), "]".repeat(40));
    let large = format!(r#"{{"type":"publish","channel":"news","data":"{}"}}"#, "x".repeat(64 << 10));
    let many = r#"{"type":"subscribe","channels":["a","b","c","d","e","f","g","h","i"]}"#;
    let cases = [
        ("", "", 400, "bad-request"),
        ("", "hello", 400, "bad-request"),
        ("", "[]", 400, "bad-request"),
        ("", r#"{"type":"fly"}"#, 400, "bad-request"),
        (ANNA, &deep, 400, "bad-request"),
        (ANNA, &large, 413, "too-large"),
        ("Encke-Client: a b\r\n", r#"{"type":"ping"}"#, 400, "bad-request"),
        ("Origin: https://elsewhere.example\r\n", r#"{"type":"ping"}"#, 403, "bad-origin"),
        ("", r#"{"type":"publish","channel":"news","data":1}"#, 401, "unauthenticated"),
        (ANNA, r#"{"type":"publish","channel":"other","data":1}"#, 403, "forbidden"),
        (ANNA, r#"{"type":"publish","user":"anna","data":1}"#, 403, "forbidden"),
        (ANNA, r#"{"type":"publish","channel":"news"}"#, 400, "bad-request"),
        (ANNA, r#"{"type":"publish","user":"","data":1}"#, 400, "bad-channel"),
        ("", r#"{"type":"presence","channel":"chat.a"}"#, 401, "unauthenticated"),
        (ANNA, r#"{"type":"presence","channel":"other"}"#, 403, "forbidden"),
        (ANNA, r#"{"type":"presence","channel":"@bob"}"#, 403, "forbidden"),
        (ANNA, r#"{"type":"presence","channel":"chat.*"}"#, 400, "bad-channel"),
        (ANNA, r#"{"type":"presence","channel":"news"}"#, 404, "not-found"),
        (ANNA, r#"{"type":"presence","channel":"chat.a","limit":0}"#, 400, "bad-request"),
        (ANNA, r#"{"type":"presence","channel":"chat.a","limit":1001}"#, 400, "bad-request"),
        (ANNA, r#"{"type":"presence","channel":"chat.a","after":"bob"}"#, 400, "bad-request"),
        (ANNA, r#"{"type":"authenticate","token":"anna"}"#, 401, "unauthenticated"),
        (ANNA, r#"{"type":"authenticate","token":""}"#, 401, "unauthenticated"),
        (ANNA, r#"{"type":"authenticate","token":"busy"}"#, 503, "unavailable"),
        ("", r#"{"type":"subscribe","channels":["news"]}"#, 401, "unauthenticated"),
        (NAMELESS, r#"{"type":"subscribe","channels":["news"]}"#, 403, "forbidden"),
        (NOBODY, r#"{"type":"subscribe","channels":["news"]}"#, 403, "forbidden"),
        (ANNA, r#"{"type":"subscribe","channels":["other"]}"#, 403, "forbidden"),
        (ANNA, r#"{"type":"subscribe","channels":["@bob"]}"#, 403, "forbidden"),
        (ANNA, r#"{"type":"subscribe","channels":[]}"#, 400, "bad-request"),
        (ANNA, r#"{"type":"subscribe","channels":[""]}"#, 400, "bad-channel"),
        (ANNA, r#"{"type":"subscribe","channels":["news"],"since":"-20"}"#, 400, "bad-since"),
        (ANNA, r#"{"type":"subscribe","channels":["news"]}"#, 404, "not-found"),
        (ANNA, many, 403, "forbidden"),
        (NAMELESS, r#"{"type":"unsubscribe","channels":["news"]}"#, 403, "forbidden"),
        (ANNA, r#"{"type":"unsubscribe","channels":["news"]}"#, 404, "not-found"),
    ];
    for (headers, command, status, problem) in cases {
        let (found, body) = served.post("/command", headers, command).await;
        assert_eq!(found, status, "{command:.80}: {body}");
        let kind = format!(r#"{{"type":"urn:encke:problem:{problem}""#);
        assert!(body.starts_with(&kind), "{command:.80}: {body}");
    }
    let publish = r#"{"type":"publish","channel":"news","data":1}"#;
    assert_eq!(served.post("/listen", ANNA, publish).await.0, 403);
    assert_eq!(served.post("/command", ANNA, publish).await.0, 200);
    assert_eq!(served.request("GET", "/command", "", "").await.0, 405);
}
