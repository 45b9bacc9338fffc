//! Looking at channels, and trimming them by hand.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{collections::BTreeSet, time::Duration};

use encke_core::{
    ChannelName, Epoch, GapReason, Keep, Limit, Log, LogConfig, Message, Opening, Pattern, Publish,
    Retention, Selector, Since, Timestamp,
};
use proptest::prelude::*;

fn log(count: usize) -> Log {
    let retention = Retention { count, ..Retention::default() };
    Log::new(Epoch::from_bits(1), LogConfig { retention, ..LogConfig::default() })
}

fn name(text: &str) -> ChannelName {
    ChannelName::new(text).unwrap()
}

fn publish(log: &Log, channel: &str, millis: u64) -> u64 {
    let publish = Publish::new(name(channel), Message::text("x"));
    let (appended, wakes) = log.append(publish, Timestamp::from_millis(millis)).unwrap();
    wakes.wake();
    appended.cursor.seq
}

/// All that `pattern` matches, `looks` at a time.
fn all(log: &Log, pattern: Option<&str>, looks: usize) -> Vec<String> {
    let pattern = pattern.map(|pattern| Pattern::new(pattern).unwrap());
    let mut names = Vec::new();
    let mut next = None;
    loop {
        let after = next.as_ref().map(ChannelName::as_str);
        let (found, more) = log.look(after, pattern.as_ref(), looks);
        names.extend(found.iter().map(|channel| channel.name().as_str().to_owned()));
        match more {
            Some(more) => next = Some(more),
            None => return names,
        }
    }
}

