//! What it costs to decide who may, by each authorizer that needs nobody else: ratios to `open` are what counts.

#![allow(clippy::panic, clippy::unwrap_used, missing_docs, reason = "a bench is no library")]

use std::{
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use divan::Bencher;
use encke_auth::{AccessKeys, ByAddress, FirstOf, Jwt, JwtKey, Link, Namespace, Namespaces, SignedUrl, Who};
use encke_core::{Selector, Timestamp};
use encke_hub::{Access, Action, Ask, Asker, Authorizer, Open};

const NOW: u64 = 1_800_000_000;
const SECRET: &[u8] = b"a secret of thirty-two bytes ok!";
const KEY: &str = "a key that is long enough";
const CLAIMS: &str = r#"{"exp":1800003600,"iat":1800000000,"sub":"anna","jti":"7f3k2q9x",
    "encke":{"subscribe":["news.**","chat.*"],"publish":["chat.*"],"follow":["lobby"]}}"#;

fn main() {
    divan::main();
}

fn clock() -> Timestamp {
    Timestamp::from_millis(NOW * 1_000)
}

fn news() -> Selector {
    Selector::new("news.eu").unwrap()
}

fn measure(bencher: Bencher<'_, '_>, authorizer: &impl Authorizer, asker: Asker) {
    let ask = Ask::from_asker(Arc::new(asker), Action::Subscribe, vec![news()]);
    let mut cx = Context::from_waker(Waker::noop());
    bencher.bench_local(|| match pin!(authorizer.authorize(black_box(&ask))).poll(&mut cx) {
        Poll::Ready(Ok(access)) => access,
        _ => panic!("it admits at once"),
    });
}

fn measure_token(
    bencher: Bencher<'_, '_>,
    algorithm: &str,
    key: JwtKey,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) {
    let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(CLAIMS));
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(sign(message.as_bytes())));
    measure(bencher, &Jwt::new(key).clock(clock), Asker::default().with_token(token));
}

fn public(key: &impl AsDer<PublicKeyX509Der<'static>>) -> JwtKey {
    let text = STANDARD.encode(key.as_der().unwrap().as_ref());
    JwtKey::pem(&format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")).unwrap()
}

#[divan::bench]
fn open(bencher: Bencher<'_, '_>) {
    measure(bencher, &Open, Asker::default());
}

#[divan::bench]
fn jwt_hs256(bencher: Bencher<'_, '_>) {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let sign = |message: &[u8]| hmac::sign(&key, message).as_ref().to_vec();
    measure_token(bencher, "HS256", JwtKey::hmac(SECRET).unwrap(), sign);
}

#[divan::bench]
fn jwt_rs256(bencher: Bencher<'_, '_>) {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let key = public(pair.public_key());
    measure_token(bencher, "RS256", key, |message| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    });
}

#[divan::bench]
fn jwt_es256(bencher: Bencher<'_, '_>) {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
    let key = public(pair.public_key());
    let sign = |message: &[u8]| pair.sign(&random, message).unwrap().as_ref().to_vec();
    measure_token(bencher, "ES256", key, sign);
}

#[divan::bench]
fn jwt_eddsa(bencher: Bencher<'_, '_>) {
    let pair = Ed25519KeyPair::generate().unwrap();
    let key = public(pair.public_key());
    measure_token(bencher, "EdDSA", key, |message| pair.sign(message).as_ref().to_vec());
}

#[divan::bench]
fn signed_url(bencher: Bencher<'_, '_>) {
    let urls = SignedUrl::new(SECRET).unwrap().clock(clock);
    let link = Link::subscribe([news()], Timestamp::from_millis((NOW + 60) * 1_000)).subject("anna");
    let mut asker = Asker::default();
    asker.query = Some(urls.sign(&link).unwrap().into());
    measure(bencher, &urls, asker);
}

fn keys(count: usize) -> AccessKeys {
    let others = (1..count).map(|number| format!("{number:020}"));
    let keys = others.fold(AccessKeys::new(), |keys, key| keys.with("a", &key, Access::open()).unwrap());
    keys.with("shop", KEY, Access::open()).unwrap()
}

#[divan::bench(args = [1, 1_000])]
fn access_keys(bencher: Bencher<'_, '_>, count: usize) {
    measure(bencher, &keys(count), Asker::default().with_token(KEY));
}

#[divan::bench]
fn by_address(bencher: Bencher<'_, '_>) {
    let inside = ByAddress::new().with("10.0.0.0/8", Access::open()).unwrap();
    let mut asker = Asker::default();
    asker.address = Some([10, 1, 2, 3].into());
    measure(bencher, &inside, asker);
}

#[divan::bench]
fn first_of_two_by_address(bencher: Bencher<'_, '_>) {
    let either = FirstOf::new(keys(1)).or(ByAddress::new().with("10.0.0.0/8", Access::open()).unwrap());
    let mut asker = Asker::default();
    asker.address = Some([10, 1, 2, 3].into());
    measure(bencher, &either, asker);
}

#[divan::bench]
fn namespaces_over_open(bencher: Bencher<'_, '_>) {
    let rules = (0..16).map(|number| Namespace::new(&format!("n{number}.**")).unwrap());
    let last = Namespace::new("news.**").unwrap().may(Who::Anyone, Action::Subscribe);
    measure(bencher, &Namespaces::new(Open, rules.chain([last])), Asker::default());
}
