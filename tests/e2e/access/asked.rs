//! An application that is asked about access, and falls silent (S1).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use encke_testkit::{Raw, TestGateway, wait_for};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use super::{FOLLOWED, HANDSHAKE};

/// Lets everybody in who has a cookie, for some seconds, and counts how often it is asked. It lives as long as its task.
async fn application(asked: Arc<AtomicUsize>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/access", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            // The head comes with the body, which is small.
            while !request.ends_with(b"}") {
                if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            asked.fetch_add(1, Ordering::Relaxed);
            let known = String::from_utf8_lossy(&request).to_lowercase().contains("cookie: id=42");
            let (status, body) =
                if known { ("200 OK", r#"{"sub":"42","ttl":5}"#) } else { ("401 Unauthorized", "{}") };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, serving)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_while_the_application_is_down_nobody_is_let_in_and_nobody_thrown_out_early() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (url, serving) = application(Arc::clone(&asked)).await;
    let gateway = TestGateway::start(&format!(
        "auth = \"site\"\n[[authorizer]]\nname = \"site\"\nkind = \"callback\"\nurl = \"{url}\"\n"
    ));
    let ask = async |head: String| {
        let mut raw = Raw::connect(gateway.address()).await;
        raw.request(&head, b"").await;
        (raw.head().await.status, raw)
    };
    for (line, admitted, rest) in FOLLOWED {
        assert_eq!(ask(format!("{line}news{rest}\nCookie: id=42")).await.0, admitted, "{line}");
        assert_eq!(ask(format!("{line}news{rest}\nCookie: id=43")).await.0, 401, "{line}");
    }
    // One answer for all transports, and one refusal for as long as it is remembered.
    assert!(asked.load(Ordering::Relaxed) <= 6, "{asked:?}");
    let (_, mut stream) = ask("GET /sse?channel=news\nCookie: id=42".to_owned()).await;
    let (_, socket) = ask(format!("GET /ws?channel=news{HANDSHAKE}\nCookie: id=42")).await;

    serving.abort();
    let _ = serving.await;
    for (line, _, rest) in FOLLOWED {
        let (status, _) = ask(format!("{line}news{rest}\nCookie: id=44")).await;
        assert_eq!(status, 503, "{line}");
    }
    gateway.publish("news", "still here").await;
    stream.read_to("still here").await;
    wait_for("what was granted to end", async || gateway.hub().is_empty()).await;
    stream.read_to("\r\n0\r\n\r\n").await;
    drop(socket);
}
