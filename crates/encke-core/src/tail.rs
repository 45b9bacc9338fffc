use std::{
    fmt,
    sync::Arc,
    task::{Poll, Waker},
};

use slab::Slab;

use crate::{
    Batch, Cursor, Delivery, Gap, GapReason, Limit, Log, OpenError, Selector, Since, Stop, TailEnd,
    Timestamp,
    begin::Begin,
    channel::Mark,
    entry::Entry,
    followers::Signal,
    log::Shared,
    slot::{Slot, Source},
    window::Taken,
};

/// A reader: a cursor, a waker, and the channels that it follows.
///
/// It has no queue, so what it costs does not depend on what is published. Dropping it gives its seats up.
pub struct Tail {
    shared: Arc<Shared>,
    signal: Arc<Signal>,
    slots: Slab<Slot>,
    /// Everything up to here was handed over, but for what the slots in `behind` still owe.
    cursor: u64,
    /// Slots that may have something after the cursor. Every other one waits in its channel, or is behind.
    ready: Vec<usize>,
    /// Slots that were added with an older cursor and have not caught up.
    behind: Vec<usize>,
    gaps: Vec<Gap>,
}

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

impl Log {
    /// A reader of `selectors`, beginning at `since`. What it follows exists from now on.
    ///
    /// `now` is what [`Since::Ago`] counts from.
    ///
    /// # Errors
    /// [`OpenError`] names the limit that refuses it.
    pub fn open(
        &self,
        selectors: impl IntoIterator<Item = Selector>,
        since: Since,
        now: Timestamp,
    ) -> Result<Tail, OpenError> {
        self.open_as("", selectors, since, now)
    }

    /// Like [`Log::open`], with a word by which [`ChannelInfo`](crate::ChannelInfo) counts the reader. The log
    /// makes nothing else of it.
    ///
    /// # Errors
    /// [`OpenError`] names the limit that refuses it.
    pub fn open_as(
        &self,
        label: &'static str,
        selectors: impl IntoIterator<Item = Selector>,
        since: Since,
        now: Timestamp,
    ) -> Result<Tail, OpenError> {
        let mut tail = Tail {
            shared: Arc::clone(&self.shared),
            signal: Arc::new(Signal::new(label)),
            slots: Slab::new(),
            cursor: 0,
            ready: Vec::new(),
            behind: Vec::new(),
            gaps: Vec::new(),
        };
        tail.follow(selectors, since, now)?;
        Ok(tail)
    }
}