proptest! {
    #[test]
    fn every_channel_is_looked_at_once_and_in_order(
        names in prop::collection::btree_set("[ab@]{1,2}(\\.[ab]{1,2}){0,2}", 0..40),
        gone in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        pattern in prop::option::of(prop::sample::select(vec!["**", "*", "a.*", "a.**", "*.b", "ab", "a.b.*"])),
        looks in 1_usize..7,
    ) {
        let log = log(10);
        for name in &names {
            publish(&log, name, 0);
        }
        let mut names: Vec<_> = names.into_iter().collect();
        for index in gone {
            if !names.is_empty() {
                let gone = names.remove(index.index(names.len()));
                prop_assert!(log.delete(&name(&gone)));
            }
        }
        let matches = |text: &String| pattern.is_none_or(|it| Pattern::new(it).unwrap().matches(&name(text)));
        let expected: BTreeSet<_> = names.into_iter().filter(matches).collect();
        prop_assert_eq!(all(&log, pattern, looks), expected.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn l6_trimming_by_hand_is_from_the_front_and_readers_are_told() {
    let log = log(100);
    let mut slow = log.open([Selector::from(name("a"))], Since::Latest, Timestamp::default()).unwrap();
    let mut by_pattern =
        log.open([Selector::new("*").unwrap()], Since::Latest, Timestamp::default()).unwrap();
    let seqs: Vec<_> = (0..10).map(|_| publish(&log, "a", 0)).collect();
    let bytes = log.info().bytes;

    assert_eq!(log.trim(&name("nobody"), Keep::Newest(1)), None);
    assert_eq!(log.trim(&name("a"), Keep::Newest(100)), Some(0));
    assert_eq!(log.trim(&name("a"), Keep::Newest(7)), Some(3));
    let place = encke_core::Cursor { seq: seqs[4], ..log.head() };
    assert_eq!(log.trim(&name("a"), Keep::After(place)), Some(2));
    let elsewhere = encke_core::Cursor { epoch: Epoch::from_bits(2), seq: seqs[9] };
    assert_eq!(log.trim(&name("a"), Keep::After(elsewhere)), Some(0), "a place in another life of the log");

    let info = log.channel(&name("a")).unwrap();
    assert_eq!((info.retained, info.trimmed, info.last.seq), (5, place, seqs[9]));
    assert_eq!((info.bytes, log.info().bytes), (bytes / 2, bytes / 2));
    for tail in [&mut slow, &mut by_pattern] {
        let batch = tail.read(Limit::default());
        assert_eq!(batch.messages.iter().map(encke_core::Delivery::seq).collect::<Vec<_>>(), seqs[5..]);
        assert_eq!((batch.gaps.len(), batch.gaps[0].to, batch.gaps[0].reason), (1, place, GapReason::Slow));
    }
    let mut at_place =
        log.open([Selector::from(name("a"))], Since::After(place), Timestamp::default()).unwrap();
    assert!(at_place.read(Limit::default()).gaps.is_empty(), "who is at the place has missed nothing");

    assert_eq!(log.trim(&name("a"), Keep::Newest(0)), Some(5));
    drop((slow, by_pattern, at_place));
    assert_eq!((log.channel(&name("a")), log.info().bytes), (None, 0));
    assert!(publish(&log, "a", 0) > seqs[9]);
}

#[test]
fn what_a_channel_holds_and_what_comes_after_a_place() {
    let log = log(3);
    let seqs: Vec<_> = (0..10).map(|index| publish(&log, ["b", "a"][index % 2], 0)).collect();
    let seqs: Vec<_> = seqs.into_iter().skip(1).step_by(2).collect();
    let channel = log.find(&name("a")).unwrap();
    let held: Vec<_> = (0..=12).filter(|seq| channel.holds(*seq)).collect();
    assert_eq!(held, seqs[2..]);
    assert_eq!([0, seqs[2], seqs[3], seqs[4], 99].map(|seq| channel.after(seq)), [3, 2, 1, 0, 0]);
}

#[test]
fn messages_of_a_minute_are_counted_by_what_is_retained() {
    let minute = Duration::from_secs(60);
    let start = Timestamp::from_millis(1_000_000);
    let log = log(100);
    let rate = |millis: u64| log.find(&name("a")).unwrap().per_minute(Timestamp::from_millis(millis));
    for second in 0..90 {
        publish(&log, "a", start.as_millis() + second * 1_000);
    }
    let last = start.as_millis() + 89_000;
    assert_eq!(rate(last), 61, "both ends of the minute");
    assert_eq!(rate(last + 30_000), 31);
    assert_eq!(rate(Timestamp::from_millis(last).after(2 * minute).as_millis()), 0);
    // Ten a second: of the minute only ten seconds are retained.
    for tenth in 0..300 {
        publish(&log, "a", last + tenth * 100);
    }
    assert_eq!(rate(last + 29_900), 600);
    // A burst counts for a second at least.
    for _ in 0..200 {
        publish(&log, "a", last + 40_000);
    }
    assert_eq!(rate(last + 40_000), 6_000);
}

#[test]
fn readers_are_counted_by_their_labels() {
    let log = log(10);
    let open = |label, selector: &str| {
        let selectors = [Selector::new(selector).unwrap()];
        log.open_as(label, selectors, &Opening::new(Since::Latest, Timestamp::default())).unwrap()
    };
    let first = open("sse", "a");
    let others = [open("ws", "a"), open("sse", "a"), open("ws", "*")];
    let count = || {
        let mut followers = log.channel(&name("a")).unwrap().followers;
        followers.sort_unstable();
        (followers, log.find(&name("a")).unwrap().followers())
    };
    assert_eq!(count(), (vec![("sse", 2), ("ws", 2)], 4));
    drop(first);
    assert_eq!(count(), (vec![("sse", 1), ("ws", 2)], 3));
    let [by_name, _sse, by_pattern] = others;
    drop((by_name, by_pattern));
    assert_eq!(count(), (vec![("sse", 1)], 1));
}

#[test]
fn what_waits_for_a_reader_is_counted() {
    let log = log(10);
    let tail = log.open([Selector::new("*").unwrap()], Since::Latest, Timestamp::default()).unwrap();
    let seqs: Vec<_> = ["a", "b", "a"].iter().map(|name| publish(&log, name, 0)).collect();
    let waiting = |selector: &str, seq| log.waiting(&Selector::new(selector).unwrap(), seq);
    assert_eq!([waiting("a", 0), waiting("a", seqs[0]), waiting("a", seqs[2])], [2, 1, 0]);
    assert_eq!([waiting("*", 0), waiting("*", seqs[1])], [3, 1]);
    drop(tail);
    assert_eq!([waiting("*", 0), waiting("nobody", 0)], [0, 0]);
}
