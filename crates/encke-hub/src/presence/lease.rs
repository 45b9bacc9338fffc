use std::{
    mem,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use encke_core::{ChannelName, Timestamp};

use super::{MemberKey, store::NAME, store::Place};
use crate::{End, NoticeKind, hub::Inner, registry::Live};

/// As whom a subscription is counted.
pub(super) struct Who {
    pub(super) key: MemberKey,
    pub(super) label: &'static str,
    pub(super) client: Option<Arc<str>>,
    pub(super) token: Option<Arc<str>>,
    pub(super) address: Option<IpAddr>,
    pub(super) info: Option<Bytes>,
}

/// Where a subscription is counted, and as whom. Others may end it, so nothing is done to the members while it is
/// locked.
#[derive(Default)]
pub(crate) struct Lease(Mutex<State>);

#[derive(Default)]
struct State {
    who: Option<Arc<Who>>,
    places: Vec<Place>,
    /// Where one without a name will be counted as soon as the subscription is held.
    pending: Option<Vec<ChannelName>>,
    keeps: bool,
}

impl Lease {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Counts it on `kept`. One without a name is only when it is held: then this returns true.
    pub(crate) fn open_lease(&self, inner: &Inner, kept: Vec<ChannelName>) -> bool {
        if kept.is_empty() && !is_wanted(inner) {
            return false;
        }
        let named = self.is_named();
        self.lease.lock().pending = Some(kept);
        if named {
            self.attend(inner, Vec::new());
        }
        !named
    }

    /// Its lease lasts as long as that of one who answers and goes.
    pub(crate) fn keep_lease(&self) {
        let mut state = self.lease.lock();
        state.keeps = true;
        state.pending = None;
    }

    /// Counts it on `kept` too: it is held.
    pub(crate) fn attend(&self, inner: &Inner, mut kept: Vec<ChannelName>) {
        let mut new = Vec::new();
        let who = {
            let mut state = self.lease.lock();
            kept.extend(state.pending.take().into_iter().flatten());
            if kept.is_empty() && !is_wanted(inner) {
                return;
            }
            if state.who.is_none() {
                state.who = self.who(inner, state.keeps);
            }
            for place in [Place::Node].into_iter().chain(kept.into_iter().map(Place::Channel)) {
                if !state.places.contains(&place) && !new.contains(&place) {
                    new.push(place);
                }
            }
            state.who.clone()
        };
        if let Some(who) = who {
            self.join(inner, &who, new);
        }
    }

    /// Counts it no longer on the channels that `lost` names.
    pub(crate) fn unattend(&self, inner: &Inner, lost: impl Fn(&ChannelName) -> bool) {
        let (who, gone) = {
            let mut state = self.lease.lock();
            state.pending.iter_mut().for_each(|pending| pending.retain(|channel| !lost(channel)));
            let is_lost = |place: &mut Place| matches!(place, Place::Channel(channel) if lost(channel));
            let gone: Vec<_> = state.places.extract_if(.., is_lost).collect();
            (state.who.clone(), gone)
        };
        if let Some(who) = who {
            leave(inner, &who, &gone, None);
        }
    }

    /// Counts it as whom its grant is for now; `kept` is where.
    pub(crate) fn renew_lease(&self, inner: &Inner, kept: Vec<ChannelName>) {
        let (known, who, places) = {
            let mut state = self.lease.lock();
            let known = state.who.take();
            state.who = known.as_ref().and_then(|_| self.who(inner, state.keeps));
            (known, state.who.clone(), mem::take(&mut state.places))
        };
        let Some(known) = known else {
            if self.is_named() {
                self.open_lease(inner, kept);
            }
            return;
        };
        // First the new one: who has the same name does not leave.
        if let Some(who) = who {
            self.join(inner, &who, places.clone());
        }
        leave(inner, &known, &places, Some(inner.now()));
    }

    /// Counts it nowhere any longer, but for the time to come back; whose rights were taken has none.
    pub(crate) fn end_lease(&self, inner: &Inner) {
        let State { who, places, keeps, .. } = mem::take(&mut *self.lease.lock());
        let Some(who) = who else { return };
        let config = &inner.config.presence;
        let length = if keeps { config.lease } else { config.linger };
        leave(inner, &who, &places, (!self.is_revoked()).then(|| inner.now().after(length)));
    }

    /// Counts it at `places`, as far as there is room and its rights were not taken meanwhile.
    fn join(&self, inner: &Inner, who: &Who, mut places: Vec<Place>) {
        let (now, wanted) = (inner.now(), places.len());
        if wanted == 0 {
            return;
        }
        inner.presence.act(&inner.notices, |store| {
            places.retain(|place| store.join(place, who, &inner.config.presence, now));
        });
        inner.counters.not_keep(wanted - places.len());
        {
            let mut state = self.lease.lock();
            if !self.is_revoked() {
                state.places.append(&mut places);
            }
        }
        leave(inner, who, &places, None);
    }

    fn is_named(&self) -> bool {
        MemberKey::of(&self.view().grant).is_some()
    }

    fn is_revoked(&self) -> bool {
        self.ended() == Some(End::Revoked)
    }

    /// As whom it is counted; one without a name only if it is held.
    fn who(&self, inner: &Inner, keeps: bool) -> Option<Arc<Who>> {
        let config = &inner.config.presence;
        let grant = self.view().grant.clone();
        let held = (!keeps).then_some(MemberKey::Subscription(self.id));
        let asker = grant.asker();
        Some(Arc::new(Who {
            key: MemberKey::of(&grant).or(held)?,
            label: self.label,
            client: asker.client.clone().filter(|client| client.len() <= NAME),
            token: grant.token_id().filter(|token| token.len() <= NAME).map(Arc::from),
            address: asker.address.filter(|_| config.addresses),
            info: grant.info().filter(|info| info.len() <= config.info).cloned(),
        }))
    }
}

fn is_wanted(inner: &Inner) -> bool {
    inner.notices.want(NoticeKind::Connected) || inner.notices.want(NoticeKind::Disconnected)
}

/// Counts `who` no longer at `places`, the last first.
fn leave(inner: &Inner, who: &Who, places: &[Place], until: Option<Timestamp>) {
    if !places.is_empty() {
        let now = inner.now();
        inner.presence.act(&inner.notices, |store| {
            places.iter().rev().for_each(|place| store.leave(place, who, until, now));
        });
    }
}
