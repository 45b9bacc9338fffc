//! The messages that are stored: random by a seed, and the same for every candidate.

use std::collections::VecDeque;

use crate::store::{Batch, Channel};

/// About 200 bytes of data and 60 of what is known about them.
const LENGTHS: std::ops::Range<u64> = 220..301;

/// splitmix64: small, seeded, and good enough to choose channels and places.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}

fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// A message's bytes follow from its place, so that a reader can tell every wrong one.
pub fn contents(channel: u64, seq: u64) -> Vec<u8> {
    let mut rng = Rng(mix(channel) ^ seq);
    let len = LENGTHS.start + rng.below(LENGTHS.end - LENGTHS.start);
    let mut out = Vec::with_capacity(len as usize + 8);
    while (out.len() as u64) < len {
        out.extend_from_slice(&rng.next().to_le_bytes());
    }
    out.truncate(len as usize);
    out
}

/// A checksum for the yardstick: as fast as a table-driven CRC or faster, and no dependency.
pub fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = 0x5145_2ed1_u64 ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        sum = mix(sum ^ u64::from_le_bytes(word)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    }
    sum
}

/// The writer's memory: what every channel holds.
pub struct Feed {
    rng: Rng,
    channels: Vec<Channel>,
    held: Vec<VecDeque<u64>>,
    keep: Option<usize>,
    lump: usize,
    last: u64,
}

impl Feed {
    /// With `keep`, only the newest so many messages of each channel stay.
    pub fn new(channels: u64, keep: Option<usize>, seed: u64) -> Self {
        let channels = vec![Channel::default(); channels as usize];
        let held = vec![VecDeque::new(); if keep.is_some() { channels.len() } else { 0 }];
        Self { rng: Rng(seed), channels, held, keep, lump: 1, last: 0 }
    }

    /// Carries on with a log that a feed without `keep` wrote: its numbers must not come twice.
    pub fn after(last: u64, channels: u64, seed: u64) -> Self {
        Self { last, ..Self::new(channels, None, seed) }
    }

    /// Lets so many messages beyond `keep` come together before they are removed at once.
    pub fn in_lumps_of(self, lump: usize) -> Self {
        Self { lump, ..self }
    }

    pub fn last(&self) -> u64 {
        self.last
    }

    pub fn live(&self) -> u64 {
        self.channels.iter().map(|channel| channel.bytes).sum()
    }

    pub fn batch(&mut self, messages: usize) -> Batch {
        let mut batch = Batch::default();
        for _ in 0..messages {
            let channel = self.rng.below(self.channels.len() as u64);
            self.last += 1;
            let data = contents(channel, self.last);
            let row = &mut self.channels[channel as usize];
            row.count += 1;
            row.bytes += data.len() as u64;
            row.last = self.last;
            if let Some(keep) = self.keep {
                let held = &mut self.held[channel as usize];
                held.push_back(self.last);
                let keep = if held.len() >= keep + self.lump { keep } else { usize::MAX };
                while held.len() > keep {
                    let Some(seq) = held.pop_front() else { break };
                    row.count -= 1;
                    row.bytes -= contents(channel, seq).len() as u64;
                    batch.removed.push((channel, seq));
                }
            }
            batch.rows.push((channel, self.last, data));
        }
        batch.rows.sort_unstable_by_key(|(channel, seq, _)| (*channel, *seq));
        batch.removed.sort_unstable();
        let mut touched: Vec<u64> = batch.rows.iter().map(|(channel, ..)| *channel).collect();
        touched.dedup();
        batch.channels = touched.into_iter().map(|c| (c, self.channels[c as usize])).collect();
        batch.last = self.last;
        batch
    }
}
