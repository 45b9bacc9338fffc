//! Places that readers ask for by count or by time.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use encke_core::{Mark, Seek, Selector, Sought, Timestamp};

use crate::{
    index::{Index, Seen},
    row::{self, Glance},
    store::{Snapshot, Store, StoreError},
};

pub(crate) fn seek(store: &Store, index: &Index, seek: &Seek) -> Result<Sought, StoreError> {
    let mut sought = Sought::default();
    if seek.newest > 0 {
        let seens = index.matching(&seek.selectors);
        sought.newest = newest(&store.snapshot()?, seens, seek.newest)?;
    }
    if let Some(time) = seek.first_at {
        let mut search = Search::new(time);
        let seens = index.matching(&seek.selectors);
        let snapshot = store.snapshot()?;
        for seen in seens {
            search.first_at(&snapshot, &seen)?;
        }
        sought.first_at = search.found;
    }
    if let Some(time) = seek.last_before {
        let mut search = Search::new(time);
        for selector in &seek.selectors {
            let seens = index.matching(std::slice::from_ref(selector));
            let snapshot = store.snapshot()?;
            let mut last: Option<(Selector, Mark)> = None;
            for seen in seens {
                let mark = search.last_before(&snapshot, &seen)?;
                if let Some(mark) =
                    mark.filter(|mark| last.as_ref().is_none_or(|(_, last)| mark.seq > last.seq))
                {
                    last = Some((selector.clone(), mark));
                }
            }
            sought.last_before.extend(last);
        }
    }
    Ok(sought)
}

/// The seqs of the newest `count` messages of all `seens`, each once.
fn newest(snapshot: &Snapshot, mut seens: Vec<Arc<Seen>>, count: usize) -> Result<Vec<u64>, StoreError> {
    // From the channel that was published to last: soon the others have nothing that would count.
    seens.sort_unstable_by_key(|seen| Reverse(seen.last()));
    let mut found: BinaryHeap<Reverse<u64>> = BinaryHeap::new();
    for seen in seens {
        let lowest = |found: &BinaryHeap<Reverse<u64>>| match found.peek() {
            Some(Reverse(lowest)) if found.len() >= count => *lowest,
            _ => 0,
        };
        let (last, gone) = (seen.last(), seen.gone());
        if last <= lowest(&found) {
            break;
        }
        if last <= gone {
            continue;
        }
        let mut rows = snapshot.rows(seen.number, gone + 1..=last)?;
        let mut expected = last;
        while expected > gone.max(lowest(&found)) {
            let glance = rows.next_back(|number, seq, bytes| row::glance(number, &seen.name, seq, bytes))?;
            match glance {
                Some(glance) if glance.seq == expected => expected = glance.prev,
                // What was let go of since is no hole.
                _ if seen.gone() >= expected => break,
                _ => return Err(missing(&seen, expected)),
            }
            let Some(Glance { seq, .. }) = glance else { break };
            if found.iter().any(|Reverse(known)| *known == seq) {
                continue;
            }
            found.push(Reverse(seq));
            if found.len() > count {
                found.pop();
            }
        }
    }
    Ok(found.into_iter().map(|Reverse(seq)| seq).collect())
}

fn missing(seen: &Seen, seq: u64) -> StoreError {
    StoreError::damaged(format_args!("message {seq} of channel {:?} is missing", seen.name))
}

/// A search for a moment in many channels. Times rise with seqs over the whole log, so what one channel tells holds for
/// all.
struct Search {
    time: Timestamp,
    /// What has this seq or a lower one is before the moment.
    before: u64,
    /// What has this seq or a higher one is not.
    not_before: u64,
    /// The first that is not, of all channels that were asked.
    found: Option<u64>,
}

impl Search {
    fn new(time: Timestamp) -> Self {
        Self { time, before: 0, not_before: u64::MAX, found: None }
    }

    fn learn(&mut self, glance: Glance) {
        if glance.time < self.time {
            self.before = self.before.max(glance.seq);
        } else {
            self.not_before = self.not_before.min(glance.seq);
        }
    }

    /// The first message of a channel that is not before the moment.
    fn first_at(&mut self, snapshot: &Snapshot, seen: &Seen) -> Result<(), StoreError> {
        let (last, gone) = (seen.last(), seen.gone());
        if self.found.is_some_and(|found| found <= gone + 1) {
            return Ok(());
        }
        if let Some(first) = self.boundary(snapshot, seen, gone, last)? {
            self.found = Some(self.found.map_or(first.seq, |found| found.min(first.seq)));
        }
        Ok(())
    }

    /// The last message of a channel that is before the moment.
    fn last_before(&mut self, snapshot: &Snapshot, seen: &Seen) -> Result<Option<Mark>, StoreError> {
        let (last, gone) = (seen.last(), seen.gone());
        let first = self.boundary(snapshot, seen, gone, last)?;
        let seq = first.map_or(last, |first| first.prev);
        if seq <= gone {
            return Ok(None);
        }
        let glance = at(snapshot, seen, seq..=seq)?;
        match glance {
            Some(glance) => Ok(Some(Mark { seq, time: glance.time })),
            None if seen.gone() >= seq => Ok(None),
            None => Err(missing(seen, seq)),
        }
    }

    /// The first message of a channel in `(gone, last]` that is not before the moment.
    fn boundary(
        &mut self,
        snapshot: &Snapshot,
        seen: &Seen,
        gone: u64,
        last: u64,
    ) -> Result<Option<Glance>, StoreError> {
        // All up to `low` is before the moment; nothing in `[high, found)` is in this channel, and `found` is not before.
        let (mut low, mut high) = (gone.max(self.before.min(last)), last.saturating_add(1));
        let mut found = None;
        if self.not_before <= last {
            high = self.not_before.max(low + 1);
            found = at(snapshot, seen, high..=last)?;
            found.into_iter().for_each(|glance| self.learn(glance));
        }
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            match at(snapshot, seen, middle..=high - 1)? {
                Some(glance) => {
                    self.learn(glance);
                    if glance.time < self.time {
                        low = glance.seq;
                    } else {
                        (found, high) = (Some(glance), middle);
                    }
                }
                None => high = middle,
            }
        }
        match found {
            // The one before it is before the moment, or rows are missing.
            Some(first) if first.prev > low.max(seen.gone()) => Err(missing(seen, first.prev)),
            None if low < last && seen.gone() < last && at(snapshot, seen, last..=last)?.is_none() => {
                Err(missing(seen, last))
            }
            found => Ok(found),
        }
    }
}

/// The first message of a channel that has one of these seqs.
fn at(
    snapshot: &Snapshot,
    seen: &Seen,
    seqs: std::ops::RangeInclusive<u64>,
) -> Result<Option<Glance>, StoreError> {
    let read = |number, seq, bytes: &[u8]| row::glance(number, &seen.name, seq, bytes);
    snapshot.rows(seen.number, seqs)?.next(read)
}
