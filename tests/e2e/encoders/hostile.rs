use encke::{
    Hub, Message, Trusted,
    http::{Payload, PullConfig},
    iframe::{Iframe, IframeConfig},
    poll::{Poll, PollConfig},
    sse::{Sse, SseConfig},
};
use encke_testkit::{ask, read_event_stream};
use serde_json::{Value, json};

use super::{
    house::House,
    judges::{argument, node, pushes, scripts},
};

/// What has broken out of somebody's output once.
const TEXTS: &[&str] = &[
    "",
    "</script><script>parent.handle(1)</script>",
    "</SCRIPT\t>",
    "<!--<script>",
    "-->",
    "--!>",
    "<!-- --!> <script>",
    "]]>",
    "<![CDATA[",
    "<?php ?>",
    "&lt;/script&gt;&#0;",
    "\u{2028}\u{2029}",
    "\0",
    "\u{1}\u{7f}\u{85}\u{9f}",
    "\r",
    "\r\n\r\n\n\r",
    "\n\ndata: forged\nid: 7f3k2q9x-1\n\n",
    "data: x",
    ": comment",
    " leading",
    "\u{feff}\u{feff}mark",
    "\u{fffe}\u{ffff}\u{10ffff}\u{d7ff}\u{e000}\u{fffd}",
    "\u{202e}\u{200b}e\u{301}\u{1f469}\u{200d}\u{1f680}",
    "');alert(1)//",
    "\");alert(1)//",
    "\\\");alert(1)//",
    "\\u003c/script\\u003e",
    "${alert(1)}`",
    "*/alert(1)/*",
    "javascript:alert(1)",
    "__proto__",
    "constructor",
];

/// The texts as data, as keys and values of JSON, and as names and channels where they may be that.
async fn hostile() -> House {
    let mut house = House::new();
    let long = "</script>\r\n\u{2028}'\"\\".repeat(500);
    for text in TEXTS.iter().copied().chain([long.as_str()]) {
        house.publish("text", Message::text(text)).await;
        let json = json!({ text: [text, { "in": { text: 1 } }], "\u{0}": text });
        house.publish("json", Message::json(json.to_string())).await;
        house.publish("json", Message::json(json!(text).to_string())).await;
        if let Ok(message) = Message::text("named").with_name(text) {
            house.publish(text, message).await;
        }
    }
    for json in [
        r#"{"__proto__":1,"__proto__":2}"#,
        r#"{"a":{"__proto__":{"b":null}}}"#,
        r#"{"\u005f_proto__":{"a":1}}"#,
        r#"["\u2028\u003C\/script\u003E"]"#,
        "{\r\n\t\"a\" :\r[ -0, 1e-7 , 1E5 ]\n}",
        r#"[18446744073709551615,-9223372036854775808,0.1]"#,
    ] {
        house.publish("json", Message::json(json)).await;
    }
    assert!(house.sent.iter().filter(|sent| sent.name.is_some()).count() > 20, "most may be names");
    house
}

/// As a double, which is what numbers are to JavaScript.
fn doubled(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(doubled).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), doubled(value))).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn hostile_texts_in_batches_and_streams() {
    let house = hostile().await;
    let batches = house.polls(Payload::Envelope, "").await;
    let batches = batches.iter().map(|batch| serde_json::from_str::<Value>(batch).unwrap());
    let found: Vec<Value> = batches.flat_map(|batch| batch["messages"].as_array().unwrap().clone()).collect();
    assert_eq!(found.len(), house.sent.len());
    house.sent.iter().zip(&found).for_each(|(sent, envelope)| sent.check(envelope));

    let events = read_event_stream(&house.stream(Payload::Envelope).await);
    assert_eq!(events.len(), house.sent.len() + 1);
    for (sent, event) in house.sent.iter().zip(&events[1..]) {
        assert_eq!(event.name, sent.name.clone().unwrap_or("message".to_owned()));
        assert_eq!(event.id, sent.cursor.to_string());
        sent.check(&serde_json::from_str(event.data.as_ref().unwrap()).unwrap());
    }
    let data = read_event_stream(&house.stream(Payload::Data).await);
    assert_eq!(data.len(), house.sent.len() + 1, "no data ends its event and begins another");
    assert!(data[1..].iter().map(|event| &event.id).eq(events[1..].iter().map(|event| &event.id)));
}

