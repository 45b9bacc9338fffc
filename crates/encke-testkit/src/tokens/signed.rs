//! Tokens that are signed otherwise than their key says, or not at all, or by somebody else.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::{Broken, Issuer, beginning_with, claims, encode, good, header, with};

/// Names of the algorithm that signs nothing.
const NONE: [&str; 8] = ["none", "None", "NONE", "nOnE", "none ", " none", "none\0", ""];
/// Names of algorithms that are not for such a key, or for nothing.
const OTHERS: [&str; 8] = ["HS1", "ES256K", "ES512", "dir", "A256KW", "RSA-OAEP", "RS1", "HS256 "];

pub(super) fn broken(issuer: &Issuer, now: u64) -> Vec<Broken> {
    let mut all = unsigned(issuer, now);
    all.extend(headers(issuer, now));
    all.extend(by_others(issuer, now));
    all.extend(signatures(issuer, now));
    all
}

fn unsigned(issuer: &Issuer, now: u64) -> Vec<Broken> {
    let said = claims(now).to_string();
    let signed = |header: String| issuer.token(header, &said);
    let plain = header(issuer);
    let mut all = Vec::new();
    for name in NONE {
        let token = signed(with(&plain, "alg", json!(name)));
        let (message, _) = token.rsplit_once('.').unwrap_or_default();
        all.push((format!("alg {name:?}, an empty signature"), format!("{message}.")));
        all.push((format!("alg {name:?}, signed"), token));
    }
    for name in OTHERS {
        all.push((format!("alg {name:?}, signed"), signed(with(&plain, "alg", json!(name)))));
    }
    let lower = issuer.algorithm().to_lowercase();
    let alg = [
        ("no alg", None),
        ("alg null", Some(Value::Null)),
        ("alg in small letters", Some(json!(lower))),
        ("alg a list", Some(json!([issuer.algorithm()]))),
        ("alg a number", Some(json!(256))),
        ("alg an object", Some(json!({ "alg": issuer.algorithm() }))),
    ];
    all.extend(alg.map(|(name, value)| (format!("{name}, signed"), signed(with(&plain, "alg", value)))));
    all
}

fn headers(issuer: &Issuer, now: u64) -> Vec<Broken> {
    let said = claims(now).to_string();
    let plain = header(issuer);
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let texts = [
        ("an empty header", String::new()),
        ("a header that is a text", json!(issuer.algorithm()).to_string()),
        ("a header that is a list", json!([plain]).to_string()),
        ("a header that is null", "null".to_owned()),
        ("a header without fields", "{}".to_owned()),
        ("a header that is cut", plain.to_string().replace('}', "")),
        ("a header and more", format!("{plain}{{}}")),
        ("a header after a mark for the order of bytes", format!("\u{feff}{plain}")),
        ("a deep header", beginning_with(&plain, &format!("\"x\":{deep}"))),
        ("alg twice, none first", beginning_with(&plain, "\"alg\":\"none\"")),
        ("alg twice, none last", plain.to_string().replacen('}', ",\"alg\":\"none\"}", 1)),
        ("alg twice, one of them escaped", beginning_with(&plain, "\"\\u0061lg\":\"none\"")),
        ("a critical extension", with(&plain, "crit", json!(["exp"]))),
        ("nothing critical", with(&plain, "crit", json!([]))),
        ("claims that are not encoded", beginning_with(&plain, "\"b64\":false,\"crit\":[\"b64\"]")),
        ("compressed", with(&plain, "zip", json!("DEF"))),
        ("encrypted", with(&plain, "enc", json!("A128GCM"))),
        ("for another use", with(&plain, "typ", json!("logout+jwt"))),
        ("of no known type", with(&plain, "typ", json!("dpop+jwt"))),
        ("a type that is a number", with(&plain, "typ", json!(1))),
        ("a kid that is a number", with(&plain, "kid", json!(0))),
        ("a kid that is a list", with(&plain, "kid", json!(["a"]))),
    ];
    texts.map(|(name, header)| (format!("{name}, signed"), issuer.token(header, &said))).into()
}

