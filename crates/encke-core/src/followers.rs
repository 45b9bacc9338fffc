//! Who waits for a channel or a pattern, and how they are told.
//!
//! An append marks the waiting readers' slots ready while the log is locked, then makes the new head visible,
//! then lets go of the lock, and only then takes and wakes the wakers. A reader registers its waker *before*
//! it loads the head. So either the wake finds the waker, or the reader finds the new head.

use std::{
    sync::{Arc, atomic::Ordering},
    task::Waker,
};

use slab::Slab;

use crate::{
    entry::Home,
    sync::{Mutex, lock},
};

/// What a reader shares with the channels that it follows.
pub(crate) struct Signal {
    label: &'static str,
    state: Mutex<SignalState>,
}

#[derive(Default)]
struct SignalState {
    waker: Option<Waker>,
    /// Slots of the reader that may have something to read.
    ready: Vec<usize>,
    ended: bool,
}

impl Signal {
    pub(crate) fn new(label: &'static str) -> Self {
        Self { label, state: Mutex::new(SignalState::default()) }
    }

    /// Registers `waker`, then loads the head, then moves the marks into `ready`.
    ///
    /// The order is what loses nothing: each mark for a seq up to the head was set before that head became
    /// visible, so it is among those taken.
    pub(crate) fn take(&self, waker: Option<&Waker>, home: &Home, ready: &mut Vec<usize>) -> Taken {
        let mut state = lock(&self.state);
        if let Some(waker) = waker
            && !state.waker.as_ref().is_some_and(|known| known.will_wake(waker))
        {
            state.waker = Some(waker.clone());
        }
        let head = home.head.load(Ordering::Acquire);
        ready.append(&mut state.ready);
        Taken { head, ended: state.ended }
    }

    fn mark(&self, slot: usize) {
        lock(&self.state).ready.push(slot);
    }

    /// Tells the reader that there is no more.
    pub(crate) fn end(&self) {
        let waker = {
            let mut state = lock(&self.state);
            state.ended = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn wake(&self) {
        let waker = lock(&self.state).waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

pub(crate) struct Taken {
    pub(crate) head: u64,
    pub(crate) ended: bool,
}

/// The readers of one channel or pattern. Those that wait are *parked*: only they cost an append anything.
#[derive(Default)]
pub(crate) struct Followers {
    members: Slab<Member>,
    parked: Vec<usize>,
    /// How many there are for each label. There are few labels, and perhaps very many members.
    counts: Vec<(&'static str, usize)>,
}

struct Member {
    signal: Arc<Signal>,
    slot: usize,
    /// Where in `parked` it stands.
    parked_at: Option<usize>,
}

impl Followers {
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Counts the readers by their labels, on top of what `counts` has.
    pub(crate) fn count(&self, counts: &mut Vec<(&'static str, usize)>) {
        for (label, count) in &self.counts {
            add(counts, label, *count);
        }
    }

    pub(crate) fn insert(&mut self, signal: Arc<Signal>, slot: usize) -> usize {
        add(&mut self.counts, signal.label, 1);
        self.members.insert(Member { signal, slot, parked_at: None })
    }

    pub(crate) fn remove(&mut self, key: usize) {
        let Some(member) = self.members.try_remove(key) else { return };
        if let Some(at) = self.counts.iter().position(|(label, _)| *label == member.signal.label) {
            self.counts[at].1 -= 1;
            if self.counts[at].1 == 0 {
                self.counts.swap_remove(at);
            }
        }
        let Some(at) = member.parked_at else { return };
        self.parked.swap_remove(at);
        if let Some(&moved) = self.parked.get(at)
            && let Some(moved) = self.members.get_mut(moved)
        {
            moved.parked_at = Some(at);
        }
    }

    /// From now on the next append marks this reader.
    pub(crate) fn park(&mut self, key: usize) {
        let at = self.parked.len();
        if let Some(member) = self.members.get_mut(key)
            && member.parked_at.is_none()
        {
            member.parked_at = Some(at);
            self.parked.push(key);
        }
    }

    /// Marks every parked reader ready and hands it to `wakes`.
    pub(crate) fn mark(&mut self, wakes: &mut Wakes) {
        wakes.signals.reserve(self.parked.len());
        for key in self.parked.drain(..) {
            if let Some(member) = self.members.get_mut(key) {
                member.parked_at = None;
                member.signal.mark(member.slot);
                wakes.signals.push(Arc::clone(&member.signal));
            }
        }
    }
}

fn add(counts: &mut Vec<(&'static str, usize)>, label: &'static str, more: usize) {
    match counts.iter_mut().find(|(known, _)| *known == label) {
        Some((_, count)) => *count += more,
        None => {
            // Nearly always there is one label.
            counts.reserve_exact(1);
            counts.push((label, more));
        }
    }
}

/// The readers that an append has made ready, still to be woken.
///
/// Waking costs about a tenth of a microsecond for each of them, so the caller decides where and in which
/// slices. Whatever is left when this is dropped is woken then: a wake-up cannot be forgotten.
#[must_use = "readers wait for it; wake them where it suits"]
#[derive(Default)]
pub struct Wakes {
    signals: Vec<Arc<Signal>>,
}

impl Wakes {
    /// How many readers wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.signals.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.signals.is_empty()
    }

    /// Wakes up to `count` readers; returns whether some are left.
    pub fn wake_some(&mut self, count: usize) -> bool {
        let rest = self.signals.len().saturating_sub(count);
        for signal in self.signals.drain(rest..) {
            signal.wake();
        }
        rest > 0
    }

    /// Wakes all of them.
    pub fn wake(self) {
        drop(self);
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        self.wake_some(usize::MAX);
    }
}

impl std::fmt::Debug for Wakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wakes").field("len", &self.len()).finish()
    }
}
