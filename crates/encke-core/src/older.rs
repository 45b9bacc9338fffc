//! What a log asks its engine for, and what it is given: the messages that are not in memory any more.

use std::sync::Arc;

use crate::{Cursor, Limit, Log, Mark, Record, Selector, Since, Timestamp, entry::Entry, slot::Source};

/// What a reader must be given before it can go on: messages that its log has let out of memory.
///
/// It comes from [`Tail::take_older`](crate::Tail::take_older); the [`Page`] goes to
/// [`Tail::supply`](crate::Tail::supply).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    /// Of the log with this epoch, after this seq.
    pub after: Cursor,
    /// Up to this seq. What comes later is in memory.
    pub upto: u64,
    /// Of these channels and patterns.
    pub selectors: Vec<Selector>,
    /// The first of them, no more than this (at least one message).
    pub limit: Limit,
}

/// What an engine found of what a reader needs.
///
/// Of what is gone by the time that the engine looked, the log was told before the page is handed over: else a reader
/// would pass it by in silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// All that is kept of the asked channels in `(after, upto]`, seq rising, each message once.
    pub records: Vec<Record>,
    /// How far they reach: what was asked for, or the last of the records if the limit cut them.
    pub upto: u64,
}

/// What must be looked up before a reader can begin where it wants to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seek {
    /// Of these channels and patterns.
    pub selectors: Vec<Selector>,
    /// The seqs of so many newest messages of all of them together.
    pub newest: usize,
    /// The first message at or after this time.
    pub first_at: Option<Timestamp>,
    /// The last message of each before this time.
    pub last_before: Option<Timestamp>,
    /// A place that the log has not reached: it should, if the engine has.
    pub reach: Option<Cursor>,
}

/// What was found. Of messages that are in memory nothing need be said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sought {
    /// The seqs of the newest messages, in any order.
    pub newest: Vec<u64>,
    /// The seq of the first message at or after the time.
    pub first_at: Option<u64>,
    /// For each selector that has one, in any order, its last message before the time.
    pub last_before: Vec<(Selector, Mark)>,
}

impl Sought {
    pub(crate) fn last_before(&self, selector: &Selector) -> Mark {
        let own = self.last_before.iter().find(|(known, _)| known == selector);
        own.map_or_else(Mark::default, |(_, mark)| *mark)
    }
}

/// Where and how a reader begins.
#[derive(Debug, Clone)]
pub struct Opening {
    /// With what.
    pub since: Since,
    /// Of what is there already nothing older than this is read. A cursor before such messages gets a gap that ends
    /// with them, as if they were trimmed. Whoever begins with a count, a moment or the earliest begins at the floor
    /// and gets none.
    pub floor: Option<Timestamp>,
    /// What [`Since::Ago`] counts from.
    pub now: Timestamp,
    /// What was found of what [`Log::seek`] wants to know.
    pub sought: Sought,
}

impl Opening {
    /// Beginning at `since`, with no floor.
    #[must_use]
    pub fn new(since: Since, now: Timestamp) -> Self {
        Self { since, floor: None, now, sought: Sought::default() }
    }

    /// The moment that it asks for, if it asks for one.
    pub(crate) fn moment(&self) -> Option<Timestamp> {
        let floor = self.floor.unwrap_or_default();
        match self.since {
            Since::At(time) => Some(time.max(floor)),
            Since::Ago(age) => Some(self.now.before(age).max(floor)),
            _ => None,
        }
    }
}

impl Log {
    /// What its engine must be asked before readers of `selectors` can begin so; nothing if all that it takes is in
    /// memory.
    #[must_use]
    pub fn seek(&self, selectors: &[Selector], opening: &Opening) -> Option<Seek> {
        self.shared.resident?;
        // Whatever is there already, nothing of it is read.
        if opening.since == Since::Latest {
            return None;
        }
        let state = self.shared.lock();
        let reach = match opening.since {
            Since::After(cursor) if cursor.epoch == self.shared.home.epoch && cursor.seq > state.last => {
                Some(cursor)
            }
            _ => None,
        };
        let mut newest = if let Since::Last(count) = opening.since { count } else { 0 };
        let mut first_at = opening.moment();
        let mut last_before = opening.floor;
        let elsewhere: Vec<_> = selectors.iter().map(|selector| state.elsewhere(selector)).collect();
        drop(state);
        if elsewhere.iter().all(|(_, fewest)| *fewest >= newest) {
            newest = 0;
        }
        let is_elsewhere =
            |time: &Timestamp| elsewhere.iter().any(|(evicted, _)| evicted.seq > 0 && evicted.time >= *time);
        first_at = first_at.filter(is_elsewhere);
        last_before = last_before.filter(is_elsewhere);
        let needed = newest > 0 || first_at.is_some() || last_before.is_some() || reach.is_some();
        needed.then(|| Seek { selectors: selectors.to_vec(), newest, first_at, last_before, reach })
    }
}

/// A page as a reader holds it.
pub(crate) struct Supply {
    pub(crate) asked: Older,
    pub(crate) entries: Vec<Arc<Entry>>,
    pub(crate) upto: u64,
}

impl Supply {
    /// Whether it has what `source` keeps after `after`.
    pub(crate) fn covers(&self, source: &Source, after: u64) -> bool {
        (self.asked.after.seq..self.upto).contains(&after)
            && self.asked.selectors.iter().any(|selector| source.is(selector))
    }

    /// The entries after `after`.
    pub(crate) fn after(&self, after: u64) -> &[Arc<Entry>] {
        &self.entries[self.entries.partition_point(|entry| entry.seq() <= after)..]
    }
}
