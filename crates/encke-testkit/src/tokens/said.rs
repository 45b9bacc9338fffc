//! Tokens that are signed well, and say what does not admit.

use serde_json::{Value, json};

use super::{AUDIENCE, Broken, ISSUER, Issuer, beginning_with, claims, header, with};

/// More than any two clocks may be apart.
const APART: u64 = 61;

pub(super) fn broken(issuer: &Issuer, now: u64) -> Vec<Broken> {
    let header = header(issuer).to_string();
    let mut all = texts(now);
    for (field, values) in fields(now) {
        all.extend(values.into_iter().map(|value| {
            let name = value.as_ref().map_or("nothing".to_owned(), Value::to_string);
            (
                format!("{field} is {}", name.chars().take(40).collect::<String>()),
                with(&claims(now), field, value),
            )
        }));
    }
    all.into_iter().map(|(name, claims)| (name, issuer.token(&header, claims))).collect()
}

/// Claims with the values that they must not have.
fn fields(now: u64) -> [(&'static str, Vec<Option<Value>>); 8] {
    let time = |seconds: u64| json!(seconds);
    let some = |values: Vec<Value>| values.into_iter().map(Some).collect::<Vec<_>>();
    let with_nothing = |values| [vec![None], some(values)].concat();
    let later = time(now + 3_600);
    [
        (
            "exp",
            with_nothing(vec![
                Value::Null,
                json!((now + 3_600).to_string()),
                json!("never"),
                json!(""),
                json!(true),
                json!([now + 3_600]),
                json!({ "exp": now + 3_600 }),
                json!(0),
                json!(1),
                json!(-1),
                json!(-0.5),
                json!(i64::MIN),
                json!(now - APART),
                json!((now - APART) as f64 + 0.5),
                json!(now - 86_400),
                json!((now + 3_600) * 1_000),
                json!(i64::MAX),
                json!(u64::MAX),
                json!(1e18),
                json!(1e300),
            ]),
        ),
        (
            "nbf",
            some(vec![
                json!(now + APART),
                later.clone(),
                json!(u64::MAX),
                json!(-1),
                json!(now.to_string()),
                json!([now]),
                Value::Null,
            ]),
        ),
        ("iat", some(vec![later, json!(now.to_string()), json!(now * 1_000), Value::Null])),
        (
            "aud",
            with_nothing(vec![
                json!("another.example"),
                json!(""),
                json!([]),
                json!(["another.example"]),
                json!([[AUDIENCE]]),
                json!([AUDIENCE, 1]),
                json!({ AUDIENCE: true }),
                json!(1),
                json!(AUDIENCE.to_uppercase()),
                json!(format!("{AUDIENCE} ")),
                json!(format!("{AUDIENCE}.attacker.example")),
                json!(AUDIENCE[..AUDIENCE.len() - 1]),
                json!(format!("{AUDIENCE}\0")),
                Value::Null,
            ]),
        ),
        (
            "iss",
            with_nothing(vec![
                json!("https://another.example"),
                json!(""),
                json!([ISSUER]),
                json!(format!("{ISSUER}/")),
                json!(ISSUER.to_uppercase()),
                Value::Null,
            ]),
        ),
        (
            "sub",
            some(vec![
                json!(""),
                json!(42),
                json!(["anna"]),
                json!("a\nb"),
                json!("a\0"),
                json!("a.**"),
                json!("a".repeat(300)),
                Value::Null,
            ]),
        ),
        ("jti", some(vec![json!(1), json!(["a"]), Value::Null])),
        (
            "encke",
            some(vec![
                Value::Null,
                json!([]),
                json!("**"),
                json!(true),
                json!({ "subscribe": "**" }),
                json!({ "subscribe": null }),
                json!({ "subscribe": ["**.a"] }),
                json!({ "subscribe": [""] }),
                json!({ "subscribe": [["**"]] }),
                json!({ "subscribe": vec!["a"; 1_000] }),
                json!({ "subscribes": ["**"] }),
                json!({ "administer": ["**"] }),
                json!({ "history": "-5m" }),
                json!({ "info": "x".repeat(2_000) }),
            ]),
        ),
    ]
}

/// Claims that are no object, or say something twice.
fn texts(now: u64) -> Vec<Broken> {
    let right = claims(now);
    let ahead = |field: &str| beginning_with(&right, field);
    let past = now - APART;
    let deep = "[".repeat(2_000) + &"]".repeat(2_000);
    let huge = right.to_string().replace(&(now + 3_600).to_string(), "1e400");
    let nan = right.to_string().replace(&(now + 3_600).to_string(), "NaN");
    let hex = right.to_string().replace(&(now + 3_600).to_string(), "0x7fffffff");
    let texts = [
        ("claims that are empty", String::new()),
        ("claims that are null", "null".to_owned()),
        ("claims that are a text", json!(right.to_string()).to_string()),
        ("claims that are a number", (now + 3_600).to_string()),
        ("claims that are a list", json!([right]).to_string()),
        ("claims that are a list of values", json!([now + 3_600, now, now, ISSUER, AUDIENCE]).to_string()),
        ("claims without fields", "{}".to_owned()),
        ("claims that are cut", right.to_string().replace('}', "")),
        ("claims and more", format!("{right}{right}")),
        ("claims and a null byte", format!("{right}\0")),
        ("claims after a mark for the order of bytes", format!("\u{feff}{right}")),
        ("claims with a comment", format!("/**/{right}")),
        ("claims with quotes of one stroke", right.to_string().replace('"', "'")),
        (
            "an info that is deep",
            right.to_string().replacen("\"encke\":{", &format!("\"encke\":{{\"info\":{deep},"), 1),
        ),
        ("exp is 1e400", huge),
        ("exp is NaN", nan),
        ("exp is hexadecimal", hex),
        ("exp twice, the past first", ahead(&format!("\"exp\":{past}"))),
        ("exp twice, the same", ahead(&format!("\"exp\":{}", now + 3_600))),
        ("exp twice, one of them escaped", ahead(&format!("\"\\u0065xp\":{past}"))),
        ("aud twice", ahead("\"aud\":\"another.example\"")),
        ("iss twice", ahead("\"iss\":\"https://another.example\"")),
        ("sub twice", ahead("\"sub\":\"bert\"")),
        ("encke twice", ahead("\"encke\":{}")),
        ("nbf twice", ahead(&format!("\"nbf\":{},\"nbf\":{now}", now + 3_600))),
        ("half of a surrogate pair", ahead("\"sub\":\"\\ud800\"")),
    ];
    texts.map(|(name, text)| (name.to_owned(), text)).into()
}
