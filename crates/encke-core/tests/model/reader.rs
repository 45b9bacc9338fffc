//! A reader under test, and what it must and must not get.

mod check;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Wake, Waker},
};

use encke_core::{
    Batch, Cursor, Delivery, Gap, GapReason, Limit, Log, Older, Opening, Page, Selector, Since, Tail,
    TailEnd, Timestamp,
};

use crate::{naive::Naive, ops::Supply};

pub(crate) struct Reader {
    tail: Tail,
    slots: Vec<Slot>,
    /// What it got for what it follows, and in which batch.
    got: BTreeMap<u64, usize>,
    /// The last that came by each channel.
    heads: BTreeMap<usize, u64>,
    batches: usize,
    /// Its place, as a client knows it.
    pub(crate) cursor: Cursor,
    /// The highest place that it had.
    reached: u64,
    /// The gaps that are due with the next batch.
    due: Vec<Gap>,
    /// It was told to wait, and this is its waker.
    waits: Option<Arc<Flag>>,
    /// What it asked for that is not in memory, and what there was of that then.
    asked: Option<(Older, Page)>,
}

/// Where it is to begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) since: Since,
    pub(crate) floor: Option<Timestamp>,
    pub(crate) now: Timestamp,
}

impl Wish {
    /// What is meant: nobody asks for a time before the floor.
    fn time(&self) -> Option<u64> {
        let time = match self.since {
            Since::At(time) => time,
            Since::Ago(age) => self.now.before(age),
            _ => return None,
        };
        Some(time.max(self.floor.unwrap_or_default()).as_millis())
    }
}

/// One selector that it follows.
struct Slot {
    selector: Selector,
    /// What comes after this seq is for it.
    start: u64,
    /// How far the reader had come when this was added, and how many batches it had.
    joined: (u64, usize),
    /// Ranges `(from, to]` that it was told to be missing.
    gaps: Vec<(u64, u64)>,
    /// What was gone when it came, and is not missed, because it does not claim to have seen anything.
    unclaimed: Vec<u64>,
    /// How much was gone when it came.
    let_go: usize,
    /// What was gone when it was found that something must be looked up first: a gap waits for that.
    held: Vec<u64>,
    /// Up to here nothing is missing without a gap.
    checked: u64,
}

/// So often it may look before it gets something.
const LOOKS: usize = 1_000;

