//! What is said to an engine and what it answers: random publishes, trims and deletions.

use std::time::Duration;

use encke_core::{
    ChannelName, Cursor, Epoch, Keep, Key, LogConfig, Message, Publish, Resident, Retention, Timestamp,
};
use encke_hub::{Engine, EngineError};
use fastrand::Rng;
use futures_util::future::join_all;

use crate::disk::Disk;

/// A message that was acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) seq: u64,
    pub(crate) time: Timestamp,
    pub(crate) publish: Publish,
    /// How many changes the disk had made by the time of the answer.
    pub(crate) acked: usize,
}

/// A part of a channel that was removed by order.
#[derive(Debug, Clone)]
pub(crate) struct Removed {
    pub(crate) channel: ChannelName,
    /// With all before it.
    pub(crate) upto: u64,
    /// How many changes the disk had made when it was ordered, and when it was answered.
    pub(crate) asked: usize,
    pub(crate) acked: usize,
}

/// All that was said in the lives of a log.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) epoch: Epoch,
    /// By seq.
    pub(crate) said: Vec<Said>,
    pub(crate) removed: Vec<Removed>,
    /// What a crash has taken that was not acknowledged.
    pub(crate) lost: Vec<Said>,
    /// What was not answered, and may be there or not (L4).
    pub(crate) unsure: Vec<Publish>,
    /// Whether anything was not answered as it should.
    pub(crate) was_refused: bool,
    time: u64,
    count: u64,
}

/// The channels of a story. The second keeps little, the third few bytes.
pub(crate) fn channels() -> Vec<ChannelName> {
    ["a", "few.b", "small.c", "d", "e"].map(|name| ChannelName::new(name).unwrap()).to_vec()
}

/// Limits that a story reaches.
pub(crate) fn limits() -> LogConfig {
    let keeps = |count, bytes| Retention { count, bytes, age: Duration::from_secs(1 << 30) };
    let of = |pattern, retention| (encke_core::Pattern::new(pattern).unwrap(), retention);
    LogConfig {
        retention: keeps(40, 1 << 20),
        retention_of: vec![of("few.*", keeps(4, 1 << 20)), of("small.*", keeps(40, 6_000))],
        resident: Resident { count: 3, bytes: 1 << 20, total: 1 << 20 },
        ..LogConfig::default()
    }
}

