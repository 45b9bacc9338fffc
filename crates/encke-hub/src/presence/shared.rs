//! Members of several nodes: what they tell each other of theirs, and which of them tells what happens.

use std::{
    collections::VecDeque,
    mem,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use encke_core::Timestamp;
use tokio::{sync::Notify, time::Instant};

use super::{Presence, SLICE, Seat, Store};
use crate::{NodeId, Notice, hub::Inner, notice::Notices};

/// Who has told it: a node, and by which of its reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) node: NodeId,
    /// Rises with each of them.
    pub(crate) report: u64,
}

/// What a node has told before this report holds no longer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    pub(crate) node: NodeId,
    pub(crate) before: u64,
    /// But whoever was there may come back until then.
    pub(crate) until: Timestamp,
}

/// What there is at one node of one member of one place.
pub(crate) struct SeatState {
    pub(crate) seat: Seat,
    pub(crate) since: Timestamp,
    /// What the application tells of him, and when it did.
    pub(crate) info: Option<(Timestamp, Bytes)>,
    /// His connections there. Nothing: he is gone.
    pub(crate) shares: Vec<Share>,
}

/// His connections by one transport, from clients of one name.
pub(crate) struct Share {
    pub(crate) label: &'static str,
    pub(crate) client: Option<Arc<str>>,
    pub(crate) token: Option<Arc<str>>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) held: u32,
    pub(crate) until: Timestamp,
}

/// Whether this node tells what happens. If it does not, it keeps it, for the case that who does is dying.
#[derive(Default)]
pub(super) enum Voice {
    #[default]
    Tells,
    Keeps(VecDeque<(Instant, Notice)>),
}

impl Voice {
    /// Has notices told, or keeps them. Returns whether they are told.
    pub(super) fn hear(&mut self, happened: Vec<Notice>, notices: &Notices) -> bool {
        if happened.is_empty() {
            return false;
        }
        let Self::Keeps(kept) = self else {
            notices.keep(happened);
            return true;
        };
        let now = Instant::now();
        kept.extend(happened.into_iter().map(|notice| (now, notice)));
        let old = kept.len().saturating_sub(Notices::LIMIT);
        kept.drain(..old);
        false
    }
}

impl Presence {
    /// With `changed` there may be other nodes, and it is notified when they must be told something.
    pub(crate) fn new(changed: Option<Arc<Notify>>) -> Self {
        let voice = if changed.is_some() { Voice::Keeps(VecDeque::new()) } else { Voice::Tells };
        let store = Store::new(changed.is_some(), voice);
        Self { store: Mutex::new(store), changed: changed.unwrap_or_default() }
    }

    /// From now on this node tells what happens, and what it has kept; or it does not.
    pub(crate) fn lead(&self, leads: bool, notices: &Notices) {
        self.act(notices, |store| match (&mut store.voice, leads) {
            (Voice::Keeps(kept), true) => {
                let kept = mem::take(kept).into_iter().map(|(_, notice)| notice).collect();
                store.voice = Voice::Tells;
                store.happened(kept);
            }
            (Voice::Tells, false) => store.voice = Voice::Keeps(VecDeque::new()),
            _ => {}
        });
    }

    /// Forgets what another node has told.
    pub(crate) fn told_before(&self, moment: Instant) {
        if let Voice::Keeps(kept) = &mut self.lock().voice {
            kept.drain(..kept.partition_point(|(at, _)| *at < moment));
        }
    }

    /// What has changed here, as much as may be told at a time.
    pub(crate) fn take_changed(&self, limit: usize) -> Vec<SeatState> {
        self.lock().take_changed(limit)
    }

    /// What there is here of some members after `after`, and the last of those, if there may be more.
    pub(crate) fn own(&self, after: Option<Seat>, limit: usize) -> (Vec<SeatState>, Option<Seat>) {
        self.lock().own(after, limit)
    }
}

impl Inner {
    /// Takes over what another node tells of its members.
    pub(crate) fn report_members(&self, origin: Origin, states: Vec<SeatState>) {
        let (now, config) = (self.now(), &self.config.presence);
        let refused = self.presence.act(&self.notices, |store| {
            states
                .into_iter()
                .map(|state| store.report(origin, state, config, now))
                .filter(|kept| !kept)
                .count()
        });
        self.counters.not_keep(refused);
    }

    /// Has the members leave whom a node has told of and not again.
    pub(crate) async fn forget_members(&self, ended: Ended) {
        let mut after = None;
        loop {
            let now = self.now();
            after = self.presence.act(&self.notices, |store| store.forget(ended, after, SLICE, now));
            if after.is_none() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}
