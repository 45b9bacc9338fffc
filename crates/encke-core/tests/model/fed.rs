//! The naive model as an engine: what a log that is fed has from it.

use encke_core::{Kept, Log, Mark, Message, Older, Page, Place, Record, Seek, Sought, Timestamp};

use crate::{
    naive::{Naive, name},
    ops::NAMES,
};

impl Naive {
    /// A log that knows of all that is kept, as after a restart.
    pub(crate) fn resumed(&self) -> Log {
        let log = Log::resume(self.epoch, self.mark(self.head()), self.config.clone());
        for channel in 0..NAMES.len() {
            let (last, _) = self.last_and_trimmed(channel);
            if last > 0 && (self.exact() || !self.retained(channel).is_empty()) {
                log.know(&name(channel), self.mark(last), self.kept(channel));
            }
        }
        if !self.exact() {
            let gone = (0..NAMES.len()).map(|channel| self.last_and_trimmed(channel).1).max();
            log.bury_rest(self.mark(gone.unwrap_or(0)));
        }
        log
    }

    fn mark(&self, seq: u64) -> Mark {
        let time = if seq == 0 { 0 } else { self.message(seq).time };
        Mark { seq, time: Timestamp::from_millis(time) }
    }

    pub(crate) fn kept(&self, channel: usize) -> Kept {
        let gone = self.mark(self.last_and_trimmed(channel).1);
        Kept { count: self.retained(channel).len(), bytes: self.bytes(channel), gone }
    }

    pub(crate) fn record(&self, seq: u64) -> Record {
        let placed = self.message(seq);
        let place = |(channel, prev): &(usize, u64)| Place { channel: name(*channel), prev: *prev };
        Record {
            seq,
            time: Timestamp::from_millis(placed.time),
            message: Message::text(&*placed.text),
            places: placed.places.iter().map(place).collect(),
        }
    }

    /// What there is of what a reader needs, no more than `most` messages of it.
    pub(crate) fn page(&self, older: &Older, most: usize) -> Page {
        let Older { after, upto, selectors, limit } = older;
        assert!(after.epoch == self.epoch && after.seq < *upto && *upto <= self.head(), "a sane {older:?}");
        assert!(!selectors.is_empty(), "somebody needs {older:?}");
        let range = |seq: &u64| after.seq < *seq && seq <= upto;
        let mut seqs: Vec<_> = self.readable(selectors).into_iter().filter(range).collect();
        let mut bytes = 0;
        let mut fits = |seq: &u64| {
            bytes += self.record(*seq).size();
            bytes <= limit.bytes
        };
        let keep = seqs.iter().take(limit.messages.min(most)).take_while(|seq| fits(seq)).count().max(1);
        let cut = keep < seqs.len();
        seqs.truncate(keep);
        let upto = if cut { seqs.last().copied().unwrap_or(*upto) } else { *upto };
        Page { records: seqs.into_iter().map(|seq| self.record(seq)).collect(), upto }
    }

    pub(crate) fn sought(&self, seek: &Seek) -> Sought {
        let readable = self.readable(&seek.selectors);
        let newest = readable.iter().rev().take(seek.newest).copied().collect();
        let is_at = |seq: &u64, time: Timestamp| self.mark(*seq).time >= time;
        let first_at = seek.first_at.and_then(|time| readable.iter().copied().find(|seq| is_at(seq, time)));
        let last_before = seek.last_before.iter().flat_map(|floor| {
            seek.selectors.iter().filter_map(|selector| {
                let withheld = self.withheld(std::slice::from_ref(selector), Some(*floor));
                (withheld > 0).then(|| (selector.clone(), self.mark(withheld)))
            })
        });
        Sought { newest, first_at, last_before: last_before.collect() }
    }
}
