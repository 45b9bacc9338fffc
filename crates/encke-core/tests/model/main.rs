//! Random sequences of steps on the log, beside a naive model that keeps every message ever. Each assertion
//! names the invariant that it checks.
//!
//! `PROPTEST_CASES` says how many sequences; without it they are 10,000.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod naive;
mod ops;
mod reader;

use std::time::Duration;

use encke_core::{
    AppendError, Cursor, Epoch, Key, Limit, Log, LogConfig, Message, Publish, Selector, Since, Timestamp,
};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    naive::{Naive, name, selector},
    ops::{From, NAMES, Op, READERS},
    reader::{Reader, Wish},
};

const STEPS: usize = 200;

#[test]
fn the_log_does_what_a_naive_one_does() {
    let cases = std::env::var("PROPTEST_CASES").map_or(10_000, |cases| cases.parse().unwrap());
    let config =
        ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 500_000, ..Default::default() };
    // Each step of shrinking fails: one report at the end says it all.
    std::panic::set_hook(Box::new(|_| {}));
    let mut runner = TestRunner::new(config);
    let run = runner.run(&(ops::config(), ops::ops(STEPS)), |(config, ops)| {
        let mut world = World::new(config);
        ops.iter().for_each(|op| world.step(op));
        world.end();
        Ok(())
    });
    drop(std::panic::take_hook());
    if let Err(failed) = run {
        panic!("{failed}");
    }
}

/// The log, its model, and some readers.
struct World {
    log: Log,
    naive: Naive,
    readers: [Option<Reader>; READERS],
    /// Places that were handed out, of all lives of the log.
    seen: Vec<Cursor>,
    now: u64,
    latest: u64,
    texts: usize,
}

