//! What the log costs on one core, without any transport.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench is no library")]

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

use divan::{Bencher, counter::ItemsCount};
use encke_core::{
    Batch, ChannelName, Cursor, Delivery, Encode, Epoch, Key, Limit, Log, LogConfig, Message, Publish,
    Retention, Selector, Since, Tail, Timestamp, Wakes,
};

/// Appends of one iteration, so that a measurement is long.
const MANY: usize = 1_000;

fn main() {
    divan::main();
}

fn name(index: usize) -> ChannelName {
    ChannelName::new(&format!("channel.{index}")).unwrap()
}

fn names(count: usize) -> Vec<ChannelName> {
    (0..count).map(name).collect()
}

/// 200 bytes, shared.
fn message() -> Message {
    Message::text("x".repeat(200))
}

fn log(retained: usize) -> Log {
    let retention = Retention { count: retained, bytes: usize::MAX, ..Retention::default() };
    Log::new(Epoch::from_bits(1), LogConfig { retention, bytes: usize::MAX, ..LogConfig::default() })
}

fn append(log: &Log, channel: &ChannelName, message: &Message) -> Wakes {
    log.append(Publish::new(channel.clone(), message.clone()), Timestamp::default()).unwrap().1
}

/// `count` messages in turn over the channels.
fn fill(log: &Log, channels: &[ChannelName], count: usize) {
    let message = message();
    channels.iter().cycle().take(count).for_each(|channel| append(log, channel, &message).wake());
}

fn open(log: &Log, selectors: impl IntoIterator<Item = Selector>, since: Since) -> Tail {
    log.open(selectors, since, Timestamp::default()).unwrap()
}

fn pattern() -> Selector {
    Selector::new("channel.*").unwrap()
}

mod appending {
    use super::*;

    #[divan::bench(args = [1, 1_000, 100_000])]
    fn nobody_follows(bencher: Bencher<'_, '_>, channels: usize) {
        let (log, names, message) = (log(100), names(channels), message());
        fill(&log, &names, 200_000);
        let mut next = names.iter().cycle();
        bencher.counter(ItemsCount::new(MANY)).bench_local(|| {
            for _ in 0..MANY {
                drop(append(&log, next.next().unwrap(), &message));
            }
        });
    }

    #[divan::bench]
    fn with_a_key(bencher: Bencher<'_, '_>) {
        let (log, name, message) = (log(100), name(0), message());
        let mut count = 0;
        bencher.counter(ItemsCount::new(MANY)).bench_local(|| {
            for _ in 0..MANY {
                count += 1;
                let key = Key::new(&format!("key {count}")).unwrap();
                let publish = Publish::new(name.clone(), message.clone()).with_key(key);
                // A thousand keys for each second: the window holds 600,000 at most.
                log.append(publish, Timestamp::from_millis(100 * count)).map(drop).unwrap();
            }
        });
    }

    #[divan::bench]
    fn and_one_reader_reads_each(bencher: Bencher<'_, '_>) {
        let (log, name, message) = (log(100), name(0), message());
        let mut tail = open(&log, [name.clone().into()], Since::Latest);
        let mut batch = tail.empty_batch();
        bencher.counter(ItemsCount::new(MANY)).bench_local(|| {
            for _ in 0..MANY {
                append(&log, &name, &message).wake();
                assert!(tail.poll_read(Waker::noop(), Limit::default(), &mut batch).is_ready());
                assert!(tail.poll_read(Waker::noop(), Limit::default(), &mut batch).is_pending());
            }
        });
    }
}

/// What a request without a held connection costs: open, read, drop.
mod polling {
    use super::*;

    fn poll(bencher: Bencher<'_, '_>, selector: &Selector, behind: u64, messages: usize) {
        let (log, names) =
            (log(100_000), names(if matches!(selector, Selector::Pattern(_)) { 10_000 } else { 1 }));
        fill(&log, &names, 100_000);
        let head = log.head();
        let since = Since::After(Cursor { seq: head.seq - behind, ..head });
        let limit = Limit { messages, ..Limit::default() };
        bencher.bench_local(|| {
            let batch = open(&log, [selector.clone()], since).read(limit);
            assert_eq!(batch.messages.len() as u64, behind.min(messages as u64));
            batch
        });
    }

    #[divan::bench(args = [0, 10, 1_000, 90_000])]
    fn ten_messages_of_a_channel_of_100_000(bencher: Bencher<'_, '_>, behind: u64) {
        poll(bencher, &name(0).into(), behind, 10);
    }

    /// Nobody else follows the pattern: the request pays for a look at every channel.
    #[divan::bench(args = [0, 10, 90_000])]
    fn ten_messages_of_a_pattern_over_10_000(bencher: Bencher<'_, '_>, behind: u64) {
        poll(bencher, &pattern(), behind, 10);
    }
}

mod reading {
    use super::*;

    fn all(mut tail: Tail) -> usize {
        let mut count = 0;
        loop {
            let batch = tail.read(Limit::default());
            count += batch.messages.len();
            if !batch.more {
                return count;
            }
        }
    }

