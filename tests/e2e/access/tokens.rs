//! What is wrong with credentials, wherever they are.

use encke_testkit::{Answer, Raw, TestGateway, tokens};
use tokens::Issuer;

use super::{FOLLOWED, HANDSHAKE, now, token, with_tokens};

/// Where a token can be in a request.
#[derive(Debug, Clone, Copy)]
enum Place {
    Header,
    Query,
    Subprotocol,
}

/// The head of a request with a token in its place; nothing if it cannot be there.
fn head(line: &str, rest: &str, place: Place, token: &str) -> Option<String> {
    let visible = token.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    match place {
        Place::Header => visible.then(|| format!("{line}{rest}\nAuthorization: Bearer {token}")),
        Place::Query => {
            let encoded: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
            // The limit of a head is not what is tested.
            (encoded.len() < 8_000).then(|| format!("{line}&token={encoded}{rest}"))
        }
        Place::Subprotocol => {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            (!rest.is_empty() && token.bytes().all(fits))
                .then(|| format!("{line}{rest}\nSec-WebSocket-Protocol: encke.v1, encke.token.{token}"))
        }
    }
}

async fn asked(gateway: &TestGateway, head: &str, body: &[u8]) -> Answer {
    let mut raw = Raw::connect(gateway.address()).await;
    raw.request(head, body).await;
    raw.head().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_no_broken_token_opens_anything_on_any_transport() {
    let issuer = Issuer::es256();
    let gateway = with_tokens(&issuer, "");
    let broken = tokens::broken(&issuer, now());
    let requests =
        FOLLOWED.map(|(line, admitted, rest)| (format!("{line}news"), admitted, rest)).into_iter().chain([
            ("POST /publish?channel=news".to_owned(), 200, ""),
            ("GET /channels?limit=1".to_owned(), 200, ""),
        ]);
    let requests: Vec<_> = requests.collect();
    let places = [Place::Header, Place::Query, Place::Subprotocol];

    let good = tokens::good(&issuer, now());
    for (line, admitted, rest) in &requests {
        for head in places.iter().filter_map(|place| head(line, rest, *place, &good)) {
            // The good one may not look at all channels, which shows that it counts for programs on this machine too.
            let expected = if line.contains("/channels") { 403 } else { *admitted };
            assert_eq!(asked(&gateway, &head, b"hello").await.status, expected, "{head}");
        }
    }

    let (mut asked_for, mut admitted) = (0, 0);
    for (name, token) in &broken {
        // Programs on this machine that bring nothing are trusted to publish.
        let requests =
            requests.iter().filter(|(line, ..)| !token.trim().is_empty() || line.starts_with("GET /s"));
        for (line, _, rest) in requests {
            for head in places.iter().filter_map(|place| head(line, rest, *place, token)) {
                let answer = asked(&gateway, &head, b"hello").await;
                asked_for += 1;
                if !matches!(answer.status, 400 | 401 | 414 | 431) {
                    admitted += 1;
                    eprintln!("{name}: {} for {line}", answer.status);
                }
            }
        }
    }
    println!("{} broken tokens, {asked_for} requests, {admitted} admitted", broken.len());
    assert!(broken.len() >= 60 && asked_for >= 1_000, "{} tokens, {asked_for} requests", broken.len());
    assert_eq!(admitted, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_a_token_opens_what_it_names_and_no_more() {
    let issuer = Issuer::es256();
    let gateway = with_tokens(&issuer, "");
    let rights = r#""subscribe":["news.*"],"publish":["chat"]"#;
    let token = token(&issuer, "anna", rights, now() + 60);
    let channels = [
        ("news.eu", true),
        ("news.*", true),
        ("chat", false),
        ("news.**", false),
        ("@anna", true),
        ("@bob", false),
    ];
    for (line, admitted, rest) in FOLLOWED {
        for (channel, may) in channels {
            let head = head(&format!("{line}{channel}"), rest, Place::Query, &token).unwrap();
            let expected = if may { admitted } else { 403 };
            assert_eq!(asked(&gateway, &head, b"").await.status, expected, "{line}{channel}");
        }
        assert_eq!(asked(&gateway, &format!("{line}news.eu{rest}"), b"").await.status, 401, "{line}");
    }
    for (channel, status) in [("chat", 200), ("news.eu", 403), ("@bob", 403), ("$notices", 403)] {
        let head = head(&format!("POST /publish?channel={channel}"), "", Place::Header, &token).unwrap();
        assert_eq!(asked(&gateway, &head, b"hello").await.status, status, "{channel}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_what_is_open_needs_no_credentials_and_takes_no_wrong_ones() {
    let issuer = Issuer::es256();
    let open = "[[namespace]]\npattern = \"public.**\"\nsubscribe = \"anyone\"\n\
                [[namespace]]\npattern = \"**\"\nsubscribe = \"known\"\n";
    let gateway = with_tokens(&issuer, open);
    let good = tokens::good(&issuer, now());
    for (line, admitted, rest) in FOLLOWED {
        let open = format!("{line}public.news");
        assert_eq!(asked(&gateway, &format!("{open}{rest}"), b"").await.status, admitted, "{line}");
        let wrong = head(&open, rest, Place::Query, "wrong").unwrap();
        assert_eq!(asked(&gateway, &wrong, b"").await.status, 401, "{line}");
        assert_eq!(asked(&gateway, &format!("{line}news{rest}"), b"").await.status, 401, "{line}");
        let known = head(&format!("{line}news"), rest, Place::Query, &good).unwrap();
        assert_eq!(asked(&gateway, &known, b"").await.status, admitted, "{line}");
        let own = format!("{line}@anna{rest}");
        assert_eq!(asked(&gateway, &own, b"").await.status, 401, "{line}");
    }
    let unknown = format!("GET /ws{HANDSHAKE}\nSec-WebSocket-Protocol: encke.v1");
    assert_ne!(asked(&gateway, &unknown, b"").await.status, 500);
}