impl World {
    fn new(config: LogConfig) -> Self {
        let epoch = Epoch::from_bits(1);
        let log = Log::new(epoch, config.clone());
        let (readers, seen) = (Default::default(), vec![log.head()]);
        Self { log, naive: Naive::new(epoch, config), readers, seen, now: 10_000, latest: 10_000, texts: 0 }
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Publish { channels, size } => {
                let text = self.text(*size);
                self.publish(channels, text);
            }
            Op::Keyed { channels, key, again } => self.keyed(channels, *key, *again),
            Op::Open { reader, selectors, from, floor } => {
                let (selectors, wish) = (pick(selectors), self.wish(*from, *floor));
                // The old one first: a channel that only it held is forgotten between the two.
                self.readers[*reader] = None;
                self.readers[*reader] = Some(Reader::open(&self.log, &self.naive, &selectors, wish));
            }
            Op::Follow { reader, selectors, from, floor } => {
                let wish = self.wish(*from, *floor);
                if let Some(reader) = &mut self.readers[*reader] {
                    reader.follow(&self.naive, &pick(selectors), wish);
                }
            }
            Op::Switch { reader } => {
                if let Some(old) = self.readers[*reader].take() {
                    let (selectors, since) = (old.selectors(), Since::After(old.cursor));
                    drop(old);
                    let wish = Wish { since, floor: None, now: Timestamp::from_millis(self.now) };
                    self.readers[*reader] = Some(Reader::open(&self.log, &self.naive, &selectors, wish));
                }
            }
            Op::Unfollow { reader, which } => {
                self.with(*reader, |reader, naive| reader.unfollow(naive, *which));
            }
            Op::Read { reader, limit } => {
                self.with(*reader, |reader, naive| drop(reader.read(naive, *limit)));
            }
            Op::Wait { reader, limit } => self.with(*reader, |reader, naive| reader.wait(naive, *limit)),
            Op::Stop { reader } => {
                if let Some(reader) = self.readers[*reader].take() {
                    reader.stop(&self.naive);
                }
            }
            Op::Close { reader } => self.readers[*reader] = None,
            Op::Delete(channel) => {
                let known = self.log.delete(&name(*channel));
                assert!(known || self.naive.retained(*channel).is_empty(), "L6: nothing to delete");
                self.naive.delete(*channel);
            }
            Op::Advance(millis) => {
                self.now += millis;
                self.latest = self.latest.max(self.now);
            }
            Op::Back(millis) => self.now -= millis,
            Op::Expire { channels } => self.expire(*channels),
            Op::Restart => self.restart(),
        }
    }

    fn with(&mut self, reader: usize, then: impl FnOnce(&mut Reader, &Naive)) {
        if let Some(reader) = &mut self.readers[reader] {
            then(reader, &self.naive);
            self.seen.push(reader.cursor);
        }
    }

    fn wish(&self, from: From, floor: Option<u64>) -> Wish {
        let now = Timestamp::from_millis(self.now);
        let floor = floor.map(|age| now.before(Duration::from_millis(age)));
        Wish { since: self.since(from), floor, now }
    }

    fn since(&self, from: From) -> Since {
        let head = self.log.head();
        match from {
            From::Earliest => Since::Earliest,
            From::Latest => Since::Latest,
            From::Seen(which) => Since::After(self.seen[which % self.seen.len()]),
            From::Near(by) => Since::After(Cursor { seq: head.seq.saturating_add_signed(by.into()), ..head }),
            From::Last(count) => Since::Last(count),
            From::At(ago) => Since::At(Timestamp::from_millis(self.now - ago)),
            From::Ago(ago) => Since::Ago(Duration::from_millis(ago)),
        }
    }

    /// A text that no other message has.
    fn text(&mut self, size: usize) -> String {
        self.texts += 1;
        format!("{}:{}", self.texts, "x".repeat(size))
    }

    fn publish(&mut self, channels: &[usize], text: String) {
        let channels = distinct(channels);
        let refusal = self.naive.refusal(&channels, text.len());
        let appended = self.log.append(publish(&channels, &text), Timestamp::from_millis(self.now));
        if let Some(refusal) = refusal {
            assert_eq!(appended.err(), Some(refusal), "L7: the limit that refuses");
            return;
        }
        let (appended, wakes) = appended.unwrap();
        let seq = self.naive.append(&channels, text, self.now);
        assert_eq!(appended.cursor, self.naive.cursor(seq), "L1: the next seq");
        assert_eq!(self.log.head(), appended.cursor, "L3: the head");
        let seats: usize = self.readers.iter().flatten().map(|reader| reader.seats(&self.naive, seq)).sum();
        assert_eq!(appended.followers, seats, "the followers of {seq}");
        wakes.wake();
        self.readers.iter_mut().flatten().for_each(|reader| reader.after_append(&self.naive, seq));
        self.seen.push(appended.cursor);
        channels.into_iter().for_each(|channel| self.check_channel(channel));
    }

    fn keyed(&mut self, channels: &[usize], key: usize, again: bool) {
        let known = self.naive.keyed(key);
        let kept = known.is_some_and(|known| self.latest < known.kept.start);
        let gone = known.is_none_or(|known| self.now >= known.kept.end);
        let (channels, text) = match known {
            Some(known) if again => (known.channels.clone(), known.text.clone()),
            _ => (distinct(channels), self.text(0)),
        };
        let first = self.naive.keyed(key).map(|known| known.cursor);
        let publish = publish(&channels, &text).with_key(Key::new(&format!("key {key}")).unwrap());
        match self.log.append(publish, Timestamp::from_millis(self.now)) {
            Err(AppendError::KeyConflict) => assert!(!again && !gone, "L4: a conflict with nothing"),
            Ok((appended, _)) if appended.repeated => {
                assert!(again && !gone, "L4: the answer of something else");
                assert_eq!(Some(appended.cursor), first, "L4: the first answer");
            }
            answer => {
                assert!(!kept, "L4: a key was forgotten too early");
                let refusal = self.naive.refusal(&channels, text.len());
                assert_eq!(answer.as_ref().err().copied(), refusal, "L7: the limit that refuses");
                if let Ok((appended, wakes)) = answer {
                    let seq = self.naive.append(&channels, text, self.now);
                    assert_eq!(appended.cursor, self.naive.cursor(seq), "L1: the next seq");
                    self.naive.remember(key, &channels, seq, self.now, self.latest);
                    drop(wakes);
                    self.readers
                        .iter_mut()
                        .flatten()
                        .for_each(|reader| reader.after_append(&self.naive, seq));
                }
            }
        }
    }

    fn expire(&mut self, channels: usize) {
        let now = Timestamp::from_millis(self.now);
        while self.log.expire(now, channels.max(1)) {}
        self.naive.expire(self.now);
        (0..NAMES.len()).for_each(|channel| self.check_channel(channel));
    }

    fn restart(&mut self) {
        self.readers = Default::default();
        let epoch = Epoch::from_bits(self.naive.epoch.bits() + 1);
        let config = self.naive.config.clone();
        self.log = Log::new(epoch, config.clone());
        self.naive = Naive::new(epoch, config);
    }

    /// The channel as the log describes it.
    fn check_channel(&self, channel: usize) {
        let (last, trimmed) = self.naive.last_and_trimmed(channel);
        let Some(info) = self.log.channel(&name(channel)) else {
            assert!(self.naive.retained(channel).is_empty(), "L6: {} was forgotten", NAMES[channel]);
            return;
        };
        assert_eq!(info.retained, self.naive.retained(channel).len(), "L6: what {} retains", info.name);
        assert_eq!(info.bytes, self.naive.bytes(channel), "L7: the bytes of {}", info.name);
        assert!(info.trimmed.seq == trimmed || !self.naive.exact(), "L6: the mark of {}", info.name);
        assert!(info.trimmed.seq >= trimmed, "D7: the mark of {}", info.name);
        assert!(info.last.seq == last || !self.naive.exact(), "L1: the last of {}", info.name);
    }

    /// Everyone reads all there is, and each channel holds what it should.
    fn end(mut self) {
        self.readers.iter_mut().flatten().for_each(|reader| reader.drain(&self.naive));
        (0..NAMES.len()).for_each(|channel| self.check_channel(channel));
        let bytes: usize = (0..NAMES.len()).map(|channel| self.naive.bytes(channel)).sum();
        assert_eq!(self.log.info().bytes, bytes, "L7: the bytes of all");
        for (channel, text) in NAMES.iter().enumerate() {
            let mut tail =
                self.log.open([name(channel).into()], Since::Earliest, Timestamp::default()).unwrap();
            let seqs: Vec<_> =
                tail.read(Limit::default()).messages.iter().map(encke_core::Delivery::seq).collect();
            assert_eq!(seqs, self.naive.retained(channel), "L3, L6: what {text} retains");
        }
    }
}

fn publish(channels: &[usize], text: &str) -> Publish {
    let first = Publish::new(name(channels[0]), Message::text(text));
    channels[1..].iter().fold(first, |publish, channel| publish.also_to(name(*channel)))
}

fn distinct(channels: &[usize]) -> Vec<usize> {
    let mut distinct = Vec::new();
    channels.iter().for_each(|channel| {
        if !distinct.contains(channel) {
            distinct.push(*channel);
        }
    });
    distinct
}

fn pick(selectors: &[usize]) -> Vec<Selector> {
    selectors.iter().map(|index| selector(*index)).collect()
}
