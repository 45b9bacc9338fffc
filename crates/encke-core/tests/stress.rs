//! Four threads append while eight read, each parked on its own waker while there is nothing: 200,000 messages
//! reach everyone in order, once, and none is passed by. A wake-up that is lost shows as a time-out.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex},
    task::{Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use encke_core::{
    Batch, ChannelName, Epoch, Limit, Log, LogConfig, Message, Publish, Retention, Selector, Since, Tail,
    Timestamp,
};

const WRITERS: usize = 4;
const MESSAGES: usize = 50_000;
const HEAD: u64 = (WRITERS * MESSAGES) as u64;
const CHANNELS: usize = 16;
/// Generous: it takes a few seconds.
const DEADLINE: Duration = Duration::from_secs(300);

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
    fn wait(&self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        let rung = self.rung.lock().unwrap();
        let (mut rung, timed_out) = self.sound.wait_timeout_while(rung, left, |rung| !*rung).unwrap();
        assert!(!timed_out.timed_out(), "D5: a wake-up was lost");
        *rung = false;
    }
}

fn name(channel: usize) -> ChannelName {
    ChannelName::new(&format!("{}.{channel}", ["even", "odd"][channel % 2])).unwrap()
}

/// What one reader has seen.
#[derive(Default)]
struct Seen {
    messages: u64,
    last: u64,
    /// The end of what it was told to be missing.
    told: u64,
    last_of: HashMap<ChannelName, u64>,
}

impl Seen {
    fn check(&mut self, batch: &Batch) {
        self.told = batch.gaps.iter().map(|gap| gap.to.seq).fold(self.told, u64::max);
        for delivery in &batch.messages {
            self.messages += 1;
            assert!(delivery.seq() > self.last, "D2, D3: {} after {}", delivery.seq(), self.last);
            self.last = delivery.seq();
            let known = self.last_of.insert(delivery.channel().clone(), delivery.seq()).unwrap_or(0);
            let prev = delivery.prev();
            assert!(prev == known || prev <= self.told, "D1: {prev} is lost before {delivery:?}");
        }
        assert!(batch.cursor.seq >= self.last, "D4: {:?} is before {}", batch.cursor, self.last);
    }
}

fn write(log: &Log, writer: usize) {
    // Each writer has its own channels, so that its messages say by themselves what comes next.
    let names: Vec<_> = (0..CHANNELS).filter(|channel| channel % WRITERS == writer).map(name).collect();
    for number in 0..MESSAGES {
        let publish = Publish::new(names[number % names.len()].clone(), Message::text("x"));
        let (_, mut wakes) = log.append(publish, Timestamp::default()).unwrap();
        while wakes.wake_some(1) {}
    }
}

fn read(mut tail: Tail, limit: Limit, until: Instant) -> Seen {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut batch = tail.empty_batch();
    let mut seen = Seen::default();
    while tail.cursor().seq < HEAD {
        match tail.poll_read(&waker, limit, &mut batch) {
            Poll::Ready(end) => {
                end.unwrap();
                seen.check(&batch);
            }
            Poll::Pending if tail.cursor().seq < HEAD => bell.wait(until),
            Poll::Pending => {}
        }
    }
    seen
}

/// Returns what each reader has seen: one for each set of selectors.
fn run(config: LogConfig, limit: Limit, readers: &[&[&str]]) -> Vec<Seen> {
    let until = Instant::now() + DEADLINE;
    let log = Log::new(Epoch::from_bits(1), config);
    let open = |selectors: &&[&str]| {
        let selectors = selectors.iter().map(|selector| Selector::new(selector).unwrap());
        log.open(selectors, Since::Latest, Timestamp::default()).unwrap()
    };
    let tails: Vec<_> = readers.iter().map(open).collect();
    thread::scope(|scope| {
        let readers: Vec<_> =
            tails.into_iter().map(|tail| scope.spawn(move || read(tail, limit, until))).collect();
        let log = &log;
        (0..WRITERS).for_each(|writer| drop(scope.spawn(move || write(log, writer))));
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    })
}

/// Each follows all channels, in its own way.
const READERS: [&[&str]; 8] = [
    &["**"],
    &["**"],
    &["even.*", "odd.*"],
    &["even.*", "odd.**", "even.0"],
    &["*.0", "odd.*", "even.**"],
    &["**", "odd.1", "odd.3"],
    &["even.*", "odd.1", "odd.3", "odd.5", "odd.7", "odd.9", "odd.11", "odd.13", "odd.15"],
    &["odd.*", "even.0", "even.2", "even.4", "even.6", "even.8", "even.10", "even.12", "even.14"],
];

#[test]
fn everyone_gets_everything_when_all_is_retained() {
    let retention = Retention { count: usize::MAX, bytes: usize::MAX, ..Retention::default() };
    let config = LogConfig { retention, ..LogConfig::default() };
    for seen in run(config, Limit::default(), &READERS) {
        assert_eq!((seen.messages, seen.told), (HEAD, 0), "D1");
    }
}

#[test]
fn everyone_gets_everything_or_is_told_when_little_is_retained() {
    let retention = Retention { count: 20, ..Retention::default() };
    let config = LogConfig { retention, pattern_window: 50, ..LogConfig::default() };
    for seen in run(config, Limit { messages: 30, ..Limit::default() }, &READERS) {
        assert!(seen.messages == HEAD || seen.told > 0, "D1: {} messages", seen.messages);
        assert_eq!(seen.last, HEAD, "D1: the last message was not delivered");
    }
}
