//! S3: whatever is asked, nothing panics and nothing is the node's fault.

use std::{cell::RefCell, collections::BTreeMap};

use encke_admin::Admin;
use encke_core::Since;
use encke_hub::Subscription;
use http::{Method, Uri};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::desk::Desk;

fn any_json() -> impl Strategy<Value = Value> {
    let words = [
        "whom",
        "subject",
        "channel",
        "channels",
        "for",
        "messages",
        "data",
        "keep",
        "before",
        "everybody",
        "1h",
        "news",
        "@a",
        "**",
        "",
        "key",
        "name",
        "base64",
        "7f3k2q9x-1",
    ];
    let word =
        move || prop_oneof![4 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => ".{0,9}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(word(), inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

/// A path of the table with any text in its braces, and any query.
fn any_target() -> impl Strategy<Value = (Method, String)> {
    let operation = prop::sample::select(Admin::operations());
    let text =
        prop_oneof![Just("0".to_owned()), Just("news".to_owned()), "[a-z0-9@*.%&=+~-]{0,12}", "%[0-9A-F]{2}"];
    let name = prop::sample::select(vec![
        "limit", "after", "sort", "pattern", "seq", "cursor", "subject", "client", "address", "channel",
        "token", "x",
    ]);
    let query = prop::collection::vec((name, text.clone()), 0..4);
    (operation, text, query, any::<bool>()).prop_map(|((method, path), text, query, known)| {
        let path = if known { path } else { format!("{path}/{text}") };
        let path = path.replace("{channel}", &text).replace("{id}", &text);
        let query: Vec<_> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let target = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
        (method, target)
    })
}

/// A desk for many inputs, with a client and a message: to make one takes longer than to ask.
struct Used {
    desk: Desk,
    _hers: Subscription,
    asked: usize,
}

async fn desk(used: Option<Used>) -> Used {
    if let Some(used) = used.filter(|used| used.asked < 100) {
        return Used { asked: used.asked + 1, ..used };
    }
    let desk = Desk::new();
    desk.say("news", "x").await;
    Used { _hers: desk.follow("anna", "a", &["news"], Since::Latest).await, desk, asked: 0 }
}

#[test]
fn s3_no_input_panics_or_is_our_fault() {
    let inputs =
        (any_target(), any_json(), prop::option::weighted(0.2, prop::collection::vec(any::<u8>(), 0..40)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let used = RefCell::new(None);
    let answers = RefCell::new(BTreeMap::new());
    let run = |((method, target), json, raw): ((Method, String), Value, Option<Vec<u8>>)| {
        prop_assume!(target.parse::<Uri>().is_ok());
        let body = raw.unwrap_or_else(|| json.to_string().into_bytes());
        let body = if method == Method::POST { &body[..] } else { b"" };
        let before = used.take();
        let (status, after) = runtime.block_on(async {
            let used = desk(before).await;
            let (status, _) = used.desk.answer(Some("key"), method.clone(), &target, body).await;
            (status.as_u16(), used)
        });
        used.replace(Some(after));
        *answers.borrow_mut().entry(status).or_insert(0) += 1;
        prop_assert!(status < 500, "{} for {} {}", status, method, target);
        Ok(())
    };
    TestRunner::new(ProptestConfig::with_cases(1_500)).run(&inputs, run).unwrap();
    println!("{:?}", answers.borrow());
    assert!([200, 400, 404].iter().all(|status| answers.borrow().contains_key(status)), "{answers:?}");
}
