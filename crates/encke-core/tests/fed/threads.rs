//! Messages leave memory and go for good while others read them.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use encke_core::{Batch, ChannelName, Delivery, Gap, Limit, Resident, Selector, Since, Timestamp};

use super::store::{Store, name};

const CHANNELS: [&str; 3] = ["a.x", "a.y", "b"];
const MESSAGES: u64 = 20_000;
/// What each reader follows, and how many messages it takes at a time.
const READERS: [(&[&str], usize); 5] =
    [(&["**"], 1_000), (&["a.*"], 3), (&["a.x", "b"], 7), (&["a.*", "a.x"], 50), (&["b"], 1)];

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Reads `selectors` until the last message; all that it follows has come by then, or a gap told of it (D1).
fn follow(store: &Store, selectors: &[&str], limit: usize, begin: &Barrier, done: &AtomicBool) {
    let selectors: Vec<_> = selectors.iter().map(|text| Selector::new(text).unwrap()).collect();
    let mut tail = store.log.open(selectors, Since::Latest, Timestamp::default()).unwrap();
    begin.wait();
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let limit = Limit { messages: limit, bytes: usize::MAX };
    let mut batch = tail.empty_batch();
    let (mut missing, mut gaps, mut place) = (BTreeSet::new(), Vec::new(), 0);
    loop {
        let polled = tail.poll_read(&waker, limit, &mut batch);
        check(&batch, &mut place, &mut missing);
        gaps.append(&mut batch.gaps);
        if polled.is_pending() {
            if done.load(Ordering::Acquire) && place == MESSAGES {
                break;
            }
            // The last wake comes from whoever is done.
            thread::park_timeout(Duration::from_secs(20));
        }
        if let Some(older) = tail.take_older() {
            let page = store.older(&older);
            tail.supply(older, page);
        }
    }
    let follows = |seq: &u64| tail.selectors().any(|selector| selector.matches(&channel(*seq)));
    let told =
        |gap: &Gap, seq| (gap.from.seq + 1..=gap.to.seq).contains(&seq) && gap.channel.matches(&channel(seq));
    let is_lost = |seq: &u64| follows(seq) && !gaps.iter().any(|gap| told(gap, *seq));
    let lost: Vec<_> = missing.into_iter().filter(is_lost).collect();
    assert_eq!(lost.first(), None, "D1: {} are lost of {tail:?}", lost.len());
}

/// Notes what was passed and did not come.
fn check(batch: &Batch, place: &mut u64, missing: &mut BTreeSet<u64>) {
    missing.extend(*place + 1..=batch.cursor.seq.max(*place));
    assert!(batch.cursor.seq >= *place, "D3");
    let before = *place;
    *place = batch.cursor.seq;
    for seq in batch.messages.iter().map(Delivery::seq) {
        assert!(seq > before && missing.remove(&seq), "D2: {seq} after {before}");
    }
}

fn channel(seq: u64) -> ChannelName {
    name(CHANNELS[usize::try_from(seq % 3).unwrap()])
}

fn run(resident: Resident) {
    let (store, done) = (&Store::new(resident), &AtomicBool::new(false));
    let begin = &Barrier::new(READERS.len() + 1);
    thread::scope(|scope| {
        let spawn = |(selectors, limit)| scope.spawn(move || follow(store, selectors, limit, begin, done));
        let running = READERS.map(spawn);
        begin.wait();
        for seq in 1..=MESSAGES {
            store.publish(&[channel(seq).as_str()]);
            if seq % 16 == 0 {
                store.trim(usize::try_from(seq % 37).unwrap() + 16, &CHANNELS);
            }
        }
        done.store(true, Ordering::Release);
        running.iter().for_each(|reader| reader.thread().unpark());
    });
}

#[test]
fn d1_nothing_is_lost_while_messages_leave_memory() {
    run(Resident { count: 2, bytes: usize::MAX, total: usize::MAX });
}

/// More than a pattern has in its row, so that its readers merge channels.
#[test]
fn d1_nothing_is_lost_while_channels_are_merged() {
    run(Resident { count: 5, bytes: usize::MAX, total: usize::MAX });
}

#[test]
fn d1_nothing_is_lost_where_nothing_stays_in_memory() {
    run(Resident { count: 2, bytes: usize::MAX, total: 0 });
}
