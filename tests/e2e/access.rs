//! Who may what, on every transport alike (S1, D8).

mod asked;
mod ended;
mod presence;
mod tokens;

use encke_testkit::{TestGateway, tokens::Issuer};

/// The handshake of a WebSocket, after its request line.
pub(crate) const HANDSHAKE: &str = "\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
                                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

/// What each transport is asked for `channel` with, and how it answers if it may be. Each query goes on with `&`.
pub(crate) const FOLLOWED: [(&str, u16, &str); 5] = [
    ("GET /poll?channel=", 200, ""),
    ("GET /longpoll?wait=0&channel=", 200, ""),
    ("GET /sse?channel=", 200, ""),
    ("GET /iframe?callback=f&channel=", 200, ""),
    ("GET /ws?channel=", 101, HANDSHAKE),
];

/// A gateway that takes the tokens of `issuer`, and what else is configured.
pub(crate) fn with_tokens(issuer: &Issuer, more: &str) -> TestGateway {
    let name = format!("encke-test-{}-{:016x}.pem", std::process::id(), fastrand::u64(..));
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, issuer.public_key().expect("a public key")).expect("a file for it");
    let authorizer = format!(
        "auth = \"app\"\n{more}\n[[authorizer]]\nname = \"app\"\nkind = \"jwt\"\npublic_key_file = '{}'\n\
         audience = \"{}\"\nissuer = \"{}\"\npersonal = true\n",
        path.display(),
        encke_testkit::tokens::AUDIENCE,
        encke_testkit::tokens::ISSUER,
    );
    let gateway = TestGateway::start(&authorizer);
    // It has been read.
    let _ = std::fs::remove_file(path);
    gateway
}

/// A token of `subject` that allows these, each `"subscribe":["news"]` or the like.
pub(crate) fn token(issuer: &Issuer, subject: &str, rights: &str, expires: u64) -> String {
    let header = format!(r#"{{"alg":"{}","typ":"JWT"}}"#, issuer.algorithm());
    let claims = format!(
        r#"{{"exp":{expires},"iat":{},"aud":"{}","iss":"{}","sub":"{subject}","jti":"{subject}-1","encke":{{{rights}}}}}"#,
        now(),
        encke_testkit::tokens::AUDIENCE,
        encke_testkit::tokens::ISSUER,
    );
    issuer.token(header, claims)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970").as_secs()
}
