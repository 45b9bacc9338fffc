mod read;

use std::{fmt, sync::Arc};

use slab::Slab;

use crate::{
    Cursor, Gap, GapReason, Log, Mark, Older, OpenError, Opening, Page, Selector, Since, Stop, Timestamp,
    begin::{Begin, Withholding},
    entry::Entry,
    followers::Signal,
    log::Shared,
    older::Supply,
    slot::{Slot, Source},
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
    /// What it reads that is not in memory, as the last look found.
    wants: Option<Older>,
    /// Whether it was not given all of that.
    lacks: bool,
    /// What it was given of that.
    supply: Option<Supply>,
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
        self.open_as("", selectors, &Opening::new(since, now))
    }

    /// Like [`Log::open`], with a word by which [`ChannelInfo`](crate::ChannelInfo) counts the reader (the log makes
    /// nothing else of it), and beginning in any way.
    ///
    /// # Errors
    /// [`OpenError`] names the limit that refuses it.
    pub fn open_as(
        &self,
        label: &'static str,
        selectors: impl IntoIterator<Item = Selector>,
        opening: &Opening,
    ) -> Result<Tail, OpenError> {
        let mut tail = Tail {
            shared: Arc::clone(&self.shared),
            signal: Arc::new(Signal::new(label)),
            slots: Slab::new(),
            cursor: 0,
            ready: Vec::new(),
            behind: Vec::new(),
            gaps: Vec::new(),
            wants: None,
            lacks: false,
            supply: None,
        };
        tail.follow_as(selectors, opening)?;
        Ok(tail)
    }
}

impl Tail {
    /// Follows more, beginning at `since`; returns the place that this is. What it follows already stays as it
    /// is.
    ///
    /// If the place is before the reader's own, the reader's own place goes back to it and the messages between
    /// are delivered first, without those that it got by another selector. (One that is gone by now in the
    /// channel by which it came, so that nobody can tell, comes again.)
    ///
    /// # Errors
    /// [`OpenError`] names the limit that refuses it; then nothing has changed.
    pub fn follow(
        &mut self,
        selectors: impl IntoIterator<Item = Selector>,
        since: Since,
        now: Timestamp,
    ) -> Result<Cursor, OpenError> {
        self.follow_as(selectors, &Opening::new(since, now))
    }

    /// Like [`Tail::follow`], beginning in any way.
    ///
    /// # Errors
    /// [`OpenError`] names the limit that refuses it; then nothing has changed.
    pub fn follow_as(
        &mut self,
        selectors: impl IntoIterator<Item = Selector>,
        opening: &Opening,
    ) -> Result<Cursor, OpenError> {
        let shared = Arc::clone(&self.shared);
        // One lock for all of it: no append comes between the place and the seats (D6).
        let mut state = shared.lock();
        let mut sources: Vec<Withholding> = Vec::new();
        let mut refused = None;
        for selector in selectors {
            let new = sources.iter().map(|(source, _)| source);
            let mut known = self.slots.iter().map(|(_, slot)| &slot.source).chain(new);
            if known.any(|source| source.is(&selector)) {
                continue;
            }
            match Source::open(&shared, &mut state, &selector) {
                Ok(source) => {
                    let mut withheld = opening.sought.last_before(&selector);
                    withheld
                        .raise(opening.floor.map_or_else(Mark::default, |floor| source.last_before(floor)));
                    sources.push((source, withheld));
                }
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        let begin = Begin::new(opening, &sources, &state, &shared);
        let first = self.slots.is_empty();
        let added: Vec<_> = sources.into_iter().map(|source| self.seat(source, &begin)).collect();
        drop(state);
        if let Some(error) = refused {
            added.into_iter().for_each(|slot| self.give_up(slot));
            return Err(error);
        }
        if first {
            self.cursor = begin.seq;
        }
        let queue = if begin.seq < self.cursor { &mut self.behind } else { &mut self.ready };
        queue.extend(added);
        Ok(self.shared.home.cursor(begin.seq))
    }

    fn seat(&mut self, (source, withheld): Withholding, begin: &Begin) -> usize {
        let trimmed = source.trimmed();
        let mut gone = trimmed.mark;
        gone.raise(withheld);
        let mut told = 0;
        if let Some((from, reason)) = begin.gap(gone) {
            told = if reason == GapReason::Future { begin.seq } else { gone.seq };
            let to = self.shared.home.cursor(told);
            self.gaps.push(Gap { channel: source.selector(), from, to, reason });
        }
        let seat = self.slots.vacant_entry();
        let number = seat.key();
        seat.insert(Slot::new(source, &self.signal, number, begin.seq, trimmed, told));
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
            self.gaps.retain(|gap| !slot.source.is(&gap.channel));
            slot.close(&self.shared);
        }
    }

    /// Takes the gaps that following has found, which else come with the first batch: for those who tell the place
    /// before it. Whoever learns the place without them would resume behind what he was never told.
    #[must_use]
    pub fn take_gaps(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.gaps)
    }

    /// What it must be given before it can go on, if the last look at the log found that: messages that are not in
    /// memory. Without them it stays where it is. Never anything in a log that keeps its own history.
    #[must_use]
    pub fn take_older(&mut self) -> Option<Older> {
        self.wants.take()
    }

    /// Gives it what it asked for. The next look takes it, or asks again.
    pub fn supply(&mut self, asked: Older, page: Page) {
        let entry = |record: crate::Record| {
            let places = record.places.into_iter().map(|place| (place.channel, place.prev));
            let home = Arc::clone(&self.shared.home);
            Arc::new(Entry::new(home, record.seq, record.time, record.message, places))
        };
        let entries = page.records.into_iter().map(entry).collect();
        self.supply = Some(Supply { asked, entries, upto: page.upto });
    }

    /// The last message of its log that is visible.
    #[must_use]
    pub fn head(&self) -> Cursor {
        self.shared.home.cursor(self.shared.home.head.load(std::sync::atomic::Ordering::Acquire))
    }

    /// What it follows.
    pub fn selectors(&self) -> impl Iterator<Item = Selector> {
        self.slots.iter().map(|(_, slot)| slot.source.selector())
    }

    /// What it follows, and the seq from which on it follows each.
    pub fn begins(&self) -> impl Iterator<Item = (Selector, u64)> {
        self.slots.iter().map(|(_, slot)| (slot.source.selector(), slot.begin()))
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