const AT_ONCE: Supply = Supply { most: usize::MAX, late: false };

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Reader {
    pub(crate) fn open(log: &Log, naive: &Naive, selectors: &[Selector], wish: Wish) -> Self {
        let tail = log.open_as("", selectors.iter().cloned(), &opening(log, naive, selectors, wish)).unwrap();
        let cursor = tail.cursor();
        let mut reader = Self {
            tail,
            slots: Vec::new(),
            got: BTreeMap::new(),
            heads: BTreeMap::new(),
            batches: 0,
            cursor,
            reached: 0,
            due: Vec::new(),
            waits: None,
            asked: None,
        };
        let start = reader.join(naive, selectors, wish);
        assert_eq!(cursor, naive.cursor(start), "D4: the place of an open");
        reader
    }

    pub(crate) fn follow(&mut self, log: &Log, naive: &Naive, selectors: &[Selector], wish: Wish) {
        let opening = opening(log, naive, &self.new_of(selectors), wish);
        let at = self.tail.follow_as(selectors.iter().cloned(), &opening).unwrap();
        let start = self.join(naive, selectors, wish);
        assert_eq!(at, naive.cursor(start), "D4: the place of a follow");
        self.cursor = self.tail.cursor();
        self.waits = None;
    }

    /// Those that it does not follow yet, each once.
    fn new_of(&self, selectors: &[Selector]) -> Vec<Selector> {
        let mut new: Vec<Selector> = Vec::new();
        for selector in selectors {
            if !new.contains(selector) && self.slots.iter().all(|slot| slot.selector != *selector) {
                new.push(selector.clone());
            }
        }
        new
    }

    /// Notes what is followed from now on, where it begins and which gaps that means.
    fn join(&mut self, naive: &Naive, selectors: &[Selector], wish: Wish) -> u64 {
        let new = self.new_of(selectors);
        let start = start(naive, &new, wish);
        for selector in new {
            let due = initial_gap(naive, &selector, start, wish);
            let gaps = due.iter().map(range).collect();
            self.due.extend(due);
            let joined = (self.reached.max(self.cursor.seq), self.batches);
            let claims = matches!(wish.since, Since::After(_) | Since::At(_) | Since::Ago(_));
            let gone = (start + 1..=naive.head()).filter(|seq| !claims && naive.is_gone(*seq, &selector));
            let unclaimed = gone.collect();
            let let_go = naive.let_go_count(&selector);
            self.slots.push(Slot {
                selector,
                start,
                joined,
                gaps,
                unclaimed,
                let_go,
                held: Vec::new(),
                checked: start,
            });
        }
        start
    }

    pub(crate) fn unfollow(&mut self, naive: &Naive, which: usize) {
        if self.slots.is_empty() {
            return;
        }
        let slot = self.slots.remove(which % self.slots.len());
        assert!(self.tail.unfollow(&slot.selector), "what was followed can be unfollowed");
        assert!(!self.tail.unfollow(&slot.selector), "and only once");
        self.due.retain(|gap| gap.channel != slot.selector);
        let slots = &self.slots;
        self.got.retain(|seq, _| slots.iter().any(|slot| slot.wants(naive, *seq)));
        // What this one would have been told of, one that began without a place is not.
        self.heads.clear();
        self.cursor = self.tail.cursor();
    }

    pub(crate) fn selectors(&self) -> Vec<Selector> {
        self.slots.iter().map(|slot| slot.selector.clone()).collect()
    }

    pub(crate) fn read(&mut self, naive: &Naive, limit: Limit, supply: Supply) -> Batch {
        for _ in 0..LOOKS {
            self.supply();
            let batch = self.tail.read(limit);
            let asks = self.ask(naive, &batch, supply);
            self.check(naive, limit, &batch, asks);
            if !asks || supply.late {
                return batch;
            }
        }
        panic!("D5: it is given all that it asks for, and reads nothing");
    }

    pub(crate) fn wait(&mut self, naive: &Naive, limit: Limit, supply: Supply) {
        let flag = Arc::new(Flag::default());
        let mut batch = self.tail.empty_batch();
        for _ in 0..LOOKS {
            self.supply();
            let polled = self.tail.poll_read(&Waker::from(Arc::clone(&flag)), limit, &mut batch);
            let asks = self.ask(naive, &batch, supply);
            self.check(naive, limit, &batch, asks);
            let waits = is_empty(&batch) && !asks;
            assert_eq!(
                polled,
                if waits { Poll::Pending } else { Poll::Ready(Ok(())) },
                "D5: wait only for something"
            );
            if waits {
                assert_eq!(batch.cursor.seq, naive.head(), "D5: who waits has read all");
                self.waits = Some(flag);
                return;
            }
            if !asks || supply.late {
                return;
            }
        }
        panic!("D5: it is given all that it asks for, and reads nothing");
    }

    /// Gives it what it asked for.
    fn supply(&mut self) {
        if let Some((asked, page)) = self.asked.take() {
            self.tail.supply(asked, page);
        }
    }

    /// Whether it must be given something before it goes on: that is looked up now.
    fn ask(&mut self, naive: &Naive, batch: &Batch, supply: Supply) -> bool {
        let before = self.cursor;
        let Some(older) = self.tail.take_older() else {
            let read = batch.cursor.seq == naive.head();
            assert!(read || !is_empty(batch), "D5: it stays at {:?} and asks for nothing", batch.cursor);
            return false;
        };
        let page = naive.page(&older, supply.most);
        self.asked = Some((older, page));
        let moves = !batch.messages.is_empty() || batch.cursor != before;
        assert!(is_empty(batch) || moves, "D5: whoever comes again is not given the same again");
        is_empty(batch)
    }

    /// The message `seq` was appended, and the wakes are done.
    pub(crate) fn after_append(&mut self, naive: &Naive, seq: u64) {
        if self.slots.iter().any(|slot| slot.wants(naive, seq))
            && let Some(flag) = self.waits.take()
        {
            assert!(flag.0.load(Ordering::Relaxed), "D5: {seq} woke nobody");
        }
    }

    /// Whether one more of the selected channels' followers is this reader.
    pub(crate) fn seats(&self, naive: &Naive, seq: u64) -> usize {
        let channels = naive.message(seq).places.iter().map(|(channel, _)| &naive.channels[*channel].name);
        channels.map(|name| self.slots.iter().filter(|slot| slot.selector.matches(name)).count()).sum()
    }

    /// Reads everything.
    pub(crate) fn drain(&mut self, naive: &Naive) -> Vec<u64> {
        let mut seqs = Vec::new();
        loop {
            let batch = self.read(naive, Limit::default(), AT_ONCE);
            seqs.extend(batch.messages.iter().map(Delivery::seq));
            if !batch.more {
                break;
            }
        }
        assert_eq!(self.cursor.seq, naive.head(), "D1: who has read all is at the head");
        seqs
    }

    /// Stops it from elsewhere: it gets what there is, then the end.
    pub(crate) fn stop(mut self, naive: &Naive) {
        self.tail.stop_handle().stop();
        let limit = Limit::default();
        let mut batch = self.tail.empty_batch();
        loop {
            self.supply();
            let polled = self.tail.poll_read(Waker::noop(), limit, &mut batch);
            let asks = self.ask(naive, &batch, AT_ONCE);
            self.check(naive, limit, &batch, asks);
            match polled {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(TailEnd)) => break,
                Poll::Pending => panic!("D5: a stopped reader waits"),
            }
        }
        assert_eq!(batch.cursor.seq, naive.head(), "D1: a stopped reader ends when it has read all");
    }
}

