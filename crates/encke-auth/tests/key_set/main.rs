//! Keys behind a URL: which of them are used, and when they are fetched (S1, S5).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod issuer_site;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use encke_auth::{Jwt, JwtKey};
use encke_core::{Selector, Timestamp};
use encke_hub::{Action, Ask, Asker, Denied, Hub};
use encke_testkit::tokens::{AUDIENCE, ISSUER, Issuer, broken, good};
use issuer_site::Site;
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;

/// A hub that trusts whoever has a key at a site, and its clock.
struct House {
    hub: Hub,
    now: Arc<AtomicU64>,
}

impl House {
    fn of(site: &Site) -> Self {
        let now = Arc::new(AtomicU64::new(NOW));
        let clock = {
            let now = Arc::clone(&now);
            move || Timestamp::from_millis(now.load(Ordering::SeqCst) * 1_000)
        };
        let jwt = Jwt::new(JwtKey::jwks(&site.url, None).unwrap()).clock(clock.clone());
        let jwt = jwt.audience(AUDIENCE).issuer(ISSUER);
        Self { hub: Hub::builder().clock(clock).authorizer(jwt).build().unwrap(), now }
    }

    async fn admit(&self, token: &str) -> Result<(), Denied> {
        let asker = Asker::default().with_token(token);
        let news = Selector::new("news").unwrap();
        let ask = Ask::from_asker(Arc::new(asker), Action::Subscribe, vec![news]);
        self.hub.authorize(&ask).await.map(drop)
    }

    fn pass(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }
}

fn with(mut key: Value, fields: Value) -> Value {
    let (Some(key_fields), Value::Object(fields)) = (key.as_object_mut(), fields) else {
        panic!("a key is an object");
    };
    key_fields.extend(fields);
    key
}

/// A key of a set, by its name.
fn key(issuer: &Issuer, id: &str) -> Value {
    with(issuer.jwk(), json!({ "kid": id, "use": "sig", "alg": issuer.algorithm() }))
}

/// A good token by the key of this name.
fn token(issuer: &Issuer, id: &str) -> String {
    let claims = json!({ "exp": NOW + 86_400, "aud": AUDIENCE, "iss": ISSUER });
    let header = json!({ "alg": issuer.algorithm(), "kid": id });
    issuer.token(header.to_string(), claims.to_string())
}

#[tokio::test]
async fn keys_are_fetched_when_they_are_needed_and_kept() {
    let issuers = [Issuer::rs256(), Issuer::es256(), Issuer::eddsa()];
    let keys: Vec<_> = issuers.iter().map(|issuer| key(issuer, issuer.algorithm())).collect();
    let site = Site::new(&keys).await;
    let house = House::of(&site);
    assert_eq!(site.asked(), 0);
    for _ in 0..3 {
        for issuer in &issuers {
            assert_eq!(house.admit(&token(issuer, issuer.algorithm())).await, Ok(()));
        }
        house.pass(199);
    }
    assert_eq!(site.asked(), 1);
    house.pass(3);
    assert_eq!(house.admit(&token(&issuers[0], "RS256")).await, Ok(()));
    assert_eq!(site.asked(), 2, "they are looked at every ten minutes");
}

#[tokio::test]
async fn s1_broken_tokens_admit_nobody() {
    let mut tried = 0;
    for issuer in [Issuer::rs256(), Issuer::es256(), Issuer::eddsa()] {
        let site = Site::new(&[issuer.jwk()]).await;
        let house = House::of(&site);
        assert_eq!(house.admit(&good(&issuer, NOW)).await, Ok(()));
        for (name, token) in broken(&issuer, NOW) {
            assert!(house.admit(&token).await.is_err(), "{name}");
            tried += 1;
        }
        assert_eq!(house.admit(&good(&issuer, NOW)).await, Ok(()));
    }
    assert!(tried > 600, "{tried}");
}

#[tokio::test]
async fn s1_keys_for_something_else_are_passed_over() {
    let (rsa, curve, edwards, secret) = (Issuer::rs256(), Issuer::es256(), Issuer::eddsa(), Issuer::hs256());
    let small = json!({ "n": "x".repeat(171) });
    let cases = [
        (&secret, key(&secret, "a")),
        (&secret, with(key(&secret, "a"), json!({ "kty": "RSA" }))),
        (&secret, with(rsa.jwk(), json!({ "kid": "a", "alg": "HS256", "k": secret.jwk()["k"] }))),
        (&rsa, with(key(&rsa, "a"), json!({ "use": "enc" }))),
        (&rsa, with(key(&rsa, "a"), json!({ "key_ops": ["encrypt"] }))),
        (&rsa, with(key(&rsa, "a"), json!({ "alg": "RS512" }))),
        (&rsa, with(key(&rsa, "a"), json!({ "alg": "RSA-OAEP" }))),
        (&rsa, with(key(&rsa, "a"), json!({ "alg": "ES256" }))),
        (&rsa, with(key(&rsa, "a"), json!({ "alg": "none" }))),
        (&rsa, with(key(&rsa, "a"), json!({ "alg": 1 }))),
        (&rsa, with(key(&rsa, "a"), json!({ "kty": "oct" }))),
        (&rsa, with(key(&rsa, "a"), small)),
        (&curve, with(key(&curve, "a"), json!({ "crv": "P-384" }))),
        (&curve, with(key(&curve, "a"), json!({ "crv": "secp256k1" }))),
        (&curve, with(key(&curve, "a"), json!({ "x": curve.jwk()["y"] }))),
        (&curve, with(key(&curve, "a"), json!({ "y": "AAAA" }))),
        (&edwards, with(key(&edwards, "a"), json!({ "crv": "Ed448" }))),
        (&edwards, with(key(&edwards, "a"), json!({ "x": "AAAA" }))),
        (&edwards, json!("a")),
    ];
    let other = Issuer::eddsa();
    for (issuer, unfit) in cases {
        let site = Site::new(&[unfit.clone(), key(&other, "b")]).await;
        let house = House::of(&site);
        assert_eq!(house.admit(&token(issuer, "a")).await, Err(Denied::Unauthenticated), "{unfit}");
        assert_eq!(house.admit(&token(&other, "b")).await, Ok(()), "the others of the set are used");
    }
}

