use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
};

use bytes::Bytes;
use encke_core::{Selector, Timestamp};
use tokio::sync::Notify;

use crate::{Denied, Grant, MemberKey, NoticeKind};

/// Something that happened in a hub, for whoever runs the application.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// What.
    pub what: What,
    /// When.
    pub at: Timestamp,
    /// Whose it was, as far as it is known.
    pub who: Identity,
    /// On which channel.
    pub on: Option<Selector>,
    /// On which others too, where a message was published to several.
    pub also: Vec<Selector>,
}

/// What a [`Notice`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// A client is there.
    Connected,
    /// A client is no longer there.
    Disconnected,
    /// A member has come to a channel.
    Joined,
    /// A member has left a channel.
    Left,
    /// A channel has its first member.
    Occupied,
    /// A channel has lost its last member.
    Vacated,
    /// A client has published: the message's number.
    Published(u64),
    /// A reader was too slow and has lost messages, and was told so.
    Slow,
    /// Somebody was refused.
    Refused(Denied),
}

/// Who somebody is, as others may know him.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Identity {
    /// The verified subject.
    pub subject: Option<Arc<str>>,
    /// What his client calls itself.
    pub client: Option<Arc<str>>,
    /// From where.
    pub address: Option<IpAddr>,
    /// By which transport.
    pub transport: Option<&'static str>,
    /// What the application tells of him: one JSON value.
    pub info: Option<Bytes>,
    /// As whom he is counted, in notices of who comes and goes.
    pub member: Option<MemberKey>,
}

impl Identity {
    /// Of whoever holds `grant`, on `transport`.
    #[must_use]
    pub fn of(grant: &Grant, transport: Option<&'static str>) -> Self {
        let asker = grant.asker();
        let subject = grant.subject_arc().cloned();
        let (client, info) = (asker.client.clone(), grant.info().cloned());
        Self { subject, client, address: asker.address, transport, info, member: None }
    }
}

/// Where notices wait for the one who reads them. Nobody does: nothing is kept.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    /// A bit for each kind that somebody will read.
    wanted: AtomicU16,
    queue: Mutex<Queue>,
    some: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    notices: VecDeque<Notice>,
    lost: u64,
}

/// What has happened since the last look.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Noticed {
    /// In order.
    pub notices: Vec<Notice>,
    /// How many there was no space for, after these.
    pub lost: u64,
}

impl Notices {
    /// Notices that wait, at most.
    pub(crate) const LIMIT: usize = 65_536;

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody will read those of this kind.
    pub(crate) fn want(&self, kind: NoticeKind) -> bool {
        self.wanted.load(Ordering::Relaxed) & kind.bit() != 0
    }

    /// Keeps what `notice` makes, if anybody wants it.
    pub(crate) fn tell(&self, kind: NoticeKind, notice: impl FnOnce() -> Notice) {
        if !self.want(kind) {
            return;
        }
        self.keep([notice()]);
        self.wake();
    }

    /// Keeps these, for one who cannot wake their reader yet because he holds a lock.
    pub(crate) fn keep(&self, notices: impl IntoIterator<Item = Notice>) {
        let mut queue = self.lock();
        for notice in notices.into_iter().filter(|notice| self.want(notice.what.kind())) {
            if queue.notices.len() < Self::LIMIT {
                queue.notices.push_back(notice);
            } else {
                queue.lost += 1;
            }
        }
    }

    pub(crate) fn wake(&self) {
        self.some.notify_one();
    }

    pub(crate) async fn next(&self, kinds: &[NoticeKind]) -> Noticed {
        let wanted = kinds.iter().fold(0, |bits, kind| bits | kind.bit());
        self.wanted.store(wanted, Ordering::Relaxed);
        loop {
            let queue = std::mem::take(&mut *self.lock());
            if !queue.notices.is_empty() || queue.lost > 0 {
                return Noticed { notices: queue.notices.into(), lost: queue.lost };
            }
            self.some.notified().await;
        }
    }
}
