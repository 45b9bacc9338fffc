use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use encke_core::Timestamp;

use super::{Ended, Member, MemberKey, Origin, SeatState, Share, lease::Who};
use crate::{Identity, Whom};

/// One who is on a channel, or on the node.
pub(super) struct Membership {
    since: Timestamp,
    /// Of several that are told of him at several nodes the newest holds.
    info: Option<(Timestamp, Bytes)>,
    connections: Vec<Connection>,
}

/// The connections of a member by one transport, from clients of one name, at one node.
struct Connection {
    /// Which node has told of it, if it is not this one's own.
    origin: Option<Origin>,
    label: &'static str,
    client: Option<Arc<str>>,
    token: Option<Arc<str>>,
    address: Option<IpAddr>,
    /// How many are held.
    held: u32,
    /// When the lease of those that have ended is over.
    until: Timestamp,
}

impl Membership {
    /// Of whom nothing is counted yet.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { since: now, info: None, connections: Vec::with_capacity(1) }
    }

    /// Counts a connection no longer. Its lease lasts until `until`; without that, it and those of others of its kind
    /// are over.
    pub(super) fn give_up(&mut self, who: &Who, until: Option<Timestamp>) {
        if let Some(connection) = self.connections.iter_mut().find(|connection| connection.is(who)) {
            connection.held = connection.held.saturating_sub(1);
            connection.until = until.map_or_else(Timestamp::default, |until| until.max(connection.until));
        }
    }

    /// Forgets the connections whose leases are over.
    pub(super) fn tidy(&mut self, now: Timestamp) {
        self.connections.retain(|connection| connection.is_there(now));
    }

    pub(super) fn is_of(&self, whom: &Whom, key: &MemberKey) -> bool {
        self.connections.iter().any(|connection| connection.is_of(whom, key))
    }

    /// Ends the leases of the connections of `whom` that are not held.
    pub(super) fn revoke(&mut self, whom: &Whom, key: &MemberKey) {
        let concerned = self.connections.iter_mut().filter(|connection| connection.is_of(whom, key));
        concerned.for_each(|connection| connection.until = Timestamp::default());
    }

    /// When he leaves, if nothing of him is held.
    pub(super) fn ends(&self) -> Option<Timestamp> {
        let held = self.connections.iter().any(|connection| connection.held > 0);
        let last = self.connections.iter().map(|connection| connection.until).max();
        if held { None } else { Some(last.unwrap_or_default()) }
    }

    /// What of him is this node's own.
    fn own(&self) -> impl Iterator<Item = (usize, &Connection)> {
        self.connections.iter().enumerate().filter(|(_, connection)| connection.origin.is_none())
    }

    pub(super) fn has_own(&self) -> bool {
        self.own().next().is_some()
    }

    /// What other nodes are told of him.
    pub(super) fn tell(&self, seat: super::Seat) -> SeatState {
        let share = |connection: &Connection| Share {
            label: connection.label,
            client: connection.client.clone(),
            token: connection.token.clone(),
            address: connection.address,
            held: connection.held,
            until: connection.until,
        };
        let shares = self.own().map(|(_, connection)| share(connection)).collect();
        SeatState { seat, since: self.since, info: self.info.clone(), shares }
    }

    /// Takes over what another node tells of him now, instead of what it told before.
    pub(super) fn merge(&mut self, origin: Origin, state: SeatState) {
        self.since = self.since.min(state.since);
        self.info = self.info.take().max(state.info);
        if state.shares.is_empty() {
            // As whom he leaves is told by what was known of him.
            self.forget(Ended { node: origin.node, before: u64::MAX, until: Timestamp::default() });
            return;
        }
        self.connections.retain(|connection| connection.origin.is_none_or(|known| known.node != origin.node));
        self.connections.extend(state.shares.into_iter().map(|share| Connection {
            origin: Some(origin),
            label: share.label,
            client: share.client,
            token: share.token,
            address: share.address,
            held: share.held,
            until: share.until,
        }));
    }

    pub(super) fn is_told_in(&self, ended: Ended) -> bool {
        self.connections.iter().any(|connection| connection.is_told_in(ended))
    }

    /// Ends what holds no longer of what a node has told of him.
    pub(super) fn forget(&mut self, ended: Ended) {
        for connection in self.connections.iter_mut().filter(|connection| connection.is_told_in(ended)) {
            let back = if ended.until > Timestamp::default() { connection.until } else { ended.until };
            (connection.held, connection.until) = (0, ended.until.max(back));
        }
    }

    /// Counts a connection; false if this node has `limit` others already.
    pub(super) fn add(&mut self, who: &Who, limit: usize, now: Timestamp) -> bool {
        let at = match self.connections.iter().position(|connection| connection.is(who)) {
            Some(at) => at,
            None => {
                if self.own().count() >= limit {
                    // One that is away gives way to one that is there.
                    let away = self.own().filter(|(_, other)| other.held == 0);
                    let Some((at, _)) = away.min_by_key(|(_, other)| other.until) else { return false };
                    self.connections.swap_remove(at);
                }
                self.connections.push(Connection {
                    origin: None,
                    label: who.label,
                    client: who.client.clone(),
                    token: None,
                    address: None,
                    held: 0,
                    until: Timestamp::default(),
                });
                self.connections.len() - 1
            }
        };
        let connection = &mut self.connections[at];
        connection.held += 1;
        connection.token.clone_from(&who.token);
        connection.address = who.address;
        if let Some(info) = &who.info {
            let after = self.info.as_ref().map(|(at, _)| at.after(Duration::from_millis(1)));
            self.info = Some((after.map_or(now, |after| after.max(now)), info.clone()));
        }
        true
    }

    pub(super) fn show(&self, key: &MemberKey, now: Timestamp) -> Member {
        let mut member = Member {
            key: key.clone(),
            clients: Vec::new(),
            info: self.info(),
            since: self.since,
            transports: Vec::new(),
            addresses: Vec::new(),
        };
        for connection in self.connections.iter().filter(|connection| connection.is_there(now)) {
            let count = connection.held.max(1) as usize;
            match member.transports.iter_mut().find(|(label, _)| *label == connection.label) {
                Some((_, known)) => *known += count,
                None => member.transports.push((connection.label, count)),
            }
            member.clients.extend(connection.client.clone());
            member.addresses.extend(connection.address);
        }
        member.clients.sort_unstable();
        member.clients.dedup();
        member.addresses.sort_unstable();
        member.addresses.dedup();
        member
    }

    fn info(&self) -> Option<Bytes> {
        self.info.as_ref().map(|(_, info)| info.clone())
    }

    /// Who he is, by the last of his connections.
    pub(super) fn identity(&self, key: &MemberKey) -> Identity {
        let last = self.connections.last();
        Identity {
            subject: key.subject().cloned(),
            client: last.and_then(|connection| connection.client.clone()),
            address: last.and_then(|connection| connection.address),
            transport: last.map(|connection| connection.label),
            info: self.info(),
            member: Some(key.clone()),
        }
    }
}

impl Connection {
    fn is_told_in(&self, ended: Ended) -> bool {
        self.origin.is_some_and(|origin| origin.node == ended.node && origin.report < ended.before)
    }

    fn is(&self, who: &Who) -> bool {
        self.origin.is_none() && self.label == who.label && self.client == who.client
    }

    /// Whether one is held, or its lease is not over.
    fn is_there(&self, now: Timestamp) -> bool {
        self.held > 0 || self.until > now
    }

    fn is_of(&self, whom: &Whom, key: &MemberKey) -> bool {
        match whom {
            Whom::Everybody => true,
            Whom::Subject(subject) => key.subject().is_some_and(|own| **own == **subject),
            Whom::Client(client) => self.client.as_deref() == Some(client),
            Whom::Token(token) => self.token.as_deref() == Some(token),
            Whom::Subscription(id) => *key == MemberKey::Subscription(*id),
        }
    }
}
