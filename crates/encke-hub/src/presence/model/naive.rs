use std::collections::BTreeMap;

use super::{CHANNELS, LABELS, PEOPLE, Reader};
use crate::{MemberKey, Whom};

/// A channel, or the node.
pub(super) type Place = Option<&'static str>;
pub(super) type Seat = (Place, MemberKey);

/// A connection that is or was counted at one place.
pub(super) struct Counted {
    subscription: u64,
    place: Place,
    key: MemberKey,
    label: &'static str,
    client: &'static str,
    held: bool,
    until: u64,
}

/// All connections that ever were.
#[derive(Default)]
pub(super) struct Naive(Vec<Counted>);

impl Naive {
    /// Counts a reader on the node, and on those of the channels it follows that keep members.
    pub(super) fn attend(&mut self, reader: &Reader) {
        let places = [None].into_iter().chain(reader.follows.iter().map(|index| Some(CHANNELS[*index])));
        places.filter(|place| *place != Some("plain")).for_each(|place| self.count(reader, place));
    }

    fn count(&mut self, reader: &Reader, place: Place) {
        let ((subject, client), id) = (PEOPLE[reader.who], reader.subscription.id());
        let key = match (subject, client) {
            ("", "") if reader.label == 1 => return,
            ("", "") => MemberKey::Subscription(id),
            ("", client) => MemberKey::Client(client.into()),
            (subject, _) => MemberKey::Subject(subject.into()),
        };
        if !self.held(id.0).contains(&place) {
            let label = LABELS[reader.label];
            self.0.push(Counted { subscription: id.0, place, key, label, client, held: true, until: 0 });
        }
    }

    /// Where a subscription is counted.
    pub(super) fn held(&self, subscription: u64) -> Vec<Place> {
        let held = self.0.iter().filter(|counted| counted.held && counted.subscription == subscription);
        held.map(|counted| counted.place).collect()
    }

    /// Counts a reader again whose grant is another.
    pub(super) fn renew(&mut self, reader: &Reader, now: u64) {
        let places = self.held(reader.subscription.id().0);
        self.leave(reader, |_| true, Some(now));
        places.into_iter().for_each(|place| self.count(reader, place));
    }

    /// Without `until` the leases of all that counts as one with it are over.
    pub(super) fn leave(&mut self, reader: &Reader, which: impl Fn(Place) -> bool, until: Option<u64>) {
        for at in 0..self.0.len() {
            let counted = &mut self.0[at];
            if counted.subscription == reader.subscription.id().0 && counted.held && which(counted.place) {
                counted.held = false;
                counted.until = until.unwrap_or(0);
                if until.is_none() {
                    self.kind(at).into_iter().for_each(|at| self.0[at].until = 0);
                }
            }
        }
    }

    /// All that count as one with this one.
    fn kind(&self, at: usize) -> Vec<usize> {
        let kind = |counted: &Counted| (counted.place, counted.key.clone(), counted.label, counted.client);
        (0..self.0.len()).filter(|other| kind(&self.0[*other]) == kind(&self.0[at])).collect()
    }

    pub(super) fn revoke(&mut self, whom: &Whom, on: impl Fn(Place) -> bool) {
        for counted in &mut self.0 {
            let subject = counted.key.subject().map_or("", |subject| &**subject);
            if on(counted.place) && is(whom, subject, counted.client) {
                counted.until = 0;
            }
        }
    }

    /// Who is there.
    pub(super) fn present(&self, now: u64) -> impl Iterator<Item = Seat> {
        let there = self.0.iter().filter(move |counted| counted.held || counted.until > now);
        there.map(|counted| (counted.place, counted.key.clone()))
    }

    /// The connections of a member that are there, by transport and client: how many are held.
    pub(super) fn connections(&self, seat: &Seat, now: u64) -> BTreeMap<(&str, &str), usize> {
        let mut kinds: BTreeMap<_, (usize, bool)> = BTreeMap::new();
        for counted in self.0.iter().filter(|counted| counted.place == seat.0 && counted.key == seat.1) {
            let kind = kinds.entry((counted.label, counted.client)).or_default();
            kind.0 += usize::from(counted.held);
            kind.1 |= counted.held || counted.until > now;
        }
        kinds.into_iter().filter(|(_, (_, there))| *there).map(|(kind, (held, _))| (kind, held)).collect()
    }
}

/// Whether somebody is one of those.
pub(super) fn is(whom: &Whom, subject: &str, client: &str) -> bool {
    match whom {
        Whom::Everybody => true,
        Whom::Subject(own) | Whom::Token(own) => **own == *subject,
        Whom::Client(own) => **own == *client,
        Whom::Subscription(_) => false,
    }
}