impl Story {
    pub(crate) fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            said: Vec::new(),
            removed: Vec::new(),
            lost: Vec::new(),
            unsure: Vec::new(),
            was_refused: false,
            time: 1_700_000_000_000,
            count: 0,
        }
    }

    /// The last seq that was given.
    pub(crate) fn head(&self) -> u64 {
        self.said.last().map_or(0, |said| said.seq)
    }

    /// A message like no other, to some channels, perhaps with a key.
    pub(crate) fn invent(&mut self, rng: &mut Rng) -> Publish {
        self.count += 1;
        let most = if rng.u8(..8) == 0 { 2_500 } else { 60 };
        let filler = "x".repeat(rng.usize(..most));
        let text = format!("{}:{filler}", self.count);
        let message = match rng.u8(..3) {
            0 => Message::text(text),
            1 => Message::json(format!("{{\"n\":\"{text}\"}}")),
            _ => Message::binary(text.into_bytes()),
        };
        let message = if rng.u8(..4) == 0 { message.with_name("named").unwrap() } else { message };
        let mut names = channels();
        rng.shuffle(&mut names);
        let first = Publish::new(names[0].clone(), message);
        let publish =
            names[1..][..rng.usize(..3)].iter().fold(first, |publish, name| publish.also_to(name.clone()));
        if rng.u8(..3) == 0 {
            publish.with_key(Key::new(&format!("key {}", self.count)).unwrap())
        } else {
            publish
        }
    }

    /// The time of the next publish, which runs backwards now and then.
    pub(crate) fn now(&mut self, rng: &mut Rng) -> Timestamp {
        self.time += rng.u64(..2_000);
        Timestamp::from_millis(self.time - rng.u64(..1_000))
    }

    /// Some publishes at once, or a removal. Every error is returned.
    pub(crate) async fn step(
        &mut self,
        engine: &impl Engine,
        disk: &Disk,
        rng: &mut Rng,
    ) -> Vec<EngineError> {
        match rng.u8(..20) {
            0..2 if !self.said.is_empty() => self.remove(engine, disk, rng).await.err().into_iter().collect(),
            _ => self.publish(engine, disk, rng).await,
        }
    }

    async fn publish(&mut self, engine: &impl Engine, disk: &Disk, rng: &mut Rng) -> Vec<EngineError> {
        let now = self.now(rng);
        let publishes: Vec<_> = (0..rng.usize(1..8)).map(|_| self.invent(rng)).collect();
        let answer = |publish: &Publish| {
            let answer = engine.publish(publish.clone(), now);
            async { (answer.await, disk.changes()) }
        };
        // Together, so that they share commits.
        let answers = join_all(publishes.iter().map(answer)).await;
        let mut errors = Vec::new();
        for (publish, (answer, acked)) in publishes.into_iter().zip(answers) {
            match answer {
                Ok((appended, wakes)) => {
                    wakes.wake();
                    assert!(!appended.repeated, "{publish:?} is new");
                    self.add(publish, appended.cursor, now, acked);
                }
                Err(error) => {
                    // Whether it is stored is not known (L4), unless the error says so.
                    self.unsure.extend((error == EngineError::Unavailable).then_some(publish));
                    self.was_refused = true;
                    errors.push(error);
                }
            }
        }
        self.said.sort_by_key(|said| said.seq);
        errors
    }

    /// Adds what was acknowledged.
    pub(crate) fn add(&mut self, publish: Publish, cursor: Cursor, now: Timestamp, acked: usize) {
        assert_eq!(cursor.epoch, self.epoch, "L2: the life goes on");
        assert!(self.said.iter().all(|said| said.seq != cursor.seq), "L2: {cursor} names two messages");
        let time = self.said.iter().map(|said| said.time).fold(now, Timestamp::max);
        self.said.push(Said { seq: cursor.seq, time, publish, acked });
    }

    async fn remove(&mut self, engine: &impl Engine, disk: &Disk, rng: &mut Rng) -> Result<(), EngineError> {
        let names = channels();
        let channel = names[rng.usize(..names.len())].clone();
        let own: Vec<u64> = self.of(&channel, u64::MAX).map(|said| said.seq).collect();
        let asked = disk.changes();
        // While it is not known what is stored, nobody can say what counting removes.
        let counts = self.unsure.is_empty();
        let (answer, upto) = if counts && rng.bool() {
            (engine.delete(&channel).await.map(drop), own.last().copied())
        } else if counts && rng.bool() {
            let keep = rng.usize(..6);
            let answer = engine.trim(&channel, Keep::Newest(keep)).await.map(drop);
            (answer, own.len().checked_sub(keep + 1).map(|at| own[at]))
        } else {
            let after = Cursor { epoch: self.epoch, seq: rng.u64(..=self.head()) };
            let answer = engine.trim(&channel, Keep::After(after)).await.map(drop);
            (answer, Some(after.seq))
        };
        // One that failed may have been done or not.
        let acked = if answer.is_ok() { disk.changes() } else { usize::MAX };
        self.removed.extend(upto.map(|upto| Removed { channel, upto, asked, acked }));
        answer
    }

    /// Goes on after a crash from `head`: what is there by now stays there, and what is not is forgotten.
    pub(crate) fn survive(&mut self, head: u64, changes: usize) {
        self.lost = self.said.split_off(self.said.partition_point(|said| said.seq <= head));
        self.said.iter_mut().for_each(|said| said.acked = 0);
        self.removed.retain(|removed| removed.asked <= changes);
        let open = self.removed.iter_mut().filter(|removed| removed.acked > changes);
        open.for_each(|removed| removed.acked = usize::MAX);
    }

    /// All that was said to a channel, up to a seq.
    pub(crate) fn of<'a>(&'a self, channel: &ChannelName, upto: u64) -> impl Iterator<Item = &'a Said> {
        let channel = channel.clone();
        let known = self.said.iter().take_while(move |said| said.seq <= upto);
        known.filter(move |said| said.publish.channels().contains(&channel))
    }
}
