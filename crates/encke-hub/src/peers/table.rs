use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use encke_core::Timestamp;
use tokio::time::Instant;

use super::{BEATS, NODES, NodeId, parcel::Beat};

/// The other nodes, as far as they are known.
pub(super) struct Table {
    own: NodeId,
    /// The time between two beats of a node.
    beat: Duration,
    known: BTreeMap<NodeId, Known>,
    /// Since when parcels come and go.
    up: Option<Instant>,
    down: Option<Instant>,
    /// Since when this node is one of them without a break.
    rank: Timestamp,
    /// Of the last that another node has told.
    report: u64,
    /// Nodes that want to be told everything.
    wanting: BTreeSet<NodeId>,
    /// Whether somebody may not know of this node.
    greets: bool,
}

pub(super) struct Known {
    pub(super) beat: Beat,
    seen: Instant,
    /// Of its last news that was taken in.
    number: u64,
    /// What it tells belongs to this report.
    report: u64,
    state: State,
    /// Since when it knows other bans.
    differs: Option<Instant>,
}

/// Whether what is known of a node is complete.
#[derive(Clone, Copy)]
enum State {
    /// It is not. Everything was asked for, then.
    Missing(Option<Instant>),
    /// The part of this index comes next; the last came then.
    Coming(u32, Instant),
    Complete,
}

/// What a beat has told.
pub(super) struct Heard {
    pub(super) is_new: bool,
    /// Whether its node comes before this one when it is settled who tells what happens.
    pub(super) is_elder: bool,
    /// Whether it tells.
    pub(super) tells: bool,
}

/// Beats during which two nodes may know other bans before they tell each other all there is: longer than news of one
/// take.
const DIFFERENCE: u32 = 6;

impl Table {
    pub(super) fn new(own: NodeId, began: Timestamp, beat: Duration) -> Self {
        Self {
            own,
            beat,
            known: BTreeMap::new(),
            up: None,
            down: None,
            rank: began,
            report: 0,
            wanting: BTreeSet::new(),
            greets: false,
        }
    }

    pub(super) fn connect(&mut self, now: Instant, time: Timestamp) {
        // The others have given it up meanwhile, so it comes as a new one.
        if self.down.take().is_some_and(|down| now.duration_since(down) >= self.lease() / 2) {
            self.rank = time;
        }
        self.up = Some(now);
        self.greets = true;
        for known in self.known.values_mut() {
            known.seen = now;
            known.state = State::Missing(None);
        }
    }

    pub(super) fn disconnect(&mut self, now: Instant) {
        self.up = None;
        self.down.get_or_insert(now);
    }

    /// This node did nothing since then. If that was long, it is as if it had been cut off.
    pub(super) fn stood_still(&mut self, since: Instant, now: Instant, time: Timestamp) -> bool {
        let long = self.is_up() && now.duration_since(since) >= self.lease() / 2;
        if long {
            self.disconnect(since);
            self.connect(now, time);
        }
        long
    }

    fn lease(&self) -> Duration {
        self.beat * BEATS
    }

    pub(super) fn take_greeting(&mut self) -> bool {
        std::mem::take(&mut self.greets)
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.is_some()
    }

    pub(super) fn rank(&self) -> Timestamp {
        self.rank
    }

    /// Takes in a beat; `bans` is what this node knows of bans.
    pub(super) fn hear(&mut self, from: NodeId, beat: Beat, bans: u64, now: Instant) -> Heard {
        let is_new = !self.known.contains_key(&from);
        if is_new && self.known.len() >= NODES {
            return Heard { is_new: false, is_elder: false, tells: false };
        }
        self.greets |= is_new;
        let is_elder = (beat.rank, from) < (self.rank, self.own);
        let tells = is_elder && beat.tells;
        let known = self.known.entry(from).or_insert_with(|| Known {
            beat: beat.clone(),
            seen: now,
            number: 0,
            report: 0,
            state: State::Missing(None),
            differs: None,
        });
        known.seen = now;
        if beat.bans == bans {
            known.differs = None;
        } else if now.duration_since(*known.differs.get_or_insert(now)) >= self.beat * DIFFERENCE {
            known.state = State::Missing(None);
            known.differs = None;
        }
        if matches!(known.state, State::Complete) && known.number != beat.number {
            known.state = State::Missing(None);
        }
        known.beat = beat;
        Heard { is_new, is_elder, tells }
    }

    /// By which report news are taken in, if they follow on what is known.
    pub(super) fn news(&mut self, from: NodeId, number: u64, now: Instant) -> Option<u64> {
        let known = self.known.get_mut(&from)?;
        known.seen = now;
        if matches!(known.state, State::Complete) && number == known.number + 1 {
            known.number = number;
            return Some(known.report);
        }
        if !matches!(known.state, State::Missing(_)) {
            known.state = State::Missing(None);
        }
        None
    }

    /// By which report a part is taken in, if it is the next.
    pub(super) fn part(
        &mut self,
        from: NodeId,
        number: u64,
        (index, last): (u32, bool),
        now: Instant,
    ) -> Option<u64> {
        let known = self.known.get_mut(&from)?;
        known.seen = now;
        match known.state {
            _ if index == 0 => {
                self.report += 1;
                (known.report, known.number) = (self.report, number);
            }
            State::Coming(next, _) if next == index && known.number == number => {}
            _ => return None,
        }
        known.state = if last { State::Complete } else { State::Coming(index + 1, now) };
        Some(known.report)
    }