    #[divan::bench(args = [1, 16, 128])]
    fn a_thousand_of_each_of_several_channels(bencher: Bencher<'_, '_>, channels: usize) {
        let (log, names) = (log(1_000), names(channels));
        fill(&log, &names, channels * 1_000);
        let selectors = || names.iter().cloned().map(Selector::from);
        bencher
            .counter(ItemsCount::new(channels * 1_000))
            .with_inputs(|| open(&log, selectors(), Since::Earliest))
            .bench_local_values(|tail| assert_eq!(all(tail), channels * 1_000));
    }

    /// Live: a thousand messages over 10,000 channels, read at once.
    #[divan::bench]
    fn a_pattern_over_10_000_channels(bencher: Bencher<'_, '_>) {
        let (log, names) = (log(100), names(10_000));
        let mut tail = open(&log, [pattern()], Since::Latest);
        bencher
            .counter(ItemsCount::new(MANY))
            .with_inputs(|| fill(&log, &names[..MANY], MANY))
            .bench_local_values(|()| {
                let batch = tail.read(Limit::default());
                assert_eq!(batch.messages.len(), MANY);
                batch
            });
    }

    /// Behind the window of the pattern: ten batches of a thousand, merged from 10,000 channels.
    #[divan::bench]
    fn a_pattern_over_10_000_channels_from_the_earliest(bencher: Bencher<'_, '_>) {
        let (log, names) = (log(100), names(10_000));
        fill(&log, &names, 10_000);
        let _keeps_it_followed = open(&log, [pattern()], Since::Latest);
        bencher
            .counter(ItemsCount::new(10_000usize))
            .with_inputs(|| open(&log, [pattern()], Since::Earliest))
            .bench_local_values(|tail| assert_eq!(all(tail), 10_000));
    }
}

mod fan_out {
    use super::*;

    const READERS: usize = 10_000;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Crowd {
        tails: Vec<Tail>,
        wakers: Vec<(Waker, Arc<Woken>)>,
        batch: Batch,
    }

    impl Crowd {
        fn new(log: &Log) -> Self {
            let tails: Vec<_> = (0..READERS).map(|_| open(log, [name(0).into()], Since::Latest)).collect();
            let waker = || {
                let woken = Arc::new(Woken::default());
                (Waker::from(Arc::clone(&woken)), woken)
            };
            let batch = tails[0].empty_batch();
            Self { tails, wakers: (0..READERS).map(|_| waker()).collect(), batch }
        }

        /// Everyone reads what there is; returns how many messages that were.
        fn read(&mut self) -> usize {
            let mut count = 0;
            for (tail, (waker, _)) in self.tails.iter_mut().zip(&self.wakers) {
                while tail.poll_read(waker, Limit::default(), &mut self.batch).is_ready() {
                    count += self.batch.messages.len();
                }
            }
            count
        }

        fn woken(&self) -> usize {
            self.wakers.iter().map(|(_, woken)| woken.0.load(Ordering::Relaxed)).sum()
        }
    }

    #[divan::bench]
    fn append_to_10_000(bencher: Bencher<'_, '_>) {
        let (log, message) = (log(100), message());
        let mut crowd = Crowd::new(&log);
        bencher
            .counter(ItemsCount::new(READERS))
            .with_inputs(|| crowd.read())
            .bench_local_values(|_| append(&log, &name(0), &message));
    }

    #[divan::bench]
    fn wake_10_000(bencher: Bencher<'_, '_>) {
        let (log, message) = (log(100), message());
        let mut crowd = Crowd::new(&log);
        let before = crowd.woken();
        bencher
            .counter(ItemsCount::new(READERS))
            .with_inputs(|| {
                crowd.read();
                append(&log, &name(0), &message)
            })
            .bench_local_values(Wakes::wake);
        assert!(crowd.woken() >= before + READERS);
    }

    #[divan::bench]
    fn read_by_10_000(bencher: Bencher<'_, '_>) {
        let (log, message) = (log(100), message());
        let mut crowd = Crowd::new(&log);
        crowd.read();
        bencher
            .counter(ItemsCount::new(READERS))
            .with_inputs(|| append(&log, &name(0), &message).wake())
            .bench_local_values(|()| assert_eq!(crowd.read(), READERS));
    }
}

mod encoding {
    use super::*;

    struct Plain;

    impl Encode for Plain {
        fn encode(delivery: &Delivery, out: &mut Vec<u8>) {
            delivery.cursor().write(out);
            out.extend_from_slice(delivery.message().data());
        }
    }

    fn deliveries(config: LogConfig) -> Vec<Delivery> {
        let log = Log::new(Epoch::from_bits(1), config);
        fill(&log, &[name(0)], MANY);
        open(&log, [name(0).into()], Since::Earliest).read(Limit::default()).messages
    }

    #[divan::bench]
    fn cached(bencher: Bencher<'_, '_>) {
        let deliveries = deliveries(LogConfig::default());
        bencher.counter(ItemsCount::new(MANY)).bench_local(|| {
            deliveries.iter().for_each(|delivery| drop(black_box(delivery.encoded::<Plain>())));
        });
    }

    #[divan::bench]
    fn not_cached(bencher: Bencher<'_, '_>) {
        let deliveries = deliveries(LogConfig { frame_window: 0, ..LogConfig::default() });
        bencher.counter(ItemsCount::new(MANY)).bench_local(|| {
            deliveries.iter().for_each(|delivery| drop(black_box(delivery.encoded::<Plain>())));
        });
    }
}