impl Slot {
    fn selects(&self, naive: &Naive, channel: usize) -> bool {
        self.selector.matches(&naive.channels[channel].name)
    }

    fn wants(&self, naive: &Naive, seq: u64) -> bool {
        self.start < seq && naive.is_in(seq, &self.selector)
    }

    /// Whether something in the range of `gap` is gone that was there when this was added. Of a pattern the log
    /// knows only that something went since, and the newest of all that ever went.
    fn misses(&self, naive: &Naive, gap: &Gap) -> bool {
        let (from, to) = range(gap);
        let went = |seq: u64| naive.matching(&gap.channel).any(|channel| naive.let_go(channel, seq));
        let one_channel = matches!(self.selector, Selector::Channel(_));
        naive.let_go_count(&self.selector) > self.let_go
            && (from + 1..=to).any(|seq| went(seq) && !(one_channel && self.unclaimed.contains(&seq)))
    }
}

/// How `wish` begins, with what the model has looked up for it.
fn opening(log: &Log, naive: &Naive, selectors: &[Selector], wish: Wish) -> Opening {
    let Wish { since, floor, now } = wish;
    let mut opening = Opening { floor, ..Opening::new(since, now) };
    if let Some(seek) = log.seek(selectors, &opening) {
        opening.sought = naive.sought(&seek);
    }
    opening
}

fn is_empty(batch: &Batch) -> bool {
    batch.messages.is_empty() && batch.gaps.is_empty()
}

/// What a gap says to be missing of this life of the log.
fn range(gap: &Gap) -> (u64, u64) {
    (if gap.from.epoch == gap.to.epoch { gap.from.seq } else { 0 }, gap.to.seq)
}

/// Where `wish` begins for `selectors`.
fn start(naive: &Naive, selectors: &[Selector], wish: Wish) -> u64 {
    let readable = naive.readable(selectors);
    let start = match wish.since {
        Since::Earliest => 0,
        Since::After(cursor) if cursor.epoch != naive.epoch => 0,
        Since::After(cursor) => cursor.seq.min(naive.head()),
        Since::Latest | Since::Last(0) => naive.head(),
        Since::Last(count) => {
            let from = readable.len().saturating_sub(count);
            readable.get(from).map_or(naive.head(), |seq| seq - 1)
        }
        Since::At(_) | Since::Ago(_) => {
            let first = readable.iter().find(|seq| Some(naive.message(**seq).time) >= wish.time());
            first.map_or(naive.head(), |seq| seq - 1)
        }
    };
    start.max(naive.withheld(selectors, wish.floor))
}

/// The gap that an open with `wish` must tell, exactly.
fn initial_gap(naive: &Naive, selector: &Selector, start: u64, wish: Wish) -> Option<Gap> {
    let trimmed = naive.trimmed(selector);
    let gone = trimmed.max(naive.withheld(std::slice::from_ref(selector), wish.floor));
    let gap = |from, to, reason| Some(Gap { channel: selector.clone(), from, to: naive.cursor(to), reason });
    match (wish.since, wish.time()) {
        (Since::After(cursor), _) if cursor.epoch != naive.epoch => gap(cursor, gone, GapReason::Epoch),
        (Since::After(cursor), _) if cursor.seq > naive.head() => gap(cursor, start, GapReason::Future),
        (Since::After(cursor), _) if gone > cursor.seq => gap(cursor, gone, GapReason::Trimmed),
        (_, Some(time)) if trimmed > 0 && naive.message(trimmed).time >= time => {
            gap(naive.cursor(0), trimmed, GapReason::Trimmed)
        }
        _ => None,
    }
}
