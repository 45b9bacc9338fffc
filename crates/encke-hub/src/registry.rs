use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use encke_core::{Batch, Gap, Selector, Stop, Timestamp};

use crate::{End, Grant, HubConfig, SubscribeError, Whom};

/// The live subscriptions: enough of each to show it, to order it about, and to end it.
#[derive(Default)]
pub(crate) struct Registry {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    live: BTreeMap<u64, Arc<Live>>,
    expiring: BTreeSet<(Timestamp, u64)>,
    counts: BTreeMap<&'static str, usize>,
    by_subject: HashMap<Arc<str>, usize>,
}

/// The number of a live subscription, unique in the life of its hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub u64);

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A live subscription, as others see it.
pub(crate) struct Live {
    pub(crate) id: SubscriptionId,
    pub(crate) label: &'static str,
    pub(crate) began: Timestamp,
    /// Whose it counts as, whatever grant is held later.
    counted: Option<Arc<str>>,
    stop: Stop,
    end: OnceLock<End>,
    ordered: AtomicBool,
    pub(crate) seq: AtomicU64,
    pub(crate) messages: AtomicU64,
    pub(crate) bytes: AtomicU64,
    view: Mutex<View>,
}

/// What of a live subscription changes seldom.
pub(crate) struct View {
    pub(crate) grant: Grant,
    pub(crate) selectors: Vec<Selector>,
    /// The last that it was told of.
    pub(crate) gaps: VecDeque<Gap>,
    orders: Vec<Order>,
}

/// What is to be done by whoever holds a subscription, before it reads on.
#[derive(Debug)]
pub(crate) enum Order {
    /// Follow these too.
    Follow(Grant, Vec<Selector>),
    /// Follow nothing that overlaps this.
    Unfollow(Selector),
    /// Hold this grant instead.
    Renew(Grant),
}

/// Gaps that are remembered of each subscription.
const GAPS: usize = 8;

impl Live {
    pub(crate) fn new(
        label: &'static str,
        began: Timestamp,
        grant: Grant,
        selectors: Vec<Selector>,
        stop: Stop,
    ) -> Self {
        Self {
            id: SubscriptionId(0),
            label,
            began,
            counted: grant.subject_arc().cloned(),
            stop,
            end: OnceLock::new(),
            ordered: AtomicBool::new(false),
            seq: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            view: Mutex::new(View { grant, selectors, gaps: VecDeque::new(), orders: Vec::new() }),
        }
    }

    pub(crate) fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ended(&self) -> Option<End> {
        self.end.get().copied()
    }

    /// Ends it. Whatever ended it first is the reason.
    pub(crate) fn end(&self, end: End) {
        let _ = self.end.set(end);
        self.stop.stop();
    }

    pub(crate) fn order(&self, order: Order) {
        self.view().orders.push(order);
        self.ordered.store(true, Ordering::Release);
        self.stop.wake();
    }

    pub(crate) fn is_ordered(&self) -> bool {
        self.ordered.load(Ordering::Acquire)
    }

    pub(crate) fn take_orders(&self) -> Vec<Order> {
        self.ordered.store(false, Ordering::Release);
        std::mem::take(&mut self.view().orders)
    }

    /// Notes what was read.
    pub(crate) fn deliver(&self, batch: &Batch) {
        self.seq.store(batch.cursor.seq, Ordering::Relaxed);
        let bytes: usize = batch.messages.iter().map(|message| message.message().data().len()).sum();
        // Only its reader writes, so there is nothing to be lost between load and store.
        let add = |counter: &AtomicU64, more: usize| {
            counter.store(counter.load(Ordering::Relaxed) + more as u64, Ordering::Relaxed);
        };
        add(&self.messages, batch.messages.len());
        add(&self.bytes, bytes);
        self.note(&batch.gaps);
    }

    /// Notes what it was told to be missing.
    pub(crate) fn note(&self, gaps: &[Gap]) {
        if gaps.is_empty() {
            return;
        }
        let mut view = self.view();
        view.gaps.extend(gaps.iter().cloned());
        let old = view.gaps.len().saturating_sub(GAPS);
        view.gaps.drain(..old);
    }

    /// Whether it is one of those.
    pub(crate) fn is(&self, whom: &Whom) -> bool {
        match whom {
            Whom::Everybody => true,
            Whom::Subscription(id) => self.id == *id,
            Whom::Subject(subject) => self.view().grant.subject() == Some(subject),
            Whom::Client(client) => self.view().grant.asker().client.as_deref() == Some(client),
            Whom::Token(token) => self.view().grant.token_id() == Some(token),
        }
    }
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a subscription, if there may be one more.
    pub(crate) fn insert(&self, mut live: Live, config: &HubConfig) -> Result<Arc<Live>, SubscribeError> {
        let expires = live.view().grant.expires();
        let mut state = self.lock();
        if state.live.len() >= config.subscriptions {
            return Err(SubscribeError::TooManySubscriptions);
        }
        if let Some(subject) = live.counted.clone() {
            let limit = config.subscriptions_per_subject;
            let count = state.by_subject.entry(subject).or_default();
            if *count >= limit {
                return Err(SubscribeError::TooManyOfSubject { limit });
            }
            *count += 1;
        }
        let id = state.next;
        state.next += 1;
        live.id = SubscriptionId(id);
        let live = Arc::new(live);
        state.live.insert(id, Arc::clone(&live));
        state.expiring.extend(expires.map(|expires| (expires, id)));
        *state.counts.entry(live.label).or_default() += 1;
        Ok(live)
    }

    /// Gives a subscription another end by itself.
    pub(crate) fn expire_at(&self, live: &Live, known: Option<Timestamp>, expires: Option<Timestamp>) {
        let mut state = self.lock();
        if let Some(known) = known {
            state.expiring.remove(&(known, live.id.0));
        }
        state.expiring.extend(expires.map(|expires| (expires, live.id.0)));
    }

    pub(crate) fn remove(&self, live: &Live, expires: Option<Timestamp>) {
        let mut state = self.lock();
        if let Some(subject) = &live.counted
            && let Some(count) = state.by_subject.get_mut(subject)
        {
            *count -= 1;
            if *count == 0 {
                state.by_subject.remove(subject);
            }
        }
        state.live.remove(&live.id.0);
        if let Some(expires) = expires {
            state.expiring.remove(&(expires, live.id.0));
        }
        if let Some(count) = state.counts.get_mut(live.label) {
            *count -= 1;
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
                expired.extend(state.live.get(&id).cloned());
            }
        }
        expired.iter().for_each(|live| live.end(End::Expired));
    }

    /// Up to `count` subscriptions that came after `after`, in the order in which they came.
    pub(crate) fn some(&self, after: Option<SubscriptionId>, count: usize) -> Vec<Arc<Live>> {
        let from = after.map_or(0, |id| id.0 + 1);
        self.lock().live.range(from..).take(count).map(|(_, live)| Arc::clone(live)).collect()
    }

    pub(crate) fn get(&self, id: SubscriptionId) -> Option<Arc<Live>> {
        self.lock().live.get(&id.0).cloned()
    }
}
