use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use encke_core::{Stop, Timestamp};

use crate::End;

/// The live subscriptions: enough of each to end it.
#[derive(Default)]
pub(crate) struct Registry {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    live: BTreeMap<u64, Live>,
    expiring: BTreeSet<(Timestamp, u64)>,
    counts: BTreeMap<&'static str, usize>,
}

struct Live {
    label: &'static str,
    stop: Stop,
    end: Arc<OnceLock<End>>,
    expires: Option<Timestamp>,
}

impl Live {
    fn end(&self, end: End) {
        // Whatever ended it first is the reason.
        let _ = self.end.set(end);
        self.stop.stop();
    }
}

/// A subscription's place in the registry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id(u64);

impl Registry {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a subscription; `None` if there are `limit` of them.
    pub(crate) fn insert(
        &self,
        label: &'static str,
        stop: Stop,
        end: Arc<OnceLock<End>>,
        expires: Option<Timestamp>,
        limit: usize,
    ) -> Option<Id> {
        let mut state = self.lock();
        if state.live.len() >= limit {
            return None;
        }
        let id = state.next;
        state.next += 1;
        state.expiring.extend(expires.map(|expires| (expires, id)));
        state.live.insert(id, Live { label, stop, end, expires });
        *state.counts.entry(label).or_default() += 1;
        Some(Id(id))
    }

    /// Lets a subscription end at `expires`, unless it ends before.
    pub(crate) fn shorten(&self, id: Id, expires: Timestamp) {
        let mut state = self.lock();
        let State { live, expiring, .. } = &mut *state;
        let Some(live) = live.get_mut(&id.0) else { return };
        if live.expires.is_some_and(|known| known <= expires) {
            return;
        }
        if let Some(known) = live.expires.replace(expires) {
            expiring.remove(&(known, id.0));
        }
        expiring.insert((expires, id.0));
    }

    pub(crate) fn remove(&self, id: Id) {
        let mut state = self.lock();
        let Some(live) = state.live.remove(&id.0) else { return };
        if let Some(expires) = live.expires {
            state.expiring.remove(&(expires, id.0));
        }
        if let Some(count) = state.counts.get_mut(live.label) {
            *count -= 1;
        }
    }

    /// Ends one subscription.
    pub(crate) fn end(&self, id: Id, end: End) {
        if let Some(live) = self.lock().live.get(&id.0) {
            live.end(end);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().live.len()
    }

    /// The number of subscriptions for each label.
    pub(crate) fn by_label(&self) -> Vec<(&'static str, usize)> {
        self.lock().counts.iter().map(|(label, count)| (*label, *count)).collect()
    }

    /// Ends those whose grants have expired.
    pub(crate) fn expire(&self, now: Timestamp) {
        let mut expired = Vec::new();
        {
            let mut state = self.lock();
            while state.expiring.first().is_some_and(|(expires, _)| *expires <= now) {
                let Some((_, id)) = state.expiring.pop_first() else { break };
                expired.extend(state.live.get(&id).map(|live| (live.stop.clone(), Arc::clone(&live.end))));
            }
        }
        for (stop, end) in expired {
            let _ = end.set(End::Expired);
            stop.stop();
        }
    }

    /// Ends up to `count` subscriptions that came after `after`; `end` makes the reason for each. Returns the
    /// last of them, or `None` when all have been ended.
    pub(crate) fn end_some(&self, after: Option<Id>, count: usize, end: impl Fn() -> End) -> Option<Id> {
        let from = after.map_or(0, |id| id.0 + 1);
        let slice: Vec<_> = {
            let state = self.lock();
            let live = state.live.range(from..).take(count);
            live.map(|(id, live)| {
                (Id(*id), Live { end: Arc::clone(&live.end), stop: live.stop.clone(), ..*live })
            })
            .collect()
        };
        slice.iter().for_each(|(_, live)| live.end(end()));
        slice.last().map(|(id, _)| *id)
    }
}
