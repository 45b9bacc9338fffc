//! Tokens: what admits, and what never does (S1).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{collections::HashSet, sync::Arc, time::Duration};

use encke_auth::{Jwt, JwtKey, JwtKeyError};
use encke_core::{Selector, Timestamp};
use encke_hub::{Action, Ask, Asker, Authorizer as _, Denied, Grant, Hub};
use encke_testkit::tokens::{AUDIENCE, ISSUER, Issuer, broken, good};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;

fn key(issuer: &Issuer) -> JwtKey {
    match issuer.public_key() {
        Some(pem) => JwtKey::pem(&pem).unwrap(),
        None => JwtKey::hmac(issuer.secret().unwrap()).unwrap(),
    }
}

fn clock() -> Timestamp {
    Timestamp::from_millis(NOW * 1_000)
}

fn jwt(issuer: &Issuer) -> Jwt {
    Jwt::new(key(issuer)).clock(clock)
}

fn hub(jwt: Jwt) -> Hub {
    Hub::builder().clock(clock).authorizer(jwt).build().unwrap()
}

fn ask(token: &str, channel: &str) -> Ask {
    let asker = Asker::default().with_token(token);
    Ask::from_asker(Arc::new(asker), Action::Subscribe, vec![Selector::new(channel).unwrap()])
}

async fn admit(hub: &Hub, token: &str) -> Result<Grant, Denied> {
    hub.authorize(&ask(token, "news")).await
}

#[tokio::test]
async fn s1_broken_tokens_admit_nobody() {
    let (mut tried, mut admitted) = (0, Vec::new());
    for issuer in Issuer::of_each_kind() {
        let hub = hub(jwt(&issuer).audience(AUDIENCE).issuer(ISSUER));
        assert!(admit(&hub, &good(&issuer, NOW)).await.is_ok(), "a good token of {}", issuer.algorithm());
        let table = broken(&issuer, NOW);
        let names: HashSet<&String> = table.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), table.len(), "each is broken in its own way");
        for (name, token) in &table {
            tried += 1;
            match admit(&hub, token).await {
                Ok(_) => admitted.push(format!("{}: {name}", issuer.algorithm())),
                Err(denied) => {
                    let expired = token.len() < 8_192 && denied == Denied::Expired;
                    assert!(expired || denied == Denied::Unauthenticated, "{name}: {denied:?}");
                }
            }
        }
        assert!(admit(&hub, &good(&issuer, NOW)).await.is_ok(), "and still good");
    }
    assert_eq!(admitted, [] as [String; 0]);
    assert_eq!(tried, 952, "238 tokens or so for each kind of key");
}

