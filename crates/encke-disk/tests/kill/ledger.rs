//! What was answered, and what was read.

use std::collections::{BTreeMap, HashMap};

use encke_core::Cursor;

/// A publish: the channel, and a text like no other, which is its key as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Said {
    pub(crate) channel: String,
    pub(crate) text: String,
}

/// All that is known over all lives.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// What was answered, with the place that the answer named.
    pub(crate) acknowledged: Vec<(Said, Cursor)>,
    /// What was sent and not answered.
    pub(crate) unanswered: Vec<Said>,
    /// How many of those were sent again.
    pub(crate) repeated: usize,
    /// What the subscriber got, in order.
    pub(crate) read: Vec<(u64, Said)>,
    /// Where it goes on.
    pub(crate) place: Option<Cursor>,
    pub(crate) gaps: usize,
    /// How often it was killed before it served.
    pub(crate) early: usize,
    /// The number of the next text.
    pub(crate) next: usize,
}

impl Ledger {
    /// The highest seq that was acknowledged.
    pub(crate) fn head(&self) -> u64 {
        self.acknowledged.iter().map(|(_, cursor)| cursor.seq).max().unwrap_or(0)
    }

    /// L1 to L4 and D1 to D3, over all lives.
    pub(crate) fn check(&self) {
        let mut by_seq = BTreeMap::new();
        for (said, cursor) in &self.acknowledged {
            let epoch = self.acknowledged[0].1.epoch;
            assert_eq!(cursor.epoch, epoch, "L2: another epoch, though nothing may be lost");
            let other = by_seq.insert(cursor.seq, said);
            assert!(other.is_none_or(|other| other == said), "L2: {cursor} is {other:?} and {said:?}");
        }
        assert_eq!(self.gaps, 0, "D1: gaps, though everything is kept");
        assert!(
            self.read.is_sorted_by(|(one, _), (next, _)| one < next),
            "D3: read in another order, or twice"
        );
        let read: HashMap<u64, &Said> = self.read.iter().map(|(seq, said)| (*seq, said)).collect();
        for (seq, said) in &by_seq {
            assert_eq!(read.get(seq), Some(said), "L3: {seq} was acknowledged");
        }
        let mut texts: Vec<&str> = self.read.iter().map(|(_, said)| said.text.as_str()).collect();
        texts.sort_unstable();
        assert!(texts.is_sorted_by(|one, next| one < next), "L4: one publish is stored twice");
    }
}
