//! Everything arrives, once, in order.

use encke_client::Transport;
use encke_core::Message;

use super::{
    Over,
    reader::{Reader, publish, publish_to},
};

/// D1, D3: backlog and live are one sequence, and each message names the one before it.
pub async fn d1_every_message_in_order(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    publish(&url, "news", 0..50).await;
    publish(&url, "other", 0..5).await;
    let mut reader = Reader::new(&url, transport, &["news"], "earliest");
    let mut messages = reader.messages(20).await;
    publish(&url, "news", 50..100).await;
    messages.extend(reader.messages(80).await);
    let numbers: Vec<_> = messages.iter().filter_map(|message| message.data.as_u64()).collect();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>(), "D1");
    let chained = messages.windows(2).all(|pair| pair[1].prev == pair[0].seq);
    assert!(chained && messages[0].prev == 0, "L1: prev is the message before it");
    assert!(reader.gaps.is_empty(), "{:?}", reader.gaps);
}

/// D2: nothing at or below the presented cursor comes again, and everything after it comes.
pub async fn d2_resume_from_every_cursor(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    let cursors = publish(&url, "news", 0..20).await;
    for (index, cursor) in cursors.iter().enumerate().take(19) {
        let mut reader = Reader::new(&url, transport, &["news"], cursor);
        let rest = reader.numbers(19 - index).await;
        assert_eq!(rest, (index as u64 + 1..20).collect::<Vec<_>>(), "D2: after {cursor}");
        assert!(reader.gaps.is_empty());
    }
}

/// D4: a place from the first byte, also for a channel that does not exist.
pub async fn d4_a_cursor_before_any_message(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    let place = {
        let mut reader = Reader::new(&url, transport, &["none.yet"], "latest");
        reader.place().await
    };
    // A client that saw nothing yet recovers like any other.
    publish(&url, "none.yet", 0..3).await;
    let mut reader = Reader::new(&url, transport, &["none.yet"], &place);
    assert_eq!(reader.numbers(3).await, [0, 1, 2], "D4: from {place}");
    assert!(reader.gaps.is_empty());
}

/// D6: what is acknowledged after the position in the first answer is delivered, however close.
pub async fn d6_nothing_is_lost_after_the_position(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    for round in 0..10 {
        let mut reader = Reader::new(&url, transport, &["news"], "latest");
        reader.place().await;
        publish(&url, "news", [round]).await;
        assert_eq!(reader.numbers(1).await, [round], "D6");
    }
}

/// Each form of `since` means the same everywhere.
pub async fn every_since(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    publish(&url, "news", 0..10).await;
    let time = Reader::new(&url, transport, &["news"], "earliest").messages(1).await.remove(0).time;
    for (since, first) in [("earliest", 0), ("0", 0), ("-3", 7), ("-100", 0), ("-1h", 0), (time.as_str(), 0)]
    {
        let mut reader = Reader::new(&url, transport, &["news"], since);
        assert_eq!(reader.numbers(10 - first).await.first(), Some(&(first as u64)), "since={since}");
    }
    let mut latest = Reader::new(&url, transport, &["news"], "latest");
    latest.place().await;
    publish(&url, "news", [10]).await;
    assert_eq!(latest.numbers(1).await, [10], "since=latest");
}

/// All channels of a subscription have one order.
pub async fn several_channels_one_order(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    for (number, channel) in (0..30).zip(["a", "b", "c"].into_iter().cycle()) {
        publish(&url, channel, [number]).await;
    }
    let mut reader = Reader::new(&url, transport, &["a", "c"], "earliest");
    let expected: Vec<_> = (0..30).filter(|number| number % 3 != 1).collect();
    assert_eq!(reader.numbers(20).await, expected);
}

/// A message in two followed channels comes once.
pub async fn a_message_in_two_channels_comes_once(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    for number in 0..10 {
        let channels: &[&str] = if number % 2 == 0 { &["a", "b"] } else { &["b"] };
        publish_to(&url, channels, Message::json(number.to_string())).await;
    }
    let mut reader = Reader::new(&url, transport, &["a", "b"], "earliest");
    assert_eq!(reader.numbers(10).await, (0..10).collect::<Vec<_>>());
    assert!(reader.gaps.is_empty(), "prev is right in each channel: {:?}", reader.gaps);
    let mut only = Reader::new(&url, transport, &["a"], "earliest");
    assert_eq!(only.numbers(5).await, [0, 2, 4, 6, 8]);
}

