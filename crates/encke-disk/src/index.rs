//! What readers know of the channels without asking the file.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use encke_core::{ChannelName, Pattern, Selector};

/// What readers know of a channel.
pub(crate) struct Seen {
    pub(crate) name: ChannelName,
    /// How it is called in the file.
    pub(crate) number: u64,
    last: AtomicU64,
    gone: AtomicU64,
}

impl Seen {
    pub(crate) fn new(name: ChannelName, number: u64, last: u64, gone: u64) -> Self {
        Self { name, number, last: last.into(), gone: gone.into() }
    }

    /// The seq of its newest message that is committed.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    /// The newest message that is gone, and that the log was told of. Rows up to it may be missing.
    pub(crate) fn gone(&self) -> u64 {
        self.gone.load(Ordering::Acquire)
    }

    pub(crate) fn set_last(&self, seq: u64) {
        self.last.store(seq, Ordering::Release);
    }

    pub(crate) fn set_gone(&self, seq: u64) {
        self.gone.store(seq, Ordering::Release);
    }
}

/// All channels by their names.
#[derive(Default)]
pub(crate) struct Index {
    channels: RwLock<BTreeMap<ChannelName, Arc<Seen>>>,
}

/// Names that are looked at before the writer may have its turn.
const SLICE: usize = 1_000;

impl Index {
    pub(crate) fn insert(&self, seen: Arc<Seen>) {
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        channels.insert(seen.name.clone(), seen);
    }

    pub(crate) fn remove(&self, name: &ChannelName) {
        self.channels.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// The channels that `selectors` select, each once.
    pub(crate) fn matching(&self, selectors: &[Selector]) -> Vec<Arc<Seen>> {
        let mut found = Vec::new();
        for selector in selectors {
            match selector {
                Selector::Channel(name) => {
                    let channels = self.channels.read().unwrap_or_else(PoisonError::into_inner);
                    found.extend(channels.get(name).cloned());
                }
                Selector::Pattern(pattern) => self.add_matching(pattern, &mut found),
            }
        }
        if selectors.len() > 1 {
            found.sort_unstable_by_key(|seen| seen.number);
            found.dedup_by_key(|seen| seen.number);
        }
        found
    }

    fn add_matching(&self, pattern: &Pattern, found: &mut Vec<Arc<Seen>>) {
        // Up to its first wildcard it says how the names begin.
        let fixed = pattern.as_str().split_inclusive('.').take_while(|segment| !segment.starts_with('*'));
        let prefix: String = fixed.collect();
        let mut begin: Bound<ChannelName> = Bound::Unbounded;
        loop {
            let channels = self.channels.read().unwrap_or_else(PoisonError::into_inner);
            let from = match &begin {
                Bound::Excluded(name) => Bound::Excluded(name.as_str()),
                _ => Bound::Included(prefix.as_str()),
            };
            let mut slice = channels.range::<str, _>((from, Bound::Unbounded)).take(SLICE);
            let mut last = None;
            for (name, seen) in &mut slice {
                if !name.as_str().starts_with(&prefix) {
                    return;
                }
                last = Some(name.clone());
                if pattern.matches(name) {
                    found.push(Arc::clone(seen));
                }
            }
            let Some(last) = last else { return };
            begin = Bound::Excluded(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_what_they_match_and_nothing_twice() {
        let index = Index::default();
        let names = ["a", "a.b", "a.b.c", "ab", "b.b", "@a.b", "a*", "a.*x"];
        for (number, name) in names.iter().enumerate() {
            let name = ChannelName::new(name).unwrap();
            index.insert(Arc::new(Seen::new(name, number as u64, 0, 0)));
        }
        for patterns in
            [vec!["**"], vec!["a.*"], vec!["a.**"], vec!["*.b"], vec!["a.*", "a.b", "**"], vec!["a*"]]
        {
            let selectors: Vec<_> = patterns.iter().map(|text| Selector::new(text).unwrap()).collect();
            let mut found: Vec<_> =
                index.matching(&selectors).iter().map(|seen| seen.name.to_string()).collect();
            found.sort();
            let matches = |name: &&&str| {
                selectors.iter().any(|selector| selector.matches(&ChannelName::new(name).unwrap()))
            };
            let mut expected: Vec<_> = names.iter().filter(matches).map(ToString::to_string).collect();
            expected.sort();
            assert_eq!(found, expected, "{patterns:?}");
        }
    }

    #[test]
    fn more_channels_than_one_slice_are_all_found() {
        let index = Index::default();
        for number in 0..3 * SLICE as u64 {
            let name = ChannelName::new(&format!("a.{number}")).unwrap();
            index.insert(Arc::new(Seen::new(name, number, 0, 0)));
        }
        assert_eq!(index.matching(&[Selector::new("a.*").unwrap()]).len(), 3 * SLICE);
    }
}
