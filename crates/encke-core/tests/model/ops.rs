//! What a sequence is made of: one set of limits, then steps.

use std::time::Duration;

use encke_core::{Limit, LogConfig, Pattern, Resident, Retention};
use proptest::{collection::vec, option, prelude::*};

pub(crate) const NAMES: [&str; 7] = ["a", "a.x", "a.y", "a.x.1", "b", "b.x", "é.x"];
pub(crate) const PATTERNS: [&str; 6] = ["**", "*", "a.*", "a.**", "*.x", "a.x"];
pub(crate) const READERS: usize = 3;
/// In milliseconds.
pub(crate) const KEY_WINDOW: u64 = 100;
/// With so many marks of forgotten channels none of `NAMES` is ever without its own.
pub(crate) const ALL_TOMBSTONES: usize = 64;

/// A place to begin, told without knowing the log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum From {
    Earliest,
    Latest,
    /// After one of the cursors that were ever seen, of this life of the log or of an earlier one.
    Seen(usize),
    /// So much before or after the head.
    Near(i8),
    Last(usize),
    /// So long before now, by `Since::At`.
    At(u64),
    Ago(u64),
}

/// How a reader is given what is not in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Supply {
    /// Messages at a time.
    pub(crate) most: usize,
    /// It comes with the next look only: other things happen before.
    pub(crate) late: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    Publish {
        channels: Vec<usize>,
        size: usize,
    },
    /// With a key; `again` repeats what came with this key before.
    Keyed {
        channels: Vec<usize>,
        key: usize,
        again: bool,
    },
    /// `floor` is how old what is read may be.
    Open {
        reader: usize,
        selectors: Vec<usize>,
        from: From,
        floor: Option<u64>,
    },
    Follow {
        reader: usize,
        selectors: Vec<usize>,
        from: From,
        floor: Option<u64>,
    },
    Unfollow {
        reader: usize,
        which: usize,
    },
    Read {
        reader: usize,
        limit: Limit,
        supply: Supply,
    },
    Wait {
        reader: usize,
        limit: Limit,
        supply: Supply,
    },
    /// Goes away and comes back with its cursor.
    Switch {
        reader: usize,
    },
    Stop {
        reader: usize,
    },
    Close {
        reader: usize,
    },
    Delete(usize),
    Advance(u64),
    /// The clock that one appends with is set back.
    Back(u64),
    Expire {
        channels: usize,
    },
    Restart,
}

fn from() -> impl Strategy<Value = From> {
    prop_oneof![
        2 => Just(From::Earliest),
        2 => Just(From::Latest),
        4 => any::<usize>().prop_map(From::Seen),
        2 => (-12..3i8).prop_map(From::Near),
        2 => (0..6usize).prop_map(From::Last),
        1 => (0..80u64).prop_map(From::At),
        1 => (0..80u64).prop_map(From::Ago),
    ]
}

fn floor() -> impl Strategy<Value = Option<u64>> {
    option::weighted(0.3, 0..200u64)
}

fn limit() -> impl Strategy<Value = Limit> {
    prop_oneof![
        2 => Just(Limit::default()),
        3 => (0..4usize).prop_map(|messages| Limit { messages, bytes: 1 << 20 }),
        2 => (0..1_000usize).prop_map(|bytes| Limit { messages: 1_000, bytes }),
        1 => Just(Limit { messages: usize::MAX, bytes: usize::MAX }),
    ]
}

fn supply() -> impl Strategy<Value = Supply> {
    let most = prop_oneof![1 => 1..4usize, 1 => Just(usize::MAX)];
    (most, any::<bool>()).prop_map(|(most, late)| Supply { most, late })
}

fn op() -> impl Strategy<Value = Op> {
    let reader = || 0..READERS;
    let channels = || vec(0..NAMES.len(), 1..4);
    let selectors = || vec(0..NAMES.len() + PATTERNS.len(), 1..4);
    // What comes first is what a failure shrinks to: a step that does nothing.
    prop_oneof![
        12 => (0..60u64).prop_map(Op::Advance),
        60 => (channels(), 0..300usize).prop_map(|(channels, size)| Op::Publish { channels, size }),
        6 => (channels(), 0..4usize, any::<bool>())
            .prop_map(|(channels, key, again)| Op::Keyed { channels, key, again }),
        6 => (reader(), selectors(), from(), floor())
            .prop_map(|(reader, selectors, from, floor)| Op::Open { reader, selectors, from, floor }),
        8 => (reader(), selectors(), from(), floor())
            .prop_map(|(reader, selectors, from, floor)| Op::Follow { reader, selectors, from, floor }),
        4 => (reader(), any::<usize>()).prop_map(|(reader, which)| Op::Unfollow { reader, which }),
        25 => (reader(), limit(), supply())
            .prop_map(|(reader, limit, supply)| Op::Read { reader, limit, supply }),
        25 => (reader(), limit(), supply())
            .prop_map(|(reader, limit, supply)| Op::Wait { reader, limit, supply }),
        8 => reader().prop_map(|reader| Op::Switch { reader }),
        1 => reader().prop_map(|reader| Op::Stop { reader }),
        2 => reader().prop_map(|reader| Op::Close { reader }),
        4 => (0..NAMES.len()).prop_map(Op::Delete),
        1 => (0..60u64).prop_map(Op::Back),
        6 => (0..4usize).prop_map(|channels| Op::Expire { channels }),
        1 => Just(Op::Restart),
    ]
}

fn retention() -> impl Strategy<Value = Retention> {
    let count = prop_oneof![2 => 0..6usize, 1 => Just(1_000usize)];
    let bytes = prop_oneof![1 => 300..1_500usize, 2 => Just(1 << 20)];
    let age = prop_oneof![1 => 0..100u64, 2 => Just(3_600_000u64)];
    (count, bytes, age).prop_map(|(count, bytes, age)| Retention {
        count,
        bytes,
        age: Duration::from_millis(age),
    })
}

fn resident() -> impl Strategy<Value = Resident> {
    let count = prop_oneof![2 => 0..4usize, 1 => Just(1_000usize)];
    let bytes = prop_oneof![1 => 0..1_500usize, 2 => Just(1 << 20)];
    let total = prop_oneof![1 => 0..3_000usize, 2 => Just(1 << 30)];
    (count, bytes, total).prop_map(|(count, bytes, total)| Resident { count, bytes, total })
}

/// Mostly tiny limits: what never is trimmed proves little.
pub(crate) fn config() -> impl Strategy<Value = LogConfig> {
    let bytes = prop_oneof![1 => 1_000..6_000usize, 4 => Just(1 << 30)];
    let pattern_window = prop_oneof![2 => 0..5usize, 1 => Just(1_000usize)];
    let tombstones = prop_oneof![1 => 0..5usize, 2 => Just(ALL_TOMBSTONES)];
    (retention(), option::of(retention()), resident(), bytes, pattern_window, tombstones).prop_map(
        |(retention, special, resident, bytes, pattern_window, tombstones)| LogConfig {
            retention,
            resident,
            retention_of: special.map(|own| (Pattern::new("a.**").unwrap(), own)).into_iter().collect(),
            bytes,
            pattern_window,
            tombstones,
            key_window: Duration::from_millis(KEY_WINDOW),
            frame_bytes: 0,
            ..LogConfig::default()
        },
    )
}

pub(crate) fn ops(count: usize) -> impl Strategy<Value = Vec<Op>> {
    vec(op(), count)
}