#[tokio::test]
async fn a_token_says_who_and_what() {
    let issuer = Issuer::hs256();
    let hub = hub(jwt(&issuer).personal(true));
    let claims = json!({
        "exp": NOW + 60,
        "iat": NOW - 1,
        "sub": "anna",
        "jti": "t1",
        "scope": "other things",
        "encke": { "subscribe": ["news"], "follow": ["lobby"] },
    });
    let token = issuer.token(r#"{"alg":"HS256"}"#, claims.to_string());
    let grant = admit(&hub, &token).await.unwrap();
    assert_eq!((grant.subject(), grant.token_id()), (Some("anna"), Some("t1")));
    assert_eq!(grant.expires(), Some(Timestamp::from_millis((NOW + 65) * 1_000)), "with the leeway");
    let follows: Vec<_> = grant.follows().iter().map(Selector::as_str).collect();
    assert_eq!(follows, ["lobby", "@anna"]);
    for (channel, may) in
        [("news", true), ("lobby", true), ("@anna", true), ("chat", false), ("@bert", false)]
    {
        let selectors = vec![Selector::new(channel).unwrap()];
        let opened = hub.subscribe(&grant, "test", selectors, encke_core::Since::Latest).await;
        assert_eq!(opened.is_ok(), may, "{channel}");
    }

    // Without the claim `encke`, one has what one owns.
    let bare = issuer.token(r#"{"alg":"HS256"}"#, json!({ "exp": NOW + 60, "sub": "bert" }).to_string());
    let grant = admit(&hub, &bare).await.unwrap();
    let owned =
        hub.subscribe(&grant, "test", vec![Selector::new("@bert").unwrap()], encke_core::Since::Latest).await;
    assert!(owned.is_ok());
}

#[tokio::test]
async fn no_token_is_not_a_wrong_one() {
    let jwt = jwt(&Issuer::hs256());
    assert!(!jwt.presented(&Asker::default()));
    assert!(jwt.presented(&Asker::default().with_token("x")));
    let denied = hub(jwt).authorize(&Ask::new(Action::Subscribe, vec![])).await;
    assert_eq!(denied.map(drop), Err(Denied::Unauthenticated));
}

#[tokio::test]
async fn times_are_honoured_to_the_second() {
    let issuer = Issuer::eddsa();
    let expired = Err(Denied::Expired);
    let early = Err(Denied::Unauthenticated);
    let cases = [
        (0, json!({ "exp": NOW + 1 }), Ok(())),
        (0, json!({ "exp": NOW }), expired),
        (0, json!({ "exp": NOW - 1 }), expired),
        (0, json!({ "exp": NOW as f64 + 1.5 }), Ok(())),
        (0, json!({ "exp": NOW as f64 + 0.9 }), expired),
        (5, json!({ "exp": NOW - 4 }), Ok(())),
        (5, json!({ "exp": NOW - 5 }), expired),
        (86_400, json!({ "exp": NOW - 59 }), Ok(())),
        (86_400, json!({ "exp": NOW - 60 }), expired),
        (0, json!({ "exp": NOW + 9, "nbf": NOW }), Ok(())),
        (0, json!({ "exp": NOW + 9, "nbf": NOW + 1 }), early),
        (5, json!({ "exp": NOW + 9, "nbf": NOW + 5 }), Ok(())),
        (5, json!({ "exp": NOW + 9, "nbf": NOW + 6 }), early),
        (5, json!({ "exp": NOW + 9, "iat": NOW + 6 }), early),
        (0, json!({ "exp": 253_402_300_799_u64 }), Ok(())),
        (0, json!({ "exp": 253_402_300_800_u64 }), early),
    ];
    for (leeway, claims, expected) in cases {
        let hub = hub(jwt(&issuer).leeway(Duration::from_secs(leeway)));
        let token = issuer.token(r#"{"alg":"EdDSA"}"#, claims.to_string());
        assert_eq!(admit(&hub, &token).await.map(drop), expected, "{claims} with {leeway} s");
    }
}

#[tokio::test]
async fn s1_a_token_for_an_audience_needs_one_that_expects_it_and_the_other_way_round() {
    let issuer = Issuer::hs256();
    let token = |audience: Option<Value>| {
        let mut claims = json!({ "exp": NOW + 60 });
        if let (Some(audience), Some(fields)) = (audience, claims.as_object_mut()) {
            fields.insert("aud".to_owned(), audience);
        }
        issuer.token(r#"{"alg":"HS256"}"#, claims.to_string())
    };
    let cases = [
        (None, None, true),
        (None, Some(json!("a")), false),
        (Some("a"), None, false),
        (Some("a"), Some(json!("a")), true),
        (Some("a"), Some(json!(["b", "a"])), true),
        (Some("a"), Some(json!("b")), false),
        (Some("a"), Some(json!(["b"])), false),
    ];
    for (own, named, expected) in cases {
        let jwt = own.into_iter().fold(jwt(&issuer), Jwt::audience);
        let admitted = admit(&hub(jwt), &token(named.clone())).await.is_ok();
        assert_eq!(admitted, expected, "{own:?} for {named:?}");
    }
}

#[tokio::test]
async fn types_that_are_for_access_are_admitted() {
    let issuer = Issuer::hs256();
    let hub = hub(jwt(&issuer));
    for kind in ["JWT", "jwt", "at+jwt", "application/at+jwt"] {
        let header = json!({ "alg": "HS256", "typ": kind, "kid": "anything" });
        let token = issuer.token(header.to_string(), json!({ "exp": NOW + 60 }).to_string());
        assert!(admit(&hub, &token).await.is_ok(), "{kind}");
    }
}

#[test]
fn weak_and_wrong_keys_are_refused() {
    let hmac = |bytes: usize| JwtKey::hmac(&vec![7; bytes]);
    assert_eq!(hmac(31).err(), Some(JwtKeyError::WeakSecret { needed: 32 }));
    let secret = |bytes: usize, name: &str| hmac(bytes).unwrap().algorithm(name).map(drop);
    assert_eq!(secret(47, "HS384"), Err(JwtKeyError::WeakSecret { needed: 48 }));
    assert_eq!(secret(63, "HS512"), Err(JwtKeyError::WeakSecret { needed: 64 }));
    assert_eq!(secret(64, "HS512"), Ok(()));

    let named = |issuer: &Issuer, name: &str| key(issuer).algorithm(name).map(drop);
    let cases = [
        (Issuer::hs256(), [("HS256", true), ("RS256", false), ("none", false), ("hs256", false)]),
        (Issuer::rs256(), [("PS512", true), ("RS384", true), ("HS256", false), ("ES256", false)]),
        (Issuer::es256(), [("ES256", true), ("ES384", false), ("HS256", false), ("EdDSA", false)]),
        (Issuer::eddsa(), [("EdDSA", true), ("ES256", false), ("HS512", false), ("", false)]),
    ];
    for (issuer, names) in cases {
        for (name, fits) in names {
            let expected = if fits { Ok(()) } else { Err(JwtKeyError::Algorithm) };
            assert_eq!(named(&issuer, name), expected, "{name} by a key for {}", issuer.algorithm());
        }
    }

    let pem = |text: &str| JwtKey::pem(text).err();
    assert_eq!(pem(RSA_1024), Some(JwtKeyError::WeakRsa));
    assert_eq!(pem(SECP256K1), Some(JwtKeyError::NoPublicKey));
    assert_eq!(pem(&RSA_1024.replace("PUBLIC", "PRIVATE")), Some(JwtKeyError::Private));
    for text in ["", "secret", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
        assert_eq!(pem(text), Some(JwtKeyError::NoPublicKey), "{text}");
    }

    let jwks = |url: &str| JwtKey::jwks(url, None).map(drop);
    for url in ["https://issuer.example/keys", "http://localhost:8080/", "http://127.0.0.1/", "http://[::1]/"]
    {
        assert_eq!(jwks(url), Ok(()), "{url}");
    }
    for url in ["http://issuer.example/keys", "http://127.0.0.1.example/", "http://10.0.0.1/"] {
        assert_eq!(jwks(url), Err(JwtKeyError::Insecure), "{url}");
    }
    assert!(matches!(jwks("file:///keys"), Err(JwtKeyError::Url(_))));
}

proptest! {
    #[test]
    fn s3_any_text_is_refused(text in ".*") {
        let jwt = jwt(&Issuer::hs256());
        let encke_hub::Answer::Now(Some(decided)) = jwt.authorize(&ask(&text, "news")) else {
            panic!("a key at hand decides at once");
        };
        prop_assert_eq!(decided.map(drop), Err(Denied::Unauthenticated));
    }

    #[test]
    fn s3_any_claims_that_are_signed_are_read_or_refused(
        header in prop::collection::vec(any::<u8>(), 0..64),
        claims in prop::collection::vec(any::<u8>(), 0..256),
    ) {
        let issuer = Issuer::hs256();
        let jwt = jwt(&issuer);
        for token in [issuer.token(&header, &claims), issuer.token(r#"{"alg":"HS256"}"#, &claims)] {
            let encke_hub::Answer::Now(Some(decided)) = jwt.authorize(&ask(&token, "news")) else {
                panic!("a key at hand decides at once");
            };
            prop_assert_eq!(decided.map(drop), Err(Denied::Unauthenticated));
        }
    }
}

/// Too small.
const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQD1+dbasim4jdOzzNPMc05VedlM
rp1f2CpVwCft0GhPpBA6KMiR1KaE4VZkory6le7cJVfV87ne0wCuKWtqBIGugc7D
OHE1iKrETEhs/WCUlpUGONVC1cL5xtjtKmuzwE6n1gp53pIMCesDtghsCbQgF6y5
XzzaEgWoBuvpUtsSzwIDAQAB
-----END PUBLIC KEY-----
";

/// A point on a curve that tokens are not signed on.
const SECP256K1: &str = "-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE/2MpsBzvEiELafffLwu6A7OnkX30oEh/
XqB1hEgAcCFyjWJaoyqQ3REo3gQ8I0oUcQYqVxk48mYyPEOsIxTYeQ==
-----END PUBLIC KEY-----
";
