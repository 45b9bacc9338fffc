//! What nodes say to each other.

use std::sync::Arc;

use bytes::Bytes;
use encke_core::{ChannelName, Selector, Timestamp};

use super::{
    NodeState,
    wire::{Wire, wire},
};
use crate::{
    Action, Ban, BanId, Counts, Denied, Health, Identity, MemberKey, NodeId, Refusal, SubscriptionId,
    SubscriptionInfo, Wanted, Whom,
    ban::BanRecord,
    presence::{Place, Seat, SeatState, Share},
};

/// The wire format. A node leaves alone what speaks another.
const FORMAT: u8 = 1;

/// Bytes of a parcel that is read.
const LIMIT: usize = 64 << 20;

pub(super) enum Parcel {
    /// I am here.
    Beat(Beat),
    /// This has changed at mine: the next after the one before.
    News(News),
    /// Of all there is at mine and all bans, by request: the part of this index, and whether it is the last.
    Part(u32, bool, News),
    /// Tell me all there is at yours.
    Want,
    /// Do this, or answer this; the answer bears the same number.
    Question(u64, Question),
    Reply(u64, Reply),
    /// I go.
    Farewell,
}

/// What is said twice a second by each node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Beat {
    pub(super) name: Arc<str>,
    pub(super) began: Timestamp,
    /// Since when it is one of them without a break: the eldest tells what happens.
    pub(super) rank: Timestamp,
    /// Whether it tells what happens.
    pub(super) tells: bool,
    pub(super) version: Arc<str>,
    /// Of its last news.
    pub(super) number: u64,
    /// What it knows of bans, in one number: who knows something else has missed something.
    pub(super) bans: u64,
}

/// What has changed, or what there is.
#[derive(Default)]
pub(super) struct News {
    /// Rises by one; of a part it is that of the last news before.
    pub(super) number: u64,
    pub(super) seats: Vec<SeatState>,
    pub(super) bans: Vec<BanRecord>,
}

#[derive(Clone)]
pub(crate) enum Question {
    Ban(BanRecord),
    Disconnect(Whom),
    Follow(Whom, Vec<Selector>),
    Unfollow(Whom, Selector),
    Search(Wanted, Option<SubscriptionId>, usize),
    Refusals(usize),
    Followers(Vec<ChannelName>),
    State,
}

