use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use encke_core::{Batch, Gap, Selector, Stop, Timestamp};

use crate::{End, Grant, HubConfig, SubscribeError, Whom, presence::Lease};

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
    by_subject: HashMap<Arc<str>, BTreeSet<u64>>,
}

/// The number of a live subscription, unique in the life of its hub. Where there are several nodes each begins at a number
/// that it draws, so that none is given twice.
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
    /// Whose it counts as. Nobody's may become somebody's, and then stays his.
    subject: OnceLock<Arc<str>>,
    stop: Stop,
    drained: OnceLock<End>,
    /// Rights that are over, which a drain does not stay.
    over: OnceLock<End>,
    ordered: AtomicBool,
    pub(crate) seq: AtomicU64,
    pub(crate) messages: AtomicU64,
    pub(crate) bytes: AtomicU64,
    view: Mutex<View>,
    pub(crate) lease: Lease,
}

/// What of a live subscription changes seldom.
pub(crate) struct View {
    pub(crate) grant: Grant,
    pub(crate) selectors: Vec<Selector>,
    /// The seq from which on it follows each of them.
    pub(crate) begins: Vec<u64>,
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
    /// Follow exactly these no longer.
    Leave(Vec<Selector>),
    /// Hold this grant instead.
    Renew(Grant),
}

/// Gaps that are remembered of each subscription.
const GAPS: usize = 8;

/// Orders that may wait for whoever holds a subscription, where its client gives them himself.
const ORDERS: usize = 64;

impl Live {
    pub(crate) fn new(
        label: &'static str,
        began: Timestamp,
        grant: Grant,
        (selectors, begins): (Vec<Selector>, Vec<u64>),
        stop: Stop,
    ) -> Self {
        Self {
            id: SubscriptionId(0),
            label,
            began,
            subject: grant.subject_arc().cloned().map(OnceLock::from).unwrap_or_default(),
            stop,
            drained: OnceLock::new(),
            over: OnceLock::new(),
            ordered: AtomicBool::new(false),
            seq: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            view: Mutex::new(View { grant, selectors, begins, gaps: VecDeque::new(), orders: Vec::new() }),
            lease: Lease::default(),
        }
    }

    pub(crate) fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ended(&self) -> Option<End> {
        self.over.get().or_else(|| self.drained.get()).copied()
    }

    /// Ends it. Whatever ended it first is the reason.
    pub(crate) fn end(&self, end: End) {
        let reason = if matches!(end, End::Drained { .. }) { &self.drained } else { &self.over };
        let _ = reason.set(end);
        self.stop.stop();
    }

    pub(crate) fn order(&self, order: Order) {
        self.view().orders.push(order);
        self.ordered.store(true, Ordering::Release);
        self.stop.wake();
    }

    /// Whether it takes an order from its own client now.
    pub(crate) fn takes_orders(&self) -> bool {
        self.view().orders.len() < ORDERS
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

impl State {
    fn count(&mut self, subject: &Arc<str>, id: u64, config: &HubConfig) -> Result<(), SubscribeError> {
        let limit = config.subscriptions_per_subject;
        let known = self.by_subject.get(subject).map_or(0, BTreeSet::len);
        if known >= limit {
            return Err(SubscribeError::TooManyOfSubject { limit });
        }
        self.by_subject.entry(Arc::clone(subject)).or_default().insert(id);
        Ok(())
    }
}

impl Registry {
    /// The first subscription gets the number `first`.
    pub(crate) fn new(first: u64) -> Self {
        Self { state: Mutex::new(State { next: first, ..State::default() }) }
    }

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
        let id = state.next;
        if let Some(subject) = live.subject.get() {
            state.count(subject, id, config)?;
        }
        state.next += 1;
        live.id = SubscriptionId(id);
        let live = Arc::new(live);
        state.live.insert(id, Arc::clone(&live));
        state.expiring.extend(expires.map(|expires| (expires, id)));
        *state.counts.entry(live.label).or_default() += 1;
        Ok(live)
    }

    /// Counts a subscription as this subject's, if it was nobody's and he may have one more.
    pub(crate) fn name(
        &self,
        live: &Live,
        subject: &Arc<str>,
        config: &HubConfig,
    ) -> Result<(), SubscribeError> {
        if live.subject.get().is_none() {
            self.lock().count(subject, live.id.0, config)?;
            let _ = live.subject.set(Arc::clone(subject));
        }
        Ok(())
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
        if let Some(subject) = live.subject.get()
            && let Some(his) = state.by_subject.get_mut(subject)
        {
            his.remove(&live.id.0);
            if his.is_empty() {
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

    /// Those of a subject.
    pub(crate) fn of_subject(&self, subject: &str) -> Vec<Arc<Live>> {
        let state = self.lock();
        let his = state.by_subject.get(subject).into_iter().flatten();
        his.filter_map(|id| state.live.get(id).cloned()).collect()
    }

    pub(crate) fn get(&self, id: SubscriptionId) -> Option<Arc<Live>> {
        self.lock().live.get(&id.0).cloned()
    }
}
