use encke_client::{
    Client, ClientError,
    limits::{ANSWER_BYTES, HEAD_TIME, IDLE_CONNECTIONS, PROBLEM_BYTES},
};
use encke_core::{ChannelName, Key, Message};
use futures_util::future::join_all;

use crate::script::{Answer, Connection, Server, header, whole};

const RECEIPT: &str = r#"{"cursor":"7f3k2q9x-42","seq":42,"subscribers":3}"#;
const JSON: &str = "content-type: application/json\r\n";

fn news() -> [ChannelName; 1] {
    [ChannelName::new("news").unwrap()]
}

#[tokio::test]
async fn a_message_goes_out_with_all_that_it_is() {
    let mut server = Server::start([Connection::holding([whole("200 OK", JSON, RECEIPT)])]).await;
    let client = Client::new(&server.url).unwrap();
    let channels = [ChannelName::new("news").unwrap(), ChannelName::new("a&b").unwrap()];
    let message = Message::text("hi \u{2603}").with_name("grüße").unwrap();
    let receipt = client.publish_once(&channels, &message, &Key::new("k 1").unwrap()).await.unwrap();
    assert_eq!((receipt.seq, receipt.subscribers, receipt.repeated), (42, 3, false));
    let request = server.request().await;
    let target = "POST /base/publish?channel=news&channel=a%26b&name=gr%C3%BC%C3%9Fe&key=k+1 HTTP/1.1";
    assert_eq!(request.lines().next(), Some(target));
    assert_eq!(header(&request, "content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(header(&request, "host").map(|host| format!("http://{host}/base")), Some(server.url.clone()));
    assert!(request.ends_with("\r\n\r\nhi \u{2603}"));
}

#[tokio::test]
async fn publishes_go_over_one_connection() {
    let answers = [0; 3].map(|_| whole("200 OK", JSON, RECEIPT));
    let server = Server::start([Connection::holding(answers)]).await;
    let client = Client::new(&server.url).unwrap();
    for _ in 0..3 {
        client.clone().publish(&news(), &Message::json("1")).await.unwrap();
    }
}

#[tokio::test]
async fn l4_an_answer_that_breaks_off_is_no_receipt() {
    let answers = [whole("200 OK", JSON, "{}"), whole("200 OK", "", RECEIPT)];
    let server = Server::start([Connection::closing(answers)]).await;
    let client = Client::new(&server.url).unwrap();
    for _ in 0..2 {
        let error = client.publish(&news(), &Message::json("1")).await.unwrap_err();
        assert!(matches!(error, ClientError::Malformed(_)), "{error}");
    }
    let broken =
        Answer::Bytes(format!("HTTP/1.1 200 OK\r\n{JSON}content-length: 100\r\n\r\n{{").into_bytes());
    let server = Server::start([Connection::closing([broken])]).await;
    let error = Client::new(&server.url).unwrap().publish(&news(), &Message::json("1")).await.unwrap_err();
    assert!(matches!(error, ClientError::Cut(_)), "{error}");
}

#[tokio::test]
async fn a_problem_says_when_to_come_back() {
    let problem = r#"{"type":"urn:encke:problem:full","title":"The log is full","status":507,"detail":"x",
        "remedy":"come-back-later"}"#;
    let headers = "content-type: application/problem+json\r\nretry-after: 5\r\n";
    let answers =
        [whole("507 Insufficient Storage", headers, problem), whole("502 Bad Gateway", headers, "oh")];
    let server = Server::start(answers.map(|answer| Connection::closing([answer]))).await;
    let client = Client::new(&server.url).unwrap();
    for _ in 0..2 {
        let error = client.publish(&news(), &Message::json("1")).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(5)));
    }
}

#[tokio::test]
async fn answers_and_problems_have_a_limit() {
    let long = "1".repeat(ANSWER_BYTES + 1);
    let server = Server::start([Connection::holding([whole("200 OK", JSON, &long)])]).await;
    let error = Client::new(&server.url).unwrap().publish(&news(), &Message::json("1")).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge(ANSWER_BYTES)), "{error}");

    let problem = |length: usize| {
        let detail = "x".repeat(length);
        let body =
            format!(r#"{{"type":"t","title":"t","status":403,"detail":"{detail}","remedy":"give-up"}}"#);
        whole("403 Forbidden", "content-type: application/problem+json\r\n", &body)
    };
    let answers = [problem(PROBLEM_BYTES / 2), problem(PROBLEM_BYTES)];
    let server = Server::start(answers.map(|answer| Connection::closing([answer]))).await;
    let client = Client::new(&server.url).unwrap();
    let error = client.publish(&news(), &Message::json("1")).await.unwrap_err();
    assert!(matches!(error, ClientError::Problem(_)), "{error}");
    let error = client.publish(&news(), &Message::json("1")).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused { status: 403, .. }), "{error}");
}

#[tokio::test]
async fn kept_connections_have_a_limit() {
    let answers = || [0; 2].map(|_| whole("200 OK", JSON, RECEIPT));
    let at_once = IDLE_CONNECTIONS + 1;
    let script = (0..2 * at_once).map(|_| Connection::holding(answers()));
    let server = Server::start(script).await;
    let client = Client::new(&server.url).unwrap();
    for connections in [at_once, at_once + 1] {
        let publishes = (0..at_once).map(|_| async {
            client.publish(&news(), &Message::json("1")).await.unwrap();
        });
        join_all(publishes).await;
        assert_eq!(server.accepted(), connections);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_begin_is_given_up() {
    let server = Server::start([Connection::holding([whole("200 OK", JSON, RECEIPT)])]).await;
    let client = Client::new(&server.url).unwrap();
    client.publish(&news(), &Message::json("1")).await.unwrap();
    tokio::time::pause();
    let error = client.publish(&news(), &Message::json("1")).await.unwrap_err();
    assert!(matches!(error, ClientError::Silent(HEAD_TIME)), "{error}");
}
