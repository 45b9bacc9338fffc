use std::time::Duration;

use encke_core::{
    Admission, AppendError, Cursor, Epoch, Kept, Key, Log, LogConfig, Mark, Message, Publish, Retention,
    Selector, Since, Timestamp,
};

use super::store::name;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

/// A log of which the engine keeps a message of 300 bytes in the channel `known`.
fn log() -> Log {
    let config = LogConfig {
        bytes: 1_000,
        retention: Retention { bytes: 600, ..Retention::default() },
        channels: 3,
        places: 2,
        keys: 2,
        key_window: Duration::from_secs(60),
        ..LogConfig::default()
    };
    let head = Mark { seq: 7, time: NOW };
    let log = Log::resume(Epoch::from_bits(1), head, config);
    log.know(&name("known"), head, Kept { count: 1, bytes: 500, gone: Mark { seq: 3, time: NOW } });
    log
}

fn publish(channels: &[&str], bytes: usize) -> Publish {
    let first = Publish::new(name(channels[0]), Message::text("x".repeat(bytes)));
    channels[1..].iter().fold(first, |publish, channel| publish.also_to(name(channel)))
}

fn keyed(key: &str, bytes: usize) -> Publish {
    publish(&["known"], bytes).with_key(Key::new(key).unwrap())
}

#[test]
fn l7_each_limit_refuses_by_its_name() {
    let log = log();
    let admit = |channels: &[&str], bytes| log.admit(&publish(channels, bytes), NOW);
    assert_eq!(admit(&["known", "a"], 0), Ok(Admission::New));
    assert_eq!(admit(&["a", "b", "c"], 0), Err(AppendError::TooManyPlaces));
    assert_eq!(admit(&["a"], 301), Err(AppendError::Full));
    assert_eq!(admit(&["known"], 300), Ok(Admission::New), "what is kept and this are what may be kept");
    let _tail = log.open([Selector::from(name("a"))], Since::Latest, NOW).unwrap();
    assert_eq!(admit(&["b"], 0), Ok(Admission::New));
    assert_eq!(admit(&["b", "c"], 0), Err(AppendError::TooManyChannels));
    assert!(log.settle(&name("known"), Kept { gone: Mark { seq: 7, time: NOW }, ..Kept::default() }));
    assert_eq!(admit(&["a"], 401), Err(AppendError::TooLarge));
}

#[test]
fn l4_a_key_is_known_again_after_a_restart() {
    let log = log();
    let first = keyed("first", 1);
    log.remember(first.key().unwrap().clone(), first.fingerprint(), 7);
    let repeated = Admission::Repeated(Cursor { epoch: Epoch::from_bits(1), seq: 7 });
    assert_eq!(log.admit(&first, NOW.after(Duration::from_secs(59))), Ok(repeated));
    assert_eq!(log.admit(&keyed("first", 2), NOW), Err(AppendError::KeyConflict));
    assert_eq!(log.admit(&keyed("second", 2), NOW), Ok(Admission::New));
    log.remember(Key::new("second").unwrap(), keyed("second", 2).fingerprint(), 8);
    assert_eq!(log.admit(&keyed("third", 2), NOW), Err(AppendError::TooManyKeys));
    assert_eq!(log.admit(&first, NOW.after(Duration::from_secs(121))), Ok(Admission::New), "in time it goes");
}

#[test]
fn l1_the_last_seq_of_a_channel_is_known_when_its_messages_are_gone() {
    let log = log();
    log.know(&name("gone"), Mark { seq: 5, time: NOW }, Kept::default());
    let last = |channel| log.last_in(&name(channel));
    assert_eq!((last("known"), last("gone"), last("never")), (7, 5, 0));
    assert!(log.channel(&name("gone")).is_none());
}
