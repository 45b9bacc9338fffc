//! Random sequences of steps on the log, beside a naive model that keeps every message ever. Each assertion
//! names the invariant that it checks. The same for a log that is fed: then the model is its engine.
//!
//! `PROPTEST_CASES` says how many sequences; without it they are 10,000.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod fed;
mod naive;
mod ops;
mod reader;

use std::time::Duration;

use encke_core::{
    Admission, AppendError, Appended, Cursor, Epoch, Fed, Key, Log, LogConfig, Message, Publish, Selector,
    Since, Timestamp, Wakes,
};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    naive::{Naive, name, selector},
    ops::{From, NAMES, Op, READERS},
    reader::{Reader, Wish},
};

#[test]
fn the_log_does_what_a_naive_one_does() {
    run(Kind::Own, 200);
}

#[test]
fn a_fed_log_does_what_a_naive_one_does() {
    run(Kind::Fed, 100);
}

/// Who keeps the history.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// The log does.
    Own,
    /// An engine does, and feeds the log.
    Fed,
}

fn run(kind: Kind, steps: usize) {
    let cases = std::env::var("PROPTEST_CASES").map_or(10_000, |cases| cases.parse().unwrap());
    let config =
        ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 500_000, ..Default::default() };
    // Each step of shrinking fails: one report at the end says it all.
    std::panic::set_hook(Box::new(|_| {}));
    let mut runner = TestRunner::new(config);
    let run = runner.run(&(ops::config(), ops::ops(steps)), |(config, ops)| {
        let mut world = World::new(kind, config);
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
    kind: Kind,
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
    fn new(kind: Kind, config: LogConfig) -> Self {
        let naive = Naive::new(Epoch::from_bits(1), config);
        let log = begin(kind, &naive);
        let (readers, seen) = (Default::default(), vec![log.head()]);
        Self { kind, log, naive, readers, seen, now: 10_000, latest: 10_000, texts: 0 }
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
                    reader.follow(&self.log, &self.naive, &pick(selectors), wish);
                }
            }
            Op::Switch { reader } => self.switch(*reader),
            Op::Unfollow { reader, which } => {
                self.with(*reader, |reader, naive| reader.unfollow(naive, *which));
            }
            Op::Read { reader, limit, supply } => {
                self.with(*reader, |reader, naive| drop(reader.read(naive, *limit, *supply)));
            }
            Op::Wait { reader, limit, supply } => {
                self.with(*reader, |reader, naive| reader.wait(naive, *limit, *supply));
            }
            Op::Stop { reader } => {
                if let Some(reader) = self.readers[*reader].take() {
                    reader.stop(&self.naive);
                }
            }
            Op::Close { reader } => self.readers[*reader] = None,
            Op::Delete(channel) => self.delete(*channel),
            Op::Advance(millis) => {
                self.now += millis;
                self.latest = self.latest.max(self.now);
            }
            Op::Back(millis) => self.now -= millis,
            Op::Expire { channels } => self.expire(*channels),
            Op::Restart => self.restart(),
        }
    }

    /// Its client goes away and comes back with its cursor.
    fn switch(&mut self, reader: usize) {
        let Some(old) = self.readers[reader].take() else { return };
        let (selectors, since) = (old.selectors(), Since::After(old.cursor));
        drop(old);
        let wish = Wish { since, floor: None, now: Timestamp::from_millis(self.now) };
        self.readers[reader] = Some(Reader::open(&self.log, &self.naive, &selectors, wish));
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
        let appended = self.append(publish(&channels, &text), &channels, text);
        if let Some(refusal) = refusal {
            assert_eq!(appended.err(), Some(refusal), "L7: the limit that refuses");
            return;
        }
        let (appended, wakes) = appended.unwrap();
        let seq = self.naive.head();
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
        let publish = publish(&channels, &text).with_key(own_key(key));
        let refusal = self.naive.refusal(&channels, text.len());
        match self.append(publish, &channels, text) {
            Err(AppendError::KeyConflict) => assert!(!again && !gone, "L4: a conflict with nothing"),
            Ok((appended, _)) if appended.repeated => {
                assert!(again && !gone, "L4: the answer of something else");
                assert_eq!(Some(appended.cursor), first, "L4: the first answer");
            }
            answer => {
                assert!(!kept, "L4: a key was forgotten too early");
                assert_eq!(answer.as_ref().err().copied(), refusal, "L7: the limit that refuses");
                if let Ok((appended, wakes)) = answer {
                    let seq = self.naive.head();
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

    /// Appends to the log and to the model.
    fn append(
        &mut self,
        publish: Publish,
        channels: &[usize],
        text: String,
    ) -> Result<(Appended, Wakes), AppendError> {
        let now = Timestamp::from_millis(self.now);
        if self.kind == Kind::Own {
            let (appended, wakes) = self.log.append(publish, now)?;
            if !appended.repeated {
                self.naive.append(channels, text, self.now);
            }
            return Ok((appended, wakes));
        }
        if let Admission::Repeated(cursor) = self.log.admit(&publish, now)? {
            return Ok((Appended { cursor, followers: 0, repeated: true }, Wakes::default()));
        }
        let seq = self.naive.append(channels, text, self.now);
        let kept: Vec<_> = channels.iter().map(|channel| self.naive.kept(*channel)).collect();
        let Fed { followers, wakes } = self.log.feed(self.naive.record(seq), &kept);
        let again = self.log.feed(self.naive.record(seq), &kept);
        assert!(again.followers == 0 && again.wakes.is_empty(), "L1: {seq} is known");
        let fingerprint = publish.fingerprint();
        if let (.., Some(key)) = publish.into_parts() {
            self.log.remember(key, fingerprint, seq);
        }
        Ok((Appended { cursor: self.naive.cursor(seq), followers, repeated: false }, wakes))
    }

    fn delete(&mut self, channel: usize) {
        let retained = self.naive.retained(channel).len();
        self.naive.delete(channel);
        let known = match self.kind {
            Kind::Own => self.log.delete(&name(channel)),
            Kind::Fed => self.log.settle(&name(channel), self.naive.kept(channel)),
        };
        assert!(known || retained == 0, "L6: nothing to delete");
    }

    fn expire(&mut self, channels: usize) {
        let now = Timestamp::from_millis(self.now);
        self.naive.expire(self.now);
        match self.kind {
            Kind::Own => while self.log.expire(now, channels.max(1)) {},
            Kind::Fed => (0..NAMES.len()).for_each(|channel| {
                self.log.settle(&name(channel), self.naive.kept(channel));
            }),
        }
        (0..NAMES.len()).for_each(|channel| self.check_channel(channel));
    }

    /// What the log kept is gone with it; what an engine keeps is there again.
    fn restart(&mut self) {
        if self.kind == Kind::Own {
            self.readers = Default::default();
            let epoch = Epoch::from_bits(self.naive.epoch.bits() + 1);
            self.naive = Naive::new(epoch, self.naive.config.clone());
        }
        self.log = begin(self.kind, &self.naive);
        if self.kind == Kind::Fed {
            for (key, first) in self.naive.keys_again(self.latest) {
                let fingerprint = publish(&first.channels, &first.text).fingerprint();
                self.log.remember(own_key(key), fingerprint, first.cursor.seq);
            }
        }
        (0..READERS).for_each(|reader| self.switch(reader));
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
        self.readers.iter_mut().flatten().for_each(|reader| drop(reader.drain(&self.naive)));
        (0..NAMES.len()).for_each(|channel| self.check_channel(channel));
        let bytes: usize = (0..NAMES.len()).map(|channel| self.naive.bytes(channel)).sum();
        assert_eq!(self.log.info().bytes, bytes, "L7: the bytes of all");
        for (channel, text) in NAMES.iter().enumerate() {
            let wish = Wish { since: Since::Earliest, floor: None, now: Timestamp::default() };
            let mut reader = Reader::open(&self.log, &self.naive, &[name(channel).into()], wish);
            let seqs = reader.drain(&self.naive);
            assert_eq!(seqs, self.naive.retained(channel), "L3, L6: what {text} retains");
        }
    }
}

fn begin(kind: Kind, naive: &Naive) -> Log {
    match kind {
        Kind::Own => Log::new(naive.epoch, naive.config.clone()),
        Kind::Fed => naive.resumed(),
    }
}

fn publish(channels: &[usize], text: &str) -> Publish {
    let first = Publish::new(name(channels[0]), Message::text(text));
    channels[1..].iter().fold(first, |publish, channel| publish.also_to(name(*channel)))
}

fn own_key(key: usize) -> Key {
    Key::new(&format!("key {key}")).unwrap()
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
