//! One message over each transport.

use encke_testkit::{Raw, TestGateway};

#[tokio::test]
async fn a_message_published_once_arrives_everywhere() {
    let gateway = TestGateway::start("");
    let mut sse = Raw::connect(gateway.address()).await;
    sse.request("GET /sse?channel=news", b"").await;
    sse.read_to("id: ").await;
    let mut iframe = Raw::connect(gateway.address()).await;
    iframe.request("GET /iframe?channel=news&callback=handle", b"").await;
    iframe.read_to("-->").await;
    let mut longpoll = Raw::connect(gateway.address()).await;
    longpoll.request("GET /longpoll?channel=news&since=earliest", b"").await;

    gateway.publish("news", "hello").await;

    assert!(sse.read_to("\"data\":\"hello\"}\n\n").await.contains("\"seq\":1"));
    assert!(iframe.read_to("\")</script>").await.contains("c(\""));
    assert!(iframe.read_to("\")</script>").await.contains("\"data\":\"hello\""));
    assert!(longpoll.answer().await.text().contains("\"data\":\"hello\""));
    assert!(gateway.request("GET /poll?channel=news", b"").await.text().contains("\"data\":\"hello\""));
}
