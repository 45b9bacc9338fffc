//! What each batch must be.

use encke_core::{Batch, Delivery, Gap, GapReason, Limit};

use super::{Reader, Slot, range};
use crate::{naive::Naive, ops::NAMES};

impl Reader {
    pub(super) fn check(&mut self, naive: &Naive, limit: Limit, batch: &Batch, asks: bool) {
        self.batches += 1;
        if asks {
            self.slots.iter_mut().for_each(|slot| slot.held.push(naive.trimmed(&slot.selector)));
        } else {
            self.check_gaps(naive, &batch.gaps);
        }
        let mut before = self.cursor.seq;
        for delivery in &batch.messages {
            let seq = delivery.seq();
            assert!(seq > before, "D2, D3: {seq} comes after {before}");
            before = seq;
            self.check_identity(naive, delivery);
            self.check_channels(naive, delivery);
            self.check_once(naive, seq);
        }
        assert!(batch.cursor.epoch == naive.epoch && batch.cursor.seq >= before, "D4: {:?}", batch.cursor);
        assert_eq!(batch.cursor, self.tail.cursor(), "D4: one place");
        assert_eq!(batch.more, batch.cursor.seq < naive.head(), "D5: more says whether there may be more");
        self.cursor = batch.cursor;
        self.reached = self.reached.max(batch.cursor.seq);
        self.check_complete(naive);

        let bytes: usize = batch.messages.iter().map(Delivery::size).sum();
        assert!(batch.messages.len() <= limit.messages.max(1), "the limit of messages");
        assert!(batch.messages.len() <= 1 || bytes <= limit.bytes, "the limit of bytes");
    }

    fn check_gaps(&mut self, naive: &Naive, gaps: &[Gap]) {
        for gap in gaps {
            let slot = self.slots.iter_mut().find(|slot| slot.selector == gap.channel);
            let slot = slot.unwrap_or_else(|| panic!("D1: a gap of what is not followed: {gap:?}"));
            let trimmed = naive.trimmed(&gap.channel);
            if let Some(at) = self.due.iter().position(|due| due == gap) {
                self.due.remove(at);
            } else if naive.exact() {
                assert_eq!(gap.reason, GapReason::Slow, "D1: {gap:?} is not due");
                let ends = gap.to.seq == trimmed || slot.held.contains(&gap.to.seq);
                assert!(ends, "D1: a gap ends where the messages begin: {gap:?}, {trimmed}");
                assert!(slot.gaps.iter().all(|known| known.1 < gap.to.seq), "D1: {gap:?} was told before");
                assert!(slot.misses(naive, gap), "D1: nothing is missing in {gap:?}");
            } else {
                assert!(gap.to.seq <= naive.head(), "D1: {gap:?} ends in the future");
            }
            slot.gaps.push(range(gap));
        }
        let exact = naive.exact();
        let told = |due: &Gap| gaps.iter().any(|gap| gap.channel == due.channel && gap.to.seq >= due.to.seq);
        self.due.retain(|due| exact || !told(due));
        assert!(self.due.is_empty(), "D7: not told: {:?}", self.due);
    }

    fn check_identity(&self, naive: &Naive, delivery: &Delivery) {
        let (seq, message) = (delivery.seq(), naive.message(delivery.seq()));
        assert_eq!(delivery.cursor(), naive.cursor(seq), "L1: the place of {seq}");
        assert_eq!(delivery.message().as_text(), Some(&*message.text), "L1: the data of {seq}");
        assert_eq!(delivery.time().as_millis(), message.time, "L1: the time of {seq}");
    }

    /// It comes by exactly those of its channels that hold it and that something here follows and has not passed; and
    /// in each of them nothing was passed by without a word.
    fn check_channels(&mut self, naive: &Naive, delivery: &Delivery) {
        let (seq, slots) = (delivery.seq(), &self.slots);
        let owed = |channel| slots.iter().any(|slot| slot.checked < seq && slot.selects(naive, channel));
        let holds = |channel| naive.retained(channel).binary_search(&seq).is_ok();
        let places = naive.message(seq).places.iter();
        let expected: Vec<_> = places.filter(|place| holds(place.0) && owed(place.0)).collect();
        let told: Vec<_> =
            [(delivery.channel(), delivery.prev())].into_iter().chain(delivery.also()).collect();
        let names = |(channel, _): &&(usize, u64)| &naive.channels[*channel].name;
        assert!(
            told.iter().map(|(name, _)| *name).eq(expected.iter().map(names)),
            "D1, D2: {seq} comes by {told:?}, not by {expected:?}"
        );
        for ((_, prev), (channel, known)) in told.into_iter().zip(expected) {
            let forgotten = !naive.exact() && prev == 0;
            assert!(prev == *known || forgotten, "L1: prev of {seq} is {prev} for {known}");
            let head = self.heads.insert(*channel, seq).unwrap_or(prev);
            let told = |slot: &Slot| prev <= slot.start || slot.gaps.iter().any(|(_, to)| prev <= *to);
            let excused = self.slots.iter().any(|slot| slot.selects(naive, *channel) && told(slot));
            let came = prev <= head || self.got.contains_key(&prev) || excused;
            assert!(came, "D1: {prev} of {} was passed by", NAMES[*channel]);
        }
    }

    /// A message comes once. It may come again for a selector that was added with an older place, if the log
    /// cannot tell whether another selector got it then: that one's channel does not hold it any longer.
    fn check_once(&mut self, naive: &Naive, seq: u64) {
        let Some(batch) = self.got.insert(seq, self.batches) else { return };
        let again = self.slots.iter().any(|late| {
            late.wants(naive, seq)
                && seq <= late.joined.0
                && batch <= late.joined.1
                && self
                    .slots
                    .iter()
                    .filter(|other| other.joined.1 < late.joined.1)
                    .all(|other| !other.wants(naive, seq) || naive.is_gone(seq, &other.selector))
        });
        assert!(again, "D3: {seq} comes twice");
    }

    fn check_complete(&mut self, naive: &Naive) {
        for slot in &mut self.slots {
            for seq in slot.checked + 1..=self.cursor.seq {
                if !naive.is_in(seq, &slot.selector) || self.got.contains_key(&seq) {
                    continue;
                }
                assert!(naive.is_gone(seq, &slot.selector), "D1: {seq} of {} was passed by", slot.selector);
                let told = slot.gaps.iter().any(|(from, to)| (from + 1..=*to).contains(&seq));
                assert!(told || slot.unclaimed.contains(&seq), "D1: {seq} of {} is lost", slot.selector);
            }
            slot.checked = slot.checked.max(self.cursor.seq);
        }
    }
}
