use std::collections::BTreeSet;

use super::{CHANNELS, LABELS, Present, World, channel, grant, naive::Seat};
use crate::{Member, MemberKey, What};

impl World {
    /// What the hub shows and has told is what the model says.
    pub(super) fn check(&mut self) {
        let now = self.now();
        let since = |seat: &Seat| self.present.get(seat).copied().unwrap_or(now);
        let present: Present = self
            .naive
            .present(now)
            .map(|seat| {
                let since = since(&seat);
                (seat, since)
            })
            .collect();
        self.check_notices(&present);
        self.present = present;
        let members: usize = CHANNELS.into_iter().map(|name| self.check_channel(name)).sum();
        let occupied: BTreeSet<_> = self.present.keys().filter_map(|(place, _)| *place).collect();
        let counts = self.hub.presence_counts();
        assert_eq!((counts.members, counts.connected), (members, self.present.len() - members));
        assert_eq!(counts.channels, occupied.len());
        let own = self.present.keys().any(|(place, _)| *place == Some("@s1"));
        let connected = self.present.contains_key(&(None, MemberKey::Subject("s1".into())));
        assert_eq!(self.hub.is_present(&grant(&self.hub, "trusted", ""), "s1"), Ok(own || connected));
    }

    /// Returns how many members a channel has.
    fn check_channel(&self, name: &'static str) -> usize {
        let trusted = grant(&self.hub, "trusted", "");
        let seats: Vec<_> = self.present.iter().filter(|((place, _), _)| *place == Some(name)).collect();
        assert_eq!(self.hub.member_count(&trusted, &channel(name)), Ok(seats.len()), "{name}");
        let mut after = None;
        for page in seats.chunks(2) {
            let list = self.hub.members(&trusted, &channel(name), after.as_ref(), 2).unwrap();
            assert_eq!((list.count, list.members.len()), (seats.len(), page.len()));
            for (member, (seat, since)) in list.members.iter().zip(page) {
                assert_eq!((&member.key, member.since.as_millis()), (&seat.1, **since));
                self.check_connections(seat, member);
            }
            after = list.next;
        }
        assert_eq!(after, None, "a page after the last");
        seats.len()
    }

    fn check_connections(&self, seat: &Seat, member: &Member) {
        let kinds = self.naive.connections(seat, self.now());
        let clients: BTreeSet<_> =
            kinds.keys().map(|(_, client)| *client).filter(|client| !client.is_empty()).collect();
        assert!(member.clients.iter().map(|client| &**client).eq(clients), "{member:?}");
        for label in LABELS {
            let own = kinds.iter().filter(|((own, _), _)| *own == label);
            let expected: usize = own.map(|(_, held)| (*held).max(1)).sum();
            let shown =
                member.transports.iter().find(|(own, _)| *own == label).map_or(0, |(_, count)| *count);
            assert_eq!(shown, expected, "{label} of {member:?}");
        }
    }

    /// Notices lead from who was there to who is, without a detour and in an order that makes sense.
    fn check_notices(&mut self, present: &Present) {
        let mut changes = 0;
        let mut notices = self.notices().into_iter();
        while let Some(notice) = notices.next() {
            let place =
                notice.on.as_ref().map(|on| CHANNELS.into_iter().find(|name| *name == on.as_str()).unwrap());
            let seat = (place, notice.who.member.clone().unwrap());
            let on_it = |told: &BTreeSet<Seat>| told.iter().filter(|(own, _)| *own == place).count();
            assert_eq!(notice.who.subject.as_ref(), seat.1.subject());
            changes += 1;
            let edge = match notice.what {
                What::Joined | What::Connected => {
                    assert!(self.told.insert(seat.clone()), "{seat:?} comes twice");
                    (on_it(&self.told) == 1).then_some(What::Occupied)
                }
                What::Left | What::Disconnected => {
                    assert!(self.told.remove(&seat), "{seat:?} was not there");
                    (on_it(&self.told) == 0).then_some(What::Vacated)
                }
                what => panic!("{what:?} without a member"),
            };
            assert_eq!(matches!(notice.what, What::Joined | What::Left), place.is_some());
            if let Some(edge) = edge.filter(|_| place.is_some()) {
                let next = notices.next().unwrap();
                assert_eq!((next.what, next.on), (edge, notice.on));
            }
        }
        let differ = self.present.keys().filter(|seat| !present.contains_key(seat)).count()
            + present.keys().filter(|seat| !self.present.contains_key(seat)).count();
        assert!(self.told.iter().eq(present.keys()), "{:?} is not {:?}", self.told, present.keys());
        assert_eq!(changes, differ, "who stays does not come or leave");
    }
}
