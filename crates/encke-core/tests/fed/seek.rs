use std::time::Duration;

use encke_core::{
    Cursor, Epoch, GapReason, Limit, Opening, Resident, Seek, Selector, Since, Sought, Tail, Timestamp,
};

use super::store::{Store, name};

/// Seqs 1 to 10 in `a`, then 11 to 13 in `b`; a second lies between them, and two messages of each are in memory.
fn store() -> Store {
    let store = Store::new(Resident { count: 2, ..Resident::default() });
    (0..10).for_each(|_| store.publish(&["a"]));
    (0..3).for_each(|_| store.publish(&["b"]));
    store
}

fn second(second: u64) -> Timestamp {
    Timestamp::from_millis(second * 1_000)
}

fn seek(store: &Store, selectors: &[&str], since: Since, floor: Option<u64>) -> Option<Seek> {
    let selectors: Vec<_> = selectors.iter().map(|text| Selector::new(text).unwrap()).collect();
    store.log.seek(&selectors, &Opening { floor: floor.map(second), ..Opening::new(since, second(14)) })
}

fn at(seq: u64) -> Cursor {
    Cursor { epoch: Epoch::from_bits(1), seq }
}

/// Reads all, and returns the seqs; the store is asked for what is not in memory.
fn drain(store: &Store, tail: &mut Tail) -> Vec<u64> {
    let mut seqs = Vec::new();
    for _ in 0..100 {
        let batch = tail.read(Limit { messages: 3, bytes: usize::MAX });
        assert!(batch.gaps.is_empty(), "{:?}", batch.gaps);
        seqs.extend(batch.messages.iter().map(encke_core::Delivery::seq));
        if let Some(older) = tail.take_older() {
            let page = store.older(&older);
            tail.supply(older, page);
        } else if !batch.more {
            return seqs;
        }
    }
    panic!("D5: it comes to no end after {seqs:?}")
}

#[test]
fn what_is_in_memory_is_not_asked_for() {
    let store = store();
    for since in [Since::Latest, Since::Earliest, Since::After(at(13)), Since::After(at(2)), Since::Last(2)] {
        assert_eq!(seek(&store, &["a", "b"], since, None), None, "{since:?}");
    }
    assert_eq!(seek(&store, &["a"], Since::At(second(9)), None), None);
    assert_eq!(seek(&store, &["a"], Since::Ago(Duration::from_secs(5)), Some(9)), None);
    assert_eq!(seek(&store, &["b"], Since::Earliest, Some(12)), None);
    assert_eq!(seek(&store, &["none"], Since::Last(7), Some(0)), None);
    assert_eq!(seek(&store, &["a"], Since::Latest, Some(1)), None);
}

#[test]
fn a_count_a_moment_and_a_floor_are_looked_up() {
    let store = store();
    let count = seek(&store, &["a", "b"], Since::Last(3), None).unwrap();
    assert_eq!((count.newest, count.first_at, count.last_before), (3, None, None));
    // Of `a` two are in memory, of `b` two of three: the newest three are not those.
    assert_eq!(seek(&store, &["*"], Since::Last(3), None).unwrap().newest, 3);
    let moment = seek(&store, &["a"], Since::At(second(8)), None).unwrap();
    assert_eq!((moment.newest, moment.first_at, moment.last_before), (0, Some(second(8)), None));
    let ago = seek(&store, &["a"], Since::Ago(Duration::from_secs(10)), None).unwrap();
    assert_eq!(ago.first_at, Some(second(4)));
    let floor = seek(&store, &["a"], Since::After(at(1)), Some(8)).unwrap();
    assert_eq!((floor.first_at, floor.last_before), (None, Some(second(8))));
}

#[test]
fn d7_a_cursor_that_is_not_reached_is_looked_up() {
    let store = store();
    let ahead = seek(&store, &["a"], Since::After(at(14)), None).unwrap();
    assert_eq!((ahead.reach, ahead.newest), (Some(at(14)), 0));
    let foreign = Cursor { epoch: Epoch::from_bits(2), seq: 99 };
    assert_eq!(seek(&store, &["a"], Since::After(foreign), None), None);
    let selectors = [Selector::from(name("a"))];
    let mut tail = store.log.open(selectors, Since::After(at(14)), second(14)).unwrap();
    assert_eq!(tail.take_gaps()[0].reason, GapReason::Future);
}

#[test]
fn what_was_found_says_where_one_begins() {
    let store = store();
    let open = |since, floor, sought| {
        let opening = Opening { floor, sought, ..Opening::new(since, second(14)) };
        store.log.open_as("", [Selector::new("*").unwrap()], &opening).unwrap()
    };
    let newest = Sought { newest: vec![11, 12, 13, 10, 9], ..Sought::default() };
    let mut tail = open(Since::Last(5), None, newest);
    assert_eq!(drain(&store, &mut tail), (9..=13).collect::<Vec<_>>());
    let first_at = Sought { first_at: Some(4), ..Sought::default() };
    let mut tail = open(Since::At(second(4)), None, first_at);
    assert_eq!(drain(&store, &mut tail), (4..=13).collect::<Vec<_>>());
    let mark = encke_core::Mark { seq: 6, time: second(6) };
    let last_before = Sought { last_before: vec![(Selector::new("*").unwrap(), mark)], ..Sought::default() };
    let mut tail = open(Since::Earliest, Some(second(7)), last_before);
    assert_eq!(drain(&store, &mut tail), (7..=13).collect::<Vec<_>>());
}

/// The page of one does not take away what another was given.
#[test]
fn d5_what_leaves_memory_meanwhile_is_asked_for_with_the_rest() {
    let store = Store::new(Resident { count: 1, ..Resident::default() });
    (0..10).for_each(|_| store.publish(&["a"]));
    store.publish(&["b"]);
    let selectors = ["a", "b"].map(|channel| Selector::from(name(channel)));
    let mut tail = store.log.open(selectors, Since::Earliest, second(14)).unwrap();
    assert!(tail.read(Limit::default()).messages.is_empty());
    let older = tail.take_older().unwrap();
    let page = store.older(&older);
    // Now what was in memory when it asked is not any more.
    store.publish(&["b"]);
    tail.supply(older, page);
    assert_eq!(drain(&store, &mut tail), (1..=12).collect::<Vec<_>>());
}