fn by_others(issuer: &Issuer, now: u64) -> Vec<Broken> {
    let said = claims(now).to_string();
    let plain = header(issuer);
    let other = issuer.another();
    let mut all = vec![("by another key".to_owned(), other.token(plain.to_string(), &said))];

    // Keys that a header brings along, or says where they are.
    let certificate = json!(["MIIBszCCAVmgAwIBAgIUAQ=="]);
    let places = [
        ("jwk", other.jwk()),
        ("jku", json!("https://attacker.example/keys")),
        ("x5u", json!("https://attacker.example/certificate")),
        ("x5c", certificate),
        ("x5t", json!("AAAA")),
        ("kid", json!("https://attacker.example/keys#1")),
    ];
    all.extend(places.map(|(field, value)| {
        (format!("by another key, which {field} brings"), other.token(with(&plain, field, value), &said))
    }));

    // Keys that anybody knows.
    let hmac = |header: &str, secret: &[u8]| {
        let message = format!("{}.{}", encode(header), encode(&said));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        format!("{message}.{}", encode(hmac::sign(&key, message.as_bytes())))
    };
    let hs256 = json!({ "alg": "HS256", "typ": "JWT" });
    let known: [(&str, &str, &[u8]); 7] = [
        ("nothing", "", b""),
        ("a file that is empty", "../../../../dev/null", b""),
        ("a file", "../../../../proc/sys/kernel/randomize_va_space", b"2\n"),
        ("what a query selects", "x' UNION SELECT 'secret", b"secret"),
        ("what a command prints", "x; printf secret |", b"secret"),
        ("a second line", "a\r\nb", b"b"),
        ("its own name", "secret", b"secret"),
    ];
    for (name, id, secret) in known {
        all.push((format!("by a secret that is {name}"), hmac(&with(&hs256, "kid", json!(id)), secret)));
    }
    if let Some(pem) = issuer.public_key() {
        let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let spellings = [
            ("the public key", pem.clone()),
            ("the public key without its last line end", pem.trim_end().to_owned()),
            ("the public key's base64", lines),
            ("the public key as JSON", issuer.jwk().to_string()),
        ];
        all.extend(spellings.map(|(name, secret)| {
            (format!("by a secret that is {name}"), hmac(&hs256.to_string(), secret.as_bytes()))
        }));
    }
    all
}

fn signatures(issuer: &Issuer, now: u64) -> Vec<Broken> {
    let plain = header(issuer);
    let token = good(issuer, now);
    let (message, _) = token.rsplit_once('.').unwrap_or_default();
    let right = issuer.sign(message.as_bytes());
    let length = right.len();
    let changed = |at: usize| {
        let mut signature = right.clone();
        signature[at] ^= 1;
        signature
    };
    let half = |first: &[u8], last: &[u8]| [first, last].concat();
    let zero = vec![0; length / 2];
    let said = claims(now).to_string();
    let mut all: Vec<(&str, Vec<u8>)> = vec![
        ("one bit of the first byte is another", changed(0)),
        ("one bit of the last byte is another", changed(length - 1)),
        ("one byte is missing", right[..length - 1].to_vec()),
        ("one byte more", half(&right, b"\0")),
        ("a zero before", half(b"\0", &right)),
        ("twice", half(&right, &right)),
        ("the first half", right[..length / 2].to_vec()),
        ("its halves are swapped", half(&right[length / 2..], &right[..length / 2])),
        ("all zero", vec![0; length]),
        ("all ones", vec![0xff; length]),
        ("a zero r", half(&zero, &right[length / 2..])),
        ("a zero s", half(&right[..length / 2], &zero)),
        ("the number one", half(&vec![0; length - 1], &[1])),
        ("the order of P-256", half(&right[..length / 2], &P256_ORDER)),
        ("the point that is neutral", half(&[&[1][..], &zero].concat(), &zero[1..])),
        ("of the claims alone", issuer.sign(encode(&said).as_bytes())),
        ("of the JSON", issuer.sign(said.as_bytes())),
        ("of another token", issuer.sign(good(issuer, now + 1).as_bytes())),
        ("as text", right.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()),
    ];
    if issuer.algorithm() == "EdDSA" {
        all.push(("s and the order of the group", plus_order(&right)));
    }
    let signed = all.into_iter().map(|(name, signature)| {
        (format!("the signature: {name}"), format!("{message}.{}", encode(signature)))
    });
    let mut all: Vec<Broken> = signed.collect();
    for (name, signature) in issuer.sign_otherwise(|name| with(&plain, "alg", json!(name)), &said) {
        all.push((format!("by the same key, as {name}"), signature));
    }
    all
}

/// Big-endian (SEC 2, section 2.4.2).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Little-endian (RFC 8032, section 5.1).
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The same signature to whoever does not look whether `s` is below the order.
fn plus_order(signature: &[u8]) -> Vec<u8> {
    let mut sum = signature.to_vec();
    let mut carry = 0;
    for (byte, order) in sum[32..].iter_mut().zip(ED25519_ORDER) {
        let total = u16::from(*byte) + u16::from(order) + carry;
        let [low, high] = total.to_le_bytes();
        (*byte, carry) = (low, u16::from(high));
    }
    sum
}
