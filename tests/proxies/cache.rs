//! A proxy that caches never gives the one what is for the other.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use encke_gateway::ProxyProtocol;
use encke_testkit::Raw;

use crate::{program::Proxy, transports::gateway};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const ROUNDS: usize = 200;

/// A token of `subject`, who follows his own channel without asking.
fn token(subject: &str) -> String {
    let part = |json: String| URL_SAFE_NO_PAD.encode(json);
    let head = part("{\"alg\":\"HS256\",\"typ\":\"JWT\"}".to_owned());
    let claims = part(format!("{{\"sub\":\"{subject}\",\"exp\":4102444800,\"aud\":\"encke\"}}"));
    let signed = format!("{head}.{claims}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes())))
}

#[tokio::test]
async fn two_users_and_one_url() {
    let auth = format!(
        "[[authorizer]]\nname = 'users'\nkind = 'jwt'\nsecret = '{SECRET}'\naudience = 'encke'\npersonal = true\n\
         [[route]]\npath = '/poll'\nkind = 'poll'\nauth = 'users'\n\
         [[route]]\npath = '/longpoll'\nkind = 'longpoll'\nauth = 'users'\n"
    );
    let gateway = gateway("127.0.0.2", ProxyProtocol::XForwardedFor, &auth);
    // As eager as nginx can be told to be, short of ignoring what encke says.
    let cache = "proxy_cache cache;\nproxy_cache_valid any 1h;\nproxy_cache_min_uses 1;";
    let proxy = Proxy::nginx(gateway.address(), cache).await;
    let users: [(&str, String); 2] = ["alice", "bob"].map(|user| (user, token(user)));
    for (user, _) in &users {
        let answer =
            gateway.request(&format!("POST /publish?user={user}"), format!("for {user}").as_bytes()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let mut connections = [Raw::connect(proxy.address()).await, Raw::connect(proxy.address()).await];
    let mut answers = 0;
    for round in 0..ROUNDS {
        let target = ["GET /poll?since=earliest", "GET /longpoll?since=earliest&wait=5"][round % 2];
        // Both at once.
        for ((_, token), raw) in users.iter().zip(&mut connections) {
            raw.request(&format!("{target}\nAuthorization: Bearer {token}"), b"").await;
        }
        for ((user, _), raw) in users.iter().zip(&mut connections) {
            let answer = raw.answer().await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let text = answer.text();
            let others = users.iter().filter(|(other, _)| other != user);
            assert!(text.contains(&format!("for {user}")), "{user}: {text}");
            assert!(
                others.into_iter().all(|(other, _)| !text.contains(&format!("for {other}"))),
                "{user}: {text}"
            );
            answers += 1;
        }
        // Who has no token has nothing, even where others had it a moment ago.
        let mut nobody = Raw::connect(proxy.address()).await;
        nobody.request(target, b"").await;
        assert_eq!(nobody.answer().await.status, 401);
    }
    println!("{answers} answers of one URL, 0 mixed");
}
