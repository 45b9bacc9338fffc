//! The members that this process knows of, its own and those that other nodes have told of. One type has all that is done
//! to them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
    ops::Bound,
    sync::Arc,
};

use encke_core::{ChannelName, Selector, Timestamp};

use super::{
    Ended, MemberKey, Members, Origin, PresenceConfig, PresenceCounts, SeatState, lease::Who,
    membership::Membership, shared::Voice,
};
use crate::{Notice, What, Whom};

/// Bytes of a name that is kept, at most.
pub(super) const NAME: usize = 255;

/// Where somebody can be a member.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Channel(ChannelName),
    /// Behind the channels: who leaves all at once leaves it last.
    Node,
}

/// One member of one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seat {
    pub(crate) place: Place,
    pub(crate) key: MemberKey,
}

#[derive(Default)]
pub(super) struct Store {
    members: BTreeMap<Seat, Membership>,
    counts: HashMap<ChannelName, usize>,
    connected: usize,
    /// Those of whom nothing is held, by when they leave.
    ending: BTreeSet<(Timestamp, Seat)>,
    /// Whether anybody wants to know what happens.
    pub(super) tells: bool,
    happened: Vec<Notice>,
    pub(super) voice: Voice,
    /// Whether there may be other nodes.
    shared: bool,
    /// Of whom other nodes must be told.
    changed: BTreeSet<Seat>,
}

impl Store {
    pub(super) fn new(shared: bool, voice: Voice) -> Self {
        Self { shared, voice, ..Self::default() }
    }

    /// Counts a connection of `who`. False if there is no room for it.
    pub(super) fn join(&mut self, place: &Place, who: &Who, config: &PresenceConfig, now: Timestamp) -> bool {
        let seat = Seat { place: place.clone(), key: who.key.clone() };
        if let Some(member) = self.members.get_mut(&seat) {
            let ends = member.ends();
            let counted = member.add(who, config.connections.max(1), now);
            if let Some(ends) = ends {
                self.ending.remove(&(ends, seat.clone()));
            }
            self.change(seat);
            return counted;
        }
        if self.members.len() >= config.members || who.key.len() > NAME {
            return false;
        }
        let mut member = Membership::new(now);
        member.add(who, 1, now);
        self.change(seat.clone());
        self.enter(seat, member, now);
        true
    }

    fn enter(&mut self, seat: Seat, member: Membership, now: Timestamp) {
        let first = match &seat.place {
            Place::Node => {
                self.connected += 1;
                false
            }
            Place::Channel(channel) => {
                let count = self.counts.entry(channel.clone()).or_default();
                *count += 1;
                *count == 1
            }
        };
        let (came, occupied) = (seat.place.came(), first.then_some(What::Occupied));
        self.tell([Some(came), occupied], &seat, &member, now);
        self.members.insert(seat, member);
    }

    fn change(&mut self, seat: Seat) {
        if self.shared {
            self.changed.insert(seat);
        }
    }

    /// Counts a connection of `who` no longer that was counted, as [`Membership::give_up`] does.
    pub(super) fn leave(&mut self, place: &Place, who: &Who, until: Option<Timestamp>, now: Timestamp) {
        let seat = Seat { place: place.clone(), key: who.key.clone() };
        let Some(member) = self.members.get_mut(&seat) else { return };
        member.give_up(who, until);
        self.change(seat.clone());
        self.settle(seat, now);
    }

    /// Takes over what another node tells. False if there is no room for it.
    pub(super) fn report(
        &mut self,
        origin: Origin,
        state: SeatState,
        config: &PresenceConfig,
        now: Timestamp,
    ) -> bool {
        let seat = state.seat.clone();
        if let Some(member) = self.members.get_mut(&seat) {
            if let Some(ends) = member.ends() {
                self.ending.remove(&(ends, seat.clone()));
            }
            member.merge(origin, state);
            self.settle(seat, now);
            return true;
        }
        let mut member = Membership::new(state.since);
        member.merge(origin, state);
        if member.ends().is_some_and(|ends| ends <= now) {
            return true;
        }
        if self.members.len() >= config.members || seat.key.len() > NAME {
            return false;
        }
        self.enter(seat.clone(), member, now);
        self.settle(seat, now);
        true
    }

