//! What this node tells the others by itself: that it is there, what has changed, and all there is to whoever asks for it.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use encke_core::Timestamp;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    NodeId, lock,
    obey::Job,
    parcel::{Beat, News, Parcel},
};
use crate::{hub::Inner, presence::Ended};

/// Members or bans in one parcel.
const SLICE: usize = 256;

/// What changes within this time is told together.
const PACE: Duration = Duration::from_millis(10);

impl Inner {
    /// Tells the other nodes what they have to know, for ever.
    pub(super) async fn tell_peers(&self) {
        let cluster = &self.cluster;
        let mut next = Instant::now();
        loop {
            let _ = timeout_at(next, cluster.tell.notified()).await;
            let now = Instant::now();
            let due = now >= next;
            if due {
                self.notice_standstill(next, now);
                next = now + cluster.beat;
                self.look_after_peers(now);
            }
            if lock(&cluster.table).take_greeting() || due {
                cluster.send(None, &Parcel::Beat(self.beat())).await;
            }
            self.tell_news().await;
            let missing = lock(&cluster.table).missing(now);
            for node in missing {
                cluster.send(Some(node), &Parcel::Want).await;
            }
            while let Some(node) = self.next_wanting() {
                self.tell_all(node).await;
            }
            sleep(PACE).await;
        }
    }

    /// Whoever could not even say that he is there was gone for the others, and what they have said is still to be read.
    fn notice_standstill(&self, since: Instant, now: Instant) {
        if lock(&self.cluster.table).stood_still(since, now, self.now()) {
            self.presence.lead(false, &self.notices);
        }
    }

    fn next_wanting(&self) -> Option<NodeId> {
        lock(&self.cluster.table).take_wanting()
    }

    /// Sees who is gone, and who tells what happens.
    fn look_after_peers(&self, now: Instant) {
        let (gone, is_up, leads) = {
            let mut table = lock(&self.cluster.table);
            (table.take_gone(now), table.is_up(), table.leads(now))
        };
        for (node, before) in gone {
            self.cluster.add_job(Job::Forget(Ended { node, before, until: Timestamp::default() }));
        }
        self.presence.lead(is_up && leads, &self.notices);
    }

    fn beat(&self) -> Beat {
        let cluster = &self.cluster;
        let (rank, tells) = {
            let table = lock(&cluster.table);
            (table.rank(), table.leads(Instant::now()))
        };
        Beat {
            name: Arc::clone(&cluster.name),
            began: self.began,
            rank,
            tells,
            version: env!("CARGO_PKG_VERSION").into(),
            number: cluster.news.load(Ordering::Relaxed),
            bans: self.bans.digest(self.now()),
        }
    }

    /// Tells what has changed. While nobody can be told it is forgotten: then everything is asked for later.
    async fn tell_news(&self) {
        let cluster = &self.cluster;
        loop {
            let seats = self.presence.take_changed(SLICE);
            let bans = {
                let mut bans = lock(&cluster.bans);
                let some = bans.len().min(SLICE);
                bans.drain(..some).collect::<Vec<_>>()
            };
            if seats.is_empty() && bans.is_empty() {
                return;
            }
            let number = cluster.news.fetch_add(1, Ordering::Relaxed) + 1;
            cluster.send(None, &Parcel::News(News { number, seats, bans })).await;
        }
    }

    /// Tells one node all there is. No news go meanwhile, so it follows on the last.
    async fn tell_all(&self, node: NodeId) {
        let number = self.cluster.news.load(Ordering::Relaxed);
        let mut index = 0;
        let mut part = |seats, bans, last| {
            let part = Parcel::Part(index, last, News { number, seats, bans });
            index += 1;
            async move { self.cluster.send(Some(node), &part).await }
        };
        let mut after = None;
        loop {
            let (seats, more) = self.presence.own(after, SLICE);
            part(seats, Vec::new(), false).await;
            if more.is_none() {
                break;
            }
            after = more;
        }
        for bans in self.bans.records().chunks(SLICE) {
            part(Vec::new(), bans.to_vec(), false).await;
        }
        part(Vec::new(), Vec::new(), true).await;
    }
}
