//! How a reader takes what there is: one path for replay, catching up and live.

use std::{
    mem,
    task::{Poll, Waker},
};

use super::Tail;
use crate::{
    Batch, Cursor, Delivery, Gap, GapReason, Limit, Older, Selector, TailEnd, batch::put_in_order,
    window::Taken,
};

/// What one look at the log came to.
enum Look {
    /// There is something in the batch.
    Found,
    /// There is nothing, and all slots wait.
    Nothing,
    /// There is nothing yet, but an append is under way.
    Soon,
    /// There is nothing, and the reader was stopped.
    Ended,
}

impl Tail {
    /// Takes what there is, perhaps nothing, and waits for nothing.
    #[must_use]
    pub fn read(&mut self, limit: Limit) -> Batch {
        let mut batch = self.empty_batch();
        self.look(None, limit, &mut batch);
        batch
    }

    /// A batch with nothing in it, to be filled by [`Tail::poll_read`].
    #[must_use]
    pub fn empty_batch(&self) -> Batch {
        Batch { gaps: Vec::new(), messages: Vec::new(), cursor: self.cursor(), more: false }
    }

    /// Replaces the contents of `batch` by what comes next (D1 to D3), or waits for it: then the last waker
    /// given is woken (D5). It is empty if the reader must be given something first: [`Tail::take_older`].
    ///
    /// # Errors
    /// [`TailEnd`] when it was stopped and there is nothing left.
    pub fn poll_read(&mut self, waker: &Waker, limit: Limit, batch: &mut Batch) -> Poll<Result<(), TailEnd>> {
        match self.look(Some(waker), limit, batch) {
            Look::Found => Poll::Ready(Ok(())),
            Look::Ended => Poll::Ready(Err(TailEnd)),
            Look::Nothing => Poll::Pending,
            Look::Soon => {
                // The append under way does not know this reader: it comes back by itself.
                waker.wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn look(&mut self, waker: Option<&Waker>, limit: Limit, batch: &mut Batch) -> Look {
        batch.messages.clear();
        batch.gaps.clear();
        batch.gaps.append(&mut self.gaps);
        let taken = self.signal.take(waker, &self.shared.home, &mut self.ready);
        let begin = self.cursor().seq;
        self.lacks = false;
        let soon = loop {
            while batch.messages.is_empty() && !self.lacks && !self.behind.is_empty() {
                self.catch_up(limit, batch);
            }
            let goes_on = batch.messages.is_empty() && !self.lacks;
            let soon = goes_on && self.advance(taken.head, limit, batch);
            let reached = self.cursor().seq;
            let used = self.supply.take_if(|supply| supply.upto <= reached).is_some();
            // What was supplied may all be gone by now; what comes after it is still to be looked for.
            if !used || !batch.messages.is_empty() || self.lacks {
                break soon;
            }
        };
        if !self.lacks {
            self.wants = None;
        } else if batch.messages.is_empty() && self.cursor().seq == begin {
            // A gap comes with what follows it: who is answered once would else ask from the same place, for ever.
            mem::swap(&mut self.gaps, &mut batch.gaps);
        }
        batch.cursor = self.cursor();
        batch.more = batch.cursor.seq < taken.head;
        if !batch.messages.is_empty() || !batch.gaps.is_empty() || self.wants.is_some() {
            Look::Found
        } else if taken.ended {
            Look::Ended
        } else if soon {
            Look::Soon
        } else {
            Look::Nothing
        }
    }

    /// Reads all ready slots up to `head`, and moves the cursor. Returns whether an append is under way.
    fn advance(&mut self, head: u64, limit: Limit, batch: &mut Batch) -> bool {
        let mut ready = mem::take(&mut self.ready);
        // A slot that was left to be read may have been marked again.
        ready.sort_unstable();
        ready.dedup();
        let mut bound = head;
        let mut soon = false;
        self.wants = None;
        for &number in &ready {
            let taken = self.take(number, self.cursor, head, &mut bound, limit, batch);
            soon |= taken == Taken::ToHead && bound == head;
            if batch.messages.len() / 4 > limit.most() {
                put_in_order(&mut batch.messages, limit.most(), &mut bound);
            }
        }
        if ready.len() > 1 {
            put_in_order(&mut batch.messages, limit.most(), &mut bound);
        }
        let bound = limit.cut(&mut batch.messages, bound);
        ready.retain(|number| self.slots.get(*number).is_some_and(|slot| slot.last > bound));
        self.ready = ready;
        self.cursor = self.cursor.max(bound);
        soon
    }

    /// Delivers what the slots that are behind owe, up to the cursor.
    fn catch_up(&mut self, limit: Limit, batch: &mut Batch) {
        let mut bound = self.cursor;
        self.wants = None;
        for at in 0..self.behind.len() {
            let begin = batch.messages.len();
            self.take(self.behind[at], 0, self.cursor, &mut bound, limit, batch);
            let own = batch.messages.split_off(begin);
            let slot = self.behind[at];
            batch.messages.extend(own.into_iter().filter(|delivery| !self.has_got(delivery, slot)));
        }
        put_in_order(&mut batch.messages, limit.most(), &mut bound);
        let bound = limit.cut(&mut batch.messages, bound);
        let Self { behind, slots, ready, cursor, .. } = self;
        behind.retain(|number| {
            let Some(slot) = slots.get_mut(*number) else { return false };
            slot.from = slot.from.max(bound);
            if slot.from >= *cursor {
                // Parked or not: one look too many costs little, one too few a message.
                ready.push(*number);
            }
            slot.from < *cursor
        });
    }

    /// Takes what one slot has after its place and `floor`, up to `bound` (at most `head`), and lowers that to where
    /// the limit is reached, or what is there to read from.
    fn take(
        &mut self,
        number: usize,
        floor: u64,
        head: u64,
        bound: &mut u64,
        limit: Limit,
        batch: &mut Batch,
    ) -> Taken {
        let Some(slot) = self.slots.get_mut(number) else { return Taken::All };
        let after = slot.from.max(floor);
        let begin = batch.messages.len();
        let (mut taken, mut trimmed) = slot.read(after, *bound, limit.most(), &mut batch.messages);
        if let Taken::Elsewhere(_) = taken
            && after >= head
        {
            // It has left memory before it is visible.
            taken = Taken::ToHead;
        }
        if let Taken::Elsewhere(upto) = taken {
            // Also of those that have theirs: the next page takes the place of this one.
            let place = self.shared.home.cursor(after);
            want(&mut self.wants, slot.source.selector(), place, upto.min(head), limit);
            if let Some(supply) = self.supply.as_ref().filter(|supply| supply.covers(&slot.source, after)) {
                trimmed = slot.read_supply(supply, after, bound, limit.most(), &mut batch.messages);
            } else {
                self.lacks = true;
                *bound = after.min(*bound);
            }
        }
        let last = batch.messages[begin..].last().map_or(0, Delivery::seq);
        slot.last = if taken == Taken::All { last } else { u64::MAX };
        if taken == Taken::Cut {
            *bound = last;
        }
        if slot.misses(after, trimmed) {
            slot.told = trimmed.mark.seq;
            let (from, to) = (self.shared.home.cursor(after), self.shared.home.cursor(slot.told));
            let gap = Gap { channel: slot.source.selector(), from, to, reason: GapReason::Slow };
            let is_same = |known: &&mut Gap| known.reason == gap.reason && known.channel == gap.channel;
            match batch.gaps.iter_mut().find(is_same) {
                // It was found before, and has not come yet.
                Some(known) => known.to = to,
                None => batch.gaps.push(gap),
            }
        }
        taken
    }

    /// Whether another slot has got what the slot `by`, which is behind, brings now.
    fn has_got(&self, delivery: &Delivery, by: usize) -> bool {
        self.slots.iter().any(|(number, slot)| {
            let read = if self.behind.contains(&number) { slot.from } else { self.cursor };
            number != by && slot.has_taken(delivery.entry(), read)
        })
    }
}

/// Adds to what the reader needs.
fn want(wants: &mut Option<Older>, selector: Selector, after: Cursor, upto: u64, limit: Limit) {
    let wants = wants.get_or_insert_with(|| Older { after, upto, selectors: Vec::new(), limit });
    if after.seq < wants.after.seq {
        wants.after = after;
    }
    wants.upto = wants.upto.max(upto);
    wants.selectors.push(selector);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChannelName, Epoch, Log, LogConfig, Message, Publish, Since, Timestamp};

    /// A reader that is marked while it still has something to read must not be looked at twice for that.
    #[test]
    fn a_slow_reader_keeps_one_mark_for_each_slot() {
        let log = Log::new(Epoch::from_bits(1), LogConfig::default());
        let name = ChannelName::new("a").unwrap();
        let append = || {
            let publish = Publish::new(name.clone(), Message::text("x"));
            log.append(publish, Timestamp::default()).map(drop).unwrap();
        };
        (0..200).for_each(|_| append());
        let mut tail = log.open([name.clone().into()], Since::Earliest, Timestamp::default()).unwrap();
        for _ in 0..100 {
            // Few bytes, many messages: the slot gives all that it has, so it is parked, and most is left.
            assert_eq!(tail.read(Limit { messages: 1_000, bytes: 1 }).messages.len(), 1);
            append();
        }
        assert!(tail.ready.len() <= 1, "{} marks", tail.ready.len());
    }
}
