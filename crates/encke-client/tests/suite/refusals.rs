use encke_client::{Client, ClientError, Remedy, Resume, SubscribeOptions, Transport, UrlError};

use crate::script::{Answer, Connection, Says, Server, close, frame, whole};

const FORBIDDEN: &str = r#"{"type":"urn:encke:problem:forbidden","title":"Not allowed","status":403,
    "detail":"not you","remedy":"give-up"}"#;

fn forbidden() -> Answer {
    whole("403 Forbidden", "content-type: application/problem+json\r\n", FORBIDDEN)
}

#[tokio::test]
async fn a_problem_ends_a_subscription_on_every_transport() {
    for transport in Transport::ALL {
        let server = Server::start([Connection::holding([forbidden()])]).await;
        let mut subscription = server.subscribe(transport, SubscribeOptions::new(["news"]));
        match subscription.next().await {
            Some(Err(ClientError::Problem(problem))) => {
                assert_eq!((problem.status, problem.remedy), (403, Remedy::GiveUp), "{transport}");
                assert_eq!(problem.detail, "not you");
            }
            other => panic!("{transport}: {other:?}"),
        }
        assert!(subscription.next().await.is_none());
    }
}

#[tokio::test]
async fn a_refusal_without_a_problem_has_its_status() {
    for transport in Transport::ALL {
        let server = Server::start([Connection::holding([whole("404 Not Found", "", "gone")])]).await;
        let mut subscription = server.subscribe(transport, SubscribeOptions::new(["news"]));
        let error = subscription.next().await.unwrap().unwrap_err();
        assert!(matches!(error, ClientError::Refused { status: 404, .. }), "{transport}: {error}");
    }
}

#[tokio::test]
async fn an_ended_grant_is_not_taken_up_again() {
    let problem = r#"{"type":"urn:encke:problem:unauthenticated","title":"Credentials are needed","status":401,
        "detail":"what you were allowed has ended","remedy":"reauthenticate"}"#;
    let error = frame(&format!("{{\"type\":\"error\",\"problem\":{problem}}}"));
    let server = Server::start([Connection::holding([Answer::Upgrade(error)])]).await;
    let mut subscription = server.subscribe(Transport::Ws, SubscribeOptions::new(["news"]));
    let error = subscription.next().await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Problem(_)), "{error}");

    for code in [1000, 1002, 1008] {
        let answer = Answer::Upgrade(close(code, "enough"));
        let server = Server::start([Connection::holding([answer])]).await;
        let mut subscription = server.subscribe(Transport::Ws, SubscribeOptions::new(["news"]));
        let error = subscription.next().await.unwrap().unwrap_err();
        assert!(matches!(&error, ClientError::Closed(why) if why.contains("enough")), "{code}: {error}");
    }

    let page = "<script>c(\"7f3k2q9x-5\")</script><script>z(\"7f3k2q9x-5\",-1)</script>";
    let server =
        Server::start([Connection::holding([whole("200 OK", "content-type: text/html\r\n", page)])]).await;
    let mut subscription = server.subscribe(Transport::Iframe, SubscribeOptions::new(["news"]));
    assert!(subscription.next().await.unwrap().is_ok());
    let error = subscription.next().await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Closed(_)), "{error}");
}

#[tokio::test]
async fn where_nothing_answers_a_subscription_does_not_begin() {
    let server = Server::start([]).await;
    // The script is empty, so the listener goes away; a connection that it took before is reset.
    for transport in Transport::ALL {
        let mut subscription = server.subscribe(transport, SubscribeOptions::new(["news"]));
        let error = subscription.next().await.unwrap().unwrap_err();
        assert!(
            matches!(error, ClientError::Unreachable { .. } | ClientError::Cut(_)),
            "{transport}: {error}"
        );
        assert!(error.is_transient());
        assert!(subscription.next().await.is_none());
    }
}

#[tokio::test]
async fn an_upgrade_with_another_key_is_refused() {
    let head = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let answer = Answer::Bytes(head.as_bytes().to_vec());
    let server = Server::start([Connection::holding([answer])]).await;
    let mut subscription = server.subscribe(Transport::Ws, SubscribeOptions::new(["news"]));
    let error = subscription.next().await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Malformed(_)), "{error}");
}

#[tokio::test]
async fn an_item_beyond_the_limit_is_refused() {
    let long = "x".repeat(encke_client::limits::ITEM_BYTES);
    for transport in [Transport::Sse, Transport::Iframe] {
        let items = [long.clone()];
        let says = Says { place: "7f3k2q9x-5", items: &items, end: None };
        let server = Server::start([Connection::holding([says.over(transport)])]).await;
        let options = SubscribeOptions::new(["news"]).resume(Resume::Never);
        let mut subscription = server.subscribe(transport, options);
        assert!(subscription.next().await.unwrap().is_ok());
        let error = subscription.next().await.unwrap().unwrap_err();
        assert!(matches!(error, ClientError::TooLarge(_)), "{transport}: {error}");
    }
}

#[test]
fn https_is_refused_with_a_reason() {
    let error = Client::new("https://localhost").unwrap_err();
    assert_eq!(error, UrlError::Https);
    assert!(error.to_string().contains("not supported yet"));
}
