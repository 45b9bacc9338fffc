//! Appends, readers and their wake-ups in all schedules of two or three threads:
//! `RUSTFLAGS="--cfg loom" cargo test -p encke-core --release --test loom`.
//!
//! A wake-up that is lost shows as a deadlock, which loom reports. (One channel for each pattern: the order in
//! which a hash map gives several is not the same in each run, and loom needs it to be.)
#![cfg(loom)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::Arc,
    task::{Poll, Wake, Waker},
};

use encke_core::{
    Batch, ChannelName, Delivery, Epoch, Limit, Log, LogConfig, Message, Publish, Retention, Selector, Since,
    Tail, TailEnd, Timestamp,
};
use loom::{
    sync::{Condvar, Mutex},
    thread,
};

#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    sound: Condvar,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.rung.lock().unwrap() = true;
        self.sound.notify_one();
    }
}

impl Bell {
    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = self.sound.wait(rung).unwrap();
        }
        *rung = false;
    }
}

/// All schedules; with three threads those with up to three preemptions, since all of them take minutes.
fn explore(threads: usize, scenario: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = (threads > 2).then_some(3);
    builder.check(scenario);
}

fn log(retention: usize) -> Log {
    let retention = Retention { count: retention, ..Retention::default() };
    Log::new(Epoch::from_bits(1), LogConfig { retention, pattern_window: 1, ..LogConfig::default() })
}

fn open(log: &Log, selectors: &[&str], since: Since) -> Tail {
    let selectors = selectors.iter().map(|selector| Selector::new(selector).unwrap());
    log.open(selectors, since, Timestamp::default()).unwrap()
}

fn append(log: &Log, channel: &str) {
    let publish = Publish::new(ChannelName::new(channel).unwrap(), Message::text("x"));
    let (_, wakes) = log.append(publish, Timestamp::default()).unwrap();
    wakes.wake();
}

fn appender(log: &Log, channels: &'static [&'static str]) -> thread::JoinHandle<()> {
    let log = log.clone();
    thread::spawn(move || channels.iter().for_each(|channel| append(&log, channel)))
}

/// Waits for the next batch; none if the reader was stopped.
fn next(tail: &mut Tail) -> Option<Batch> {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut batch = tail.empty_batch();
    loop {
        match tail.poll_read(&waker, Limit::default(), &mut batch) {
            Poll::Ready(Ok(())) => return Some(batch),
            Poll::Ready(Err(TailEnd)) => return None,
            Poll::Pending => bell.wait(),
        }
        // An append may be under way: let it go on.
        thread::yield_now();
    }
}

fn seqs(batch: &Batch) -> Vec<u64> {
    batch.messages.iter().map(Delivery::seq).collect()
}

/// Reads on until the cursor is at `head`, and checks that it passes nothing by that it has not got or been
/// told of.
fn read_to(tail: &mut Tail, head: u64) -> Vec<u64> {
    let mut got = Vec::new();
    let mut told = 0;
    while tail.cursor().seq < head {
        let batch = next(tail).unwrap();
        got.extend(seqs(&batch));
        told = batch.gaps.iter().map(|gap| gap.to.seq).max().unwrap_or(told);
        let missing = (told + 1..=batch.cursor.seq).find(|seq| !got.contains(seq));
        assert_eq!(missing, None, "D1: passed by at {:?}, got {got:?}", batch.cursor);
    }
    assert!(got.is_sorted_by(|a, b| a < b), "D3: {got:?}");
    got
}

#[test]
fn a_parked_reader_is_woken() {
    explore(2, || {
        let log = log(10);
        let mut tail = open(&log, &["a"], Since::Latest);
        let writer = appender(&log, &["a", "a"]);
        assert_eq!(read_to(&mut tail, 2), [1, 2], "D5");
        writer.join().unwrap();
    });
}

#[test]
fn two_channels_and_two_appenders_make_one_order() {
    explore(3, || {
        let log = log(10);
        let mut tail = open(&log, &["a", "b"], Since::Latest);
        let writers = [appender(&log, &["a"]), appender(&log, &["b"])];
        assert_eq!(read_to(&mut tail, 2), [1, 2], "D1, D5");
        writers.into_iter().for_each(|writer| writer.join().unwrap());
    });
}