    /// Ends what a node has told of some members after `after` and what holds no longer. Returns the last of those, if
    /// there may be more.
    pub(super) fn forget(
        &mut self,
        ended: Ended,
        after: Option<Seat>,
        limit: usize,
        now: Timestamp,
    ) -> Option<Seat> {
        let told = |_: &Seat, member: &Membership| member.is_told_in(ended);
        self.end(told, |_, member| member.forget(ended), after, limit, now)
    }

    /// What has changed at this node since it was asked last, as much as may be told at a time.
    pub(super) fn take_changed(&mut self, limit: usize) -> Vec<SeatState> {
        let mut told = Vec::new();
        while told.len() < limit
            && let Some(seat) = self.changed.pop_first()
        {
            told.push(match self.members.get(&seat) {
                Some(member) => member.tell(seat),
                None => SeatState { seat, since: Timestamp::default(), info: None, shares: Vec::new() },
            });
        }
        told
    }

    /// What there is at this node of some members after `after`, and the last of those, if there may be more.
    pub(super) fn own(&self, after: Option<Seat>, limit: usize) -> (Vec<SeatState>, Option<Seat>) {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let some: Vec<_> = self.members.range((from, Bound::Unbounded)).take(limit).collect();
        let last = some.last().filter(|_| some.len() == limit).map(|(seat, _)| (*seat).clone());
        let own = some.into_iter().filter(|(_, member)| member.has_own());
        (own.map(|(seat, member)| member.tell(seat.clone())).collect(), last)
    }

    pub(super) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// A member of whom nothing is held waits for his end, or leaves if that is past.
    fn settle(&mut self, seat: Seat, now: Timestamp) {
        let Some(member) = self.members.get_mut(&seat) else { return };
        let ends = member.ends();
        if ends.is_some_and(|ends| ends <= now) {
            self.remove(&seat, now);
            return;
        }
        member.tidy(now);
        if let Some(ends) = ends {
            self.ending.insert((ends, seat));
        }
    }

    fn remove(&mut self, seat: &Seat, now: Timestamp) {
        let Some(member) = self.members.remove(seat) else { return };
        if member.has_own() {
            self.change(seat.clone());
        }
        let last = match &seat.place {
            Place::Node => {
                self.connected -= 1;
                false
            }
            Place::Channel(channel) => {
                let left = self.counts.get_mut(channel).map_or(0, |count| {
                    *count -= 1;
                    *count
                });
                if left == 0 {
                    self.counts.remove(channel);
                }
                left == 0
            }
        };
        self.tell([Some(seat.place.went()), last.then_some(What::Vacated)], seat, &member, now);
    }

    /// Removes up to `limit` members whose leases are over; returns whether there may be more.
    pub(super) fn expire(&mut self, now: Timestamp, limit: usize) -> bool {
        for _ in 0..limit {
            match self.ending.first() {
                Some((ends, _)) if *ends <= now => {}
                _ => return false,
            }
            if let Some((_, seat)) = self.ending.pop_first() {
                self.remove(&seat, now);
            }
        }
        true
    }

    /// Ends the leases of what is not held of `whom`, among the `limit` members after `after`. Returns the last of
    /// those, if there may be more.
    pub(super) fn revoke(
        &mut self,
        whom: &Whom,
        on: Option<&Selector>,
        after: Option<Seat>,
        limit: usize,
        now: Timestamp,
    ) -> Option<Seat> {
        let is = |seat: &Seat, member: &Membership| seat.place.is_in(on) && member.is_of(whom, &seat.key);
        self.end(is, |seat, member| member.revoke(whom, &seat.key), after, limit, now)
    }

