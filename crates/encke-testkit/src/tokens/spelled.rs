//! Texts that are no token, and other spellings of one.

use super::{AUDIENCE, Broken, Issuer, claims, encode, good, header, with};

pub(super) fn broken(issuer: &Issuer, now: u64) -> Vec<Broken> {
    let token = good(issuer, now);
    let (message, signature) = token.rsplit_once('.').unwrap_or_default();
    let (head, said) = message.split_once('.').unwrap_or_default();
    let cut = |bytes: usize| token[..token.len() - bytes].to_owned();
    let padded = |part: &str| format!("{part}{}", "=".repeat(4 - part.len() % 4));

    let texts = [
        ("nothing", String::new()),
        ("a dot", ".".to_owned()),
        ("two dots", "..".to_owned()),
        ("a megabyte of dots", ".".repeat(1 << 20)),
        ("a megabyte", "e".repeat(1 << 20)),
        ("a megabyte after a good token", token.clone() + &"A".repeat(1 << 20)),
        ("JSON", claims(now).to_string()),
        ("the header alone", head.to_owned()),
        ("no signature", message.to_owned()),
        ("an empty signature", format!("{message}.")),
        ("no header", format!(".{said}.{signature}")),
        ("no claims", format!("{head}..{signature}")),
        ("no claims, signed", issuer.finish(&format!("{head}."))),
        ("four parts", format!("{token}.{signature}")),
        ("four parts, the last one empty", format!("{token}.")),
        ("four parts, signed", issuer.finish(&format!("{message}.{said}"))),
        ("five parts, as if encrypted", format!("{head}.{said}.{said}.{said}.{signature}")),
        ("a dot before", format!(".{token}")),
        ("its parts in another order", format!("{said}.{head}.{signature}")),
        ("twice", format!("{token}{token}")),
        ("cut by one character", cut(1)),
        ("cut by four characters", cut(4)),
        ("half of it", cut(token.len() / 2)),
        ("its padding", padded(&token)),
        ("padded parts, signed", issuer.finish(&format!("{}.{}", padded(head), padded(said)))),
        ("the other alphabet", in_other_alphabet(issuer, now)),
        ("another spelling of the same signature", with_trailing_bits(&token)),
        ("a space in the signature", format!("{message}. {signature}")),
        ("a line end in the claims", token.replacen('.', ".\n", 1)),
        ("a null byte before the signature", format!("{message}.\0{signature}")),
        ("its scheme", format!("Bearer {token}")),
        ("quoted", format!("\"{token}\"")),
        ("an ideographic full stop", token.replacen('.', "\u{3002}", 1)),
        ("a fullwidth letter", token.replacen('e', "\u{ff45}", 1)),
        ("a letter of another script", token.replacen('e', "\u{435}", 1)),
        ("a mark for the order of bytes", format!("\u{feff}{token}")),
        ("a letter that joins none", token.replacen('.', "\u{200d}.", 1)),
        ("in capitals", token.to_uppercase()),
        ("hexadecimal", token.bytes().map(|byte| format!("{byte:02x}")).collect()),
        ("base64 of it", encode(&token)),
        ("too long, signed", issuer.token(header(issuer).to_string(), with(&claims(now), "x", large()))),
        (
            "not UTF-8 in the header, signed",
            issuer.token(b"{\"alg\":\"HS256\",\"x\":\"\xff\"}", claims(now).to_string()),
        ),
        ("not UTF-8 in the claims, signed", issuer.token(header(issuer).to_string(), not_utf8(now))),
    ];
    texts.map(|(name, text)| (name.to_owned(), text)).into()
}

fn large() -> serde_json::Value {
    "x".repeat(8 << 10).into()
}

fn not_utf8(now: u64) -> Vec<u8> {
    let text = claims(now).to_string();
    let at = text.find(AUDIENCE).unwrap_or_default();
    let mut bytes = text.into_bytes();
    bytes.insert(at, 0xff);
    bytes
}

/// A good token, but with `+` and `/` in its signature.
fn in_other_alphabet(issuer: &Issuer, now: u64) -> String {
    let tokens = (0..1_000).map(|number| {
        issuer.token(
            header(issuer).to_string(),
            with(&claims(now), "jti", serde_json::json!(number.to_string())),
        )
    });
    let other = tokens.filter_map(|token| {
        let (message, signature) = token.rsplit_once('.')?;
        signature
            .contains(['-', '_'])
            .then(|| format!("{message}.{}", signature.replace('-', "+").replace('_', "/")))
    });
    other.into_iter().next().unwrap_or_default()
}

/// The last character has bits that stand for nothing; here they are not zero.
fn with_trailing_bits(token: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let at = ALPHABET.iter().position(|letter| last.as_bytes().first() == Some(letter)).unwrap_or_default();
    format!("{rest}{}", char::from(ALPHABET[at | 1]))
}
