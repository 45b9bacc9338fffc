use std::{collections::HashMap, mem};

use encke_core::Timestamp;

use super::question::Key;

/// Decisions that still hold, at most so many. What was of use lately is kept; the rest is forgotten at a go.
#[derive(Debug)]
pub(super) struct Cache<T> {
    young: HashMap<Key, Held<T>>,
    old: HashMap<Key, Held<T>>,
    half: usize,
}

#[derive(Debug)]
struct Held<T> {
    value: T,
    since: Timestamp,
    until: Timestamp,
}

impl<T: Clone> Cache<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: (limit / 2).max(1) }
    }

    pub(super) fn insert(&mut self, key: Key, value: T, since: Timestamp, until: Timestamp) {
        self.put(key, Held { value, since, until });
    }

    pub(super) fn get(&mut self, key: &Key, now: Timestamp) -> Option<T> {
        let held = match self.young.remove(key) {
            Some(held) => held,
            None => self.old.remove(key)?,
        };
        // When the clock was set back it is not known how long it still holds.
        if !(held.since <= now && now < held.until) {
            return None;
        }
        let value = held.value.clone();
        self.put(*key, held);
        Some(value)
    }

    fn put(&mut self, key: Key, held: Held<T>) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> Key {
        [number; 32]
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn what_is_held_ends() {
        let mut cache = Cache::new(10);
        cache.insert(key(1), 1, at(10), at(20));
        assert_eq!(cache.get(&key(1), at(19)), Some(1));
        assert_eq!(cache.get(&key(1), at(20)), None);
        cache.insert(key(1), 1, at(10), at(20));
        assert_eq!(cache.get(&key(1), at(9)), None, "the clock was set back");
    }

    #[test]
    fn l7_it_is_bounded_and_keeps_what_is_of_use() {
        let mut cache = Cache::new(10);
        for number in 0..=255 {
            cache.insert(key(number), number, at(0), at(1));
            assert_eq!(cache.get(&key(0), at(0)), Some(0), "asked for again and again");
            assert!(cache.young.len() + cache.old.len() <= 10);
        }
        assert_eq!(cache.get(&key(100), at(0)), None);
    }
}
