//! Requests to servers that behave in every way.
#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use encke_fetch::{FetchConfig, FetchError, Fetcher, TrustError, UrlError};
use http::{Request, StatusCode};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A server that answers every request with the same bytes.
struct Server {
    address: String,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn new(answer: impl Into<String>) -> Self {
        Self::start(answer.into(), true, None).await
    }

    async fn start(answer: String, closes: bool, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (requests, connections) = (Arc::default(), Arc::default());
        let server = Self { address, requests: Arc::clone(&requests), connections: Arc::clone(&connections) };
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (answer, tls, requests) = (answer.clone(), tls.clone(), Arc::clone(&requests));
                tokio::spawn(async move {
                    match tls {
                        None => serve(socket, &answer, closes, &requests).await,
                        Some(tls) => {
                            if let Ok(socket) = tls.accept(socket).await {
                                serve(socket, &answer, closes, &requests).await;
                            }
                        }
                    }
                });
            }
        });
        server
    }

    fn request(&self, scheme: &str) -> Request<Bytes> {
        let uri = format!("{scheme}://{}/path", self.address);
        Request::post(uri).body(Bytes::from_static(b"question")).unwrap()
    }

    fn asked(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    answer: &str,
    closes: bool,
    requests: &AtomicUsize,
) {
    let mut read = Vec::new();
    while let Ok(1..) = socket.read_buf(&mut read).await {
        if !read.ends_with(b"\r\n\r\nquestion") {
            continue;
        }
        read.clear();
        requests.fetch_add(1, Ordering::SeqCst);
        if socket.write_all(answer.as_bytes()).await.is_err() || closes {
            break;
        }
    }
    let _ = socket.shutdown().await;
}

fn fetcher() -> Fetcher {
    Fetcher::new(FetchConfig { answer_bytes: 1000, ..FetchConfig::default() }).unwrap()
}

fn hasty() -> Fetcher {
    Fetcher::new(FetchConfig { deadline: Duration::from_millis(200), ..FetchConfig::default() }).unwrap()
}

#[tokio::test]
async fn an_answer_is_given_as_it_is() {
    let server = Server::new("HTTP/1.1 418 Tea\r\nX-A: b\r\nContent-Length: 3\r\n\r\npot").await;
    let answer = fetcher().fetch(server.request("http")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(answer.headers()["x-a"], "b");
    assert_eq!(answer.body(), "pot");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let aim = Server::new(OK).await;
    let head = format!("HTTP/1.1 307 Away\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n", aim.address);
    let server = Server::new(head).await;
    let answer = fetcher().fetch(server.request("http")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!((server.asked(), aim.asked()), (1, 0));
}

#[tokio::test]
async fn s2_an_answer_is_bounded() {
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(3)),
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "x".repeat(1001)),
    ];
    for answer in answers {
        let server = Server::new(&answer).await;
        let error = fetcher().fetch(server.request("http")).await.unwrap_err();
        assert_eq!(error, FetchError::TooLarge { limit: 1000 }, "{answer}");
    }
    let head = format!("HTTP/1.1 200 OK\r\nX-A: {}\r\n\r\n", "x".repeat(64 << 10));
    let server = Server::new(head).await;
    assert!(matches!(fetcher().fetch(server.request("http")).await, Err(FetchError::Broken(_))));
}

#[tokio::test]
async fn what_ends_too_early_is_broken() {
    let answers = [
        "",
        "HTTP/1.1 200 OK\r\nConte",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok?",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "ok",
    ];
    for answer in answers {
        let server = Server::new(answer).await;
        let fetched = fetcher().fetch(server.request("http")).await;
        assert!(matches!(fetched, Err(FetchError::Broken(_))), "{answer}: {fetched:?}");
    }
}

#[tokio::test]
async fn there_is_one_deadline_for_all() {
    for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"] {
        let server = Server::start(answer.to_owned(), false, None).await;
        let fetched = hasty().fetch(server.request("http")).await;
        assert_eq!(fetched.unwrap_err(), FetchError::Deadline, "{answer}");
    }
}

#[tokio::test]
async fn connections_are_kept() {
    let server = Server::start(OK.to_owned(), false, None).await;
    let fetcher = fetcher();
    for _ in 0..20 {
        fetcher.fetch(server.request("http")).await.unwrap();
    }
    // The next request may come before the connection of the last is free.
    let connections = server.connections.load(Ordering::SeqCst);
    assert!(server.asked() == 20 && connections < 10, "{connections}");
}

#[tokio::test]
async fn requests_at_a_time_are_bounded() {
    let silent = Server::start(String::new(), false, None).await;
    let config = FetchConfig { requests: 1, deadline: Duration::from_secs(1), ..FetchConfig::default() };
    let fetcher = Fetcher::new(config).unwrap();
    let (one, request) = (fetcher.clone(), silent.request("http"));
    let one = tokio::spawn(async move { one.fetch(request).await });
    while silent.asked() == 0 {
        assert!(!one.is_finished(), "it was never asked");
        tokio::task::yield_now().await;
    }
    let ended = tokio::select! {
        biased;
        ended = one => ended.unwrap(),
        other = fetcher.fetch(silent.request("http")) => other,
    };
    assert_eq!((ended.unwrap_err(), silent.asked()), (FetchError::Deadline, 1));
}

#[tokio::test]
async fn nobody_there_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let fetched = fetcher().fetch(Request::get(uri).body(Bytes::new()).unwrap()).await;
    assert!(matches!(fetched, Err(FetchError::Connect(_))), "{fetched:?}");
}

#[tokio::test]
async fn a_url_with_a_password_is_not_fetched() {
    let request = Request::get("http://me:secret@127.0.0.1/").body(Bytes::new()).unwrap();
    assert_eq!(fetcher().fetch(request).await.unwrap_err(), FetchError::Url(UrlError::User));
}

#[tokio::test]
async fn tls_needs_a_certificate_that_is_trusted() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let server = Server::start(OK.to_owned(), true, Some(TlsAcceptor::from(Arc::new(config)))).await;

    let refused = fetcher().fetch(server.request("https")).await.unwrap_err();
    assert!(matches!(&refused, FetchError::Connect(cause) if cause.contains("certificate")), "{refused}");
    assert_eq!(server.asked(), 0, "nothing is said to who is not trusted");

    let trusted = Some(Bytes::from(cert.pem()));
    let fetcher = Fetcher::new(FetchConfig { trusted, ..FetchConfig::default() }).unwrap();
    assert_eq!(fetcher.fetch(server.request("https")).await.unwrap().body(), "ok");
}

#[test]
fn what_is_to_be_trusted_must_be_a_certificate() {
    let cases = [
        ("", TrustError::Empty),
        ("no certificate", TrustError::Empty),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", TrustError::Malformed),
        ("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", TrustError::Malformed),
    ];
    for (pem, expected) in cases {
        let config = FetchConfig { trusted: Some(Bytes::from(pem)), ..FetchConfig::default() };
        assert_eq!(Fetcher::new(config).unwrap_err(), expected, "{pem}");
    }
}