    /// Ends something of those of some members after `after` who are concerned.
    fn end(
        &mut self,
        is_concerned: impl Fn(&Seat, &Membership) -> bool,
        end: impl Fn(&Seat, &mut Membership),
        after: Option<Seat>,
        limit: usize,
        now: Timestamp,
    ) -> Option<Seat> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut looked = 0;
        let mut last = None;
        let mut concerned = Vec::new();
        for (seat, member) in self.members.range((from, Bound::Unbounded)).take(limit) {
            looked += 1;
            last = Some(seat);
            if is_concerned(seat, member) {
                concerned.push(seat.clone());
            }
        }
        let last = last.filter(|_| looked == limit).cloned();
        for seat in concerned {
            let Some(member) = self.members.get_mut(&seat) else { continue };
            if let Some(ends) = member.ends() {
                self.ending.remove(&(ends, seat.clone()));
            }
            end(&seat, member);
            if member.has_own() {
                self.change(seat.clone());
            }
            self.settle(seat, now);
        }
        last
    }

    /// Up to `limit` members of a place that follow `after`.
    pub(super) fn list(
        &self,
        channel: &ChannelName,
        after: Option<&MemberKey>,
        limit: usize,
        now: Timestamp,
    ) -> Members {
        let place = Place::Channel(channel.clone());
        let seat = |key: &MemberKey| Seat { place: place.clone(), key: key.clone() };
        // The least of all keys.
        let from = after.map_or_else(
            || Bound::Included(seat(&MemberKey::Subject(Arc::default()))),
            |after| Bound::Excluded(seat(after)),
        );
        let mut found =
            self.members.range((from, Bound::Unbounded)).take_while(|(seat, _)| seat.place == place);
        let shown = found.by_ref().take(limit).map(|(seat, member)| member.show(&seat.key, now));
        let members: Vec<_> = shown.collect();
        let next = found.next().and_then(|_| members.last().map(|last| last.key.clone()));
        Members { count: self.count(channel), members, next }
    }

    pub(super) fn count(&self, channel: &ChannelName) -> usize {
        self.counts.get(channel).copied().unwrap_or(0)
    }

    pub(super) fn is_connected(&self, key: MemberKey) -> bool {
        self.members.contains_key(&Seat { place: Place::Node, key })
    }

    pub(super) fn counts(&self) -> PresenceCounts {
        let members = self.members.len() - self.connected;
        PresenceCounts { channels: self.counts.len(), members, connected: self.connected }
    }

    fn tell(&mut self, whats: [Option<What>; 2], seat: &Seat, member: &Membership, now: Timestamp) {
        if !self.tells {
            return;
        }
        let on = match &seat.place {
            Place::Channel(channel) => Some(Selector::Channel(channel.clone())),
            Place::Node => None,
        };
        for what in whats.into_iter().flatten() {
            let who = member.identity(&seat.key);
            self.happened.push(Notice { what, at: now, who, on: on.clone(), also: Vec::new() });
        }
    }

    /// What had happened before, and is to be told now.
    pub(super) fn happened(&mut self, before: Vec<Notice>) {
        self.happened.splice(0..0, before);
    }

    /// What has happened since it was asked last.
    pub(super) fn take_happened(&mut self) -> Vec<Notice> {
        mem::take(&mut self.happened)
    }

    /// What is kept of all kinds.
    #[cfg(test)]
    pub(super) fn kept(&self) -> [usize; 5] {
        [self.members.len(), self.counts.len(), self.connected, self.ending.len(), self.happened.len()]
    }
}

impl Place {
    fn came(&self) -> What {
        match self {
            Self::Channel(_) => What::Joined,
            Self::Node => What::Connected,
        }
    }

    fn went(&self) -> What {
        match self {
            Self::Channel(_) => What::Left,
            Self::Node => What::Disconnected,
        }
    }

    fn is_in(&self, on: Option<&Selector>) -> bool {
        match (self, on) {
            (_, None) => true,
            (Self::Channel(channel), Some(on)) => on.matches(channel),
            (Self::Node, Some(_)) => false,
        }
    }
}