/// Who follows several of a message's channels is told of all of them, and never of another.
pub async fn a_message_names_those_of_its_channels_that_are_followed(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    // Names that must be escaped in JSON, in a script, or as the key of an object there.
    let (quoted, script) = ("a.\"'\\", "__proto__");
    publish(&url, quoted, [0]).await;
    publish_to(&url, &["secret", "news", script, quoted], Message::json("1")).await;
    publish(&url, quoted, [2]).await;
    publish_to(&url, &["secret", "news", script, quoted], Message::json("3")).await;

    let mut reader = Reader::new(&url, transport, &["a.*", script, "news"], "earliest");
    let messages = reader.messages(4).await;
    let also =
        |channels: &[(&str, u64)]| channels.iter().map(|(name, prev)| ((*name).to_owned(), *prev)).collect();
    let told = messages.into_iter().map(|message| (message.channel, message.prev, message.also));
    let expected = [
        (quoted, 0, also(&[])),
        ("news", 0, also(&[(script, 0), (quoted, 1)])),
        (quoted, 2, also(&[])),
        ("news", 2, also(&[(script, 2), (quoted, 3)])),
    ];
    let expected = expected.map(|(channel, prev, also)| (channel.to_owned(), prev, also));
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert!(reader.gaps.is_empty(), "prev is right in each channel: {:?}", reader.gaps);

    let mut other = Reader::new(&url, transport, &["secret", "news"], "earliest");
    let told = other.messages(2).await.into_iter().map(|message| (message.channel, message.also));
    let expected = [0, 2].map(|prev| ("secret".to_owned(), also(&[("news", prev)])));
    assert_eq!(told.collect::<Vec<_>>(), expected);
    let mut only = Reader::new(&url, transport, &[script], "earliest");
    assert!(
        only.messages(2).await.iter().all(|message| message.channel == script && message.also.is_empty())
    );
}

/// A pattern selects the channels of now and those to come, and resumes by the same cursor.
pub async fn wildcards_with_channels_to_come(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    publish(&url, "news.eu", [0]).await;
    publish(&url, "news.eu.fr", [100]).await;
    publish(&url, "news", [101]).await;
    let cursor = {
        let mut reader = Reader::new(&url, transport, &["news.*"], "earliest");
        assert_eq!(reader.numbers(1).await, [0]);
        publish(&url, "news.us", [1]).await;
        publish(&url, "sport.us", [102]).await;
        publish(&url, "news.eu", [2]).await;
        assert_eq!(reader.numbers(2).await, [1, 2]);
        reader.cursor()
    };
    publish(&url, "news.asia", [3]).await;
    assert_eq!(Reader::new(&url, transport, &["news.*"], &cursor).numbers(1).await, [3]);
    let mut all = Reader::new(&url, transport, &["news.**"], "earliest");
    assert_eq!(all.numbers(5).await, [0, 100, 1, 2, 3]);
}

/// Any data, any name, any channel that is allowed.
pub async fn unicode_and_binary(transport: Transport, over: Over) {
    let gateway = over.start("").await;
    let url = gateway.url();
    let channel = "новости.día & <b>\"'?#%2F";
    let text = "a\r\nb\n\rc\0 \u{2028}\u{2029}\u{feff}</script><!-- ]]> 'quote' \"double\" \\ 😀 data: id: \n\nevent: x";
    let mut reader = Reader::new(&url, transport, &[channel], "earliest");
    let named = Message::text(text).with_name("имя </script>");
    publish_to(&url, &[channel], named.expect("a name")).await;
    let bytes: Vec<u8> = (0..=255).collect();
    publish_to(&url, &[channel], Message::binary(bytes).with_content_type("image/x-test")).await;
    publish_to(&url, &[channel], Message::json("{\n\r\n \"a\" : [1e3, \"\\u0000\"] }")).await;
    publish_to(&url, &[channel], Message::text("")).await;
    let messages = reader.messages(4).await;
    assert_eq!(messages[0].channel, channel);
    assert_eq!(messages[0].data.as_str(), Some(text));
    assert_eq!(messages[0].name.as_deref(), Some("имя </script>"));
    let binary = messages[1].data.to_string();
    let length = "{\"base64\":\"\"}".len() + 344;
    assert!(binary.starts_with("{\"base64\":\"AAECAwQF") && binary.len() == length, "{binary}");
    assert_eq!(messages[1].content_type.as_deref(), Some("image/x-test"));
    assert_eq!(messages[2].data.to_string(), "{\"a\":[1000.0,\"\\u0000\"]}");
    assert_eq!(messages[3].data.as_str(), Some(""));
}
