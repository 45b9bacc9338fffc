//! Following more on a live reader, and readers that catch up while retention goes on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use encke_core::{
    Batch, ChannelName, Delivery, Epoch, GapReason, Limit, Log, LogConfig, Message, Opening, Publish,
    Retention, Selector, Since, Tail, Timestamp,
};

fn log(retained: usize) -> Log {
    let retention = Retention { count: retained, ..Retention::default() };
    Log::new(Epoch::from_bits(1), LogConfig { retention, ..LogConfig::default() })
}

fn name(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

fn select(selectors: &[&str]) -> Vec<Selector> {
    selectors.iter().map(|selector| Selector::new(selector).unwrap()).collect()
}

fn append(log: &Log, channels: &[&str]) {
    let first = Publish::new(name(channels[0]), Message::text("x"));
    let publish = channels[1..].iter().fold(first, |publish, channel| publish.also_to(name(channel)));
    log.append(publish, Timestamp::default()).map(drop).unwrap();
}

fn open(log: &Log, selectors: &[&str], since: Since) -> Tail {
    log.open(select(selectors), since, Timestamp::default()).unwrap()
}

fn follow(tail: &mut Tail, selectors: &[&str], since: Since) {
    tail.follow(select(selectors), since, Timestamp::default()).unwrap();
}

fn seqs(batch: &Batch) -> Vec<u64> {
    batch.messages.iter().map(Delivery::seq).collect()
}

/// By which channels each message comes, with its `prev` there.
fn places(batch: &Batch) -> Vec<Vec<(&str, u64)>> {
    let mut places = Vec::new();
    for delivery in &batch.messages {
        let all = [(delivery.channel(), delivery.prev())].into_iter().chain(delivery.also());
        places.push(all.map(|(name, prev)| (name.as_str(), prev)).collect());
    }
    places
}

fn read(tail: &mut Tail, messages: usize) -> Vec<u64> {
    seqs(&tail.read(Limit { messages, ..Limit::default() }))
}

#[test]
fn two_channels_that_catch_up_come_in_one_order_and_each_message_once() {
    let log = log(10);
    for channels in [["a", "a"], ["b", "a"], ["b", "b"], ["a", "a"], ["c", "c"]] {
        append(&log, &channels);
    }
    let mut tail = open(&log, &["c"], Since::Latest);
    follow(&mut tail, &["a"], Since::Earliest);
    follow(&mut tail, &["b"], Since::Earliest);
    assert_eq!(tail.cursor().seq, 0);
    assert_eq!(read(&mut tail, 10), [1, 2, 3, 4]);
    assert_eq!(tail.cursor().seq, 5);
}

#[test]
fn what_another_selector_got_does_not_come_again() {
    let log = log(10);
    append(&log, &["a.x", "b"]);
    append(&log, &["b"]);
    append(&log, &["a.x"]);
    let mut tail = open(&log, &["a.x"], Since::Earliest);
    assert_eq!(read(&mut tail, 10), [1, 3]);
    follow(&mut tail, &["b"], Since::Earliest);
    assert_eq!(read(&mut tail, 10), [2]);
    follow(&mut tail, &["a.*"], Since::Earliest);
    assert_eq!(read(&mut tail, 10), []);
}

#[test]
fn what_another_selector_missed_comes() {
    let log = log(1);
    let mut tail = open(&log, &["a"], Since::Latest);
    append(&log, &["a", "b"]);
    append(&log, &["a"]);
    let batch = tail.read(Limit::default());
    assert_eq!((seqs(&batch), batch.gaps[0].to.seq), (vec![2], 1), "a has let 1 go");
    follow(&mut tail, &["b"], Since::Earliest);
    assert_eq!(read(&mut tail, 10), [1], "b has not");
}

#[test]
fn a_limit_cuts_what_catches_up_at_its_lowest_end() {
    let log = log(10);
    for channels in [["a.x"], ["a.y"], ["a.x"], ["a.y"], ["b"], ["b"], ["b"]] {
        append(&log, &channels);
    }
    let mut tail = open(&log, &["a.x"], Since::Earliest);
    assert_eq!(read(&mut tail, 10), [1, 3]);
    follow(&mut tail, &["b", "**"], Since::Earliest);
    let mut got = Vec::new();
    while tail.cursor().seq < 7 {
        got.extend(read(&mut tail, 2));
    }
    assert_eq!(got, [2, 4, 5, 6, 7]);
}

#[test]
fn a_pattern_is_told_of_what_goes_while_it_catches_up() {
    let log = log(2);
    append(&log, &["quiet.x"]);
    (0..5).for_each(|_| append(&log, &["busy.x"]));
    let mut tail = open(&log, &["**"], Since::Earliest);
    // Older than what busy.x has let go, which a reader from the earliest does not miss.
    assert!(log.delete(&name("quiet.x")));
    let batch = tail.read(Limit::default());
    assert_eq!(seqs(&batch), [5, 6]);
    assert_eq!(
        batch.gaps.iter().map(|gap| (gap.from.seq, gap.reason)).collect::<Vec<_>>(),
        [(0, GapReason::Slow)]
    );
}

#[test]
fn a_reader_from_the_earliest_is_not_told_of_what_went_before() {
    let log = log(2);
    (0..5).for_each(|_| append(&log, &["a.x"]));
    for selector in ["a.x", "a.*"] {
        let batch = open(&log, &[selector], Since::Earliest).read(Limit::default());
        assert_eq!((seqs(&batch), batch.gaps), (vec![4, 5], vec![]));
    }
}

#[test]
fn a_gap_of_what_is_no_longer_followed_is_not_told() {
    let log = log(1);
    (0..3).for_each(|_| append(&log, &["a"]));
    let mut tail = open(&log, &["a", "b"], Since::After(encke_core::Cursor { seq: 0, ..log.head() }));
    assert!(tail.unfollow(&name("a").into()));
    assert_eq!(tail.read(Limit::default()).gaps, []);
}

#[test]
fn a_message_comes_by_all_of_its_channels_that_are_followed() {
    let log = log(10);
    append(&log, &["a.x"]);
    append(&log, &["b"]);
    append(&log, &["secret", "a.x", "c", "a.y", "b"]);
    append(&log, &["a.y"]);
    let expected =
        [vec![("a.x", 0)], vec![("b", 0)], vec![("a.x", 1), ("a.y", 0), ("b", 2)], vec![("a.y", 3)]];
    for selectors in [vec!["b", "a.y", "a.x"], vec!["a.*", "b"], vec!["b", "a.x", "a.*"]] {
        let batch = open(&log, &selectors, Since::Earliest).read(Limit::default());
        assert_eq!(places(&batch), expected, "{selectors:?}");
    }
}

#[test]
fn a_channel_that_let_the_message_go_is_not_told() {
    for selectors in [vec!["a.x", "a.y"], vec!["a.*"]] {
        let log = log(1);
        append(&log, &["a.x", "a.y"]);
        append(&log, &["a.x"]);
        // From the earliest there is no gap: the first message of a channel is all that tells where it begins.
        let batch = open(&log, &selectors, Since::Earliest).read(Limit::default());
        assert_eq!(places(&batch), [[("a.y", 0)], [("a.x", 1)]], "{selectors:?}");
    }
}

#[test]
fn d2_a_channel_that_was_followed_from_a_later_place_is_not_told() {
    let log = log(10);
    append(&log, &["a", "b", "c"]);
    let mut tail = open(&log, &["a"], Since::Latest);
    follow(&mut tail, &["b", "c"], Since::Earliest);
    append(&log, &["a", "b", "c"]);
    assert_eq!(places(&tail.read(Limit::default())), [[("b", 0), ("c", 0)]], "what b and c owe");
    assert_eq!(places(&tail.read(Limit::default())), [[("a", 1), ("b", 1), ("c", 1)]], "what all follow");
}

fn append_at(log: &Log, channel: &str, millis: u64) {
    let publish = Publish::new(name(channel), Message::text("x"));
    log.append(publish, Timestamp::from_millis(millis)).map(drop).unwrap();
}

/// What a reader from `since` gets that may read nothing older than 100: its place, its messages, and the places between
/// which its gaps are.
fn above(log: &Log, selectors: &[&str], since: Since) -> (u64, Vec<u64>, Vec<(u64, u64)>) {
    let floor = Some(Timestamp::from_millis(100));
    let now = Timestamp::from_millis(1_000);
    let mut tail =
        log.open_as("", select(selectors), &Opening { floor, ..Opening::new(since, now) }).unwrap();
    let cursor = tail.cursor().seq;
    let batch = tail.read(Limit::default());
    assert!(batch.gaps.iter().all(|gap| gap.reason == GapReason::Trimmed), "{:?}", batch.gaps);
    (cursor, seqs(&batch), batch.gaps.iter().map(|gap| (gap.from.seq, gap.to.seq)).collect())
}

#[test]
fn d8_nothing_older_than_the_floor_is_read_and_whoever_claims_a_place_before_it_is_told() {
    let log = log(10);
    for (channel, millis) in [("a.x", 10), ("a.y", 20), ("a.x", 99), ("a.x", 100), ("a.y", 101)] {
        append_at(&log, channel, millis);
    }
    let after = |seq| Since::After(encke_core::Cursor { seq, ..log.head() });
    let ago = Since::Ago(std::time::Duration::from_secs(1));
    for since in [Since::Earliest, Since::Last(5), Since::At(Timestamp::from_millis(5)), ago] {
        for selectors in [vec!["a.x", "a.y"], vec!["a.*"]] {
            assert_eq!(
                above(&log, &selectors, since),
                (3, vec![4, 5], vec![]),
                "{since:?}: cut without a gap"
            );
        }
        assert_eq!(above(&log, &["a.y"], since).1, [5], "{since:?}");
    }
    assert_eq!(above(&log, &["a.x"], after(1)), (3, vec![4], vec![(1, 3)]), "D1: told, and on at the floor");
    assert_eq!(above(&log, &["a.*"], after(1)), (3, vec![4, 5], vec![(1, 3)]));
    assert_eq!(above(&log, &["a.x", "a.y"], after(2)), (3, vec![4, 5], vec![(2, 3)]), "a.y misses nothing");
    assert_eq!(above(&log, &["a.x"], after(3)), (3, vec![4], vec![]), "at the floor");
    assert_eq!(above(&log, &["a.y"], after(2)), (2, vec![5], vec![]), "a quiet channel has no false gap");
    assert_eq!(above(&log, &["b"], after(1)), (1, vec![], vec![]), "nor has an empty one");
    assert_eq!(above(&log, &["a.x"], Since::Latest), (5, vec![], vec![]));
}

#[test]
fn d8_what_is_followed_later_has_its_own_floor() {
    let log = log(10);
    for millis in [10, 99, 100] {
        append_at(&log, "a", millis);
        append_at(&log, "b", millis);
    }
    let mut tail = open(&log, &["a"], Since::Earliest);
    let since = Since::After(encke_core::Cursor { seq: 1, ..log.head() });
    let floor = Some(Timestamp::from_millis(100));
    let opening = Opening { floor, ..Opening::new(since, Timestamp::default()) };
    let place = tail.follow_as(select(&["b"]), &opening);
    assert_eq!(place.unwrap().seq, 4);
    let batch = tail.read(Limit::default());
    assert_eq!(seqs(&batch), [1, 3, 5, 6]);
    assert_eq!(batch.gaps.iter().map(|gap| (gap.from.seq, gap.to.seq)).collect::<Vec<_>>(), [(1, 4)]);
}
