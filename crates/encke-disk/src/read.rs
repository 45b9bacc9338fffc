//! Pages of older messages.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use encke_core::{LogConfig, Older, Page, Record};

use crate::{
    chain::Chain,
    index::Seen,
    store::{Snapshot, Store, StoreError},
};

/// A channel that may have something: from where on, and how far it reached before the snapshot was taken.
struct Source {
    seen: Arc<Seen>,
    after: u64,
    reaches: u64,
}

impl Source {
    fn chain(&self, snapshot: &Snapshot) -> Result<Chain, StoreError> {
        Chain::new(snapshot, Arc::clone(&self.seen), self.after, self.reaches)
    }
}

/// Reads the page that `asked` asks for, of the channels in `seens`.
pub(crate) fn older(store: &Store, seens: Vec<Arc<Seen>>, asked: &Older) -> Result<Page, StoreError> {
    let mut sources = Vec::new();
    for seen in seens {
        let (after, reaches) = (asked.after.seq.max(seen.gone()), seen.last());
        if after < reaches {
            sources.push(Source { seen, after, reaches });
        }
    }
    let snapshot = store.snapshot()?;
    let most = asked.limit.messages.max(1);
    let upto = narrow(&snapshot, &mut sources, most, asked.upto)?;

    let mut merge = Merge::new(&snapshot, &sources, upto)?;
    let mut page = Page { records: Vec::new(), upto };
    let mut bytes = 0;
    while let Some(record) = merge.next()? {
        page.upto = record.seq;
        bytes += record.size();
        page.records.push(record);
        if page.records.len() >= most || bytes >= asked.limit.bytes {
            return Ok(page);
        }
    }
    page.upto = upto;
    Ok(page)
}

/// Leaves of many sources those that come first, and says up to where they are enough.
fn narrow(snapshot: &Snapshot, sources: &mut Vec<Source>, most: usize, upto: u64) -> Result<u64, StoreError> {
    // One message may be the first of several channels, so with a few more there is at least one message.
    let enough = most.saturating_add(LogConfig::MAX_PLACES);
    if sources.len() <= enough {
        return Ok(upto);
    }
    let mut firsts = Vec::new();
    for source in sources.drain(..) {
        if let Some(first) = source.chain(snapshot)?.next_glance()?
            && first.seq <= upto
        {
            firsts.push((first.seq, source));
        }
    }
    let mut reached = upto;
    if firsts.len() > enough {
        firsts.select_nth_unstable_by_key(enough, |(seq, _)| *seq);
        reached = firsts[enough].0 - 1;
        firsts.truncate(enough);
    }
    sources.extend(firsts.into_iter().map(|(_, source)| source));
    Ok(reached)
}

/// Messages of several channels in the order of the log, each once.
struct Merge {
    chains: Vec<(Chain, Option<Record>)>,
    /// The next message of each.
    next: BinaryHeap<Reverse<(u64, usize)>>,
    upto: u64,
    last: u64,
}

impl Merge {
    fn new(snapshot: &Snapshot, sources: &[Source], upto: u64) -> Result<Self, StoreError> {
        let mut merge = Self { chains: Vec::new(), next: BinaryHeap::new(), upto, last: 0 };
        for source in sources {
            merge.chains.push((source.chain(snapshot)?, None));
            merge.advance(merge.chains.len() - 1)?;
        }
        Ok(merge)
    }

    fn advance(&mut self, at: usize) -> Result<(), StoreError> {
        let (chain, next) = &mut self.chains[at];
        *next = chain.next_record()?.filter(|record| record.seq <= self.upto);
        if let Some(record) = next {
            self.next.push(Reverse((record.seq, at)));
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Record>, StoreError> {
        while let Some(Reverse((seq, at))) = self.next.pop() {
            let record = self.chains[at].1.take();
            self.advance(at)?;
            if seq > self.last {
                self.last = seq;
                return Ok(record);
            }
        }
        Ok(None)
    }
}