#[tokio::test]
async fn hostile_texts_in_frames_and_jsonp() {
    let house = hostile().await;
    let mut programs: Vec<Vec<String>> = Vec::new();
    for more in ["&callback=handle", "&origin=https://app.example"] {
        let config = IframeConfig::default().parents(["https://app.example"]);
        let scripts = scripts(&house.frame(Payload::Envelope, config, more).await);
        let pushes = pushes(&scripts);
        assert_eq!(pushes.len(), house.sent.len());
        house.sent.iter().zip(pushes).for_each(|(sent, push)| sent.check(&argument(push).0));
        programs.push(scripts);
    }
    let jsonp = house.polls(Payload::Envelope, "&callback=cb").await;
    programs.push(jsonp);

    let given = node(&programs).await;
    let [called, posted, batches] = &given[..] else { panic!("three programs") };
    let posted = posted.iter().map(|given| {
        assert_eq!(given[1], "https://app.example");
        &given[0]
    });
    let batched = batches.iter().flat_map(|given| given[0]["messages"].as_array().unwrap());
    let all: [Vec<&Value>; 3] =
        [called.iter().map(|given| &given[0]).collect(), posted.collect(), batched.collect()];
    for found in all {
        assert_eq!(found.len(), house.sent.len());
        for (sent, envelope) in house.sent.iter().zip(found) {
            assert_eq!(doubled(&envelope["data"]), doubled(&sent.data));
            assert_eq!(envelope["channel"], sent.channel.as_str());
        }
    }
}

#[tokio::test]
async fn hostile_channels_in_gaps() {
    let hub = Hub::builder().authorizer(Trusted).build().unwrap();
    let epoch = hub.log_info().head.epoch;
    let pull = PullConfig::default().jsonp(true);
    let mut poll = Poll::service(hub.clone(), PollConfig::default().pull(pull));
    let mut sse = Sse::service(hub.clone(), SseConfig::default());
    let mut frame = Iframe::service(hub.clone(), IframeConfig::default());
    let mut programs = Vec::new();
    let names: Vec<&str> =
        TEXTS.iter().copied().filter(|text| encke::ChannelName::new(text).is_ok()).collect();
    for name in &names {
        let name: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        // From the future, so that the answer is a gap.
        let query = format!("?channel={name}&since={epoch}-1000");
        let batch = ask(&mut poll, &format!("/poll{query}")).await.into_body();
        let batch: Value = serde_json::from_slice(&batch).unwrap();
        let mut events = read_event_stream(&ask(&mut sse, &format!("/sse{query}")).await.into_body());
        events.retain(|event| event.data.is_some());
        assert_eq!((events.len(), events[0].name.as_str()), (1, "gap"));
        let event: Value = serde_json::from_str(events[0].data.as_ref().unwrap()).unwrap();
        let document = ask(&mut frame, &format!("/iframe{query}&callback=handle")).await.into_body();
        let scripts = scripts(std::str::from_utf8(&document).unwrap());
        assert_eq!((pushes(&scripts).len(), &batch["messages"][0]), (1, &event));
        programs.push(scripts);
        let jsonp = ask(&mut poll, &format!("/poll{query}&callback=cb")).await.into_body();
        programs.push(vec![String::from_utf8(jsonp).unwrap()]);
    }
    let given = node(&programs).await;
    for (name, given) in names.iter().zip(given.chunks(2)) {
        let found = [&given[0][0][0], &given[1][0][0]["messages"][0]];
        for gap in found {
            assert_eq!(
                (&gap["type"], &gap["channel"], &gap["reason"]),
                (&json!("gap"), &json!(name), &json!("future"))
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_name_of_a_function_is_refused() {
    let hub = Hub::builder().authorizer(Trusted).build().unwrap();
    let pull = PullConfig::default().jsonp(true);
    let mut poll = Poll::service(hub.clone(), PollConfig::default().pull(pull));
    let mut frame = Iframe::service(hub, IframeConfig::default());
    let attempts =
        ["9", ".a", "a-b", "a b", "a(", "a[0]", "a;b", "a\u{e9}", "a\n", "a\0", "CWSA\u{7f}", "\u{ff46}"];
    let long = "a".repeat(65);
    let texts = TEXTS.iter().filter(|text| !matches!(**text, "" | "__proto__" | "constructor"));
    for attempt in texts.chain(&attempts).copied().chain([long.as_str()]) {
        let name: String = attempt.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let jsonp = ask(&mut poll, &format!("/poll?channel=news&callback={name}")).await;
        let document = ask(&mut frame, &format!("/iframe?channel=news&callback={name}")).await;
        assert_eq!((jsonp.status().as_u16(), document.status().as_u16()), (400, 400), "{attempt:?}");
        assert_eq!(jsonp.headers()["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn an_origin_that_is_listed_is_quoted_whatever_it_is() {
    let mut house = House::new();
    house.publish("news", Message::text("x")).await;
    let mut programs = Vec::new();
    // A policy that cannot be a header is refused as a whole, so these have no control characters.
    let origins: Vec<&str> =
        TEXTS.iter().copied().filter(|text| !text.is_empty() && !text.contains(char::is_control)).collect();
    for origin in &origins {
        let query: String = origin.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let config = IframeConfig::default().parents([*origin]);
        let document = house.frame(Payload::Envelope, config, &format!("&origin={query}")).await;
        programs.push(scripts(&document));
    }
    for (origin, given) in origins.iter().zip(node(&programs).await) {
        assert_eq!(given[0][1], *origin);
    }
}
