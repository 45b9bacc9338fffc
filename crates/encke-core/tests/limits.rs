//! Each limit of `LogConfig`, hit: it refuses by its name, or forgets by its rule (L7).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use encke_core::{
    AppendError, Appended, ChannelName, Cursor, Delivery, Encode, Epoch, GapReason, Key, Limit, Log,
    LogConfig, Message, OpenError, Pattern, Publish, Retention, Selector, Since, Tail, Timestamp,
};

fn log(config: LogConfig) -> Log {
    Log::new(Epoch::from_bits(1), config)
}

fn name(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn text(channel: &str, text: &str) -> Publish {
    Publish::new(name(channel), Message::text(text))
}

fn append(log: &Log, publish: Publish, now: u64) -> Result<Appended, AppendError> {
    log.append(publish, at(now)).map(|(appended, _)| appended)
}

fn fill<T: AsRef<str>>(log: &Log, channel: &str, data: &[T]) {
    for data in data {
        append(log, text(channel, data.as_ref()), 0).unwrap();
    }
}

fn open(log: &Log, selector: &str, since: Since) -> Result<Tail, OpenError> {
    log.open([Selector::new(selector).unwrap()], since, at(0))
}

/// What a reader of `selector` gets at once.
fn texts(log: &Log, selector: &str) -> Vec<String> {
    let batch = open(log, selector, Since::Earliest).unwrap().read(Limit::default());
    batch.messages.iter().map(|delivery| delivery.message().as_text().unwrap().to_owned()).collect()
}

#[test]
fn retention_count_keeps_the_newest() {
    let log =
        log(LogConfig { retention: Retention { count: 2, ..Retention::default() }, ..LogConfig::default() });
    fill(&log, "a", &["1", "2", "3"]);
    assert_eq!(texts(&log, "a"), ["2", "3"]);
}

#[test]
fn the_newest_message_is_kept_whatever_the_count() {
    let log =
        log(LogConfig { retention: Retention { count: 0, ..Retention::default() }, ..LogConfig::default() });
    fill(&log, "a", &["1", "2"]);
    assert_eq!(texts(&log, "a"), ["2"]);
    assert_eq!(texts(&log, "**"), ["2"]);
}

#[test]
fn retention_bytes_keeps_the_newest_that_fit_and_refuses_what_never_fits() {
    let bytes = 2 * (Retention::OVERHEAD + 10);
    let log =
        log(LogConfig { retention: Retention { bytes, ..Retention::default() }, ..LogConfig::default() });
    let data = ["1234567890", "abcdefghij", "ABCDEFGHIJ"];
    fill(&log, "a", &data);
    assert_eq!(texts(&log, "a"), data[1..]);
    let large = "x".repeat(bytes - Retention::OVERHEAD + 1);
    assert_eq!(append(&log, text("a", &large), 0), Err(AppendError::TooLarge));
    assert_eq!(texts(&log, "a"), data[1..], "nothing was stored");
}

#[test]
fn retention_age_lets_go_by_append_and_by_expire() {
    let retention = Retention { age: Duration::from_millis(10), ..Retention::default() };
    let log = log(LogConfig { retention, ..LogConfig::default() });
    append(&log, text("a", "1"), 0).unwrap();
    append(&log, text("b", "2"), 5).unwrap();
    append(&log, text("a", "3"), 11).unwrap();
    assert_eq!(texts(&log, "a"), ["3"]);
    assert!(log.expire(at(15), 1), "as many as were asked for");
    while log.expire(at(15), 1) {}
    assert_eq!(log.channel(&name("b")), None, "nobody follows an empty channel: it is forgotten");
    assert_eq!(texts(&log, "a"), ["3"]);
}

#[test]
fn the_first_pattern_that_matches_sets_the_retention() {
    let keep = |count| Retention { count, ..Retention::default() };
    let retention_of = vec![(Pattern::new("a.x").unwrap(), keep(1)), (Pattern::new("a.*").unwrap(), keep(2))];
    let log = log(LogConfig { retention_of, ..LogConfig::default() });
    for channel in ["a.x", "a.y", "b"] {
        fill(&log, channel, &["1", "2", "3"]);
    }
    assert_eq!((texts(&log, "a.x").len(), texts(&log, "a.y").len(), texts(&log, "b").len()), (1, 2, 3));
}

#[test]
fn channels_are_refused_beyond_their_number() {
    let log = log(LogConfig { channels: 2, ..LogConfig::default() });
    append(&log, text("a", "1"), 0).unwrap();
    let _b = open(&log, "b", Since::Latest).unwrap();
    assert_eq!(append(&log, text("c", "2"), 0), Err(AppendError::TooManyChannels));
    assert_eq!(append(&log, text("a", "2").also_to(name("c")), 0), Err(AppendError::TooManyChannels));
    assert_eq!(open(&log, "c", Since::Latest).err(), Some(OpenError::TooManyChannels));
    assert_eq!(texts(&log, "a"), ["1"], "nothing was stored");
    append(&log, text("b", "2"), 0).unwrap();
    assert!(log.delete(&name("a")));
    append(&log, text("c", "3"), 0).unwrap();
}

#[test]
fn a_follow_that_is_refused_changes_nothing() {
    let config = LogConfig {
        channels: 2,
        retention: Retention { count: 1, ..Retention::default() },
        ..LogConfig::default()
    };
    let log = log(config);
    fill(&log, "a", &["1"; 3]);
    let mut tail = log.open([], Since::Latest, at(0)).unwrap();
    let start = Since::After(Cursor { seq: 1, ..log.head() });
    let refused = tail.follow([name("a").into(), name("b").into(), name("c").into()], start, at(0));
    assert_eq!(refused, Err(OpenError::TooManyChannels));
    assert!(tail.is_empty() && log.channel(&name("b")).is_none());
    assert_eq!(tail.cursor(), log.head());
    let batch = tail.read(Limit::default());
    assert!(batch.gaps.is_empty() && batch.messages.is_empty(), "{batch:?}");
}

#[test]
fn a_selector_that_is_named_twice_is_followed_once() {
    let log = log(LogConfig::default());
    let mut tail = log.open([name("a").into(), name("a").into()], Since::Latest, at(0)).unwrap();
    assert_eq!(tail.len(), 1);
    assert_eq!(append(&log, text("a", "1"), 0).unwrap().followers, 1);
    assert!(tail.unfollow(&name("a").into()));
    assert_eq!(append(&log, text("a", "2"), 0).unwrap().followers, 0);
}

#[test]
fn bytes_are_refused_beyond_their_sum() {
    let one = Retention::OVERHEAD + 1;
    let log = log(LogConfig { bytes: 3 * one, ..LogConfig::default() });
    append(&log, text("a", "1").also_to(name("b")), 0).unwrap();
    assert_eq!(append(&log, text("c", "2").also_to(name("d")), 0), Err(AppendError::Full));
    assert_eq!(log.info().bytes, 2 * one);
    append(&log, text("c", "2"), 0).unwrap();
    assert_eq!(append(&log, text("c", "3"), 0), Err(AppendError::Full));
    assert!(log.delete(&name("a")));
    append(&log, text("c", "3"), 0).unwrap();
}

#[test]
fn places_are_refused_beyond_their_number() {
    let log = log(LogConfig { places: 2, ..LogConfig::default() });
    let two = text("a", "1").also_to(name("b"));
    append(&log, two.clone().also_to(name("a")), 0).unwrap();
    assert_eq!(append(&log, two.also_to(name("c")), 0), Err(AppendError::TooManyPlaces));
}

#[test]
fn a_message_has_at_most_64_places_whatever_is_asked_for() {
    let log = log(LogConfig { places: usize::MAX, ..LogConfig::default() });
    assert_eq!(log.config().places, LogConfig::MAX_PLACES);
    let all = (1..64).fold(text("0", "x"), |publish, i| publish.also_to(name(&i.to_string())));
    append(&log, all.clone(), 0).unwrap();
    assert_eq!(append(&log, all.also_to(name("64")), 0), Err(AppendError::TooManyPlaces));
    for selector in ["*", "63"] {
        let batch = open(&log, selector, Since::Earliest).unwrap().read(Limit::default());
        let last = batch.messages[0].also().last().map_or("63", |(name, _)| name.as_str());
        assert_eq!((last, batch.messages[0].also().count()), ("63", if selector == "*" { 63 } else { 0 }));
    }
}

#[test]
fn patterns_are_refused_beyond_their_number() {
    let log = log(LogConfig { patterns: 1, ..LogConfig::default() });
    let first = open(&log, "a.*", Since::Latest).unwrap();
    let _again = open(&log, "a.*", Since::Latest).unwrap();
    assert_eq!(open(&log, "b.*", Since::Latest).err(), Some(OpenError::TooManyPatterns));
    drop((first, _again));
    assert!(open(&log, "b.*", Since::Latest).is_ok());
}

#[test]
fn a_reader_behind_the_pattern_window_gets_the_same() {
    let log = log(LogConfig { pattern_window: 2, ..LogConfig::default() });
    let mut tail = open(&log, "a.*", Since::Latest).unwrap();
    let expected: Vec<_> = (0..50).map(|i| i.to_string()).collect();
    for (i, data) in expected.iter().enumerate() {
        append(&log, text(["a.x", "a.y", "a.z", "b"][i % 4], data), 0).unwrap();
    }
    let mut got = Vec::new();
    loop {
        let batch = tail.read(Limit { messages: 3, ..Limit::default() });
        assert!(batch.gaps.is_empty() && batch.messages.len() <= 3);
        got.extend(batch.messages.iter().map(|delivery| delivery.message().as_text().unwrap().to_owned()));
        if !batch.more {
            break;
        }
    }
    let wanted: Vec<_> =
        expected.into_iter().enumerate().filter(|(i, _)| i % 4 < 3).map(|(_, data)| data).collect();
    assert_eq!(got, wanted);
}

#[test]
fn beyond_the_tombstones_one_mark_speaks_for_all() {
    let log = log(LogConfig { tombstones: 4, ..LogConfig::default() });
    let channels: Vec<_> = (0..10).map(|i| format!("c{i}")).collect();
    for channel in &channels {
        append(&log, text(channel, "x"), 0).unwrap();
        assert!(log.delete(&name(channel)));
    }
    let gap_to = |channel: &str, seq| {
        let since = Since::After(Cursor { seq, ..log.head() });
        let gaps = open(&log, channel, since).unwrap().read(Limit::default()).gaps;
        gaps.first().map(|gap| (gap.to.seq, gap.reason))
    };
    // The youngest have their own marks, and a place after these is whole.
    assert_eq!(gap_to("c9", 9), Some((10, GapReason::Trimmed)));
    assert_eq!(gap_to("c9", 10), None);
    // The old ones share one, which channels that never were have to believe too.
    let (shared, _) = gap_to("c0", 0).unwrap();
    assert!((1..10).contains(&shared), "{shared}");
    assert_eq!(gap_to("never", 0), Some((shared, GapReason::Trimmed)));
    assert_eq!(gap_to("never", shared), None);
}

#[test]
fn keys_are_refused_beyond_their_number() {
    let log = log(LogConfig { keys: 2, key_window: Duration::from_secs(1), ..LogConfig::default() });
    let keyed = |key: &str, now| append(&log, text("a", key).with_key(Key::new(key).unwrap()), now);
    let first = keyed("1", 0).unwrap();
    keyed("2", 0).unwrap();
    assert_eq!(keyed("3", 0), Err(AppendError::TooManyKeys));
    assert_eq!(keyed("1", 0).unwrap().cursor, first.cursor, "what is known is answered");
    keyed("3", 2_000).unwrap();
}

#[test]
fn a_key_is_known_for_a_window_and_forgotten_after_two() {
    let log = log(LogConfig { key_window: Duration::from_millis(100), ..LogConfig::default() });
    let keyed =
        |data: &str, key: &str, now| append(&log, text("a", data).with_key(Key::new(key).unwrap()), now);
    keyed("0", "other", 1_000).unwrap();
    // In the middle of a generation, so that the next one begins before the window is over.
    let first = keyed("1", "k", 1_050).unwrap();
    assert!(!first.repeated);
    for now in [1_050, 1_099, 1_100, 1_149] {
        let again = keyed("1", "k", now).unwrap();
        assert_eq!((again.repeated, again.cursor), (true, first.cursor), "L4 at {now}");
        assert_eq!(keyed("2", "k", now), Err(AppendError::KeyConflict), "L4 at {now}");
    }
    assert_eq!(texts(&log, "a"), ["0", "1"]);
    let renewed = keyed("2", "k", 1_250).unwrap();
    assert!(!renewed.repeated && renewed.cursor.seq == 3);
}

#[test]
fn a_key_belongs_to_all_of_its_publish() {
    let log = log(LogConfig::default());
    let key = || Key::new("k").unwrap();
    append(&log, text("a", "1").with_key(key()), 0).unwrap();
    let others = [
        text("b", "1"),
        text("a", "1").also_to(name("b")),
        Publish::new(name("a"), Message::json("1")),
        Publish::new(name("a"), Message::text("1").with_name("n").unwrap()),
        Publish::new(name("a"), Message::text("1").with_content_type("text/html")),
    ];
    for other in others {
        assert_eq!(
            append(&log, other.clone().with_key(key()), 0),
            Err(AppendError::KeyConflict),
            "{other:?}"
        );
    }
}

/// Counts how often it encodes. Each test has its own, because they run at the same time.
macro_rules! counting_encoding {
    ($name:ident, $count:ident) => {
        static $count: AtomicUsize = AtomicUsize::new(0);
        struct $name;
        impl Encode for $name {
            fn encode(delivery: &Delivery, out: &mut Vec<u8>) {
                $count.fetch_add(1, Ordering::Relaxed);
                out.extend_from_slice(delivery.message().data());
            }
        }
    };
}

#[test]
fn frames_are_kept_within_their_bytes_the_oldest_go_first() {
    counting_encoding!(Counting, COUNT);
    let frame = Retention::OVERHEAD + 1;
    let log = log(LogConfig { frame_bytes: 10 * frame, ..LogConfig::default() });
    fill(&log, "a", &["x"; 20]);
    let messages = open(&log, "a", Since::Earliest).unwrap().read(Limit::default()).messages;
    let encode = |which: std::ops::Range<usize>| {
        let before = COUNT.load(Ordering::Relaxed);
        messages[which].iter().for_each(|delivery| assert_eq!(delivery.encoded::<Counting>(), "x"));
        COUNT.load(Ordering::Relaxed) - before
    };
    assert_eq!(encode(0..10), 10);
    assert_eq!(encode(0..10), 0, "all fit");
    assert_eq!(encode(10..15), 5);
    assert_eq!(encode(5..15), 0, "the youngest are kept");
    assert_eq!(encode(0..5), 5, "the oldest went");
}

#[test]
fn frames_are_kept_for_the_newest_messages_only() {
    counting_encoding!(Counting, COUNT);
    let log = log(LogConfig { frame_window: 3, ..LogConfig::default() });
    fill(&log, "a", &["x"; 5]);
    let messages = open(&log, "a", Since::Earliest).unwrap().read(Limit::default()).messages;
    for _ in 0..2 {
        messages.iter().for_each(|delivery| drop(delivery.encoded::<Counting>()));
    }
    assert_eq!(COUNT.load(Ordering::Relaxed), 3 + 2 * 2);
}

/// The nine channels of one message can be followed in 511 ways.
#[test]
fn one_message_keeps_64_frames() {
    counting_encoding!(Counting, COUNT);
    let log = log(LogConfig::default());
    append(&log, (1..9).fold(text("0", "x"), |publish, i| publish.also_to(name(&i.to_string()))), 0).unwrap();
    let delivery = |set: usize| {
        let selectors = (0..9).filter(|i| set >> i & 1 == 1).map(|i| name(&i.to_string()).into());
        log.open(selectors, Since::Earliest, at(0)).unwrap().read(Limit::default()).messages.remove(0)
    };
    let encode = |sets: std::ops::Range<usize>| {
        let before = COUNT.load(Ordering::Relaxed);
        sets.for_each(|set| assert_eq!(delivery(set).encoded::<Counting>(), "x"));
        COUNT.load(Ordering::Relaxed) - before
    };
    assert_eq!(encode(1..65), 64);
    assert_eq!(encode(1..65), 0, "each set has its frame");
    assert_eq!((encode(65..75), encode(65..75)), (10, 10), "and no more are kept");
}

#[test]
fn the_names_of_further_channels_count_for_the_bytes_of_a_read() {
    let log = log(LogConfig::default());
    let long = name(&"b".repeat(200));
    append(&log, text("a", "1").also_to(long.clone()), 0).unwrap();
    append(&log, text("a", "2"), 0).unwrap();
    let limit = Limit { bytes: 2 * (Retention::OVERHEAD + 1), ..Limit::default() };
    let read = |channels: &[&ChannelName]| {
        let selectors = channels.iter().map(|name| (*name).clone().into());
        log.open(selectors, Since::Earliest, at(0)).unwrap().read(limit).messages.len()
    };
    assert_eq!((read(&[&name("a")]), read(&[&name("a"), &long])), (2, 1));
}

#[test]
fn a_limit_of_a_read_gives_at_least_one_message() {
    let log = log(LogConfig::default());
    fill(&log, "a", &["x"; 3]);
    for limit in [Limit { messages: 0, bytes: 0 }, Limit { messages: 1, bytes: 1 }] {
        let batch = open(&log, "a", Since::Earliest).unwrap().read(limit);
        assert_eq!((batch.messages.len(), batch.cursor.seq, batch.more), (1, 1, true));
    }
    for selector in ["a", "**"] {
        let all = Limit { messages: usize::MAX, bytes: usize::MAX };
        assert_eq!(open(&log, selector, Since::Earliest).unwrap().read(all).messages.len(), 3);
    }
}