    pub(super) fn want(&mut self, from: NodeId) {
        if self.wanting.len() < NODES {
            self.wanting.insert(from);
        }
    }

    pub(super) fn take_wanting(&mut self) -> Option<NodeId> {
        self.wanting.pop_first()
    }

    /// Of whom everything is to be asked for now.
    pub(super) fn missing(&mut self, now: Instant) -> Vec<NodeId> {
        let late = 4 * self.beat;
        let is_late = |asked: Instant| now.duration_since(asked) >= late;
        let mut missing = Vec::new();
        for (id, known) in &mut self.known {
            let due = match known.state {
                State::Missing(asked) => asked.is_none_or(is_late),
                State::Coming(_, came) => is_late(came),
                State::Complete => false,
            };
            if due {
                known.state = State::Missing(Some(now));
                missing.push(*id);
            }
        }
        missing
    }

    /// Those that are gone, each with the report after the last of theirs. None, while this node is cut off itself.
    pub(super) fn take_gone(&mut self, now: Instant) -> Vec<(NodeId, u64)> {
        if !self.is_up() {
            return Vec::new();
        }
        let gone = |known: &Known| now.duration_since(known.seen) >= self.lease();
        let gone: Vec<_> = self.known.iter().filter(|(_, known)| gone(known)).map(|(id, _)| *id).collect();
        gone.into_iter().filter_map(|id| self.farewell(id).map(|report| (id, report))).collect()
    }

    /// A node goes. Returns the report after the last of its.
    pub(super) fn farewell(&mut self, id: NodeId) -> Option<u64> {
        let known = self.known.remove(&id)?;
        self.wanting.remove(&id);
        Some(known.report + 1)
    }

    /// Whether this node tells what happens: it is the eldest, and was there long enough to have heard of the others.
    pub(super) fn leads(&self, now: Instant) -> bool {
        let settled = self.up.is_some_and(|up| now.duration_since(up) >= 3 * self.beat);
        settled && self.known.iter().all(|(id, known)| (self.rank, self.own) < (known.beat.rank, *id))
    }

    pub(super) fn names(&self) -> BTreeMap<NodeId, Arc<str>> {
        self.known.iter().map(|(id, known)| (*id, Arc::clone(&known.beat.name))).collect()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (NodeId, &Beat)> {
        self.known.iter().map(|(id, known)| (*id, &known.beat))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEAT: Duration = Duration::from_millis(500);

    fn beat(rank: u64, number: u64) -> Beat {
        let rank = Timestamp::from_millis(rank);
        Beat { name: "node".into(), began: rank, rank, tells: false, version: "1".into(), number, bans: 0 }
    }

    /// A table with one other node, younger than this one, of which all is known.
    fn table(now: Instant) -> (Table, NodeId) {
        let (mut table, other) = (Table::new(NodeId(1), Timestamp::from_millis(5), BEAT), NodeId(2));
        table.connect(now, Timestamp::from_millis(5));
        assert!(table.hear(other, beat(9, 3), 0, now).is_new);
        assert_eq!(table.missing(now), [other]);
        assert_eq!(table.part(other, 3, (0, true), now), Some(1));
        (table, other)
    }

    #[test]
    fn what_follows_is_taken_in_and_a_hole_is_noticed() {
        let now = Instant::now();
        let (mut table, other) = table(now);
        assert_eq!((table.missing(now).len(), table.news(other, 4, now)), (0, Some(1)));
        assert_eq!((table.news(other, 6, now), table.missing(now)), (None, vec![other]));
        assert_eq!((table.news(other, 7, now), table.missing(now)), (None, vec![]), "asked already");
        assert_eq!(table.missing(now + 4 * BEAT), [other], "but nothing came");
        assert_eq!(table.part(other, 7, (0, false), now), Some(2));
        assert_eq!(table.part(other, 7, (2, true), now), None, "a part is missing");
        assert_eq!(table.part(other, 7, (1, true), now), Some(2));
        table.hear(other, beat(9, 8), 0, now);
        assert_eq!(table.missing(now), [other], "its last news are others");
    }

    #[test]
    fn a_node_is_gone_after_its_lease_unless_this_one_stood_still() {
        let now = Instant::now();
        let (mut table, other) = table(now);
        let later = now + BEAT * BEATS;
        assert!(table.leads(later) && table.take_gone(later - BEAT).is_empty());
        assert!(!table.stood_still(now, now + BEAT, Timestamp::from_millis(20)));
        assert!(table.stood_still(now, later, Timestamp::from_millis(20)));
        assert!(table.take_gone(later).is_empty() && !table.leads(later + 5 * BEAT), "now it is the younger");
        assert_eq!(table.take_gone(later + BEAT * BEATS), [(other, 2)]);
        assert!(table.leads(later + BEAT * BEATS));
        table.disconnect(later);
        assert!(!table.leads(later + BEAT * BEATS));
    }
}