pub(crate) enum Reply {
    /// How many live subscriptions an order concerned.
    Concerned(usize),
    /// There is no room for the ban.
    Full,
    /// Those that were asked for.
    Found(Vec<SubscriptionInfo>),
    Refusals(Vec<Refusal>),
    /// Those who follow each channel, by label.
    Followers(Vec<(ChannelName, Vec<(&'static str, usize)>)>),
    State(NodeState),
}

impl Parcel {
    pub(super) fn write(&self, from: NodeId) -> Bytes {
        let mut out = vec![FORMAT];
        from.put(&mut out);
        self.put(&mut out);
        out.into()
    }

    /// Whose it is, and what. Nothing, if it is none.
    pub(super) fn read(bytes: &[u8]) -> Option<(NodeId, Self)> {
        let mut from = bytes.strip_prefix(&[FORMAT]).filter(|bytes| bytes.len() <= LIMIT)?;
        let node = NodeId::take(&mut from)?;
        let parcel = Self::take(&mut from)?;
        from.is_empty().then_some((node, parcel))
    }
}

wire!(enum Parcel {
    0 => Beat { 0: beat },
    1 => News { 0: news },
    2 => Part { 0: index, 1: last, 2: news },
    3 => Want {},
    4 => Question { 0: number, 1: question },
    5 => Reply { 0: number, 1: reply },
    6 => Farewell {},
});
wire!(enum Question {
    0 => Ban { 0: ban },
    1 => Disconnect { 0: whom },
    2 => Follow { 0: whom, 1: selectors },
    3 => Unfollow { 0: whom, 1: selector },
    4 => Search { 0: wanted, 1: after, 2: limit },
    5 => Refusals { 0: limit },
    6 => Followers { 0: channels },
    7 => State {},
});
wire!(enum Reply {
    0 => Concerned { 0: count },
    1 => Full {},
    2 => Found { 0: found },
    3 => Refusals { 0: refusals },
    4 => Followers { 0: followers },
    5 => State { 0: state },
});
wire!(struct Beat { name, began, rank, tells, version, number, bans });
wire!(struct News { number, seats, bans });
wire!(struct SeatState { seat, since, info, shares });
wire!(struct Seat { place, key });
wire!(enum Place { 0 => Channel { 0: channel }, 1 => Node {} });
wire!(struct Share { label, client, token, address, held, until });
wire!(enum MemberKey { 0 => Subject { 0: name }, 1 => Client { 0: name }, 2 => Subscription { 0: id } });
wire!(struct BanRecord { id, since, lifted, ban });
wire!(struct BanId { 0 });
wire!(struct Ban { whom, on, until, spares_new });
wire!(enum Whom {
    0 => Everybody {},
    1 => Subject { 0: name },
    2 => Client { 0: name },
    3 => Token { 0: id },
    4 => Subscription { 0: id },
});
wire!(struct Wanted { id, subject, client, address, label, follows });
wire!(struct SubscriptionInfo {
    id, node, label, subject, client, address, began, expires, selectors, begins, cursor, messages, bytes, gaps
});
wire!(struct Refusal { at, who, action, on, why });
wire!(struct Identity { subject, client, address, transport, info, member });
wire!(enum Action {
    0 => Publish {},
    1 => Subscribe {},
    2 => Presence {},
    3 => Inspect {},
    4 => Delete {},
    5 => Administer {},
});
wire!(enum Denied {
    0 => Unauthenticated {},
    1 => Forbidden {},
    2 => Expired {},
    3 => Revoked {},
    4 => Undecided {},
});
wire!(struct NodeState { draining, health, subscriptions, counts, samples });
wire!(enum Health { 0 => Well {}, 1 => Ill { 0: why } });
wire!(struct Counts {
    published, repeated, refused, delivered, gaps, subscribed, turned_away, denied, publishes_limited, subscribes_limited,
    members_not_kept
});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parcel() -> Vec<u8> {
        let ban = Ban { whom: Whom::Client("c".into()), on: Selector::new("a.*").ok(), ..any_ban() };
        let record = BanRecord { id: BanId(7), since: Timestamp::from_millis(3), lifted: true, ban };
        let seat = Seat { place: Place::Node, key: MemberKey::Client("c".into()) };
        let address = Some([10, 0, 0, 1].into());
        let share =
            Share { label: "sse", client: None, token: None, address, held: 1, until: Timestamp::default() };
        let info = Some((Timestamp::from_millis(1), Bytes::from_static(b"{}")));
        let state = SeatState { seat, since: Timestamp::from_millis(2), info, shares: vec![share] };
        let news = News { number: 9, seats: vec![state], bans: vec![record] };
        Parcel::Part(3, true, news).write(NodeId(5)).to_vec()
    }

    fn any_ban() -> Ban {
        Ban { whom: Whom::Everybody, on: None, until: Timestamp::from_millis(u64::MAX), spares_new: true }
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let bytes = parcel();
        let (from, read) = Parcel::read(&bytes).unwrap();
        assert_eq!((from, read.write(from).to_vec()), (NodeId(5), bytes.clone()));
        for length in 0..bytes.len() {
            assert!(Parcel::read(&bytes[..length]).is_none(), "cut at {length}");
        }
        assert!(Parcel::read(&[&bytes[..], b"x"].concat()).is_none());
        assert!(Parcel::read(&[b"\x02", &bytes[1..]].concat()).is_none(), "another format");
    }

    proptest! {
        /// S3: whatever comes, it is read or left alone, and what is read can be written.
        #[test]
        fn s3_any_bytes_are_read_or_left_alone(at in 0usize..200, byte: u8, any: Vec<u8>) {
            let mut bytes = parcel();
            let at = at % bytes.len();
            bytes[at] = byte;
            for bytes in [bytes, [&[FORMAT], &any[..]].concat()] {
                if let Some((from, parcel)) = Parcel::read(&bytes) {
                    prop_assert!(Parcel::read(&parcel.write(from)).is_some());
                }
            }
        }
    }
}