#[tokio::test]
async fn keys_without_a_name_are_tried_but_not_many() {
    let issuers: Vec<_> = (0..5).map(|_| Issuer::eddsa()).collect();
    let mut keys = vec![Issuer::rs256().jwk(), Issuer::es256().jwk()];
    keys.extend(issuers.iter().map(Issuer::jwk));
    let site = Site::new(&keys).await;
    let house = House::of(&site);
    for (at, issuer) in issuers.iter().enumerate() {
        let admitted = house.admit(&token(issuer, "any")).await.is_ok();
        assert_eq!(admitted, at < 4, "by key number {at}");
    }
}

#[tokio::test]
async fn a_new_key_is_found_and_unknown_ones_do_not_make_it_ask_all_the_time() {
    let (old, new) = (Issuer::eddsa(), Issuer::eddsa());
    let site = Site::new(&[key(&old, "old")]).await;
    let house = House::of(&site);
    assert_eq!(house.admit(&token(&old, "old")).await, Ok(()));
    site.publish(&[key(&new, "new")]);
    for _ in 0..100 {
        assert_eq!(house.admit(&token(&new, "new")).await, Err(Denied::Unauthenticated));
        assert_eq!(house.admit(&token(&new, "../../new")).await, Err(Denied::Unauthenticated));
    }
    assert_eq!(site.asked(), 1);
    house.pass(30);
    assert_eq!(house.admit(&token(&new, "new")).await, Ok(()));
    assert_eq!(house.admit(&token(&old, "old")).await, Err(Denied::Unauthenticated), "it is gone");
    assert_eq!(site.asked(), 2);
}

#[tokio::test]
async fn s5_the_old_keys_stay_while_there_are_no_new_ones() {
    let (issuer, attacker) = (Issuer::eddsa(), Issuer::eddsa());
    let site = Site::new(&[key(&issuer, "a")]).await;
    let other = Site::new(&[key(&attacker, "a")]).await;
    let set = json!({ "keys": [key(&attacker, "a")] });
    let many = json!({ "keys": vec![key(&attacker, "a"); 65] });
    let large = json!({ "keys": [key(&attacker, "a")], "x": "x".repeat(256 << 10) });
    let elsewhere = format!("location: {}\r\n", other.url);
    let lies = [
        ("500 Internal Server Error", "", set.to_string()),
        ("404 Not Found", "", set.to_string()),
        ("201 Created", "", set.to_string()),
        ("302 Found", &elsewhere, String::new()),
        ("307 Temporary Redirect", &elsewhere, set.to_string()),
        ("200 OK", "", "<html>".to_owned()),
        ("200 OK", "", String::new()),
        ("200 OK", "", "[]".to_owned()),
        ("200 OK", "", json!({ "keys": {} }).to_string()),
        ("200 OK", "", many.to_string()),
        ("200 OK", "", large.to_string()),
        ("200 OK", "content-length: 5\r\n", set.to_string()),
    ];
    let house = House::of(&site);
    assert_eq!(house.admit(&token(&issuer, "a")).await, Ok(()));
    for (status, headers, body) in lies {
        let fresh = House::of(&site);
        site.answer(status, headers, &body);
        house.pass(601);
        let asked = site.asked();
        assert_eq!(house.admit(&token(&issuer, "a")).await, Ok(()), "{status} {headers}");
        assert_eq!(site.asked(), asked + 1, "it was looked at");
        assert_eq!(house.admit(&token(&attacker, "a")).await, Err(Denied::Unauthenticated));
        assert_eq!(house.admit(&token(&attacker, "b")).await, Err(Denied::Undecided));
        assert_eq!(site.asked(), asked + 1, "and not again at once");
        assert_eq!(fresh.admit(&token(&attacker, "a")).await, Err(Denied::Undecided), "without any keys");
    }
    assert_eq!(other.asked(), 0, "no redirect is followed");
    site.publish(&[key(&issuer, "b")]);
    assert_eq!(house.admit(&token(&issuer, "b")).await, Err(Denied::Undecided));
    house.pass(5);
    assert_eq!(house.admit(&token(&issuer, "b")).await, Ok(()));
}

#[tokio::test]
async fn many_that_need_the_keys_wait_for_one_look() {
    let issuer = Issuer::eddsa();
    let site = Site::new(&[key(&issuer, "a")]).await;
    let house = Arc::new(House::of(&site));
    site.close();
    let admit = || {
        let (house, token) = (Arc::clone(&house), token(&issuer, "a"));
        tokio::spawn(async move { house.admit(&token).await })
    };
    // The first one goes away in the middle of it.
    let first = admit();
    site.is_asked(1).await;
    first.abort();
    let waiting: Vec<_> = (0..50).map(|_| admit()).collect();
    tokio::task::yield_now().await;
    site.open();
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), Ok(()));
    }
    assert_eq!(site.asked(), 1);

    // With keys at hand only one waits for newer ones.
    site.close();
    house.pass(601);
    let looking = admit();
    site.is_asked(2).await;
    for _ in 0..50 {
        assert_eq!(house.admit(&token(&issuer, "a")).await, Ok(()));
    }
    assert!(!looking.is_finished());
    site.open();
    assert_eq!(looking.await.unwrap(), Ok(()));
    assert_eq!(site.asked(), 2);
}