impl Tail {
    /// Follows more, beginning at `since`; returns the place that this is. What it follows already stays as it
    /// is.
    ///
    /// If the place is before the reader's own, the messages between are delivered first, and without those
    /// that it got by another selector.
    ///
    /// # Errors
    /// [`OpenError`] names the limit that refuses it; then nothing has changed.
    pub fn follow(
        &mut self,
        selectors: impl IntoIterator<Item = Selector>,
        since: Since,
        now: Timestamp,
    ) -> Result<Cursor, OpenError> {
        let shared = Arc::clone(&self.shared);
        // One lock for all of it: no append comes between the place and the seats (D6).
        let mut state = shared.lock();
        let mut sources = Vec::new();
        let mut refused = None;
        for selector in selectors {
            if self.slots.iter().any(|(_, slot)| slot.source.is(&selector)) {
                continue;
            }
            match Source::open(&shared, &mut state, &selector) {
                Ok(source) => sources.push(source),
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        let begin = Begin::new(since, &sources, &state, &shared, now);
        let first = self.slots.is_empty();
        if first {
            self.cursor = begin.seq;
        }
        let added: Vec<_> = sources.into_iter().map(|source| self.seat(source, &begin)).collect();
        drop(state);
        if let Some(error) = refused {
            added.into_iter().for_each(|slot| self.give_up(slot));
            return Err(error);
        }
        let queue = if begin.seq < self.cursor { &mut self.behind } else { &mut self.ready };
        queue.extend(added);
        Ok(self.shared.home.cursor(begin.seq))
    }

    fn seat(&mut self, source: Source, begin: &Begin) -> usize {
        let trimmed = source.trimmed();
        if let Some((from, reason)) = begin.gap(trimmed) {
            let to =
                self.shared.home.cursor(if reason == GapReason::Future { begin.seq } else { trimmed.seq });
            self.gaps.push(Gap { channel: source.selector(), from, to, reason });
        }
        let told = trimmed.seq.max(begin.seq);
        let seat = self.slots.vacant_entry();
        let number = seat.key();
        seat.insert(Slot::new(source, &self.signal, number, begin.seq, told));
        number
    }

    /// Follows `selector` no longer. False if it did not.
    #[must_use]
    pub fn unfollow(&mut self, selector: &Selector) -> bool {
        let found = self.slots.iter().find(|(_, slot)| slot.source.is(selector)).map(|(number, _)| number);
        let Some(number) = found else { return false };
        self.give_up(number);
        true
    }

    fn give_up(&mut self, number: usize) {
        self.ready.retain(|ready| *ready != number);
        self.behind.retain(|behind| *behind != number);
        if let Some(slot) = self.slots.try_remove(number) {
            slot.close(&self.shared);
        }
    }

    /// What it follows.
    pub fn selectors(&self) -> impl Iterator<Item = Selector> {
        self.slots.iter().map(|(_, slot)| slot.source.selector())
    }

    /// How much it follows: channels and patterns.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether it follows nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Its place: whoever continues from here misses nothing.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let behind = self.behind.iter().filter_map(|slot| self.slots.get(*slot)).map(|slot| slot.from);
        self.shared.home.cursor(behind.fold(self.cursor, u64::min))
    }

    /// A handle to stop it from elsewhere.
    #[must_use]
    pub fn stop_handle(&self) -> Stop {
        Stop::new(Arc::clone(&self.signal))
    }

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
    /// given is woken (D5).
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
        batch.more = false;
        let taken = self.signal.take(waker, &self.shared.home, &mut self.ready);
        while batch.messages.is_empty() && !self.behind.is_empty() {
            self.catch_up(limit, batch);
        }
        let soon = batch.messages.is_empty() && self.advance(taken.head, limit, batch);
        batch.more |= !self.behind.is_empty();
        batch.cursor = self.cursor();
        if !batch.messages.is_empty() || !batch.gaps.is_empty() {
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
        let mut ready = std::mem::take(&mut self.ready);
        let mut entries = Vec::new();
        let mut bound = head;
        let mut soon = false;
        // Slots from which something was taken, and what they took last: if the bound cuts that, they stay.
        let mut lasts = Vec::new();
        for &number in &ready {
            let Some(slot) = self.slots.get_mut(number) else { continue };
            let after = self.cursor.max(slot.from);
            let (taken, trimmed) = slot.read(after, head, limit.messages.max(1), &mut entries);
            let last = entries.last().map_or(0, |entry| entry.seq());
            self.gaps_of(number, after, trimmed, batch);
            batch.messages.extend(entries.drain(..).map(|entry| deliver(&self.slots[number], entry)));
            match taken {
                Taken::All => {
                    if last > 0 {
                        lasts.push((number, last));
                    }
                }
                Taken::ToHead => {
                    soon = true;
                    lasts.push((number, u64::MAX));
                }
                Taken::Cut => {
                    bound = bound.min(last);
                    lasts.push((number, u64::MAX));
                }
            }
        }
        batch.messages.sort_unstable_by_key(|delivery| (delivery.seq(), delivery.place()));
        batch.messages.dedup_by_key(|delivery| delivery.seq());
        bound = limit.cut(&mut batch.messages, bound);
        batch.more = bound < head;
        ready.clear();
        ready.extend(lasts.into_iter().filter(|(_, last)| *last > bound).map(|(number, _)| number));
        self.ready = ready;
        self.cursor = self.cursor.max(bound);
        soon
    }

    /// Delivers what the first slot that is behind owes, up to the cursor.
    fn catch_up(&mut self, limit: Limit, batch: &mut Batch) {
        let Some(&number) = self.behind.first() else { return };
        let mut entries = Vec::new();
        let Some(slot) = self.slots.get(number) else {
            self.behind.remove(0);
            return;
        };
        let after = slot.from;
        let (taken, trimmed) = slot.read(after, self.cursor, limit.messages.max(1), &mut entries);
        self.gaps_of(number, after, trimmed, batch);
        let mut reached =
            if taken == Taken::Cut { entries.last().map_or(after, |entry| entry.seq()) } else { self.cursor };
        entries.retain(|entry| !self.covers(number, entry));
        batch.messages.extend(entries.into_iter().map(|entry| deliver(&self.slots[number], entry)));
        reached = limit.cut(&mut batch.messages, reached);
        self.slots[number].from = reached;
        if reached == self.cursor {
            self.behind.remove(0);
            // Parked or not: one look too many costs little, one too few a message.
            self.ready.push(number);
        }
    }

    /// Whether another slot has delivered `entry` already.
    fn covers(&self, behind: usize, entry: &Entry) -> bool {
        self.slots.iter().any(|(number, slot)| {
            number != behind
                && slot.from < entry.seq()
                && !self.behind.contains(&number)
                && entry.is_in(|name| slot.source.matches(name))
        })
    }

    fn gaps_of(&mut self, number: usize, after: u64, trimmed: Mark, batch: &mut Batch) {
        let slot = &mut self.slots[number];
        if trimmed.seq > after.max(slot.told) {
            let cursor = |seq| self.shared.home.cursor(seq);
            batch.gaps.push(Gap {
                channel: slot.source.selector(),
                from: cursor(after),
                to: cursor(trimmed.seq),
                reason: GapReason::Slow,
            });
            slot.told = trimmed.seq;
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        for slot in self.slots.drain() {
            slot.close(&self.shared);
        }
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let selectors = self.selectors().collect::<Vec<_>>();
        f.debug_struct("Tail").field("cursor", &self.cursor()).field("selectors", &selectors).finish()
    }
}

fn deliver(slot: &Slot, entry: Arc<Entry>) -> Delivery {
    let place = entry.place_of(|name| slot.source.matches(name));
    Delivery::new(entry, place)
}