#[test]
fn a_tail_that_is_dropped_takes_no_message_along() {
    explore(2, || {
        let log = log(10);
        let tail = open(&log, &["a"], Since::Latest);
        let writer = appender(&log, &["a"]);
        drop(tail);
        writer.join().unwrap();
        let channel = log.channel(&ChannelName::new("a").unwrap()).unwrap();
        assert_eq!((channel.followers, channel.retained), (Vec::new(), 1), "L3");
        assert_eq!(seqs(&open(&log, &["a"], Since::Earliest).read(Limit::default())), [1], "L3");
    });
}

#[test]
fn a_waiting_tail_that_is_dropped_lets_the_other_be_woken() {
    explore(3, || {
        let log = log(10);
        let mut leaves = open(&log, &["a"], Since::Latest);
        let mut stays = open(&log, &["a"], Since::Latest);
        let mut batch = leaves.empty_batch();
        assert!(leaves.poll_read(Waker::noop(), Limit::default(), &mut batch).is_pending());
        let writer = appender(&log, &["a"]);
        let leaver = thread::spawn(move || drop(leaves));
        assert_eq!(read_to(&mut stays, 1), [1], "D5");
        writer.join().unwrap();
        leaver.join().unwrap();
    });
}

#[test]
fn what_comes_after_the_place_of_an_open_is_delivered() {
    explore(2, || {
        let log = log(10);
        let writer = appender(&log, &["a"]);
        let mut tail = open(&log, &["a"], Since::Latest);
        if tail.cursor().seq == 0 {
            assert_eq!(read_to(&mut tail, 1), [1], "D6");
        }
        writer.join().unwrap();
        assert_eq!(seqs(&tail.read(Limit::default())), [], "D2");
    });
}

#[test]
fn what_comes_after_the_place_of_a_follow_is_delivered() {
    explore(2, || {
        let log = log(10);
        let mut tail = open(&log, &["b"], Since::Latest);
        let writer = appender(&log, &["a", "b"]);
        let place = tail.follow([Selector::new("a").unwrap()], Since::Latest, Timestamp::default()).unwrap();
        let mut got = Vec::new();
        while tail.cursor().seq < 2 {
            got.extend(seqs(&next(&mut tail).unwrap()));
        }
        assert_eq!(got, if place.seq == 0 { vec![1, 2] } else { vec![2] }, "D6 after {place}");
        writer.join().unwrap();
    });
}

#[test]
fn a_stop_is_noticed_and_comes_after_what_was_appended() {
    explore(2, || {
        let log = log(10);
        let mut tail = open(&log, &["a"], Since::Latest);
        let (appends, stop) = (log.clone(), tail.stop_handle());
        let writer = thread::spawn(move || {
            append(&appends, "a");
            stop.stop();
        });
        assert_eq!(next(&mut tail).map(|batch| seqs(&batch)), Some(vec![1]), "S4");
        assert!(next(&mut tail).is_none());
        writer.join().unwrap();
    });
}

#[test]
fn a_pattern_gets_a_channel_that_comes_to_be() {
    explore(2, || {
        let log = log(10);
        let mut tail = open(&log, &["a.*"], Since::Latest);
        let writer = appender(&log, &["a.x", "a.x"]);
        assert_eq!(read_to(&mut tail, 2), [1, 2], "D1, D5");
        writer.join().unwrap();
    });
}

#[test]
fn a_pattern_that_is_opened_beside_an_append_misses_nothing() {
    explore(2, || {
        let log = log(10);
        let writer = appender(&log, &["a.x", "a.x"]);
        let mut tail = open(&log, &["a.*"], Since::Earliest);
        assert_eq!(read_to(&mut tail, 2), [1, 2], "D1, D5");
        writer.join().unwrap();
    });
}

#[test]
fn a_reader_that_retention_overtakes_is_told() {
    explore(2, || {
        let log = log(1);
        let mut tail = open(&log, &["a.x"], Since::Latest);
        let writer = appender(&log, &["a.x", "a.x", "a.x"]);
        assert_eq!(read_to(&mut tail, 3).last(), Some(&3), "D1");
        writer.join().unwrap();
    });
}

#[test]
fn a_reader_of_a_pattern_that_retention_overtakes_is_told() {
    explore(2, || {
        let log = log(1);
        append(&log, "a.x");
        let mut tail = open(&log, &["a.*"], Since::Earliest);
        let writer = appender(&log, &["a.x", "a.x"]);
        assert_eq!(read_to(&mut tail, 3).last(), Some(&3), "D1");
        writer.join().unwrap();
    });
}
